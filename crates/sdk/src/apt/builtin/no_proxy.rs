//! Hosts that are reached without a proxy, as `no_proxy` names them. No standard says how; this is what curl and Go take.

use std::net::IpAddr;

use ureq::http::Uri;

/// The value of `no_proxy`.
#[derive(Clone, Debug, Default)]
pub struct NoProxy(Vec<(Hosts, Option<u16>)>);

/// What an entry stands for.
#[derive(Clone, Debug)]
enum Hosts {
    All,
    /// A domain and everything below it.
    Domain(String),
    /// Names and addresses that begin like this.
    Begin(String),
    /// A network: its address, and how many bits of it count.
    Network(IpAddr, u32),
}

impl NoProxy {
    /// Entries separated by commas: `*`, `example.org`, `.example.org`, `*.example.org`, `192.168.*`, `10.0.0.0/8`, `[::1]`, and each of them
    /// with a port.
    pub fn parse(text: &str) -> Self {
        Self(text.split([',', ' ']).map(str::trim).filter(|entry| !entry.is_empty()).map(entry).collect())
    }

    /// Whether the host of an address is one of them.
    pub fn has(&self, uri: &Uri) -> bool {
        let Some(host) = uri.host().map(|host| host.trim_matches(['[', ']']).to_ascii_lowercase()) else { return false };
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
        let address: Option<IpAddr> = host.parse().ok();
        self.0.iter().any(|(hosts, only)| only.is_none_or(|only| only == port) && hosts.have(&host, address))
    }
}

fn entry(text: &str) -> (Hosts, Option<u16>) {
    let (host, port) = match text.rsplit_once(':') {
        // Addresses of IPv6 have colons, too.
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (text, None),
        },
        Some(_) | None => (text, None),
    };
    (hosts(&host.to_ascii_lowercase()), port)
}

fn hosts(text: &str) -> Hosts {
    if text == "*" {
        return Hosts::All;
    }
    let network = text.split_once('/').and_then(|(address, bits)| Some(Hosts::Network(address.parse().ok()?, bits.parse().ok()?)));
    if let Some(network) = network {
        return network;
    }
    match text.strip_suffix('*') {
        Some(begin) => Hosts::Begin(begin.to_owned()),
        None => {
            Hosts::Domain(text.trim_start_matches('*').trim_start_matches('.').trim_matches(['[', ']']).trim_end_matches('.').to_owned())
        }
    }
}

impl Hosts {
    fn have(&self, host: &str, address: Option<IpAddr>) -> bool {
        match self {
            Self::All => true,
            Self::Domain(domain) => host.strip_suffix(&**domain).is_some_and(|above| above.is_empty() || above.ends_with('.')),
            Self::Begin(begin) => host.starts_with(&**begin),
            Self::Network(network, bits) => address.is_some_and(|address| is_in(address, *network, *bits)),
        }
    }
}

/// Whether the first bits of two addresses of the same kind are the same.
fn is_in(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    let (address, network, all) = match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => (u128::from(u32::from(address)), u128::from(u32::from(network)), u32::BITS),
        (IpAddr::V6(address), IpAddr::V6(network)) => (u128::from(address), u128::from(network), u128::BITS),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
    };
    let ignored = all.saturating_sub(bits);
    address.checked_shr(ignored) == network.checked_shr(ignored)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_without_a_proxy() {
        for (list, uri, expected) in [
            ("example.org", "http://example.org/x", true),
            ("example.org", "http://a.example.org/x", true),
            ("example.org", "http://notexample.org/x", false),
            (".Example.org", "https://A.example.org/x", true),
            ("*.example.org", "http://a.example.org", true),
            ("a.test, b.test", "http://b.test/x", true),
            ("a.test b.test", "http://b.test/x", true),
            ("*", "http://anything.test/x", true),
            ("", "http://anything.test/x", false),
            ("127.0.0.1", "http://127.0.0.1:8100/x", true),
            ("127.0.0.1:8100", "http://127.0.0.1:8100/x", true),
            ("127.0.0.1:8100", "http://127.0.0.1:8200/x", false),
            ("a.test:443", "https://a.test/x", true),
            ("a.test:443", "http://a.test/x", false),
            ("10.0.0.0/8", "http://10.1.2.3/x", true),
            ("10.0.0.0/8", "http://11.1.2.3/x", false),
            ("10.0.0.0/8", "http://10.example.org/x", false),
            ("0.0.0.0/0", "http://11.1.2.3/x", true),
            ("192.168.*", "http://192.168.1.1/x", true),
            ("[::1]", "http://[::1]:81/x", true),
            ("::1", "http://[::1]/x", true),
            ("[::1]:82", "http://[::1]:81/x", false),
            ("fd00::/8", "http://[fd12::1]/x", true),
            ("fd00::/8", "http://10.0.0.1/x", false),
        ] {
            assert_eq!(NoProxy::parse(list).has(&uri.parse().unwrap()), expected, "{list} {uri}");
        }
    }
}
