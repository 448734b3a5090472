//! What is wrong where a server gives no answer, and what to do about it.

use std::fmt;
use std::io;
use std::time::Duration;

use rustls::CertificateError;
use ureq::http::StatusCode;
use ureq::{Error, Timeout};

use super::proxy::Via;

/// Why a request got no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What happened.
    pub reason: String,
    /// What to do about it, where that is known.
    pub advice: Option<String>,
    /// Whom it concerns, and for how long.
    pub lasts: Lasts,
}

/// Whom a trouble concerns, and whether it may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasts {
    /// The server cannot be reached, which may pass.
    Away,
    /// The server does not answer, to a request or to an attempt to connect. Each try costs the whole timeout.
    Unanswered,
    /// This request failed, and another try may succeed.
    Interrupted,
    /// All requests to this server fail.
    Server,
    /// This request fails each time.
    Request,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        self.advice.iter().try_for_each(|advice| write!(f, "; {advice}"))
    }
}

impl Trouble {
    fn new(lasts: Lasts, reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), advice: None, lasts }
    }

    fn advised(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }

    /// What an error of a request by way of a proxy, or directly, means. `timeout` is how long an answer was waited for.
    pub fn of(error: &Error, via: Option<&Via>, timeout: Duration) -> Self {
        let seconds = timeout.as_secs_f64();
        match error {
            Error::HostNotFound => Self::unconnected("the name cannot be resolved", via),
            Error::ConnectionFailed => Self::unconnected(&error.to_string(), via),
            Error::Timeout(Timeout::Connect) => {
                Self { lasts: Lasts::Unanswered, ..Self::unconnected(&format!("no connection within {seconds} s"), via) }
            }
            Error::Timeout(Timeout::Resolve) => {
                Self { lasts: Lasts::Unanswered, ..Self::unconnected(&format!("its name was not resolved within {seconds} s"), via) }
            }
            Error::ConnectProxyFailed(reason) => Self::of_tunnel(reason, via),
            Error::Timeout(Timeout::RecvResponse) => {
                let through = via.map(|via| format!(" by way of {}", shown(via))).unwrap_or_default();
                Self::new(Lasts::Unanswered, format!("it did not answer within {seconds} s{through}"))
            }
            Error::Timeout(Timeout::PerWrite | Timeout::SendRequest | Timeout::SendBody) => {
                Self::new(Lasts::Unanswered, format!("it took nothing of what was sent for {seconds} s"))
            }
            Error::Timeout(Timeout::PerRead) => Self::new(Lasts::Interrupted, format!("nothing came for {seconds} s (timeout)")),
            Error::Rustls(error) => Self::of_tls(error),
            Error::Io(io) => match io.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                Some(error) => Self::of_tls(error),
                None if is_unreachable(io) => Self::unconnected(&io.to_string(), via),
                None => Self::new(Lasts::Interrupted, error.to_string()),
            },
            Error::BadUri(_)
            | Error::Http(_)
            | Error::InvalidProxyUrl
            | Error::TooManyRedirects
            | Error::RedirectFailed
            | Error::Tls(_) => Self::new(Lasts::Request, error.to_string()),
            _ => Self::new(Lasts::Interrupted, error.to_string()),
        }
    }

    /// No connection to the server, or to the proxy before it.
    pub(in crate::apt) fn unconnected(reason: &str, via: Option<&Via>) -> Self {
        match via {
            None => Self::new(Lasts::Away, format!("cannot connect: {reason}")),
            Some(via) => Self::new(Lasts::Away, format!("cannot connect to {}: {reason}", shown(via)))
                .advised(format!("correct or unset `{}`, or name the server in `no_proxy`", via.variable)),
        }
    }

    /// A proxy did not make a tunnel to the server.
    fn of_tunnel(reason: &str, via: Option<&Via>) -> Self {
        let number = reason.strip_prefix("proxy server responded ").and_then(|rest| rest.split('/').next()?.parse().ok());
        match number.and_then(|number| StatusCode::from_u16(number).ok()) {
            Some(status) => Self::of_proxy(status, via),
            None => Self::new(Lasts::Away, format!("{} failed: {reason}", via.map_or("the proxy".into(), shown))),
        }
    }

    /// A proxy refused, with this status, to connect to the server.
    pub(in crate::apt) fn of_proxy(status: StatusCode, via: Option<&Via>) -> Self {
        let who = via.map_or("the proxy".into(), shown);
        match status {
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => Self::wants_password(via),
            status if status.is_server_error() => {
                Self::new(Lasts::Away, format!("{who} could not connect to the server: it answered {status}"))
            }
            status => Self::new(Lasts::Server, format!("{who} refused to connect to the server: it answered {status}"))
                .advised("ask who runs the proxy to allow it, or name the server in `no_proxy` if it can be reached without"),
        }
    }

    /// The answer 407.
    pub fn wants_password(via: Option<&Via>) -> Self {
        let status = StatusCode::PROXY_AUTHENTICATION_REQUIRED;
        // Examples with a whole address would be shown without its password.
        let encoded = "with `%40` for `@` and `%3A` for `:`";
        match via {
            Some(via) if via.has_user => {
                Self::new(Lasts::Server, format!("{} answered {status}: it does not accept the user and the password", shown(via)))
                    .advised(format!("correct them in the variable `{}`, {encoded}", via.variable))
            }
            Some(via) => Self::new(Lasts::Server, format!("{} answered {status}: it wants a user and a password", shown(via)))
                .advised(format!("put `user:password@` before its host in the variable `{}`, {encoded} in either", via.variable)),
            None => {
                Self::new(Lasts::Server, format!("the server answered {status}: the proxy wants a user and a password")).advised(format!(
                    "put `user:password@` before its host in the variable that names it, `http_proxy` or `https_proxy`, {encoded} in either"
                ))
            }
        }
    }

    /// Something else than TLS came.
    pub(in crate::apt) fn no_tls() -> Self {
        Self::new(Lasts::Server, "it does not speak TLS").advised("check the port, and whether the address begins with `http://`")
    }

    /// The certificate becomes valid later.
    pub(in crate::apt) fn certificate_of_the_future() -> Self {
        Self::new(Lasts::Server, "the server's certificate is not valid yet").advised("check the clock of this machine")
    }

    fn of_tls(error: &rustls::Error) -> Self {
        let certificate = match error {
            rustls::Error::InvalidCertificate(certificate) => certificate,
            rustls::Error::InvalidMessage(_) => return Self::no_tls(),
            other => return Self::new(Lasts::Server, format!("it cannot be spoken to with TLS: {other}")),
        };
        match certificate {
            CertificateError::UnknownIssuer => Self::unknown_authority(),
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::expired_certificate(),
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::certificate_of_the_future(),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Self::other_name(),
            _ => Self::new(Lasts::Server, format!("the server's certificate cannot be used: {error}")),
        }
    }

    /// A certificate whose time is over, or whose authority's is.
    pub(in crate::apt) fn expired_certificate() -> Self {
        Self::new(Lasts::Server, "the server's certificate has expired").advised("check the clock of this machine")
    }

    /// A certificate of another server.
    pub(in crate::apt) fn other_name() -> Self {
        Self::new(Lasts::Server, "the server's certificate is for another name").advised("write the name that it is for into the address")
    }

    /// A certificate that no known authority signed.
    pub(in crate::apt) fn unknown_authority() -> Self {
        Self::new(Lasts::Server, "the server's certificate is not signed by an authority that this machine knows").advised(
            "if it is the right server, or a proxy that looks into connections, name a file with the certificate of its authority in \
             SSL_CERT_FILE, which is believed instead of those of the system",
        )
    }
}

