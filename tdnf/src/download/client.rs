//! A connection to a repository's servers.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ureq::Agent;
use ureq::config::{Config, IpFamily, RedirectAuthHeaders};
use ureq::unversioned::resolver::DefaultResolver;

use super::DownloadError;
use super::address::basic;
use super::connect::{Connections, ProxyResolver};
use super::proxy::Proxies;
use super::tls::Tls;
use rpm_engine::config::RepositoryConfig;

/// How long nothing may happen where the configuration does not say.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that cannot be reached is tried again so often where the repository may be unavailable.
const RETRIES_OF_DISPENSABLE: u32 = 2;

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

/// What all clients of a run have in common.
#[derive(Debug, Default)]
pub struct Network {
    family: Family,
    servers: Mutex<Servers>,
}

/// What is known of servers, by host and port.
#[derive(Debug, Default)]
struct Servers {
    answered: BTreeSet<String>,
    silent: BTreeSet<String>,
}

impl Network {
    /// A network of which nothing is known yet.
    pub fn new(family: Family) -> Self {
        Self { family, servers: Mutex::default() }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Servers) -> T) -> T {
        work(&mut self.servers.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }

    /// Remembers that a server answered.
    pub(super) fn answered(&self, host: &str) {
        self.with(|servers| servers.answered.insert(host.to_owned()));
    }

    /// Remembers that a server did not answer in time, unless it did before; returns whether it is to be left alone.
    pub(super) fn fell_silent(&self, host: &str) -> bool {
        self.with(|servers| {
            let is_dead = !servers.answered.contains(host);
            if is_dead {
                servers.silent.insert(host.to_owned());
            }
            is_dead
        })
    }

    /// Whether a server never answered.
    pub(super) fn is_silent(&self, host: &str) -> bool {
        self.with(|servers| servers.silent.contains(host))
    }
}

/// A client with one repository's settings.
#[derive(Debug, Clone)]
pub struct Client {
    pub(super) agent: Agent,
    pub(super) network: Arc<Network>,
    pub(super) proxies: Arc<Proxies>,
    pub(super) retries: u32,
    /// As often a server is tried again that cannot be reached at all.
    pub(super) calls: u32,
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
    pub fn new(repository: &RepositoryConfig, network: &Arc<Network>) -> Result<Self, DownloadError> {
        let transport = &repository.transport;
        let patience = if transport.timeout.is_zero() { PATIENCE } else { transport.timeout };
        let calling = if transport.connect_timeout.is_zero() { patience } else { transport.connect_timeout };
        let family = match network.family {
            Family::Any => IpFamily::Any,
            Family::V4 => IpFamily::Ipv4Only,
            Family::V6 => IpFamily::Ipv6Only,
        };
        // Someone who asked for TLS must not be led away from it.
        let all_tls = !repository.base_urls.is_empty() && repository.base_urls.iter().all(|url| url.starts_with("https:"));
        let config = Config::builder()
            .http_status_as_error(false)
            .https_only(all_tls)
            .ip_family(family)
            .user_agent(concat!("tdnf/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(calling))
            .timeout_resolve(Some(patience))
            .timeout_recv_response(Some(patience))
            .timeout_per_read(Some(patience))
            .max_redirects(5)
            .redirect_auth_headers(RedirectAuthHeaders::SameHost)
            .proxy(None)
            .build();
        // Reading all certificates takes longer than anything else that is done for a repository in a directory.
        let tls = may_leave(repository).then(|| Tls::of(transport)).transpose()?;
        let proxies = Arc::new(Proxies::of(transport, &|name| std::env::var(name).ok())?);
        let credentials = repository.user.as_ref().map(|user| format!("{user}:{}", repository.password.as_deref().unwrap_or_default()));
        let connections = Connections { proxies: Arc::clone(&proxies), tls };
        let resolver = ProxyResolver { proxies: Arc::clone(&proxies), usual: DefaultResolver::default() };
        Ok(Self {
            agent: Agent::with_parts(config, connections, resolver),
            network: Arc::clone(network),
            proxies,
            retries: transport.retries,
            calls: if transport.skip_if_unavailable { transport.retries.min(RETRIES_OF_DISPENSABLE) } else { transport.retries },
            min_rate_bytes: transport.min_rate_bytes,
            throttle_bytes: transport.throttle_bytes,
            patience,
            authorization: credentials.map(|credentials| basic(&credentials)),
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
