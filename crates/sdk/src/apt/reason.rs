//! Why apt did not fetch a file, by its messages.

use std::collections::BTreeMap;

use ureq::http::StatusCode;

use super::busy::{Tried, is_busy};
use super::download::comparable;
use super::{Outcome, Trouble, Via};

/// The lines `E: Failed to fetch URI  REASON`, by comparable address.
pub(super) fn reasons(stderr: &str) -> BTreeMap<String, String> {
    let line = |line: &str| {
        let (uri, reason) = line.strip_prefix("E: Failed to fetch ")?.split_once("  ")?;
        Some((comparable(uri), reason.trim().to_owned()))
    };
    stderr.lines().filter_map(line).collect()
}

/// Sorts apt's reasons by what can be done about them. `via` is the proxy that the environment names for the file; apt's configuration may name
/// another one.
pub(super) fn classify(reason: &str, via: Option<&Via>) -> Tried {
    // Messages end with the server's address.
    let reason = reason.split(" [IP: ").next().unwrap_or(reason);
    match status(reason) {
        Some(StatusCode::NOT_FOUND | StatusCode::GONE) => Tried::Done(Outcome::NotFound),
        Some(StatusCode::PROXY_AUTHENTICATION_REQUIRED) => Tried::Done(Outcome::Unreachable(Trouble::wants_password(via).to_string())),
        Some(status) if is_busy(status.as_u16()) => Tried::Busy { answer: status.to_string(), after: None },
        _ => Tried::Done(outcome(reason, via)),
    }
}

/// The status with which a message begins.
fn status(reason: &str) -> Option<StatusCode> {
    reason.split(' ').next().filter(|word| word.len() == 3)?.parse().ok()
}

fn outcome(reason: &str, via: Option<&Via>) -> Outcome {
    let is = |starts: &[&str]| starts.iter().any(|start| reason.starts_with(start));
    let has = |parts: &[&str]| parts.iter().any(|part| reason.contains(part));
    // What may not be looked at is not absent.
    let is_closed = reason.contains(&format!("({}:", nix::libc::EACCES));
    if is(&["Failed to stat", "File not found"]) && !is_closed {
        return Outcome::NotFound;
    }
    if let Some(refused) = reason.strip_prefix("Invalid response from proxy: ") {
        let status = refused.split(' ').nth(1).and_then(|number| number.parse().ok());
        return Outcome::Unreachable(status.map_or(reason.to_owned(), |status| Trouble::of_proxy(status, via).to_string()));
    }
    if has(&["issuer is unknown", "unable to get local issuer certificate", "self-signed certificate"]) {
        return Outcome::Unreachable(Trouble::unknown_authority().to_string());
    }
    if has(&["uses expired certificate"]) {
        return Outcome::Unreachable(Trouble::expired_certificate().to_string());
    }
    if has(&["not yet activated", "not yet valid"]) {
        return Outcome::Unreachable(Trouble::certificate_of_the_future().to_string());
    }
    if has(&["unexpected TLS packet", "wrong version number"]) {
        return Outcome::Unreachable(Trouble::no_tls().to_string());
    }
    if has(&["The name in the certificate does not match"]) {
        return Outcome::Unreachable(Trouble::other_name().to_string());
    }
    if is(&[
        "Could not resolve",
        "Temporary failure resolving",
        "Something wicked happened resolving",
        "Could not connect",
        "Unable to connect",
        "Cannot initiate the connection",
        "Connection failed",
    ]) {
        return Outcome::Unreachable(match via.filter(|via| reason.contains(&*via.host)) {
            Some(via) => Trouble::unconnected(reason, Some(via)).to_string(),
            None => reason.to_owned(),
        });
    }
    if is(&["Connection timed out"]) {
        return Outcome::Unreachable("it did not answer in time (connection timed out)".into());
    }
    if is(&["Undetermined Error"]) {
        return Outcome::Failed("the connection ended before the whole file was received".into());
    }
    Outcome::Failed(match status(reason) {
        Some(status) => format!("the server answered {status}"),
        None => reason.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_told_apart() {
        let stderr = "E: Failed to fetch http://a/x  404  Not Found [IP: 1.2.3.4 80]\n\
            E: Failed to fetch https://b/y  Could not resolve 'b'\nE: Failed to fetch http://c/z%2b1%  502  Bad Gateway\nE: Download Failed\n";
        let reasons = reasons(stderr);
        let sorted = |reason: &str| classify(reason, None);
        assert_eq!(sorted(&reasons["http://a/x"]), Tried::Done(Outcome::NotFound));
        let closed = "Failed to stat - stat (13: Permission denied)";
        assert_eq!(sorted(closed), Tried::Done(Outcome::Failed(closed.into())));
        assert_eq!(sorted("Failed to stat - stat (2: No such file or directory)"), Tried::Done(Outcome::NotFound));
        assert_eq!(sorted(&reasons["https://b/y"]), Tried::Done(Outcome::Unreachable("Could not resolve 'b'".into())));
        assert_eq!(sorted(&reasons[&comparable("http://u:p@c/z+1%")]), Tried::Busy { answer: "502 Bad Gateway".into(), after: None });
        assert_eq!(sorted("403  Forbidden [IP: 1.2.3.4 80]"), Tried::Done(Outcome::Failed("the server answered 403 Forbidden".into())));
    }

    #[test]
    fn a_proxy_is_named_with_its_variable() {
        let via =
            Via { variable: "https_proxy".into(), host: "proxy.test".into(), address: "http://proxy.test:3128".into(), has_user: false };
        let named = "the proxy `http://proxy.test:3128` (from the variable `https_proxy`)";
        for (reason, begin) in [
            ("Could not resolve 'proxy.test'", format!("cannot connect to {named}: Could not resolve 'proxy.test'; correct or unset")),
            ("Could not resolve 'other.test'", "Could not resolve 'other.test'".into()),
            (
                "Invalid response from proxy: HTTP/1.1 407 Proxy Authentication Required  Server: x [IP: 1.2.3.4 3128]",
                format!("{named} answered 407 Proxy Authentication Required: it wants a user and a password; put `user:password@`"),
            ),
            ("Invalid response from proxy: HTTP/1.0 403 Forbidden", format!("{named} refused to connect to the server: it answered 403")),
            (
                "407  Proxy Authentication Required [IP: 1.2.3.4 3128]",
                format!("{named} answered 407 Proxy Authentication Required: it wants"),
            ),
            (
                "Certificate verification failed: The certificate is NOT trusted. The certificate issuer is unknown.  Could not handshake",
                "the server's certificate is not signed by an authority that this machine knows; if".into(),
            ),
        ] {
            let Tried::Done(Outcome::Unreachable(found)) = classify(reason, Some(&via)) else { panic!("{reason}") };
            assert!(found.starts_with(&begin), "{found}");
        }
    }
}