/// A proxy and where its address comes from.
fn shown(via: &Via) -> String {
    format!("the proxy `{}` (from the variable `{}`)", via.address, via.variable)
}

fn is_unreachable(error: &io::Error) -> bool {
    use io::ErrorKind::{AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkUnreachable};
    matches!(error.kind(), AddrNotAvailable | ConnectionRefused | HostUnreachable | NetworkUnreachable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn via(has_user: bool) -> Via {
        Via { variable: "https_proxy".into(), host: "proxy.test".into(), address: "http://proxy.test:3128".into(), has_user }
    }

    #[test]
    fn troubles_say_whose_they_are_and_what_to_do() {
        let tunnel = |status: u16| Error::ConnectProxyFailed(format!("proxy server responded {status}/{status}"));
        let refused = || Error::Io(io::Error::from(io::ErrorKind::ConnectionRefused));
        let in_tls = |certificate| Error::Io(io::Error::other(rustls::Error::InvalidCertificate(certificate)));
        let proxy = "the proxy `http://proxy.test:3128` (from the variable `https_proxy`)";
        for (error, via, lasts, expected) in [
            (
                tunnel(407),
                Some(via(false)),
                Lasts::Server,
                format!(
                    "{proxy} answered 407 Proxy Authentication Required: it wants a user and a password; put `user:password@` before its host in \
                     the variable `https_proxy`, with `%40` for `@` and `%3A` for `:` in either"
                ),
            ),
            (
                tunnel(407),
                Some(via(true)),
                Lasts::Server,
                format!(
                    "{proxy} answered 407 Proxy Authentication Required: it does not accept the user and the password; correct them in the \
                     variable `https_proxy`, with `%40` for `@` and `%3A` for `:`"
                ),
            ),
            (
                tunnel(403),
                Some(via(true)),
                Lasts::Server,
                format!(
                    "{proxy} refused to connect to the server: it answered 403 Forbidden; ask who runs the proxy to allow it, or name the \
                     server in `no_proxy` if it can be reached without"
                ),
            ),
            (
                tunnel(503),
                Some(via(true)),
                Lasts::Away,
                format!("{proxy} could not connect to the server: it answered 503 Service Unavailable"),
            ),
            (
                refused(),
                Some(via(false)),
                Lasts::Away,
                format!("cannot connect to {proxy}: connection refused; correct or unset `https_proxy`, or name the server in `no_proxy`"),
            ),
            (refused(), None, Lasts::Away, "cannot connect: connection refused".into()),
            (
                in_tls(CertificateError::UnknownIssuer),
                None,
                Lasts::Server,
                "the server's certificate is not signed by an authority that this machine knows; if it is the right server, or a proxy that \
                 looks into connections, name a file with the certificate of its authority in SSL_CERT_FILE, which is believed instead of \
                 those of the system"
                    .into(),
            ),
            (
                in_tls(CertificateError::Expired),
                None,
                Lasts::Server,
                "the server's certificate has expired; check the clock of this machine".into(),
            ),
            (Error::Timeout(Timeout::Connect), None, Lasts::Unanswered, "cannot connect: no connection within 30 s".into()),
            (Error::Timeout(Timeout::RecvResponse), None, Lasts::Unanswered, "it did not answer within 30 s".into()),
            (
                Error::Timeout(Timeout::RecvResponse),
                Some(via(false)),
                Lasts::Unanswered,
                format!("it did not answer within 30 s by way of {proxy}"),
            ),
        ] {
            let found = Trouble::of(&error, via.as_ref(), Duration::from_secs(30));
            assert_eq!((found.to_string(), found.lasts), (expected, lasts));
        }
    }
}
