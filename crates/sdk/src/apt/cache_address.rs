//! Where a shared cache is.

use std::fmt;
use std::str::FromStr;

use super::{InvalidMirror, Mirror};
use base::digest::Digest;
use runtime::remote::{InvalidServer, Server};

/// The address of a shared cache.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CacheAddress {
    /// A folder or an HTTP server: files below an address.
    Files(Mirror),
    /// A server of the Remote Execution API.
    Grpc(Server),
}

/// A text that is not the address of a cache.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCacheAddress {
    /// It looks like one of files.
    #[error(transparent)]
    Files(#[from] InvalidMirror),
    /// Something follows the path.
    #[error("`{text}` continues with `{mark}…`: files are looked for below the address of a cache, which is a folder")]
    Continued {
        /// The address until then, without passwords.
        text: String,
        /// The character that ends a path (RFC 3986, 3.3).
        mark: char,
    },
    /// It looks like one of a server.
    #[error(transparent)]
    Grpc(#[from] InvalidServer),
}

impl CacheAddress {
    /// The address of the file at `path`, as [`fn@super::download`] takes it.
    pub fn file(&self, path: &str) -> String {
        match self {
            Self::Files(mirror) => mirror.file(path),
            Self::Grpc(server) => format!("{}/{path}", server.address()),
        }
    }

    /// The address of the file with this digest.
    pub fn by_digest(&self, sha256: &Digest) -> String {
        self.file(&format!("cas/{sha256}"))
    }
}

impl FromStr for CacheAddress {
    type Err = InvalidCacheAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if Server::is_meant(text) {
            return Ok(Self::Grpc(text.parse()?));
        }
        let files: Mirror = text.parse()?;
        // What follows may be a signature, which is as good as a password.
        let shown = if files.folder().is_some() { String::new() } else { files.to_string() };
        match shown.find(['?', '#']) {
            Some(at) => Err(InvalidCacheAddress::Continued {
                text: shown[..at].to_owned(),
                mark: if shown[at..].starts_with('?') { '?' } else { '#' },
            }),
            None => Ok(Self::Files(files)),
        }
    }
}

impl fmt::Display for CacheAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files(mirror) => mirror.fmt(f),
            Self::Grpc(server) => server.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_addresses_in_all_kinds_of_caches() {
        for (text, file) in [
            ("https://u:p@c.test/kaon/", "https://u:p@c.test/kaon/ac/x"),
            ("file:///srv/kaon", "copy:/srv/kaon/ac/x"),
            ("grpcs://u:p@c.test:443/main/", "grpcs://u:p@c.test:443/main/ac/x"),
        ] {
            assert_eq!(text.parse::<CacheAddress>().unwrap().file("ac/x"), file);
        }
        let shown = ["ftp://u:p@c.test", "grpc://u:p@c.test"].map(|text| text.parse::<CacheAddress>().unwrap_err().to_string());
        assert!(shown[0].contains("http, https or file") && shown[1].contains("a host and a port"), "{shown:?}");
        assert!(!shown.concat().contains("u:p"), "{shown:?}");
        let signed = "https://u:p@c.test/kaon?sig=SECRET".parse::<CacheAddress>().unwrap_err().to_string();
        assert!(signed.starts_with("`https://***@c.test/kaon` continues with `?…`"), "{signed}");
        assert!("file:///srv/a%3Fb".parse::<CacheAddress>().is_ok());
    }
}
