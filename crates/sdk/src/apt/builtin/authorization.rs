//! Users and passwords of addresses, as servers want them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ureq::RequestBuilder;
use ureq::http::header::AUTHORIZATION;

use crate::apt::credentials;

/// The value of the header `Authorization` for a user and a password (RFC 7617).
pub fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// A request with the user and the password in `address`. ureq itself sends them as they are written there, percent-encoded.
pub(super) fn authorized<B>(request: RequestBuilder<B>, address: &str) -> RequestBuilder<B> {
    match credentials(address) {
        Some((user, password)) => request.header(AUTHORIZATION, basic(&user, &password)),
        None => request,
    }
}
