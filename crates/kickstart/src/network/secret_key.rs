//! Keys of tunnels.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Secret;

/// Keys of a tunnel; a text is the private one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TunnelKeys {
    /// WireGuard's private key in Base64, or the path of a file that contains it; or a number for both directions.
    pub private: Option<Secret>,
    /// The number of what comes in.
    pub input: Option<Secret>,
    /// The number of what goes out.
    pub output: Option<Secret>,
}

/// The other end of a WireGuard tunnel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Peer {
    /// Where it is: `host:port`.
    pub endpoint: Option<String>,
    /// Networks behind it.
    pub allowed_ips: Vec<String>,
    /// How often it hears from us at least, in seconds.
    pub keepalive: Option<u16>,
    /// Its keys.
    pub keys: PeerKeys,
}

/// Keys of the other end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PeerKeys {
    /// Its public key, in Base64.
    pub public: Option<String>,
    /// A key that both know, in Base64, or the path of a file that contains it.
    pub shared: Option<Secret>,
}
