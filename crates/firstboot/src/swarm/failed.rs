//! Why this machine is not in its swarm yet, in words for whoever reads the journal.

use super::Request;
use system::SystemError;

/// Why this machine is not in its swarm yet.
#[derive(Debug, thiserror::Error)]
pub enum SwarmError {
    /// The engine does not answer.
    #[error("cannot ask the container engine about its swarm; it is tried again")]
    NoEngine(#[source] SystemError),
    /// The engine has not finished.
    #[error("the engine still tries to join the swarm of {managers}{advice}; it is asked again{said}")]
    Pending {
        /// The managers' addresses.
        managers: String,
        /// What to do.
        advice: Advice,
        /// The engine's words about its last attempt, after a colon; nothing if it said nothing.
        said: String,
    },
    /// The swarm's key is needed after a restart.
    #[error("the swarm is locked: run `docker swarm unlock`")]
    Locked,
    /// The engine could not make a swarm.
    #[error("cannot make a swarm{advice}; it is tried again")]
    Init {
        /// What to do.
        advice: Advice,
        /// The engine's words.
        source: SystemError,
    },
    /// The engine could not join.
    #[error("cannot join the swarm of {managers}{advice}; it is tried again")]
    Join {
        /// The managers' addresses.
        managers: String,
        /// What to do.
        advice: Advice,
        /// The engine's words.
        source: SystemError,
    },
    /// The system cannot be changed.
    #[error(transparent)]
    System(#[from] SystemError),
}

/// What to do about the engine's words, if that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advice(Option<&'static str>);

impl std::fmt::Display for Advice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |advice| write!(f, " ({advice})"))
    }
}

/// Parts of the engine's words (Moby, `daemon/cluster`, and SwarmKit, `ca`), and what to do.
const KNOWN: [(&str, &str); 9] = [
    ("could not choose an IP address to advertise", "set `kaon.swarm.advertise_addr`: this machine has several addresses"),
    (
        "must be a non-zero IP address or network interface",
        "`ip -brief address` lists the cards and addresses that `advertise_addr` may be",
    ),
    ("interface ", "`ip -brief address` lists the cards and addresses that `advertise_addr` may be"),
    ("invalid join token", "the token was replaced by a newer one: `docker swarm join-token -q worker` prints it on a manager"),
    ("remote CA does not match fingerprint", "the token is that of another swarm"),
    ("connection refused", "no manager listens there yet"),
    ("no route to host", "check the addresses in `join` and this machine's network"),
    ("deadline exceeded", "check that TCP port 2377 of the manager can be reached"),
    ("Timeout was reached", "check that TCP port 2377 of the manager can be reached"),
];

impl Advice {
    fn of(words: &str) -> Self {
        Self(KNOWN.iter().find(|(known, _)| words.contains(known)).map(|(_, advice)| *advice))
    }
}

impl SwarmError {
    /// An attempt that goes on.
    pub(super) fn pending(request: &Request, words: &str) -> Self {
        let said = if words.is_empty() { String::new() } else { format!(": {words}") };
        Self::Pending { managers: request.managers(), advice: Advice::of(words), said }
    }

    /// The failure of a request.
    pub(super) fn of(request: &Request, source: SystemError) -> Self {
        let (managers, advice) = (request.managers(), Advice::of(&source.to_string()));
        if managers.is_empty() { Self::Init { advice, source } } else { Self::Join { managers, advice, source } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_journal_says_what_failed_and_what_to_do() {
        let join = Request { path: "/swarm/join".into(), body: json!({"RemoteAddrs": ["10.9.0.1:2377", "10.9.0.2:2377"]}) };
        let init = Request { path: "/swarm/init".into(), body: json!({}) };
        let table = [
            (
                &join,
                "rpc error: code = Unavailable desc = dial tcp 10.9.0.1:2377: connect: connection refused",
                "cannot join the swarm of 10.9.0.1:2377, 10.9.0.2:2377 (no manager listens there yet); it is tried again: the engine refuses: \
                 rpc error: code = Unavailable desc = dial tcp 10.9.0.1:2377: connect: connection refused",
            ),
            (
                &init,
                "could not choose an IP address to advertise since this system has multiple addresses on different interfaces",
                "cannot make a swarm (set `kaon.swarm.advertise_addr`: this machine has several addresses); it is tried again: the engine \
                 refuses: could not choose an IP address to advertise since this system has multiple addresses on different interfaces",
            ),
            (&init, "something else", "cannot make a swarm; it is tried again: the engine refuses: something else"),
        ];
        let pending = SwarmError::pending(&join, "remote CA does not match fingerprint. Expected: a").to_string();
        assert_eq!(
            pending,
            "the engine still tries to join the swarm of 10.9.0.1:2377, 10.9.0.2:2377 (the token is that of another swarm); it is asked again: \
             remote CA does not match fingerprint. Expected: a"
        );
        for (request, words, expected) in table {
            let error = SwarmError::of(request, SystemError::refused(&format!("the engine refuses: {words}")));
            assert_eq!(text::with_causes(&error), expected);
        }
    }
}
