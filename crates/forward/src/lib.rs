//! Plain HTTP through a proxy, for programs that use ureq.
//!
//! ureq opens a tunnel (`CONNECT`) even for `http:` addresses, which many proxies allow to port 443 only, and caches cannot look into. Here a
//! proxy is sent the whole address in the request's first line instead (RFC 9112, section 3.2.2).

use std::fmt;

use ureq::Error;
use ureq::unversioned::transport::{Buffers, NextTimeout, Transport};

/// A connection to a proxy that rewrites the head of each request, whatever its method. What follows a head is sent as it is.
pub struct Forwarding {
    inner: Box<dyn Transport>,
    host: String,
    authorization: Option<String>,
    next: Next,
}

/// What is sent next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// The head of a request.
    Head,
    /// The content of a request, of which so many bytes are left; never 0.
    Content(u64),
    /// The content of a request whose length is not known. It ends when the answer is read.
    UntilAnswer,
}

impl Next {
    /// What follows a head.
    fn after(head: &[u8]) -> Self {
        let value = |line: &str, name: &str| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        };
        let text = String::from_utf8_lossy(head);
        if text.lines().any(|line| value(line, "transfer-encoding").is_some()) {
            return Self::UntilAnswer;
        }
        let length = text.lines().find_map(|line| value(line, "content-length")?.parse().ok());
        Self::of_length(length.unwrap_or(0))
    }

    fn of_length(bytes: u64) -> Self {
        if bytes == 0 { Self::Head } else { Self::Content(bytes) }
    }
}

impl Forwarding {
    /// To the server at `host` (with its port, without credentials) by way of the proxy that `inner` is connected to; `authorization` is the
    /// value of `Proxy-Authorization`.
    pub fn new(inner: Box<dyn Transport>, host: String, authorization: Option<String>) -> Self {
        Self { inner, host, authorization, next: Next::Head }
    }

    /// Sends the head of a request, with the beginning of its content if that is in the same buffer.
    fn transmit_head(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let sent = self.inner.buffers().output()[..amount].to_vec();
        let head = sent.windows(4).position(|end| end == b"\r\n\r\n").map(|at| &sent[..at + 4]);
        let rewritten = head.and_then(|head| Some((head, rewritten(head, &self.host, self.authorization.as_deref())?)));
        let Some((head, mut new)) = rewritten else {
            return Err(Error::ConnectProxyFailed("the head of a request cannot be sent in pieces".into()));
        };
        let content = &sent[head.len()..];
        self.next = match Next::after(head) {
            Next::Content(length) => Next::of_length(length.saturating_sub(content.len() as u64)),
            next @ (Next::Head | Next::UntilAnswer) => next,
        };
        new.extend_from_slice(content);
        let Some(room) = self.inner.buffers().output().get_mut(..new.len()) else {
            return Err(Error::ConnectProxyFailed("the request is too long".into()));
        };
        room.copy_from_slice(&new);
        self.inner.transmit_output(new.len(), timeout)
    }
}

impl fmt::Debug for Forwarding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forwarding").field("host", &self.host).finish_non_exhaustive()
    }
}

/// The head of a request, rewritten; none where what is sent is not the beginning of one.
fn rewritten(head: &[u8], host: &str, authorization: Option<&str>) -> Option<Vec<u8>> {
    let end = head.windows(2).position(|pair| pair == b"\r\n")? + 2;
    let (method, rest) = std::str::from_utf8(&head[..end]).ok()?.split_once(' ').filter(|(_, rest)| rest.starts_with('/'))?;
    let mut new = format!("{method} http://{host}{rest}").into_bytes();
    if let Some(authorization) = authorization {
        new.extend_from_slice(format!("Proxy-Authorization: {authorization}\r\n").as_bytes());
    }
    new.extend_from_slice(&head[end..]);
    Some(new)
}

impl Transport for Forwarding {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        match self.next {
            // Content may end with an empty piece.
            _ if amount == 0 => {}
            Next::Head => return self.transmit_head(amount, timeout),
            Next::Content(left) => self.next = Next::of_length(left.saturating_sub(amount as u64)),
            Next::UntilAnswer => {}
        }
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        if self.next == Next::UntilAnswer {
            self.next = Next::Head;
        }
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        // What was not sent to its end cannot be followed by another request.
        self.next == Next::Head && self.inner.is_open()
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
        for method in ["HEAD", "PUT", "POST"] {
            let head = format!("{method} / HTTP/1.1\r\n\r\n");
            assert_eq!(text(rewritten(head.as_bytes(), "h", None)), Some(format!("{method} http://h/ HTTP/1.1\r\n\r\n")));
        }
        for other in ["GET /a", "OPTIONS * HTTP/1.1\r\n\r\n", "content\r\n"] {
            assert_eq!(rewritten(other.as_bytes(), "h", None), None, "{other}");
        }
    }

    #[test]
    fn what_follows_a_head() {
        for (lines, next) in [
            ("", Next::Head),
            ("Content-Length: 0\r\n", Next::Head),
            ("content-length: 12\r\n", Next::Content(12)),
            ("Transfer-Encoding: chunked\r\n", Next::UntilAnswer),
        ] {
            assert_eq!(Next::after(format!("PUT /x HTTP/1.1\r\n{lines}\r\n").as_bytes()), next, "{lines}");
        }
    }
}
