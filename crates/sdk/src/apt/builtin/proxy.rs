//! The proxies that the user's environment names.

use std::time::Duration;

use ureq::http::Uri;
use ureq::{Error, Proxy, ProxyProtocol};

use super::agent::Network;
use super::no_proxy::NoProxy;
use super::trouble::Trouble;

/// A proxy as the user named it.
#[derive(Clone)]
pub struct ProxySetting {
    /// The variable.
    pub variable: String,
    /// Its value: an address, with a password perhaps.
    pub address: String,
}

/// The proxy by way of which a server is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Via {
    /// The variable that names it.
    pub variable: String,
    /// Its host.
    pub host: String,
    /// Its address without user and password.
    pub address: String,
    /// Whether the variable has a user and a password.
    pub has_user: bool,
}

impl Network {
    /// The proxy by way of which `uri` is fetched, if there is one.
    pub fn via(&self, uri: &str) -> Option<Via> {
        let is_tls = uri.starts_with("https:");
        let proxy = self.proxy(is_tls).ok().flatten()?;
        let uri: Uri = base::address::public(uri).parse().ok()?;
        let scheme = if proxy.protocol() == ProxyProtocol::Https { "https" } else { "http" };
        let (variable, host) = (self.setting(is_tls)?.variable.clone(), proxy.host().to_owned());
        let address = format!("{scheme}://{host}:{}", proxy.port());
        (!self.excepted().has(&uri)).then(|| Via { variable, host, address, has_user: proxy.username().is_some() })
    }

    /// The variables that apt reads, with what this network has of other variables. Proxies of apt's configuration come before them.
    pub(in crate::apt) fn for_apt(&self) -> Vec<(&'static str, &str)> {
        let proxies = [("http_proxy", &self.http_proxy), ("https_proxy", &self.https_proxy)];
        let proxies = proxies.into_iter().filter_map(|(name, setting)| Some((name, &*setting.as_ref()?.address)));
        proxies.chain(self.no_proxy.as_deref().map(|hosts| ("no_proxy", hosts))).collect()
    }

    /// What an error of a request to `uri` means; `timeout` is how long an answer was waited for.
    pub fn trouble(&self, uri: &str, error: &Error, timeout: Duration) -> Trouble {
        Trouble::of(error, self.via(uri).as_ref(), timeout)
    }

    fn setting(&self, is_tls: bool) -> Option<&ProxySetting> {
        if is_tls { self.https_proxy.as_ref() } else { self.http_proxy.as_ref() }
    }

    /// The hosts that are reached without it.
    pub(super) fn excepted(&self) -> NoProxy {
        self.no_proxy.as_deref().map(NoProxy::parse).unwrap_or_default()
    }

    /// The proxy for addresses with or without TLS, for all hosts.
    ///
    /// # Errors
    /// When its address cannot be used, as text.
    pub(super) fn proxy(&self, is_tls: bool) -> Result<Option<Proxy>, String> {
        let Some(ProxySetting { variable, address }) = self.setting(is_tls) else { return Ok(None) };
        let wrong = |_| format!("the proxy in the variable `{variable}` is not an address");
        let given = Proxy::new(address).map_err(wrong)?;
        if !matches!(given.protocol(), ProxyProtocol::Http | ProxyProtocol::Https) {
            return Err(format!("the proxy in the variable `{variable}` is not one for HTTP: SOCKS is not supported"));
        }
        let mut builder = Proxy::builder(given.protocol()).host(given.host()).port(given.port());
        if let Some(user) = given.username() {
            builder = builder.username(user);
        }
        if let Some(password) = given.password() {
            builder = builder.password(password);
        }
        builder.build().map(Some).map_err(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str) -> Network {
        let setting = ProxySetting { variable: "HTTP_PROXY".into(), address: address.into() };
        Network { http_proxy: Some(setting), no_proxy: Some("near.test".into()), ..Network::default() }
    }

    #[test]
    fn a_proxy_of_another_kind_is_an_error() {
        for (address, works) in
            [("http://proxy.test:3128", true), ("socks5h://proxy.test:1080", false), ("socks4://proxy.test:1080", false)]
        {
            assert_eq!(network(address).agent(false, Duration::from_secs(1)).is_ok(), works, "{address}");
        }
    }

    #[test]
    fn apt_gets_the_proxies_of_variables_that_it_does_not_read() {
        let expected = [("http_proxy", "http://proxy.test:3128"), ("no_proxy", "near.test")];
        assert_eq!(network("http://proxy.test:3128").for_apt(), expected);
    }

    #[test]
    fn the_proxy_of_an_address_is_named_without_its_password() {
        let via = |has_user| {
            let (host, address) = ("proxy.test".into(), "http://proxy.test:3128".into());
            Some(Via { variable: "HTTP_PROXY".into(), host, address, has_user })
        };
        for (proxy, uri, expected) in [
            ("http://u:p@proxy.test:3128", "http://u:p@far.test/x", via(true)),
            ("proxy.test:3128", "http://far.test/x", via(false)),
            ("http://proxy.test:3128", "http://a.near.test/x", None),
            ("http://proxy.test:3128", "https://far.test/x", None),
            ("socks4://proxy.test:1080", "http://far.test/x", None),
        ] {
            assert_eq!(network(proxy).via(uri), expected, "{proxy} {uri}");
        }
    }
}
