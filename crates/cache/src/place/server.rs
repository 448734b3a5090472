//! A server that takes files by PUT: nginx with WebDAV, bazel-remote, `cargo xtask cache serve --writable`.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use runtime::cancel::Cancel;
use runtime::progress::{Reporter, Silent};
use sdk::apt::{Lasts, Mirror, Network, Trouble, basic, credentials, is_busy, retry_after};
use ureq::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, EXPECT, HeaderName, IF_MATCH, IF_NONE_MATCH,
    LOCATION,
};
use ureq::http::{HeaderMap, Response};
use ureq::{Agent, Body, Error, RequestBuilder, SendBody};

use super::{Content, Place, PlaceError, Replaced, Version, by_digest};
use base::address::{public, without_passwords};
use base::digest::Digest;

/// Time without an answer after which the server counts as unreachable.
const PATIENCE: Duration = Duration::from_secs(60);

/// Pauses before further tries, after errors that may pass.
const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(4), Duration::from_secs(10)];

/// The longest pause, whatever a server wishes.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How often a server that takes requests and does not answer is asked: each try costs all of the patience.
const TRIES_UNANSWERED: usize = 2;

/// An entry is not longer.
const LONGEST_BYTES: u64 = 4 << 20;

/// A server below one address.
pub struct Server<'r> {
    client: Client,
    network: Network,
    /// Without user and password.
    address: String,
    cancel: Cancel,
    patience: Duration,
    /// Where to report what is waited for, and for which unit of work.
    progress: (&'r dyn Reporter, String),
}

/// What asks the server, also from threads that outlive an interrupted command.
#[derive(Clone)]
struct Client {
    agent: Agent,
    authorization: Option<String>,
    /// Whether a server hung up while it was sent a file. Many answer at once that it is too large, or that they want a password, and read no
    /// more; who still sends does not get to read the answer. From then on servers are asked before (RFC 9110, 10.1.1).
    asks_before: Arc<AtomicBool>,
}

/// What a request is for. Buckets answer 403 for what does not exist, to those who may not list it: only for writing is it a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Reading,
    Writing,
}

impl<'r> Server<'r> {
    /// The server at `address`; `cancel` ends what is under way. User and password are those of the address; without them, the token in
    /// [`TOKEN_VARIABLE`](runtime::remote::TOKEN_VARIABLE) is sent, as over gRPC.
    ///
    /// # Errors
    /// When the address is not one of a server, or the proxy's cannot be used.
    pub fn new(address: &Mirror, cancel: &Cancel) -> Result<Self, PlaceError> {
        Self::with(address, cancel, Network::from_environment(), PATIENCE)
    }

    fn with(address: &Mirror, cancel: &Cancel, network: Network, patience: Duration) -> Result<Self, PlaceError> {
        let given = address.address();
        let fail = |reason: String| PlaceError::Address { address: address.to_string(), reason };
        let is_tls = given.starts_with("https://");
        if !is_tls && !given.starts_with("http://") {
            return Err(fail("it is not the address of a server".into()));
        }
        let agent = network.agent(is_tls, patience).map_err(fail)?;
        let authorization = authorization(credentials(&given), runtime::remote::token()?);
        let (client, progress) = (Client { agent, authorization, asks_before: Arc::default() }, (&Silent as &dyn Reporter, String::new()));
        Ok(Self { client, network, address: public(&given), cancel: cancel.clone(), patience, progress })
    }

    /// Reports what is waited for as phases of a unit of work.
    #[must_use]
    pub fn reporting(self, reporter: &'r dyn Reporter, unit: &str) -> Self {
        Self { progress: (reporter, unit.to_owned()), ..self }
    }

    fn url(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }

