//! A server that takes files by PUT: nginx with WebDAV, bazel-remote, `cargo xtask cache serve --writable`.

use std::env;
use std::fs::File;
use std::io::Read as _;
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use runtime::remote::TOKEN_VARIABLE;
use sdk::apt::{Mirror, Network, credentials};
use ureq::http::header::{AUTHORIZATION, CONTENT_LENGTH};
use ureq::{Agent, Error, SendBody};

use super::{Content, Place, PlaceError, by_digest};
use base::address::{public, without_passwords};
use base::digest::Digest;

/// Time without an answer after which the server counts as unreachable.
const PATIENCE: Duration = Duration::from_secs(60);

/// Pauses before further tries, after errors that may pass.
const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(4), Duration::from_secs(10)];

/// An entry is not longer.
const LONGEST_BYTES: u64 = 4 << 20;

/// A server below one address.
pub struct Server {
    agent: Agent,
    /// Without user and password.
    address: String,
    authorization: Option<String>,
}

impl Server {
    /// The server at `address`. User and password are those of the address; without them, the token in [`TOKEN_VARIABLE`] is sent, as over gRPC.
    ///
    /// # Errors
    /// When the address is not one of a server, or the proxy's cannot be used.
    pub fn new(address: &Mirror) -> Result<Self, PlaceError> {
        let given = address.address();
        let fail = |reason: String| PlaceError::Address { address: address.to_string(), reason };
        let is_tls = given.starts_with("https://");
        if !is_tls && !given.starts_with("http://") {
            return Err(fail("it is not the address of a server".into()));
        }
        let agent = Network::from_environment().agent(is_tls, PATIENCE).map_err(fail)?;
        let token = env::var(TOKEN_VARIABLE).ok().filter(|token| !token.is_empty());
        let authorization = authorization(credentials(&given), token);
        Ok(Self { agent, address: public(&given), authorization })
    }

    fn url(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }

    /// Asks until there is an answer that counts: errors of the server and of the network may pass.
    fn ask<T>(&self, name: &str, once: impl Fn(&str) -> Result<Answer<T>, Error>) -> Result<Option<T>, PlaceError> {
        let url = self.url(name);
        let mut pauses = PAUSES.iter();
        loop {
            let failed = match once(&url) {
                Ok(Answer::Done(value)) => return Ok(Some(value)),
                Ok(Answer::Status(404 | 410)) => return Ok(None),
                Ok(Answer::Status(status @ (401 | 403 | 407))) => {
                    return Err(PlaceError::Locked { address: url, answer: status.to_string() });
                }
                Ok(Answer::Status(status)) if !matches!(status, 408 | 425 | 429 | 500 | 502..=504) => {
                    return Err(PlaceError::Refused { address: url, status });
                }
                Ok(Answer::Status(status)) => PlaceError::Refused { address: url.clone(), status },
                Err(error) => PlaceError::Unreachable { address: url.clone(), reason: without_passwords(&error.to_string()).into_owned() },
            };
            let Some(pause) = pauses.next() else { return Err(failed) };
            thread::sleep(*pause);
        }
    }
}

/// The header `Authorization` for the user and password of an address, or a token.
fn authorization(address: Option<(String, String)>, token: Option<String>) -> Option<String> {
    address.map(|(user, password)| basic(&user, &password)).or_else(|| token.map(|token| bearer(&token)))
}

/// The headers `Authorization` of clients that know a token: as such, or as the password of the user `kaon`.
pub fn authorizations(token: &str) -> Vec<String> {
    vec![bearer(token), basic("kaon", token)]
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// RFC 7617.
fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// What came of a request.
enum Answer<T> {
    Done(T),
    Status(u16),
}

impl Place for Server {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, PlaceError> {
        self.ask(name, |url| {
            let mut request = self.agent.get(url);
            if let Some(authorization) = &self.authorization {
                request = request.header(AUTHORIZATION, authorization);
            }
            let response = request.call()?;
            if !response.status().is_success() {
                return Ok(Answer::Status(response.status().as_u16()));
            }
            let mut bytes = Vec::new();
            response.into_body().into_reader().take(LONGEST_BYTES).read_to_end(&mut bytes)?;
            Ok(Answer::Done(bytes))
        })
    }

    fn has(&self, object: &Digest, size_bytes: u64) -> Result<bool, PlaceError> {
        let found = self.ask(&by_digest(object), |url| {
            let mut request = self.agent.head(url);
            if let Some(authorization) = &self.authorization {
                request = request.header(AUTHORIZATION, authorization);
            }
            let response = request.call()?;
            let length = response.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
            let is_it = length.is_none_or(|length| length == size_bytes);
            let status = response.status();
            Ok(if status.is_success() { Answer::Done(is_it) } else { Answer::Status(status.as_u16()) })
        });
        // What has another size is a file that was cut off, or the page with which a proxy answers everything.
        found.map(|found| found.unwrap_or(false))
    }

    fn write(&self, name: &str, content: Content<'_>) -> Result<(), PlaceError> {
        let written = self.ask(name, |url| {
            let mut request = self.agent.put(url);
            if let Some(authorization) = &self.authorization {
                request = request.header(AUTHORIZATION, authorization);
            }
            let response = match content {
                Content::Bytes(bytes) => request.header(CONTENT_LENGTH, bytes.len().to_string()).send(bytes)?,
                Content::File(path) => {
                    let mut file = File::open(path)?;
                    let length = file.metadata()?.len();
                    request.header(CONTENT_LENGTH, length.to_string()).send(SendBody::from_reader(&mut file))?
                }
            };
            let status = response.status();
            Ok(if status.is_success() { Answer::Done(()) } else { Answer::Status(status.as_u16()) })
        })?;
        written.ok_or_else(|| PlaceError::Refused { address: self.url(name), status: 404 })
    }

    fn shown(&self, name: &str) -> String {
        self.url(name)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn the_password_of_an_address_goes_before_a_token() {
        let pair = || Some(("u".to_owned(), "p".to_owned()));
        let token = || Some("t".to_owned());
        assert_eq!(authorization(pair(), token()).unwrap(), basic("u", "p"));
        assert_eq!(authorization(None, token()).unwrap(), "Bearer t");
        assert_eq!(authorization(None, None), None);
    }

    #[test]
    fn a_file_of_another_size_is_not_the_one_that_was_asked_for() {
        for (head, expected) in [
            ("200 OK\r\nContent-Length: 5\r\n", true),
            ("200 OK\r\nTransfer-Encoding: chunked\r\n", true),
            ("200 OK\r\nContent-Length: 4\r\n", false),
            ("200 OK\r\nContent-Type: text/html\r\nContent-Length: 3120\r\n", false),
            ("404 Not Found\r\nContent-Length: 0\r\n", false),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address: Mirror = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
            let answers = thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok).find(|line| line.is_empty());
                stream.write_all(format!("HTTP/1.1 {head}Connection: close\r\n\r\n").as_bytes()).unwrap();
            });
            let server = Server::new(&address).unwrap();
            assert_eq!(server.has(&Digest::of_bytes("x"), 5).unwrap(), expected, "{head}");
            answers.join().unwrap();
        }
    }
}
