//! Names of hosts, and connections through a proxy, as the user names it.

use forward::Forwarding;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::http::uri::Scheme;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport};
use ureq::{Error, Proxy, ProxyProtocol};

use super::authorization::basic;

/// Resolves names like ureq, and says which errors are about that.
#[derive(Debug, Default)]
pub struct Names(DefaultResolver);

impl Resolver for Names {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        self.0.resolve(uri, config, timeout).map_err(|error| match error {
            // The C library says nothing else of a name that it cannot find.
            Error::Io(_) => Error::HostNotFound,
            error => error,
        })
    }
}

/// Connects to a proxy for `http:` addresses, and like ureq for all others.
#[derive(Debug)]
pub struct ForwardConnector {
    usual: DefaultConnector,
    /// The configuration for connecting to the proxy itself.
    direct: Config,
}

impl ForwardConnector {
    /// A connector; `direct` is the agent's configuration without its proxy.
    pub fn new(direct: Config) -> Self {
        Self { usual: DefaultConnector::new(), direct }
    }
}

impl Connector<()> for ForwardConnector {
    type Out = Box<dyn Transport>;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<()>) -> Result<Option<Self::Out>, Error> {
        let is_http = |proxy: &&Proxy| matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https);
        let proxy = details.config.proxy().filter(is_http).filter(|proxy| !proxy.is_no_proxy(details.uri));
        let (Some(proxy), true, Some(target)) = (proxy, details.uri.scheme() == Some(&Scheme::HTTP), details.uri.authority()) else {
            return self.usual.connect(details, chained);
        };
        let to_proxy = ConnectionDetails {
            uri: proxy.uri(),
            addrs: details.resolver.resolve(proxy.uri(), &self.direct, details.timeout)?,
            config: &self.direct,
            request_level: details.request_level,
            resolver: details.resolver,
            now: details.now,
            timeout: details.timeout,
            current_time: details.current_time.clone(),
            run_connector: details.run_connector.clone(),
            register_shutdown: details.register_shutdown.clone(),
        };
        let Some(inner) = self.usual.connect(&to_proxy, chained)? else { return Ok(None) };
        let authorization = proxy.username().map(|user| basic(user, proxy.password().unwrap_or_default()));
        // Credentials of the target are sent in a header, and not to the proxy.
        let host = target.as_str().rsplit('@').next().unwrap_or_default().to_owned();
        Ok(Some(Box::new(Forwarding::new(inner, host, authorization))))
    }
}
