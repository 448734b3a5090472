//! Routes, and which of their tables is used for what.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{RouteKind, RouteScope, RuleKind};

/// A route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Route {
    /// The destination: a network such as `10.0.0.0/8`, or `default`.
    pub to: String,
    /// The gateway; without one, the destination is on the link itself.
    #[serde(default)]
    pub via: Option<IpAddr>,
    /// The address that packets are sent from.
    #[serde(default)]
    pub from: Option<IpAddr>,
    /// Whether the gateway is on the link although no address is in its network. Without it, such a route is refused: it would never be set.
    #[serde(default)]
    pub on_link: Option<bool>,
    /// Routes with a lower metric are preferred.
    #[serde(default)]
    pub metric: Option<u32>,
    /// The kind; `unicast` by default.
    #[serde(default, rename = "type")]
    pub kind: Option<RouteKind>,
    /// How far away the destination is.
    #[serde(default)]
    pub scope: Option<RouteScope>,
    /// The routing table: its number, `default` (253), `main` (254) or `local` (255).
    #[serde(default, deserialize_with = "super::table::optional")]
    pub table: Option<u32>,
    /// The largest packet, in bytes.
    #[serde(default)]
    pub mtu: Option<u32>,
    /// The congestion window at first, in packets.
    #[serde(default)]
    pub congestion_window: Option<u32>,
    /// The receive window at first, in packets.
    #[serde(default)]
    pub advertised_receive_window: Option<u32>,
    /// The largest segment of TCP, in bytes.
    #[serde(default)]
    pub advertised_mss: Option<u32>,
}

/// Which routing table is used for what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Rule {
    /// Where packets come from.
    pub from: Option<String>,
    /// Where packets go to.
    pub to: Option<String>,
    /// The interface that packets come in by.
    pub iif: Option<String>,
    /// The interface that packets of this machine go out by.
    pub oif: Option<String>,
    /// The table, as that of a route; below a VRF, its own by default.
    #[serde(deserialize_with = "super::table::optional")]
    pub table: Option<u32>,
    /// What is done with packets in place of looking into a table.
    #[serde(rename = "type")]
    pub kind: Option<RuleKind>,
    /// Rules with a lower number are looked at first; also `preference`.
    #[serde(alias = "preference")]
    #[schemars(extend("x-aliases" = ["preference"]))]
    pub priority: Option<u32>,
    /// The firewall's mark of packets.
    pub mark: Option<u32>,
    /// The type of service of packets.
    pub type_of_service: Option<u8>,
}
