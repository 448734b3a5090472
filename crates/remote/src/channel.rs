//! Connections to servers.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::env;
use std::rc::Rc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use runtime::remote::{Server, Trouble};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};

use crate::trouble;

/// The time in which a connection must be made.
const CONNECT: Duration = Duration::from_secs(10);

/// A connection without traffic is asked for a sign of life this often: by TCP, since servers end connections whose clients send HTTP/2's
/// pings more often than every five minutes ("Client-side keepalive", gRPC proposal A8).
const ALIVE: Duration = Duration::from_secs(30);

/// A server's window for what it sends ahead: with the usual 64 KiB a distant one would be slow.
const WINDOW_BYTES: u32 = 4 << 20;

/// The connections of this process; each is made when it is first used, and again when it was lost.
#[derive(Default)]
pub struct Channels(RefCell<BTreeMap<Server, Rc<Connected>>>);

/// A server and how to ask it.
pub struct Connected {
    /// The connection.
    pub channel: Channel,
    /// The instance that every request names.
    pub instance: String,
    authorization: Option<MetadataValue<Ascii>>,
}

impl Channels {
    /// The connection to a server.
    ///
    /// # Errors
    /// When its address, certificates or credentials cannot be used.
    pub fn connected(&self, server: &Server) -> Result<Rc<Connected>, Trouble> {
        if let Some(known) = self.0.borrow().get(server) {
            return Ok(Rc::clone(known));
        }
        let channel = endpoint(server).map_err(|error| Trouble::Failed(trouble::chain(&error)))?.connect_lazy();
        let token = runtime::remote::token().map_err(|error| Trouble::Failed(error.to_string()))?;
        let authorization = authorization(server.address(), token)
            .map(|text| text.parse().map_err(|_| Trouble::Failed("the password or token cannot be sent in a header".into())))
            .transpose()?;
        let connected = Rc::new(Connected { channel, instance: server.instance().to_owned(), authorization });
        self.0.borrow_mut().insert(server.clone(), Rc::clone(&connected));
        Ok(connected)
    }
}

fn endpoint(server: &Server) -> Result<Endpoint, tonic::transport::Error> {
    let endpoint = Endpoint::from_shared(server.http())?
        .user_agent(concat!("kaon/", env!("CARGO_PKG_VERSION")))?
        .connect_timeout(CONNECT)
        .tcp_keepalive(Some(ALIVE))
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES);
    if !server.is_tls() {
        return Ok(endpoint);
    }
    endpoint.tls_config(ClientTlsConfig::new().domain_name(certified_name(server)).with_native_roots())
}

/// The name that the server's certificate must have: the host, which for an address of IPv6 is without its brackets.
fn certified_name(server: &Server) -> String {
    let address = server.http();
    let host = address.split_once("://").and_then(|(_, rest)| rest.rsplit_once(':')).map_or("", |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']').to_owned()
}

/// The header: user and password of the address (RFC 7617), otherwise the token (RFC 6750).
fn authorization(address: &str, token: Option<String>) -> Option<String> {
    let given = address.split_once("://").and_then(|(_, rest)| rest.split('/').next()?.rsplit_once('@')).map(|(user, _)| user);
    let basic = |user: &str| format!("Basic {}", STANDARD.encode(decoded(user)));
    given.map(basic).or_else(|| token.filter(|token| !token.is_empty()).map(|token| format!("Bearer {token}")))
}

/// Percent-encoded bytes decoded (RFC 3986, 2.1).
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        let code = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    bytes
}

impl Connected {
    /// A request with what the server needs to know who asks.
    pub fn request<T>(&self, message: T) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        if let Some(authorization) = &self.authorization {
            request.metadata_mut().insert("authorization", authorization.clone());
        }
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_name_hosts() {
        for (address, name) in
            [("grpcs://me:pa:ss@a.test:443/main", "a.test"), ("grpcs://[::1]:50051", "::1"), ("grpcs://127.0.0.1:1", "127.0.0.1")]
        {
            assert_eq!(certified_name(&address.parse().unwrap()), name);
        }
    }

    #[test]
    fn who_asks() {
        let token = || Some("t0ken".to_owned());
        assert_eq!(authorization("grpc://a.test:1/x@y", token()).as_deref(), Some("Bearer t0ken"));
        assert_eq!(authorization("grpc://a.test:1", Some(String::new())), None);
        // `me:p@ss:%`
        assert_eq!(authorization("grpc://me:p%40ss:%@a.test:1", token()).as_deref(), Some("Basic bWU6cEBzczol"));
    }
}
