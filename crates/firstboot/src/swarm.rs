//! A swarm of container engines that this machine makes or joins. A unit of systemd tries until that is done: the other machines may not be up yet.

use std::net::Ipv6Addr;

use kickstart::Secret;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::cloud::{Word, Words};
use super::container::{Check, UNITS};
use super::engine::{self, SwarmState};
use system::{SystemError, Target};

/// The unit's name.
const UNIT: &str = "kaon-swarm.service";

/// What is still to be asked of the engine. It contains the token.
const LEFT: &str = "/var/lib/kaon/swarm.json";

/// The port that managers listen at.
const PORT: u16 = 2377;

/// What this machine is to a swarm.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Swarm {
    /// Whether a swarm is made, with this machine as its first manager.
    pub init: bool,
    /// Managers of the swarm to join.
    pub join: Words,
    /// What lets this machine join, as a worker or a manager.
    pub token: Option<Secret>,
    /// The address or network card by which the others reach this machine.
    pub advertise_addr: Option<Word>,
    /// Where this machine listens for managers.
    pub listen_addr: Option<Word>,
    /// The address or network card for the traffic of containers.
    pub data_path_addr: Option<Word>,
    /// Whether this machine runs services.
    pub availability: Availability,
}

/// Whether a machine of a swarm runs services.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Availability {
    /// It does.
    #[default]
    Active,
    /// It keeps what it runs, and gets no more.
    Pause,
    /// It does not.
    Drain,
}

/// A request of the engine's API.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
struct Request {
    path: String,
    body: serde_json::Value,
}

impl Check for Swarm {
    fn check(&self) -> Result<(), SystemError> {
        let refuse = |condition: bool, reason: &str| if condition { Err(SystemError::refused(reason)) } else { Ok(()) };
        let joins = !self.join.0.is_empty();
        refuse(self.init == joins, "write either `init: true` or `join` with the addresses of managers")?;
        refuse(joins && self.token.is_none(), "`join` needs the `token` that `docker swarm join-token worker` prints on a manager")?;
        refuse(!joins && self.token.is_some(), "`token` belongs to `join`: a new swarm makes its own")?;
        let is_token = |token: &Secret| {
            token.reveal().strip_prefix("SWMTKN-").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
        };
        refuse(self.token.as_ref().is_some_and(|token| !is_token(token)), "`token` must begin with `SWMTKN-`")?;
        let is_address =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]%".contains(&byte));
        let given = [&self.advertise_addr, &self.listen_addr, &self.data_path_addr];
        let mut addresses = given.into_iter().flatten().map(|Word(text)| text).chain(&self.join.0);
        refuse(
            !addresses.all(|text| is_address(text)),
            "an address must be the name or address of a machine, or the name of a network card",
        )
    }
}

impl Swarm {
    /// Writes the unit, and what it is to ask of the engine. Returns the unit's name.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(super) fn install(&self, target: &Target) -> Result<String, SystemError> {
        let text = serde_json::to_vec(&self.request()).map_err(|error| SystemError::refused(&error.to_string()))?;
        target.write(LEFT, 0o600, &text)?;
        target.write(&format!("{UNITS}/{UNIT}"), 0o644, unit().as_bytes())?;
        target.symlink(&format!("{UNITS}/multi-user.target.wants/{UNIT}"), &format!("../{UNIT}"))?;
        Ok(UNIT.to_owned())
    }

    /// What is asked of the engine (Docker Engine API, "Swarm").
    fn request(&self) -> Request {
        let text = |word: &Option<Word>| word.as_ref().map(|Word(text)| text.clone()).unwrap_or_default();
        let listen = self.listen_addr.as_ref().map_or("0.0.0.0", |Word(text)| text);
        let mut body = json!({
            "ListenAddr": with_port(listen),
            "AdvertiseAddr": text(&self.advertise_addr),
            "DataPathAddr": text(&self.data_path_addr),
            "Availability": self.availability,
        });
        if self.init {
            return Request { path: "/swarm/init".into(), body };
        }
        body["RemoteAddrs"] = self.join.0.iter().map(|address| with_port(address)).collect();
        body["JoinToken"] = self.token.as_ref().map(Secret::reveal).into();
        Request { path: "/swarm/join".into(), body }
    }
}

/// An address with the port of managers, if it has none.
fn with_port(address: &str) -> String {
    if address.parse::<Ipv6Addr>().is_ok() {
        return format!("[{address}]:{PORT}");
    }
    let has_port = address.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']'));
    if has_port { address.to_owned() } else { format!("{address}:{PORT}") }
}

