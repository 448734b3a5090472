//! Plain HTTP through a proxy, for programs that use ureq.
//!
//! ureq opens a tunnel (`CONNECT`) even for `http:` addresses, which many proxies allow to port 443 only, and caches cannot look into. Here a
//! proxy is sent the whole address in the request's first line instead (RFC 9112, section 3.2.2).

use std::fmt;

use ureq::Error;
use ureq::unversioned::transport::{Buffers, NextTimeout, Transport};

/// A connection to a proxy that rewrites the head of each request. Only `GET` is known.
pub struct Forwarding {
    inner: Box<dyn Transport>,
    host: String,
    authorization: Option<String>,
}

impl Forwarding {
    /// To the server at `host` (with its port, without credentials) by way of the proxy that `inner` is connected to; `authorization` is the
    /// value of `Proxy-Authorization`.
    pub fn new(inner: Box<dyn Transport>, host: String, authorization: Option<String>) -> Self {
        Self { inner, host, authorization }
    }
}

impl fmt::Debug for Forwarding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forwarding").field("host", &self.host).finish_non_exhaustive()
    }
}

/// The head of a request, rewritten; none where what is sent is not the beginning of one.
fn rewritten(head: &[u8], host: &str, authorization: Option<&str>) -> Option<Vec<u8>> {
    let rest = head.strip_prefix(b"GET /")?;
    let end = rest.windows(2).position(|pair| pair == b"\r\n")? + 2;
    let mut new = format!("GET http://{host}/").into_bytes();
    new.extend_from_slice(&rest[..end]);
    if let Some(authorization) = authorization {
        new.extend_from_slice(format!("Proxy-Authorization: {authorization}\r\n").as_bytes());
    }
    new.extend_from_slice(&rest[end..]);
    Some(new)
}

impl Transport for Forwarding {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let head = self.inner.buffers().output()[..amount].to_vec();
        let Some(new) = rewritten(&head, &self.host, self.authorization.as_deref()) else {
            return Err(Error::ConnectProxyFailed("only the heads of requests can be sent".into()));
        };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_of_requests() {
        let text = |bytes: Option<Vec<u8>>| bytes.map(|bytes| String::from_utf8(bytes).unwrap());
        let head = b"GET /a/b?c HTTP/1.1\r\nHost: h\r\n\r\n";
        let plain = "GET http://h:81/a/b?c HTTP/1.1\r\nHost: h\r\n\r\n";
        assert_eq!(text(rewritten(head, "h:81", None)).as_deref(), Some(plain));
        let with = "GET http://h/a/b?c HTTP/1.1\r\nProxy-Authorization: Basic eA==\r\nHost: h\r\n\r\n";
        assert_eq!(text(rewritten(head, "h", Some("Basic eA=="))).as_deref(), Some(with));
        assert_eq!(rewritten(b"POST / HTTP/1.1\r\n\r\n", "h", None), None);
        assert_eq!(rewritten(b"GET /a", "h", None), None);
    }
}
