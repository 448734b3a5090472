//! A connection to a repository's servers.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use ureq::config::{Config, IpFamily};
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::{Agent, Proxy};

use super::DownloadError;
use rpm_engine::config::{RepositoryConfig, Transport};

/// How long nothing may happen where the configuration does not say.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where distributions keep the certificates of authorities.
const AUTHORITIES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
];

/// Which addresses are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    /// Any.
    #[default]
    Any,
    /// IPv4 only (`-4`).
    V4,
    /// IPv6 only (`-6`).
    V6,
}

/// A client with one repository's settings.
#[derive(Debug, Clone)]
pub struct Client {
    pub(super) agent: Agent,
    pub(super) retries: u32,
    pub(super) min_rate_bytes: u64,
    pub(super) throttle_bytes: u64,
    pub(super) patience: Duration,
    /// The value of `Authorization`.
    pub(super) authorization: Option<String>,
}

impl Client {
    /// A client as `repository` is configured.
    ///
    /// # Errors
    /// When a certificate, a key or the proxy's address cannot be used.
    pub fn new(repository: &RepositoryConfig, family: Family) -> Result<Self, DownloadError> {
        let transport = &repository.transport;
        let patience = if transport.timeout.is_zero() { PATIENCE } else { transport.timeout };
        let calling = if transport.connect_timeout.is_zero() { patience } else { transport.connect_timeout };
        let family = match family {
            Family::Any => IpFamily::Any,
            Family::V4 => IpFamily::Ipv4Only,
            Family::V6 => IpFamily::Ipv6Only,
        };
        // Someone who asked for TLS must not be led away from it.
        let all_tls = !repository.base_urls.is_empty() && repository.base_urls.iter().all(|url| url.starts_with("https:"));
        let builder = Config::builder()
            .http_status_as_error(false)
            .https_only(all_tls)
            .ip_family(family)
            .user_agent(concat!("tdnf/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(calling))
            .timeout_resolve(Some(patience))
            .timeout_recv_response(Some(patience))
            .timeout_per_read(Some(patience))
            .max_redirects(5);
        // Reading all certificates takes longer than anything else that is done for a repository in a directory.
        let builder = if may_leave(repository) { builder.tls_config(tls(transport)?) } else { builder };
        let builder = match proxy(transport)? {
            Some(proxy) => builder.proxy(Some(proxy)),
            None => builder,
        };
        let credentials = repository.user.as_ref().map(|user| format!("{user}:{}", repository.password.as_deref().unwrap_or_default()));
        Ok(Self {
            agent: builder.build().new_agent(),
            retries: transport.retries,
            min_rate_bytes: transport.min_rate_bytes,
            throttle_bytes: transport.throttle_bytes,
            patience,
            authorization: credentials.map(|text| format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(text))),
        })
    }
}

/// Whether anything of a repository may come over the network.
fn may_leave(repository: &RepositoryConfig) -> bool {
    let places = repository.base_urls.iter().chain(&repository.keys);
    repository.id == crate::cli::local::COMMAND_LINE
        || repository.mirror_list.is_some()
        || repository.metalink.is_some()
        || places.into_iter().any(|url| super::local_path(url).is_none())
}

fn proxy(transport: &Transport) -> Result<Option<Proxy>, DownloadError> {
    let Some(address) = &transport.proxy else { return Ok(None) };
    let with_user = match (&transport.proxy_user, address.split_once("://")) {
        (Some(user), Some((scheme, host))) => {
            format!("{scheme}://{user}:{}@{host}", transport.proxy_password.as_deref().unwrap_or_default())
        }
        (Some(user), None) => format!("http://{user}:{}@{address}", transport.proxy_password.as_deref().unwrap_or_default()),
        (None, _) => address.clone(),
    };
    Proxy::new(&with_user).map(Some).map_err(|source| DownloadError::Proxy { proxy: address.clone(), source: Box::new(source) })
}

fn tls(transport: &Transport) -> Result<TlsConfig, DownloadError> {
    let mut builder = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .disable_verification(!transport.ssl_verify);
    let configured = transport.ssl_ca.as_deref();
    let bundle = configured.or_else(|| AUTHORITIES.iter().map(Path::new).find(|path| path.exists()));
    let roots = bundle.map(certificates).transpose()?.unwrap_or_default();
    builder = builder.root_certs(RootCerts::new_with_certs(&roots));
    if let Some(path) = &transport.ssl_client_certificate {
        let key = transport.ssl_client_key.as_deref().unwrap_or(path);
        builder = builder.client_cert(Some(ClientCert::new_with_certs(&certificates(path)?, private_key(key)?)));
    }
    Ok(builder.build())
}

fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>, DownloadError> {
    let found: Vec<_> = parse_pem(&pem(path)?)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if found.is_empty() { Err(unusable(path, "it contains no certificate")) } else { Ok(found) }
}

fn private_key(path: &Path) -> Result<PrivateKey<'static>, DownloadError> {
    PrivateKey::from_pem(&pem(path)?).map_err(|error| unusable(path, &error.to_string()))
}

fn pem(path: &Path) -> Result<Vec<u8>, DownloadError> {
    fs::read(path).map_err(|error| unusable(path, &error.to_string()))
}

fn unusable(path: &Path, reason: &str) -> DownloadError {
    DownloadError::Certificate { path: path.to_owned(), reason: reason.to_owned() }
}
