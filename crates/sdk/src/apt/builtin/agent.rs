//! The client of HTTP servers: certificates, proxies, timeouts.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::config::Config;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};

use super::forward::{ForwardConnector, Names};
use super::proxy::ProxySetting;

/// Files with the certificates of authorities in distributions.
const AUTHORITIES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/certs/ca-bundle.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
];

/// Network settings of the user's environment.
#[derive(Clone, Default)]
pub struct Network {
    /// The proxy for `http:` addresses.
    pub http_proxy: Option<ProxySetting>,
    /// The proxy for `https:` addresses.
    pub https_proxy: Option<ProxySetting>,
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
        let either = |name: &str| {
            let setting = |variable: String| Some(ProxySetting { address: one(&variable)?, variable });
            setting(name.to_owned()).or_else(|| setting(name.to_ascii_uppercase()))
        };
        let given = env::var_os("SSL_CERT_FILE").filter(|path| !path.is_empty()).map(PathBuf::from);
        Self {
            http_proxy: either("http_proxy").or_else(|| either("all_proxy")),
            https_proxy: either("https_proxy").or_else(|| either("all_proxy")),
            no_proxy: either("no_proxy").map(|hosts| hosts.address),
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
                .timeout_per_write(Some(timeout))
                // Without it, servers may choose.
                .accept_encoding("identity")
                .max_redirects(5)
        };
        let tls = self.tls(is_tls)?;
        let direct = builder().proxy(None).tls_config(tls.clone()).build();
        let config = builder().proxy(proxy).tls_config(tls).build();
        Ok(Agent::with_parts(config, ForwardConnector::new(direct, self.excepted()), Names::default()))
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
                let found = certificates(&bytes);
                if found.is_empty() && is_needed {
                    return Err(format!(
                        "`{}` contains no certificate in PEM: SSL_CERT_FILE names a file of certificates of authorities",
                        path.display()
                    ));
                }
                found
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
