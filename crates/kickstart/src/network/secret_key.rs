//! Keys of tunnels.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Secret;

/// Keys of a tunnel; a text is the private one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TunnelKeys {
    /// WireGuard's private key: the path of a file that contains it, or Base64, which a kickstart file must not contain; or a number for both directions.
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
    /// A key that both know: the path of a file that contains it, or Base64, which a kickstart file must not contain.
    pub shared: Option<Secret>,
}

#[cfg(test)]
mod tests {
    use crate::Kickstart;

    /// netplan: "key (scalar or mapping)".
    #[test]
    fn keys_are_texts_numbers_or_tables() {
        let table = [
            ("{mode: vti6, local: '2001:db8::1', remote: '2001:db8::2', key: 59568549}", "59568549"),
            ("{mode: gre, remote: 192.0.2.3, key: '1234'}", "1234"),
            ("{mode: wireguard, key: /etc/wg.key}", "/etc/wg.key"),
            ("{mode: wireguard, key: {private: /etc/wg.key}}", "/etc/wg.key"),
        ];
        for (tunnel, expected) in table {
            let network = format!(
                "{{version: 2, ethernets: {{eth0: {{dhcp4: true, delay-virtual-functions-rebind: true}}}}, tunnels: {{t: {tunnel}}}}}"
            );
            let text = format!("hostname: h\ndisk: /dev/sda\npackages: [minimal]\nnetwork: {network}\n");
            let parsed = Kickstart::parse("ks.yaml", &text).unwrap_or_else(|problems| panic!("{problems}"));
            let network = parsed.document.value.network.unwrap();
            let key = network.tunnels["t"].key.as_ref().and_then(|keys| keys.private.as_ref());
            assert_eq!(key.map(crate::Secret::reveal), Some(expected), "{tunnel}");
        }
    }
}
