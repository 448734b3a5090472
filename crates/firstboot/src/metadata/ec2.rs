//! Amazon's metadata service, version 2: every question bears a token that the service gave before ("IMDSv2", Amazon EC2 User Guide).

use super::CloudMetadata;
use super::service::{MetadataError, Method, Reply, Service};

/// How long a token is good for, in seconds: longer than all questions take.
const TOKEN_S: &str = "300";

/// A service, and its token if it has tokens.
struct Session<'a> {
    service: &'a Service,
    token: Option<String>,
}

/// Asks all there is to ask.
pub(super) fn ask(service: &Service) -> Result<CloudMetadata, MetadataError> {
    let mut session = Session { service, token: token(service)? };
    let mut metadata = CloudMetadata { instance: session.demand("/latest/meta-data/instance-id")?, ..CloudMetadata::default() };
    if let Some(reply) = session.get("/latest/meta-data/local-hostname")? {
        // With several domains in the network's DHCP options there are several names.
        metadata.hostname = reply.text()?.split_whitespace().next().map(str::to_owned);
    }
    if let Some(list) = session.get("/latest/meta-data/public-keys/")? {
        for line in list.text()?.lines() {
            let number = line.split('=').next().unwrap_or_default();
            if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(list.malformed(format!("`{line}` is not a key")));
            }
            let key = session.demand(&format!("/latest/meta-data/public-keys/{number}/openssh-key"))?;
            metadata.root_keys.extend(key.lines().map(str::to_owned));
        }
    }
    if let Some(reply) = session.get("/latest/user-data")? {
        metadata.take_user_data(reply.body);
    }
    Ok(metadata)
}

/// A token; none where the service says that it has no such thing, as the version before it does.
fn token(service: &Service) -> Result<Option<String>, MetadataError> {
    let reply = service.send(Method::Put, "/latest/api/token", &[("X-aws-ec2-metadata-token-ttl-seconds", TOKEN_S)])?;
    match reply.status {
        200 => {
            let token = reply.text()?;
            let is_token = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
            if is_token { Ok(Some(token)) } else { Err(reply.malformed("not a token")) }
        }
        404 | 405 => Ok(None),
        _ => Err(reply.refusal()),
    }
}

impl Session<'_> {
    /// What is at `path`, if there is something.
    fn get(&mut self, path: &str) -> Result<Option<Reply>, MetadataError> {
        self.send(path)?.found()
    }

    /// The text that must be at `path`.
    fn demand(&mut self, path: &str) -> Result<String, MetadataError> {
        let reply = self.send(path)?;
        if reply.status == 200 { reply.text() } else { Err(reply.refusal()) }
    }

    /// Asks. A token that is not taken any more is replaced once.
    fn send(&mut self, path: &str) -> Result<Reply, MetadataError> {
        let ask = |token: &Option<String>| {
            let header = token.as_ref().map(|token| ("X-aws-ec2-metadata-token", token.as_str()));
            self.service.send(Method::Get, path, header.as_slice())
        };
        let reply = ask(&self.token)?;
        if reply.status != 401 || self.token.is_none() {
            return Ok(reply);
        }
        self.token = token(self.service)?;
        ask(&self.token)
    }
}
