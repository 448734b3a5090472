//! Credentials that are written in an address: they go to the server, and nobody else sees them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rpm_engine::repo::percent;

/// An address, and what was written before its host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// Without credentials, as it is asked for and shown.
    pub(super) url: String,
    /// `user:password`, percent-encoding undone.
    pub(super) credentials: Option<String>,
}

impl Address {
    /// Parts an address. Percent-encoding that makes no sense stays as it is.
    pub(super) fn of(text: &str) -> Self {
        let plain = || Self { url: text.to_owned(), credentials: None };
        let Some((scheme, rest)) = text.split_once("://") else { return plain() };
        let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
        let Some((user, host)) = authority.rsplit_once('@') else { return plain() };
        let (name, password) = user.split_once(':').unwrap_or((user, ""));
        let credentials = format!("{}:{}", decoded(name), decoded(password));
        Self { url: format!("{scheme}://{host}{}", &rest[authority.len()..]), credentials: Some(credentials) }
    }

    /// The host and port, as written.
    pub(super) fn host(&self) -> &str {
        let rest = self.url.split_once("://").map_or(&*self.url, |(_, rest)| rest);
        &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())]
    }
}

/// An address as it may be shown: without the user name and password that may be written in it.
pub fn shown(url: &str) -> String {
    Address::of(url).url
}

/// The value of `Authorization` and `Proxy-Authorization` for `user:password` (RFC 7617).
pub(super) fn basic(credentials: &str) -> String {
    format!("Basic {}", STANDARD.encode(credentials))
}

fn decoded(text: &str) -> String {
    String::from_utf8_lossy(&percent::decoded(text)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_decoded_and_not_shown() {
        let table = [
            ("http://h/x", "http://h/x", None),
            ("http://me:secret@h:81/x", "http://h:81/x", Some("me:secret")),
            ("https://me%40x:p%40ss%2Fw%25@h", "https://h", Some("me@x:p@ss/w%")),
            ("https://me@h/a@b?c@d", "https://h/a@b?c@d", Some("me:")),
            ("https://a@b:c@h/", "https://h/", Some("a@b:c")),
            ("https://me:%zz%4@h/", "https://h/", Some("me:%zz%4")),
            ("http://h/a:b@c", "http://h/a:b@c", None),
            ("file:///a@b", "file:///a@b", None),
            ("/a@b", "/a@b", None),
        ];
        for (text, url, credentials) in table {
            let found = Address::of(text);
            assert_eq!((found.url.as_str(), found.credentials.as_deref()), (url, credentials), "{text}");
        }
        assert_eq!(Address::of("http://me:x@h:81/x").host(), "h:81");
    }
}