    /// Asks until there is an answer that counts: errors of the server and of the network may pass.
    fn ask<T: Send + 'static>(
        &self,
        name: &str,
        purpose: Purpose,
        once: impl Fn(&Client, &str) -> Result<Answer<T>, Error> + Clone + Send + 'static,
    ) -> Result<Option<T>, PlaceError> {
        let (mut pauses, mut unanswered) = (PAUSES.iter(), 0);
        loop {
            self.progress.0.phase(&self.progress.1, &format!("waiting for an answer about {name}"));
            let (request, client, url) = (once.clone(), self.client.clone(), self.url(name));
            let (failed, after) = match self.verdict(name, purpose, self.waited(move || request(&client, &url))?) {
                Verdict::Found(value) => return Ok(Some(value)),
                Verdict::Absent => return Ok(None),
                Verdict::Final(failed) => return Err(failed),
                Verdict::Passing { failed, after } => (failed, after),
                Verdict::Unanswered(failed) => {
                    unanswered += 1;
                    if unanswered == TRIES_UNANSWERED {
                        return Err(failed);
                    }
                    (failed, None)
                }
            };
            let Some(pause) = pauses.next() else { return Err(failed) };
            let pause = after.unwrap_or_default().max(*pause).min(LONGEST_PAUSE);
            self.progress.0.phase(&self.progress.1, &format!("asking again about {name} in {} s", pause.as_secs()));
            self.waited(move || thread::sleep(pause))?;
        }
    }

    /// What came of asking once.
    fn verdict<T>(&self, name: &str, purpose: Purpose, result: Result<Answer<T>, Error>) -> Verdict<T> {
        let address = self.url(name);
        let troubled = |trouble: Trouble| PlaceError::Unreachable {
            address: address.clone(),
            reason: without_passwords(&trouble.reason).into_owned(),
            advice: trouble.advice,
        };
        match result {
            Ok(Answer::Done(value)) => Verdict::Found(value),
            Ok(Answer::Status { status: 404 | 410, .. }) => Verdict::Absent,
            Ok(Answer::Status { status: 403, .. }) if purpose == Purpose::Reading => Verdict::Absent,
            Ok(Answer::Status { status: 407, .. }) => {
                Verdict::Final(troubled(Trouble::wants_password(self.network.via(&address).as_ref())))
            }
            Ok(Answer::Status { status: status @ (401 | 403), .. }) => Verdict::Final(PlaceError::Locked {
                address,
                answer: status.to_string(),
                presented: self.client.authorization.is_some().into(),
            }),
            Ok(Answer::Status { status, after }) if is_busy(status) => {
                Verdict::Passing { failed: PlaceError::Refused { address, status }, after }
            }
            Ok(Answer::Status { status, .. }) => Verdict::Final(PlaceError::Refused { address, status }),
            Ok(Answer::Redirected { status, target }) => Verdict::Final(PlaceError::Redirected { address, status, target }),
            Ok(Answer::Compressed(encoding)) => Verdict::Final(PlaceError::Compressed { address, encoding }),
            Err(error) => {
                let trouble = self.network.trouble(&address, &error, self.patience);
                match trouble.lasts {
                    Lasts::Server | Lasts::Request => Verdict::Final(troubled(trouble)),
                    Lasts::Unanswered => Verdict::Unanswered(troubled(trouble)),
                    Lasts::Away | Lasts::Interrupted => Verdict::Passing { failed: troubled(trouble), after: None },
                }
            }
        }
    }

    /// The result of something that waits, unless the user asks to stop.
    fn waited<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, PlaceError> {
        self.cancel.unless_raised(work).ok_or_else(|| {
            // A file that is sent would otherwise go on to be.
            self.client.agent.clone().shutdown();
            PlaceError::Interrupted
        })
    }

    fn put(&self, name: &str, content: Sent, condition: Option<(HeaderName, String)>) -> Result<Option<Replaced>, PlaceError> {
        self.ask(name, Purpose::Writing, move |client, url| {
            // A client that follows a redirection asks for the page there, and takes that for success.
            let mut request = client.with_authorization(client.agent.put(url)).config().max_redirects(0).build();
            if let Some((header, value)) = &condition {
                request = request.header(header, value);
            }
            let response = match &content {
                Sent::Bytes(bytes) => request.header(CONTENT_LENGTH, bytes.len().to_string()).send(&bytes[..])?,
                Sent::File(path) => {
                    let mut file = File::open(path)?;
                    let length = file.metadata()?.len();
                    if client.asks_before.load(Ordering::Relaxed) {
                        request = request.header(EXPECT, "100-continue");
                    }
                    let sent = request.header(CONTENT_LENGTH, length.to_string()).send(SendBody::from_reader(&mut file));
                    if sent.as_ref().is_err_and(has_hung_up) {
                        client.asks_before.store(true, Ordering::Relaxed);
                    }
                    sent?
                }
            };
            Ok(match response.status().as_u16() {
                412 if condition.is_some() => Answer::Done(Replaced::Changed),
                status @ 300..=399 => {
                    let target = header(response.headers(), &LOCATION).unwrap_or("nowhere");
                    Answer::Redirected { status, target: without_passwords(target).into_owned() }
                }
                _ => answered(&response, || Replaced::Done),
            })
        })
    }
}

impl Client {
    fn with_authorization<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        match &self.authorization {
            Some(authorization) => request.header(AUTHORIZATION, authorization),
            None => request,
        }
    }
}

/// What is sent, owned: see [`Client`].
#[derive(Clone)]
enum Sent {
    Bytes(Vec<u8>),
    File(PathBuf),
}

fn header<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn has_hung_up(error: &Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(error, Error::Io(error) if matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset))
}

/// The content encoding of an answer, if it has one.
fn compressed(headers: &HeaderMap) -> Option<String> {
    header(headers, &CONTENT_ENCODING).filter(|encoding| !encoding.eq_ignore_ascii_case("identity")).map(str::to_owned)
}

