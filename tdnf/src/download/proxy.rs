//! Which proxy a request goes through: the configured one, or that of the environment.

use std::net::IpAddr;

use ureq::http::Uri;
use ureq::http::uri::Scheme;

use super::DownloadError;
use super::address::{Address, basic};
use rpm_engine::config::{Proxy, Transport};

/// The proxies of a repository, and the servers that are reached without them.
#[derive(Clone, Debug, Default)]
pub(super) struct Proxies {
    http: Option<Hop>,
    https: Option<Hop>,
    exceptions: Vec<String>,
}

/// A proxy.
#[derive(Clone, Debug)]
pub(super) struct Hop {
    /// Its address, without credentials.
    pub(super) uri: Uri,
    /// The value of `Proxy-Authorization`.
    pub(super) authorization: Option<String>,
}

impl Proxies {
    /// As `transport` is configured. A variable of the environment is known by its lower-case name, or that in upper case, as curl knows
    /// them; but `HTTP_PROXY` does not count, because whoever asks a web server that starts programs sets that. `no_proxy` counts for
    /// configured proxies, too.
    pub(super) fn of(transport: &Transport, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, DownloadError> {
        let either = |name: &str| {
            let upper = || Some(name).filter(|name| *name != "http_proxy").and_then(|name| variable(&name.to_ascii_uppercase()));
            let found = variable(name).or_else(upper);
            found.filter(|value| !value.trim().is_empty())
        };
        let own = transport.proxy_user.as_ref().map(|user| format!("{user}:{}", transport.proxy_password.as_deref().unwrap_or_default()));
        let of_environment = |name: &str| either(name).or_else(|| either("all_proxy")).map(|address| Hop::of(&address, None)).transpose();
        let (http, https) = match &transport.proxy {
            Proxy::None => (None, None),
            Proxy::At(address) => {
                let hop = Hop::of(address, own)?;
                (Some(hop.clone()), Some(hop))
            }
            Proxy::OfEnvironment => (of_environment("http_proxy")?, of_environment("https_proxy")?),
        };
        let exceptions = either("no_proxy").unwrap_or_default();
        let exceptions = exceptions.split(|letter: char| letter == ',' || letter.is_whitespace()).filter(|word| !word.is_empty());
        Ok(Self { http, https, exceptions: exceptions.map(str::to_lowercase).collect() })
    }

    /// The proxy between here and a server.
    pub(super) fn hop(&self, target: &Uri) -> Option<&Hop> {
        let hop = if target.scheme() == Some(&Scheme::HTTPS) { &self.https } else { &self.http };
        let host = target.host()?;
        hop.as_ref().filter(|_| !self.exceptions.iter().any(|exception| is_meant(exception, host, target.port_u16())))
    }
}

impl Hop {
    fn of(text: &str, credentials: Option<String>) -> Result<Self, DownloadError> {
        let with_scheme = if text.contains("://") { text.trim().to_owned() } else { format!("http://{}", text.trim()) };
        let address = Address::of(&with_scheme);
        let wrong = |reason: &str| DownloadError::Proxy { proxy: address.url.clone(), reason: reason.to_owned() };
        let uri: Uri = address.url.parse().map_err(|_| wrong("it is not an address"))?;
        match uri.scheme_str() {
            Some("http" | "https") if uri.host().is_some_and(|host| !host.is_empty()) => {}
            Some(scheme) if scheme.starts_with("socks") => return Err(wrong("SOCKS is not supported")),
            Some(_) | None => return Err(wrong("it is neither an http:// nor an https:// address")),
        }
        Ok(Self { uri, authorization: credentials.or(address.credentials).map(|credentials| basic(&credentials)) })
    }

