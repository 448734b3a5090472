//! HTTP with a service on the machine's own link: no proxy, no redirects, short waits, bounded tries, bounded answers.

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use ureq::Agent;
use ureq::config::Config;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::TcpConnector;

use super::Patience;

/// Larger answers are not read, in bytes.
pub(super) const LONGEST_BYTES: u64 = 1 << 20;

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// Why a cloud did not say what was asked.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// There is no answer.
    #[error("cannot query `{url}`")]
    Unreachable {
        /// The address.
        url: String,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The answer is a refusal.
    #[error("`{url}` answered with status {status}")]
    Status {
        /// The address.
        url: String,
        /// HTTP's status code.
        status: u16,
    },
    /// The answer is too large.
    #[error("the answer from `{url}` is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The address.
        url: String,
        /// What is read at most.
        limit_bytes: u64,
    },
    /// The answer makes no sense.
    #[error("the answer from `{url}` is invalid: {reason}")]
    Malformed {
        /// The address.
        url: String,
        /// Why.
        reason: String,
    },
}

/// What is done to an address.
#[derive(Clone, Copy, Debug)]
pub(super) enum Method<'a> {
    Get,
    /// Without a body.
    Put,
    /// With this body.
    Post(&'a str),
}

/// An answer, whatever its status.
#[derive(Debug)]
pub(super) struct Reply {
    pub url: String,
    pub status: u16,
    /// The header `Metadata-Flavor`.
    pub flavor: Option<String>,
    pub body: Vec<u8>,
}

/// A service that is asked.
#[derive(Debug)]
pub(super) struct Service {
    agent: Agent,
    base: String,
    pause: Duration,
    deadline: Instant,
}

impl Service {
    /// The service at the address `base`. Time runs from here.
    pub fn new(base: &str, patience: Patience) -> Self {
        let config = Config::builder()
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .max_idle_connections(0)
            .timeout_global(Some(patience.answer))
            .build();
        // Such services speak plain HTTP alone: without this connector the program would carry all of TLS.
        let agent = Agent::with_parts(config, TcpConnector::default(), DefaultResolver::default());
        Self { agent, base: base.to_owned(), pause: patience.pause, deadline: Instant::now() + patience.whole }
    }

    /// Asks, again and again while it is worth it.
    ///
    /// # Errors
    /// When there is no answer, or one that is too large. An answer with a status of failure is no error here.
    pub fn send(&self, method: Method<'_>, path: &str, headers: &[(&str, &str)]) -> Result<Reply, MetadataError> {
        let mut pause = self.pause;
        loop {
            let result = self.send_once(method, path, headers);
            let may_change = match &result {
                Ok(reply) => is_passing(reply.status),
                Err(error) => matches!(error, MetadataError::Unreachable { .. }),
            };
            if !may_change || Instant::now() + pause >= self.deadline {
                return result;
            }
            thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn send_once(&self, method: Method<'_>, path: &str, headers: &[(&str, &str)]) -> Result<Reply, MetadataError> {
        let url = format!("{}{path}", self.base);
        let result = match method {
            Method::Get => headers.iter().fold(self.agent.get(&url), |request, (name, value)| request.header(*name, *value)).call(),
            Method::Put => headers.iter().fold(self.agent.put(&url), |request, (name, value)| request.header(*name, *value)).send(""),
            Method::Post(body) => {
                headers.iter().fold(self.agent.post(&url), |request, (name, value)| request.header(*name, *value)).send(body)
            }
        };
        let failed = |url: String, error: ureq::Error| match error {
            ureq::Error::BodyExceedsLimit(_) => MetadataError::TooLarge { url, limit_bytes: LONGEST_BYTES },
            error => MetadataError::Unreachable { url, source: Box::new(error) },
        };
        let mut response = result.map_err(|error| failed(url.clone(), error))?;
        let status = response.status().as_u16();
        let flavor = response.headers().get("Metadata-Flavor").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = response.body_mut().with_config().limit(LONGEST_BYTES).read_to_vec().map_err(|error| failed(url.clone(), error))?;
        Ok(Reply { url, status, flavor, body })
    }
}

/// Whether a status may be another one soon: too many questions, or a service that is just starting or moving.
fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 410 | 429 | 500..)
}

impl Reply {
    /// Itself where the status is that of success; nothing where what was asked for is not there.
    pub fn found(self) -> Result<Option<Self>, MetadataError> {
        match self.status {
            200..=299 => Ok(Some(self)),
            404 => Ok(None),
            _ => Err(self.refusal()),
        }
    }

    /// The status as an error.
    pub fn refusal(self) -> MetadataError {
        MetadataError::Status { url: self.url, status: self.status }
    }

    /// That the body makes no sense.
    pub fn malformed(&self, reason: impl ToString) -> MetadataError {
        MetadataError::Malformed { url: self.url.clone(), reason: reason.to_string() }
    }

    /// The body as text, without blanks around it.
    pub fn text(&self) -> Result<String, MetadataError> {
        let text = std::str::from_utf8(&self.body).map_err(|error| self.malformed(error))?;
        Ok(text.trim().to_owned())
    }

    /// The body as JSON. Keys that are not asked for are the service's own affair.
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, MetadataError> {
        serde_json::from_slice(&self.body).map_err(|error| self.malformed(error))
    }
}
