//! What of the answers of DHCP and of routers is used.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What of DHCP's answer is used, and what it is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Overrides {
    /// Whether its name servers are used.
    pub use_dns: Option<bool>,
    /// Whether its time servers are used.
    pub use_ntp: Option<bool>,
    /// Whether its name for this machine is used.
    pub use_hostname: Option<bool>,
    /// Whether its packet size is used; in `dhcp6-overrides`, that of router advertisements.
    pub use_mtu: Option<bool>,
    /// Whether its routes are used; in `dhcp6-overrides`, those of router advertisements.
    pub use_routes: Option<bool>,
    /// Whether its domains are searched; `route` uses its name servers for them only.
    pub use_domains: Option<String>,
    /// Whether it is told this machine's name.
    pub send_hostname: Option<bool>,
    /// The name it is told.
    pub hostname: Option<String>,
    /// The metric of its routes; in `dhcp6-overrides`, of those of router advertisements.
    pub route_metric: Option<u32>,
}

/// What of router advertisements is used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct RaOverrides {
    /// Whether their name servers are used.
    pub use_dns: Option<bool>,
    /// Whether their domains are searched; `route` uses their name servers for them only.
    pub use_domains: Option<String>,
    /// The routing table their routes are put into: its number, `default` (253), `main` (254) or `local` (255).
    #[serde(deserialize_with = "super::table::optional")]
    pub table: Option<u32>,
}
