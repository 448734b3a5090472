//! Names of hosts, and connections through a proxy, as the user names it.

use forward::Forwarding;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::http::uri::Scheme;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport};
use ureq::{Error, ProxyProtocol};

use super::authorization::basic;
use super::no_proxy::NoProxy;

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
    /// Hosts to which the connection is direct, even so.
    excepted: NoProxy,
}

impl ForwardConnector {
    /// A connector; `direct` is the agent's configuration without its proxy, for hosts in `excepted`.
    pub fn new(direct: Config, excepted: NoProxy) -> Self {
        Self { usual: DefaultConnector::new(), direct, excepted }
    }

    /// The same as `details`, but to `uri` and without a proxy.
    fn directly<'d>(&'d self, details: &ConnectionDetails<'d>, uri: &'d Uri) -> Result<ConnectionDetails<'d>, Error> {
        Ok(ConnectionDetails {
            uri,
            addrs: details.resolver.resolve(uri, &self.direct, details.timeout)?,
            config: &self.direct,
            request_level: details.request_level,
            resolver: details.resolver,
            now: details.now,
            timeout: details.timeout,
            current_time: details.current_time.clone(),
            run_connector: details.run_connector.clone(),
            register_shutdown: details.register_shutdown.clone(),
        })
    }
}

impl Connector<()> for ForwardConnector {
    type Out = Box<dyn Transport>;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<()>) -> Result<Option<Self::Out>, Error> {
        let Some(proxy) = details.config.proxy() else { return self.usual.connect(details, chained) };
        if self.excepted.has(details.uri) {
            return self.usual.connect(&self.directly(details, details.uri)?, chained);
        }
        let is_http = matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https);
        let (true, true, Some(target)) = (is_http, details.uri.scheme() == Some(&Scheme::HTTP), details.uri.authority()) else {
            return self.usual.connect(details, chained);
        };
        let to_proxy = self.directly(details, proxy.uri())?;
        let Some(inner) = self.usual.connect(&to_proxy, chained)? else { return Ok(None) };
        let authorization = proxy.username().map(|user| basic(user, proxy.password().unwrap_or_default()));
        // Credentials of the target are sent in a header, and not to the proxy.
        let host = target.as_str().rsplit('@').next().unwrap_or_default().to_owned();
        Ok(Some(Box::new(Forwarding::new(inner, host, authorization))))
    }
}
