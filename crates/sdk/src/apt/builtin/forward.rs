//! Plain HTTP through a proxy.
//!
//! ureq opens a tunnel through a proxy (`CONNECT`) even for `http:` addresses, which many proxies allow only for TLS, and which bypasses
//! caches. Instead, the whole address is sent to the proxy in the request's first line (RFC 9112, section 3.2.2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ureq::config::Config;
use ureq::http::uri::Scheme;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport};
use ureq::{Error, Proxy, ProxyProtocol};

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
        let credentials = proxy.username().map(|user| format!("{user}:{}", proxy.password().unwrap_or_default()));
        // Credentials of the target are sent in a header, and not to the proxy.
        let host = target.as_str().rsplit('@').next().unwrap_or_default().to_owned();
        Ok(Some(Box::new(Forwarding { inner, host, credentials })))
    }
}

/// A connection to a proxy that rewrites each request's first line.
#[derive(Debug)]
struct Forwarding {
    inner: Box<dyn Transport>,
    host: String,
    credentials: Option<String>,
}

impl Forwarding {
    /// The head of a request, rewritten; `None` if it is not the beginning of a request.
    fn rewritten(&self, head: &[u8]) -> Option<Vec<u8>> {
        let rest = head.strip_prefix(b"GET /")?;
        let end = rest.windows(2).position(|pair| pair == b"\r\n")? + 2;
        let mut new = format!("GET http://{}/", self.host).into_bytes();
        new.extend_from_slice(&rest[..end]);
        if let Some(credentials) = &self.credentials {
            new.extend_from_slice(format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode(credentials)).as_bytes());
        }
        new.extend_from_slice(&rest[end..]);
        Some(new)
    }
}

impl Transport for Forwarding {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let head = self.inner.buffers().output()[..amount].to_vec();
        let Some(new) = self.rewritten(&head) else { return self.inner.transmit_output(amount, timeout) };
        let Some(room) = self.inner.buffers().output().get_mut(..new.len()) else {
            return Err(Error::ConnectProxyFailed("the request is too long".into()));
        };
        room.copy_from_slice(&new);
        self.inner.transmit_output(new.len(), timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }
}
