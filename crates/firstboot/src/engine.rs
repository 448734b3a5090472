//! Requests to the container engine's own API, over its socket. Unlike words of a command, what is sent cannot be read by other users.

use serde::Deserialize;
use system::SystemError;

/// Where the engine listens.
const SOCKET: &str = "/run/docker.sock";

/// What the engine is to a swarm (Docker Engine API, "LocalNodeState").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum SwarmState {
    /// In none.
    Inactive,
    /// It joins.
    Pending,
    /// In one.
    Active,
    /// It could not join, or lost its swarm.
    Error,
    /// In one whose key it must be given after a restart.
    Locked,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Info {
    swarm: SwarmInfo,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SwarmInfo {
    local_node_state: SwarmState,
    /// Why the last attempt failed.
    #[serde(default)]
    error: String,
}

/// The engine's words about what it did not do.
#[derive(Deserialize)]
struct Refusal {
    message: String,
}

/// What the engine is to a swarm, and why its last attempt failed, if it did.
pub(super) fn swarm_state() -> Result<(SwarmState, String), SystemError> {
    let text = request("GET", "/info", None)?;
    let info: Info =
        serde_json::from_str(&text).map_err(|error| SystemError::refused(&format!("the engine's answer cannot be read: {error}")))?;
    Ok((info.swarm.local_node_state, info.swarm.error))
}

/// Has the engine do something; gives its answer.
pub(super) fn post(path: &str, body: &str) -> Result<String, SystemError> {
    request("POST", path, Some(body))
}

fn request(method: &str, path: &str, body: Option<&str>) -> Result<String, SystemError> {
    let address = format!("http://localhost{path}");
    let mut words =
        vec!["--disable", "--silent", "--show-error", "--unix-socket", SOCKET, "--request", method, "--write-out", "\\n%{http_code}"];
    if body.is_some() {
        words.extend(["--header", "Content-Type: application/json", "--data-binary", "@-"]);
    }
    words.extend(["--", &address]);
    answer(&system::program::run("curl", &words, body)?)
}

/// The engine's answer, which is followed by a line with its status.
fn answer(said: &str) -> Result<String, SystemError> {
    let (text, status) = said.rsplit_once('\n').unwrap_or(("", said));
    if status.starts_with('2') {
        return Ok(text.to_owned());
    }
    let refusal = serde_json::from_str::<Refusal>(text).map_or_else(|_| format!("status {status}"), |refusal| refusal.message);
    Err(SystemError::refused(&format!("the engine refuses: {refusal}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_end_with_their_status() {
        let table = [
            ("\"id\"\n200", Ok("\"id\"")),
            ("\n200", Ok("")),
            ("{\"message\":\"invalid join token\"}\n400", Err("the engine refuses: invalid join token")),
            ("502", Err("the engine refuses: status 502")),
        ];
        for (said, expected) in table {
            let found = answer(said).map_err(|error| error.to_string());
            assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned), "{said}");
        }
    }

    #[test]
    fn the_state_is_one_of_the_engines() {
        let state = |word: &str| {
            serde_json::from_str::<Info>(&format!("{{\"Swarm\":{{\"LocalNodeState\":\"{word}\",\"NodeID\":\"x\"}},\"ID\":\"y\"}}"))
        };
        assert_eq!(state("pending").unwrap().swarm.local_node_state, SwarmState::Pending);
        assert!(state("elsewhere").is_err());
    }
}
