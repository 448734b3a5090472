//! Addresses of servers of the Remote Execution API.

use std::fmt;
use std::str::FromStr;

use base::address::{one_without_password, public, without_passwords};
use serde::{Deserialize, Serialize};

/// The server at `grpc://host:port/instance` or, with TLS, `grpcs://…`. An instance is a part of a server; its name may be empty or have
/// slashes. The address may contain a user and a password.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Server {
    address: String,
    host_end: usize,
}

/// A text that is not the address of such a server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not the address of a gRPC server: {reason}")]
pub struct InvalidServer {
    text: String,
    reason: &'static str,
}

/// Words that names of resources contain, and therefore instances cannot (`remote_execution.proto`, `ContentAddressableStorage`).
const RESERVED: [&str; 7] = ["blobs", "uploads", "actions", "actionResults", "operations", "capabilities", "compressed-blobs"];

/// The beginnings of addresses without and with TLS.
const SCHEMES: [&str; 2] = ["grpc://", "grpcs://"];

impl Server {
    /// Whether a text is meant to be such an address.
    pub fn is_meant(text: &str) -> bool {
        SCHEMES.iter().any(|scheme| text.starts_with(scheme))
    }

    /// Whether the connection is encrypted.
    pub fn is_tls(&self) -> bool {
        self.address.starts_with(SCHEMES[1])
    }

    /// The name of the instance; empty for a server's only one.
    pub fn instance(&self) -> &str {
        self.address.get(self.host_end + 1..).unwrap_or_default()
    }

    /// The address as HTTP/2 has it, without user, password and instance.
    pub fn http(&self) -> String {
        let address = public(&self.address[..self.host_end]);
        let host = address.split_once("://").map_or("", |(_, host)| host);
        format!("{}://{host}", if self.is_tls() { "https" } else { "http" })
    }

    /// The complete address; [`Display`](fmt::Display) hides user and password.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl FromStr for Server {
    type Err = InvalidServer;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |reason| InvalidServer { text: one_without_password(text).into_owned(), reason };
        if text.chars().any(|character| character.is_whitespace() || character.is_control()) {
            return Err(wrong("it contains white space"));
        }
        let scheme = SCHEMES.iter().find(|scheme| text.starts_with(*scheme)).ok_or(wrong("it must begin with grpc:// or grpcs://"))?;
        let address = text.trim_end_matches('/').to_owned();
        let rest = address.get(scheme.len()..).unwrap_or_default();
        let host_end = scheme.len() + rest.find('/').unwrap_or(rest.len());
        let host = rest[..host_end - scheme.len()].rsplit('@').next().unwrap_or_default();
        let port = host.rsplit_once(':').and_then(|(name, port)| (!name.is_empty()).then(|| port.parse::<u16>().ok()).flatten());
        if port.is_none() {
            return Err(wrong("it must name a host and a port"));
        }
        let server = Self { address, host_end };
        match server.instance().split('/').find(|part| RESERVED.contains(part) || part.is_empty() && !server.instance().is_empty()) {
            Some("") => Err(wrong("its instance has an empty part")),
            Some(_) => Err(wrong("its instance has a part that the protocol reserves, such as `blobs`")),
            None => Ok(server),
        }
    }
}

impl TryFrom<String> for Server {
    type Error = InvalidServer;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Server> for String {
    fn from(server: Server) -> Self {
        server.address
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_passwords(&self.address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_parts() {
        for (text, http, instance) in [
            ("grpc://a.test:8980", "http://a.test:8980", ""),
            ("grpc://a.test:8980/", "http://a.test:8980", ""),
            ("grpcs://me:pa:ss@a.test:443/main/x", "https://a.test:443", "main/x"),
            ("grpc://[::1]:50051/main", "http://[::1]:50051", "main"),
        ] {
            let server: Server = text.parse().unwrap();
            assert_eq!((server.http().as_str(), server.instance(), server.is_tls()), (http, instance, text.starts_with("grpcs")));
            let line = serde_json::to_string(&server).unwrap();
            assert_eq!(serde_json::from_str::<Server>(&line).unwrap(), server);
        }
        assert_eq!("grpcs://me:pass@a.test:443/x".parse::<Server>().unwrap().to_string(), "grpcs://***@a.test:443/x");
    }

    #[test]
    fn other_texts_are_no_addresses() {
        for text in [
            "http://a.test:80",
            "grpc://",
            "grpc:///x",
            "grpc://a.test",
            "grpc://:80",
            "grpc://a.test:http",
            "grpc://a.test:99999",
            "grpc://a b:80",
            "grpc://a.test:80/blobs",
            "grpc://a.test:80/x//y",
        ] {
            assert!(text.parse::<Server>().is_err(), "{text}");
        }
        let error = "grpc://me:pass@a.test".parse::<Server>().unwrap_err().to_string();
        assert!(!error.contains("pass"), "{error}");
    }
}