fn answered<T>(response: &Response<Body>, done: impl FnOnce() -> T) -> Answer<T> {
    let status = response.status();
    if status.is_success() { Answer::Done(done()) } else { refused(response) }
}

fn refused<T>(response: &Response<Body>) -> Answer<T> {
    Answer::Status { status: response.status().as_u16(), after: retry_after(response.headers()) }
}

/// The condition under which a server may replace what was read. Without the tag of a version, and for a page in its place, there is none.
fn condition(seen: Option<&Version>) -> Option<(HeaderName, String)> {
    match seen {
        None => Some((IF_NONE_MATCH, "*".to_owned())),
        Some(version) if version.is_page() => None,
        Some(version) => version.tag.clone().map(|tag| (IF_MATCH, tag)),
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

/// What an answer, or its lack, means.
enum Verdict<T> {
    Found(T),
    Absent,
    /// Another try would fail as well.
    Final(PlaceError),
    /// Another try may succeed, after the time that the server wants.
    Passing {
        failed: PlaceError,
        after: Option<Duration>,
    },
    /// Nothing came within the patience.
    Unanswered(PlaceError),
}

/// What came of a request.
enum Answer<T> {
    Done(T),
    /// `after` is when it wants to be asked again.
    Status {
        status: u16,
        after: Option<Duration>,
    },
    /// What it sends is in this content encoding.
    Compressed(String),
    Redirected {
        status: u16,
        target: String,
    },
}

impl Place for Server<'_> {
    fn read(&self, name: &str) -> Result<Option<Version>, PlaceError> {
        self.ask(name, Purpose::Reading, |client, url| {
            // What a proxy kept says nothing about what was just written.
            let response = client.with_authorization(client.agent.get(url)).header(CACHE_CONTROL, "no-cache").call()?;
            if !response.status().is_success() {
                return Ok(refused(&response));
            }
            if let Some(encoding) = compressed(response.headers()) {
                return Ok(Answer::Compressed(encoding));
            }
            let tag = header(response.headers(), &ETAG).filter(|tag| tag.starts_with('"')).map(str::to_owned);
            let mut bytes = Vec::new();
            response.into_body().into_reader().take(LONGEST_BYTES).read_to_end(&mut bytes)?;
            Ok(Answer::Done(Version { bytes, tag }))
        })
    }

    fn has(&self, object: &Digest, size_bytes: u64) -> Result<bool, PlaceError> {
        let found = self.ask(&by_digest(object), Purpose::Reading, move |client, url| {
            // What a proxy kept says nothing about what was just written.
            let asked = client.with_authorization(client.agent.head(url)).header(CACHE_CONTROL, "no-cache").call()?;
            let response = match asked.status().as_u16() {
                // Caches of Bazel need to know only GET and PUT. The content is not read.
                405 | 501 => client.with_authorization(client.agent.get(url)).header(CACHE_CONTROL, "no-cache").call()?,
                _ => asked,
            };
            let headers = response.headers();
            if let Some(encoding) = compressed(headers).filter(|_| response.status().is_success()) {
                return Ok(Answer::Compressed(encoding));
            }
            let is_it = match header(headers, &CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok()) {
                Some(length) => length == size_bytes,
                None => header(headers, &CONTENT_TYPE).is_none_or(|kind| !kind.starts_with("text/html")),
            };
            Ok(answered(&response, || is_it))
        });
        // What has another size is a file that was cut off, or the page with which a proxy answers everything.
        found.map(|found| found.unwrap_or(false))
    }

    fn write(&self, name: &str, content: Content<'_>) -> Result<(), PlaceError> {
        let sent = match content {
            Content::Bytes(bytes) => Sent::Bytes(bytes.to_vec()),
            Content::File(path) => Sent::File(path.to_owned()),
        };
        let written = self.put(name, sent, None)?;
        written.map(drop).ok_or_else(|| PlaceError::Refused { address: self.url(name), status: 404 })
    }

    fn replace(&self, name: &str, bytes: &[u8], seen: Option<&Version>) -> Result<Replaced, PlaceError> {
        match self.put(name, Sent::Bytes(bytes.to_vec()), condition(seen)) {
            Ok(Some(replaced)) => Ok(replaced),
            Ok(None) => Err(PlaceError::Refused { address: self.url(name), status: 404 }),
            // Some buckets know no conditions, and say so.
            Err(PlaceError::Refused { status: 501, .. }) => self.write(name, Content::Bytes(bytes)).map(|()| Replaced::Done),
            Err(error) => Err(error),
        }
    }

    fn shown(&self, name: &str) -> String {
        self.url(name)
    }
}

#[cfg(test)]
mod tests;
