//! Connections to servers, through a proxy where there is one. Tunnels (`CONNECT`) are only for `https:`.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;

use forward::Forwarding;
use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{ConnectionDetails, Connector, NextTimeout, TcpConnector, Transport, TransportAdapter};

use super::proxy::{Hop, Proxies};
use super::tls::Tls;

/// An answer to `CONNECT` is not longer.
const LONGEST_ANSWER_BYTES: usize = 16 << 10;

/// Finds the address of the proxy, where there is one: names of servers are its business, and often nobody else knows them.
#[derive(Debug)]
pub(super) struct ProxyResolver {
    pub(super) proxies: Arc<Proxies>,
    pub(super) usual: DefaultResolver,
}

impl Resolver for ProxyResolver {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        self.usual.resolve(self.proxies.hop(uri).map_or(uri, |hop| &hop.uri), config, timeout).map_err(|error| match error {
            // The C library says nothing else of a name that it cannot find.
            Error::Io(_) => Error::HostNotFound,
            error => error,
        })
    }
}

/// Connects to servers or to what is between.
#[derive(Debug)]
pub(super) struct Connections {
    pub(super) proxies: Arc<Proxies>,
    pub(super) tls: Option<Tls>,
}

/// A proxy refused to connect to the server.
#[derive(Debug, thiserror::Error)]
#[error("the proxy `{proxy}` answered {status}")]
pub(super) struct Refused {
    pub(super) proxy: String,
    pub(super) status: u16,
}

impl Connector<()> for Connections {
    type Out = Box<dyn Transport>;

    fn connect(&self, details: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<Self::Out>, Error> {
        let Some(plain) = TcpConnector::default().connect(details, None::<()>)? else { return Ok(None) };
        let plain: Box<dyn Transport> = Box::new(plain);
        let Some(hop) = self.proxies.hop(details.uri) else {
            return Ok(Some(if details.needs_tls() { self.secured(plain, details.uri, details)? } else { plain }));
        };
        let to_proxy = if hop.uri.scheme_str() == Some("https") { self.secured(plain, &hop.uri, details)? } else { plain };
        if details.needs_tls() {
            let tunnel = tunnel(to_proxy, hop, details)?;
            return Ok(Some(self.secured(tunnel, details.uri, details)?));
        }
        let host = details.uri.authority().map(|authority| authority.as_str().to_owned()).unwrap_or_default();
        Ok(Some(Box::new(Forwarding::new(to_proxy, host, hop.authorization.clone()))))
    }
}

impl Connections {
    fn secured(&self, inner: Box<dyn Transport>, uri: &Uri, details: &ConnectionDetails<'_>) -> Result<Box<dyn Transport>, Error> {
        let tls = self.tls.as_ref().ok_or(Error::Tls("certificates were not read"))?;
        tls.connect(inner, uri, details)
    }
}

/// Asks a proxy for a tunnel to the server.
fn tunnel(transport: Box<dyn Transport>, hop: &Hop, details: &ConnectionDetails<'_>) -> Result<Box<dyn Transport>, Error> {
    let host = details.uri.host().unwrap_or_default();
    let port = details.uri.port_u16().unwrap_or(443);
    let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
    if let Some(authorization) = &hop.authorization {
        // Text takes everything.
        let _ = write!(request, "Proxy-Authorization: {authorization}\r\n");
    }
    let mut writer = TransportAdapter::new(transport, details.current_time.clone());
    writer.set_timeout(details.timeout);
    writer.write_all(format!("{request}\r\n").as_bytes())?;
    let mut transport = writer.into_inner();
    let (status, length) = loop {
        let is_more = transport.maybe_await_input(details.timeout)?;
        let input = transport.buffers().input();
        if let Some(found) = answer(input) {
            break found;
        }
        if !is_more || input.len() > LONGEST_ANSWER_BYTES {
            return Err(Error::ConnectProxyFailed(format!("`{}` did not answer as proxies do", hop.name())));
        }
    };
    transport.buffers().input_consume(length);
    match status {
        200..300 => Ok(transport),
        status => Err(Error::Other(Box::new(Refused { proxy: hop.name(), status }))),
    }
}

/// The status of a whole answer without a body, and its length in bytes.
fn answer(input: &[u8]) -> Option<(u16, usize)> {
    let length = input.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&input[..length]).ok()?;
    Some((text.split(' ').nth(1)?.trim().parse().ok()?, length))
}
