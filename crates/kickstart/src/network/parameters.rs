//! How bonds and bridges work.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AdSelect, ArpAllTargets, ArpValidate, BondMode, FailOverMac, LacpRate, PrimaryReselect, TransmitHash};

/// A time: a number, or a number with a unit (`ms`, `s`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Time {
    number: u32,
    /// None where the key's own one is meant.
    unit: Option<Unit>,
}

/// A unit of systemd.time(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Microsecond,
    Millisecond,
    Second,
    Minute,
    Hour,
}

impl Unit {
    fn of(word: &str) -> Option<Self> {
        match word {
            "us" => Some(Self::Microsecond),
            "ms" => Some(Self::Millisecond),
            "s" | "sec" => Some(Self::Second),
            "m" | "min" => Some(Self::Minute),
            "h" | "hr" => Some(Self::Hour),
            _ => None,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Microsecond => "us",
            Self::Millisecond => "ms",
            Self::Second => "s",
            Self::Minute => "min",
            Self::Hour => "h",
        }
    }
}

impl TryFrom<String> for Time {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let wrong = || "write a time: a number, or a number with a unit such as `100ms` or `2s`".to_owned();
        let text = text.trim();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let number = text[..digits].parse().map_err(|_| wrong())?;
        let unit = match text[digits..].trim() {
            "" => None,
            word => Some(Unit::of(word).ok_or_else(wrong)?),
        };
        Ok(Self { number, unit })
    }
}

impl From<Time> for String {
    fn from(time: Time) -> Self {
        time.with_unit("")
    }
}

impl Time {
    /// Whether it is none at all.
    pub fn is_zero(&self) -> bool {
        self.number == 0
    }

    /// The time with its unit, or with `unit` where it has none.
    pub fn with_unit(&self, unit: &str) -> String {
        format!("{}{}", self.number, self.unit.map_or(unit, |own| own.as_str()))
    }
}

/// How the cards of a bond work together (Linux' bonding driver).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct BondParameters {
    /// How its cards work together.
    pub mode: Option<BondMode>,
    /// How often the other end says that it is there.
    pub lacp_rate: Option<LacpRate>,
    /// How often the cable is looked at, in milliseconds.
    pub mii_monitor_interval: Option<Time>,
    /// How many cards must be up.
    pub min_links: Option<u32>,
    /// What decides over which card a packet is sent.
    pub transmit_hash_policy: Option<TransmitHash>,
    /// Which group of cards is used.
    pub ad_select: Option<AdSelect>,
    /// Whether packets that arrive on resting cards are taken; also `all-slaves-active`.
    #[serde(alias = "all-slaves-active")]
    #[schemars(extend("x-aliases" = ["all-slaves-active"]))]
    pub all_members_active: Option<bool>,
    /// How often others are asked whether they are there, in milliseconds.
    pub arp_interval: Option<Time>,
    /// Whom to ask: addresses of IPv4, at most 16.
    pub arp_ip_targets: Vec<Ipv4Addr>,
    /// Which answers count.
    pub arp_validate: Option<ArpValidate>,
    /// How many must answer.
    pub arp_all_targets: Option<ArpAllTargets>,
    /// How long a card waits before it is used, in milliseconds.
    pub up_delay: Option<Time>,
    /// How long a card waits before it is left, in milliseconds.
    pub down_delay: Option<Time>,
    /// Which address the bond has.
    pub fail_over_mac_policy: Option<FailOverMac>,
    /// How many messages announce a changed active port; also `gratuitious-arp`, as netplan wrote it first.
    #[serde(alias = "gratuitious-arp")]
    #[schemars(extend("x-aliases" = ["gratuitious-arp"]))]
    pub gratuitous_arp: Option<u32>,
    /// How many packets are sent over a card before the next one is used; also `packets-per-slave`.
    #[serde(alias = "packets-per-slave")]
    #[schemars(extend("x-aliases" = ["packets-per-slave"]))]
    pub packets_per_member: Option<u32>,
    /// When the primary card is used again.
    pub primary_reselect_policy: Option<PrimaryReselect>,
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
    /// How long addresses are remembered, in seconds; also `aging-time`.
    #[serde(alias = "aging-time")]
    #[schemars(extend("x-aliases" = ["aging-time"]))]
    pub ageing_time: Option<Time>,
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
