//! How bonds and bridges work.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A time: a number, or a number with a unit (`ms`, `s`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Time(String);

impl From<String> for Time {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl Time {
    /// The time with its unit, or with `unit` where it has none; nothing if it is not one.
    pub fn with_unit(&self, unit: &str) -> Option<String> {
        let text = self.0.trim();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        match (digits, text[digits..].trim()) {
            (1.., "") => Some(format!("{text}{unit}")),
            (1.., "us" | "ms" | "s" | "sec" | "min" | "m" | "h") => Some(text.to_owned()),
            _ => None,
        }
    }
}

/// How the cards of a bond work together (Linux' bonding driver).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct BondParameters {
    /// `balance-rr`, `active-backup`, `balance-xor`, `broadcast`, `802.3ad`, `balance-tlb`, `balance-alb`.
    pub mode: Option<String>,
    /// How often the other end says that it is there: `slow`, `fast`.
    pub lacp_rate: Option<String>,
    /// How often the cable is looked at, in milliseconds.
    pub mii_monitor_interval: Option<Time>,
    /// How many cards must be up.
    pub min_links: Option<u32>,
    /// What decides over which card a packet is sent: `layer2`, `layer3+4`, `layer2+3`, …
    pub transmit_hash_policy: Option<String>,
    /// Which group of cards is used: `stable`, `bandwidth`, `count`.
    pub ad_select: Option<String>,
    /// Whether packets that arrive on resting cards are taken.
    pub all_members_active: Option<bool>,
    /// As `all-members-active`.
    pub all_slaves_active: Option<bool>,
    /// How often others are asked whether they are there, in milliseconds.
    pub arp_interval: Option<Time>,
    /// Whom to ask.
    pub arp_ip_targets: Vec<String>,
    /// Which answers count: `none`, `active`, `backup`, `all`.
    pub arp_validate: Option<String>,
    /// Whether `any` or `all` must answer.
    pub arp_all_targets: Option<String>,
    /// How long a card waits before it is used, in milliseconds.
    pub up_delay: Option<Time>,
    /// How long a card waits before it is left, in milliseconds.
    pub down_delay: Option<Time>,
    /// Which address the bond has: `none`, `active`, `follow`.
    pub fail_over_mac_policy: Option<String>,
    /// How often others are told of a change.
    pub gratuitous_arp: Option<u32>,
    /// As `gratuitous-arp`.
    #[serde(rename = "gratuitious-arp")]
    pub gratuitious_arp: Option<u32>,
    /// How many packets are sent over a card before the next one is used.
    pub packets_per_member: Option<u32>,
    /// As `packets-per-member`.
    pub packets_per_slave: Option<u32>,
    /// When the primary card is used again: `always`, `better`, `failure`.
    pub primary_reselect_policy: Option<String>,
    /// How often memberships of groups are told.
    pub resend_igmp: Option<u32>,
    /// How often switches are taught addresses, in seconds.
    pub learn_packet_interval: Option<Time>,
    /// The card that is used when it is up.
    pub primary: Option<String>,
}

/// How a bridge works.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct BridgeParameters {
    /// How long addresses are remembered, in seconds.
    pub ageing_time: Option<Time>,
    /// As `ageing-time`.
    pub aging_time: Option<Time>,
    /// The bridge's priority, 0 to 65535.
    pub priority: Option<u16>,
    /// How long a port waits before it forwards, in seconds.
    pub forward_delay: Option<Time>,
    /// How often other bridges are greeted, in seconds.
    pub hello_time: Option<Time>,
    /// How old a greeting may be, in seconds.
    pub max_age: Option<Time>,
    /// Whether loops are found (spanning tree).
    pub stp: Option<bool>,
    /// Ports and what sending over them costs.
    pub path_cost: BTreeMap<String, u32>,
    /// Ports and their priorities, 0 to 63.
    pub port_priority: BTreeMap<String, u8>,
}