    /// As it is called in messages.
    pub(super) fn name(&self) -> String {
        self.uri.to_string().trim_end_matches('/').to_owned()
    }
}

/// Whether a word of `no_proxy` means a server: `*`, a domain and all below it with or without a dot or `*.` before it, an address, or a
/// network as `10.0.0.0/8`; each but the last may have a port.
fn is_meant(exception: &str, host: &str, port: Option<u16>) -> bool {
    let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
    if exception == "*" {
        return true;
    }
    if let (Some((network, bits)), Ok(address)) = (exception.split_once('/'), host.parse::<IpAddr>()) {
        return network.parse().ok().zip(bits.parse().ok()).is_some_and(|(network, bits)| is_within(address, network, bits));
    }
    let (name, of_port) = match exception.rsplit_once(':') {
        Some((name, digits)) if !name.contains(':') || name.ends_with(']') => match digits.parse::<u16>() {
            Ok(port) => (name, Some(port)),
            Err(_) => (exception, None),
        },
        Some(_) | None => (exception, None),
    };
    let name = name.trim_start_matches('*').trim_start_matches('.').trim_matches(['[', ']']);
    let below = host.strip_suffix(name).is_some_and(|before| before.ends_with('.'));
    !name.is_empty() && (host == name || below) && (of_port.is_none() || of_port == port)
}

fn is_within(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) if bits <= 32 => {
            let shift = 32 - bits;
            u32::from(address).checked_shr(shift) == u32::from(network).checked_shr(shift)
        }
        (IpAddr::V6(address), IpAddr::V6(network)) if bits <= 128 => {
            let shift = 128 - bits;
            u128::from(address).checked_shr(shift) == u128::from(network).checked_shr(shift)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(transport: &Transport, variables: &[(&str, &str)]) -> Result<Proxies, DownloadError> {
        Proxies::of(transport, &|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    fn through(proxies: &Proxies, url: &str) -> Option<String> {
        proxies.hop(&url.parse().unwrap()).map(Hop::name)
    }

    #[test]
    fn the_environment_and_the_configuration() {
        let at = |text: &str| Transport { proxy: Proxy::At(text.into()), ..Transport::default() };
        let off = Transport { proxy: Proxy::None, ..Transport::default() };
        let variables = [("http_proxy", "http://p:1"), ("HTTPS_PROXY", "q:2"), ("no_proxy", "in.example, 10.0.0.0/8")];
        let table: [(Transport, &str, Option<&str>); 8] = [
            (Transport::default(), "http://h/x", Some("http://p:1")),
            (Transport::default(), "https://h/x", Some("http://q:2")),
            (Transport::default(), "http://a.in.example/", None),
            (Transport::default(), "http://10.1.2.3/", None),
            (off.clone(), "http://h/", None),
            (off, "https://h/", None),
            (at("http://r:3"), "https://h/", Some("http://r:3")),
            (at("http://r:3"), "https://in.example/", None),
        ];
        for (transport, url, expected) in table {
            assert_eq!(through(&proxies(&transport, &variables).unwrap(), url).as_deref(), expected, "{url}");
        }
        let upper = [("HTTP_PROXY", "evil:1"), ("HTTPS_PROXY", "q:2"), ("ALL_PROXY", "a:3")];
        for (variables, url, expected) in [
            (&upper[..1], "http://h/", None),
            (&upper[..], "http://h/", Some("http://a:3")),
            (&upper[..], "https://h/", Some("http://q:2")),
        ] {
            assert_eq!(through(&proxies(&Transport::default(), variables).unwrap(), url).as_deref(), expected, "{url}");
        }
        assert_eq!(through(&proxies(&Transport::default(), &[("all_proxy", "a:1")]).unwrap(), "https://h/").as_deref(), Some("http://a:1"));
    }

    #[test]
    fn passwords_of_proxies() {
        let user = Transport { proxy_user: Some("me".into()), proxy_password: Some("a@b/c#d%".into()), ..Transport::default() };
        let table = [
            (Transport { proxy: Proxy::At("http://p:1".into()), ..user.clone() }, "me:a@b/c#d%"),
            (Transport { proxy: Proxy::At("p:1".into()), ..user }, "me:a@b/c#d%"),
            (Transport { proxy: Proxy::At("http://you:x%40y@p:1".into()), ..Transport::default() }, "you:x@y"),
        ];
        for (transport, expected) in table {
            let proxies = proxies(&transport, &[]).unwrap();
            let hop = proxies.hop(&"http://h/".parse().unwrap()).unwrap();
            assert_eq!(hop.authorization.as_deref(), Some(&*basic(expected)));
            assert_eq!(hop.name(), "http://p:1");
        }
    }

    #[test]
    fn proxies_that_cannot_be_used() {
        for address in ["socks5://p:1", "ftp://p", "http://", "http://a b"] {
            let transport = Transport { proxy: Proxy::At(address.into()), ..Transport::default() };
            assert!(proxies(&transport, &[]).is_err(), "{address}");
        }
    }

    #[test]
    fn words_of_no_proxy() {
        let table = [
            ("*", "any", true),
            ("example.com", "example.com", true),
            ("example.com", "a.example.com", true),
            ("example.com", "badexample.com", false),
            (".example.com", "a.example.com", true),
            ("*.example.com", "a.b.example.com", true),
            ("example.com:81", "example.com", false),
            ("example.com:80", "example.com", true),
            ("127.0.0.1", "127.0.0.1", true),
            ("10.0.0.0/8", "10.9.9.9", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("0.0.0.0/0", "11.0.0.1", true),
            ("fd00::/8", "[fd12::1]", true),
            ("[::1]", "[::1]", true),
            ("::1", "[::1]", true),
            (".", "x", false),
        ];
        for (exception, host, expected) in table {
            assert_eq!(is_meant(exception, host, Some(80)), expected, "{exception} {host}");
        }
    }
}