fn unit() -> String {
    format!(
        "# By kaon-firstboot.\n[Unit]\nDescription=Membership in a swarm\nRequires=docker.service\nWants=network-online.target\n\
         After=docker.service network-online.target\nConditionPathExists={LEFT}\nStartLimitIntervalSec=0\n\n\
         [Service]\nType=exec\nExecStart=/usr/bin/kaon-firstboot swarm\n\
         Restart=on-failure\nRestartSec=5\nRestartSteps=6\nRestartMaxDelaySec=120\n\n\
         [Install]\nWantedBy=multi-user.target\n"
    )
}

/// Has the engine make or join the swarm; gives what is to be said of it.
///
/// # Errors
/// When that is to be tried again.
pub(super) fn run(target: &Target) -> Result<Vec<String>, SystemError> {
    let text = target.read(LEFT)?;
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let Ok(request) = serde_json::from_str::<Request>(&text) else {
        target.remove(LEFT)?;
        return Ok(vec![format!("{LEFT} is damaged: `kaon-firstboot again` has it written at the next start")]);
    };
    match engine::swarm_state()? {
        SwarmState::Active => {
            target.remove(LEFT)?;
            return Ok(vec!["this machine is in a swarm, and stays in it".to_owned()]);
        }
        SwarmState::Pending => return Err(SystemError::refused("the engine has not joined the swarm yet")),
        SwarmState::Locked => return Err(SystemError::refused("the swarm is locked: run `docker swarm unlock`")),
        // What is left of an attempt that failed stands in the way of the next one.
        SwarmState::Error => drop(engine::post("/swarm/leave?force=true", "")?),
        SwarmState::Inactive => {}
    }
    engine::post(&request.path, &request.body.to_string())?;
    target.remove(LEFT)?;
    Ok(Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kickstart::document::{self, Language};

    fn read(text: &str) -> Result<Swarm, String> {
        let document = document::read::<crate::Kaon>("x", &format!("swarm: {text}\n"), Language::Yaml, |_, _| None);
        document.map(|document| document.value.swarm.unwrap().0).map_err(|problems| problems.to_string())
    }

    #[test]
    fn a_swarm_becomes_a_request_of_the_engine() {
        let table = [
            (
                "{init: true, advertise_addr: eth1}",
                json!({"path": "/swarm/init", "body": {
                    "ListenAddr": "0.0.0.0:2377", "AdvertiseAddr": "eth1", "DataPathAddr": "", "Availability": "active"}}),
            ),
            (
                "{join: [10.9.0.1, 'fd00::1', '[fd00::2]', 'm.example:99'], token: SWMTKN-1-a-b, availability: drain, listen_addr: 'eth1:1', data_path_addr: 10.9.0.2}",
                json!({"path": "/swarm/join", "body": {
                    "ListenAddr": "eth1:1", "AdvertiseAddr": "", "DataPathAddr": "10.9.0.2", "Availability": "drain", "JoinToken": "SWMTKN-1-a-b",
                    "RemoteAddrs": ["10.9.0.1:2377", "[fd00::1]:2377", "[fd00::2]:2377", "m.example:99"]}}),
            ),
        ];
        for (text, expected) in table {
            let folder = tempfile::tempdir().unwrap();
            let target = Target::prepare(folder.path()).unwrap();
            let unit = read(text).unwrap().install(&target).unwrap();
            let found: serde_json::Value = serde_json::from_str(&target.read(LEFT).unwrap()).unwrap();
            assert_eq!(found, expected, "{text}");
            assert!(target.read(&format!("/etc/systemd/system/multi-user.target.wants/{unit}")).unwrap().contains("Restart=on-failure"));
            let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(folder.path().join(&LEFT[1..])).unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn what_is_no_swarm_is_refused() {
        let table = [
            ("{}", "either `init: true` or `join`"),
            ("{init: true, join: [a], token: SWMTKN-1-a}", "either `init: true` or `join`"),
            ("{join: a}", "needs the `token`"),
            ("{init: true, token: SWMTKN-1-a}", "belongs to `join`"),
            ("{join: a, token: secret}", "must begin with `SWMTKN-`"),
            ("{join: 'a b', token: SWMTKN-1-a}", "the name or address of a machine"),
            ("{init: true, advertise_addr: 'eth 1'}", "the name or address of a machine"),
            ("{init: true, availability: off}", "not one of"),
            ("{int: true}", "did you mean `init`?"),
        ];
        for (text, expected) in table {
            let said = read(text).unwrap_err();
            assert!(said.contains(expected) && !said.contains("secret"), "{text}: {said}");
        }
    }

    #[test]
    fn a_damaged_request_is_told_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::prepare(folder.path()).unwrap();
        assert!(run(&target).unwrap().is_empty());
        target.write(LEFT, 0o600, b"{").unwrap();
        assert_eq!(run(&target).unwrap().len(), 1);
        assert!(!target.place(LEFT).unwrap().exists());
    }
}
