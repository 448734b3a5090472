//! The client of HTTP servers: certificates, proxies, timeouts.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ureq::config::Config;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::{Agent, Proxy, ProxyProtocol};

use super::forward::ForwardConnector;

/// Files with the certificates of authorities in distributions.
const AUTHORITIES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/certs/ca-bundle.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
];

/// Network settings of the user's environment.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// The proxy for `http:` addresses.
    pub http_proxy: Option<String>,
    /// The proxy for `https:` addresses.
    pub https_proxy: Option<String>,
    /// Hosts reached without a proxy, separated by commas.
    pub no_proxy: Option<String>,
    /// The file of certificates of authorities.
    pub certificates: Option<PathBuf>,
}

impl Network {
    /// From the variables that curl and others use: `http_proxy`, `https_proxy`, `all_proxy`, `no_proxy`, in either case, and
    /// `SSL_CERT_FILE`.
    pub fn from_environment() -> Self {
        let one = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let either = |name: &str| one(name).or_else(|| one(&name.to_ascii_uppercase()));
        let given = env::var_os("SSL_CERT_FILE").filter(|path| !path.is_empty()).map(PathBuf::from);
        Self {
            http_proxy: either("http_proxy").or_else(|| either("all_proxy")),
            https_proxy: either("https_proxy").or_else(|| either("all_proxy")),
            no_proxy: either("no_proxy"),
            certificates: given.or_else(|| AUTHORITIES.iter().map(PathBuf::from).find(|path| path.exists())),
        }
    }

    /// A client for `http:` addresses, or for `https:` ones.
    ///
    /// # Errors
    /// When the proxy's address or the file of certificates cannot be used, as text.
    pub fn agent(&self, is_tls: bool, timeout: Duration) -> Result<Agent, String> {
        let proxy = self.proxy(is_tls)?;
        let builder = || {
            Config::builder()
                .http_status_as_error(false)
                .user_agent(concat!("kaon/", env!("CARGO_PKG_VERSION")))
                .timeout_resolve(Some(timeout))
                .timeout_connect(Some(timeout))
                .timeout_recv_response(Some(timeout))
                .timeout_per_read(Some(timeout))
                .max_redirects(5)
        };
        let tls = self.tls(is_tls)?;
        let direct = builder().proxy(None).tls_config(tls.clone()).build();
        let config = builder().proxy(proxy).tls_config(tls).build();
        Ok(Agent::with_parts(config, ForwardConnector::new(direct), DefaultResolver::default()))
    }

    fn proxy(&self, is_tls: bool) -> Result<Option<Proxy>, String> {
        let (variable, address) = if is_tls { ("https_proxy", &self.https_proxy) } else { ("http_proxy", &self.http_proxy) };
        let Some(address) = address else { return Ok(None) };
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
        for host in self.no_proxy.iter().flat_map(|hosts| hosts.split(',')).map(str::trim).filter(|host| !host.is_empty()) {
            builder = builder.no_proxy(host);
            // `example.org` and `.example.org` both mean the domain and all below it, as for curl.
            if !host.starts_with(['*', '.']) {
                builder = builder.no_proxy(&format!(".{host}"));
            }
        }
        builder.build().map(Some).map_err(wrong)
    }

    /// `http:` may be redirected to `https:`, so every client loads certificates, but only the client for `https:` requires them.
    fn tls(&self, is_needed: bool) -> Result<TlsConfig, String> {
        let roots = match &self.certificates {
            None if is_needed => {
                return Err("no CA certificates on this machine: install the package `ca-certificates`, or set SSL_CERT_FILE".into());
            }
            None => Vec::new(),
            Some(path) => {
                let bytes = fs::read(path).map_err(|error| format!("cannot read the certificates in `{}`: {error}", path.display()))?;
                certificates(&bytes)
            }
        };
        Ok(TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .root_certs(RootCerts::new_with_certs(&roots))
            .build())
    }
}

fn certificates(pem: &[u8]) -> Vec<Certificate<'static>> {
    let certificate = |item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        Ok(_) | Err(_) => None,
    };
    parse_pem(pem).filter_map(certificate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_of_another_kind_is_an_error() {
        for (address, works) in
            [("http://proxy.test:3128", true), ("socks5h://proxy.test:1080", false), ("socks4://proxy.test:1080", false)]
        {
            let network = Network { http_proxy: Some(address.to_owned()), ..Network::default() };
            assert_eq!(network.agent(false, Duration::from_secs(1)).is_ok(), works, "{address}");
        }
    }
}
