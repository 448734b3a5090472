//! A swarm of container engines that this machine makes or joins. A unit of systemd tries until that is done: the other machines may not be up yet.

mod address;
mod failed;

use std::net::Ipv6Addr;

use kickstart::Secret;
use kickstart::document::Complaint;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::cloud::{Word, Words};
use super::container::UNITS;
use super::engine::{self, SwarmState};
use address::Reach;
pub use failed::SwarmError;
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

/// Where it stands in cloud-config.
const PLACE: &str = "kaon.swarm";

const EITHER: &str = "write either `init: true` or `join` with the addresses of managers";

impl Swarm {
    /// What makes no sense. Then nothing of it is done: a machine in another swarm, or with another address, is hard to put right.
    pub(super) fn complaints(&self) -> Vec<Complaint> {
        let mut list = Vec::new();
        let mut wrong = |path: String, message: String| list.push(Complaint::whole(path, message, PLACE, "`swarm`"));
        let key = |name: &str| format!("{PLACE}.{name}");
        let is_joining = !self.join.0.is_empty();
        match (self.init, is_joining) {
            (true, true) => wrong(key("join"), EITHER.to_owned()),
            (false, false) => wrong(PLACE.to_owned(), EITHER.to_owned()),
            (true, false) | (false, true) => {}
        }
        match &self.token {
            None if is_joining => {
                wrong(key("join"), "it needs the `token` that `docker swarm join-token -q worker` prints on a manager".to_owned());
            }
            Some(_) if !is_joining => wrong(key("token"), "it belongs to `join`: a new swarm makes its own".to_owned()),
            Some(token) => {
                if let Err(reason) = address::check_token(token.reveal()) {
                    wrong(key("token"), reason.to_owned());
                }
            }
            None => {}
        }
        let given = [
            ("advertise_addr", &self.advertise_addr, Reach::Advertised),
            ("listen_addr", &self.listen_addr, Reach::Listening),
            ("data_path_addr", &self.data_path_addr, Reach::Traffic),
        ];
        let named = given.into_iter().filter_map(|(name, word, reach)| Some((key(name), &word.as_ref()?.0, reach)));
        let managers = self.join.0.iter().enumerate().map(|(index, text)| (key(&format!("join[{index}]")), text, Reach::Manager));
        for (path, text, reach) in managers.chain(named) {
            if let Err(reason) = reach.check(text) {
                wrong(path, reason);
            }
        }
        list
    }
}

impl Request {
    /// The managers that are asked; none where a swarm is made.
    fn managers(&self) -> String {
        let addresses = self.body["RemoteAddrs"].as_array().into_iter().flatten().filter_map(serde_json::Value::as_str);
        addresses.collect::<Vec<_>>().join(", ")
    }

    /// What is said when it was done.
    fn done(&self) -> String {
        match &*self.managers() {
            "" => "this machine is the first manager of a new swarm".to_owned(),
            managers => format!("this machine has joined the swarm of {managers}"),
        }
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
pub(super) fn run(target: &Target) -> Result<Vec<String>, SwarmError> {
    let text = target.read(LEFT)?;
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let Ok(request) = serde_json::from_str::<Request>(&text) else {
        target.remove(LEFT)?;
        return Ok(vec![format!("{LEFT} is damaged: `kaon-firstboot again` has it written at the next start")]);
    };
    let (state, error) = engine::swarm_state().map_err(SwarmError::NoEngine)?;
    match state {
        SwarmState::Active => {
            target.remove(LEFT)?;
            return Ok(vec!["this machine is in a swarm already, and stays in it".to_owned()]);
        }
        SwarmState::Pending => return Err(SwarmError::pending(&request, &error)),
        SwarmState::Locked => return Err(SwarmError::Locked),
        // What is left of an attempt that failed stands in the way of the next one.
        SwarmState::Error => drop(engine::post("/swarm/leave?force=true", "")?),
        SwarmState::Inactive => {}
    }
    engine::post(&request.path, &request.body.to_string()).map_err(|source| SwarmError::of(&request, source))?;
    target.remove(LEFT)?;
    Ok(vec![request.done()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::CloudConfig;
    use kickstart::document::{Language, Parsed};

    const TOKEN: &str = "SWMTKN-1-4ooy6x4oqp9ic5wxdpj6ewy3bbyj6nvpnlgkl6xzn3qocxz8pm-8vxv8rssmk743ojnwacrr2e7c";

    /// What the document says, or what is reported of it. `TOKEN` stands for one.
    fn read(text: &str) -> Result<Swarm, String> {
        let text = format!("kaon:\n  swarm:\n    {}\n", text.replace("TOKEN", TOKEN).replace('\n', "\n    "));
        let parsed = Parsed::new("x", &text, Language::Yaml).unwrap();
        match parsed.known::<CloudConfig>(crate::cloud::DIALECT, CloudConfig::complaints) {
            (Some(document), None) => Ok(document.value.kaon.swarm.unwrap()),
            (document, problems) => {
                assert!(document.unwrap().value.kaon.swarm.is_none(), "{text}");
                Err(problems.unwrap().to_string())
            }
        }
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
                "{join: [10.9.0.1, 'fd00::1', '[fd00::2]', 'm.example:99'], token: TOKEN, availability: drain, listen_addr: 'eth1:1', data_path_addr: 10.9.0.2}",
                json!({"path": "/swarm/join", "body": {
                    "ListenAddr": "eth1:1", "AdvertiseAddr": "", "DataPathAddr": "10.9.0.2", "Availability": "drain", "JoinToken": TOKEN,
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
    fn what_is_wrong_is_told_where_it_stands() {
        let table = [
            ("{}", "x:3:5: kaon.swarm: write either `init: true` or `join`"),
            ("init: true\njoin: [a]\ntoken: TOKEN", "x:4:11: kaon.swarm.join: write either `init: true` or `join`"),
            ("join: a", "x:3:11: kaon.swarm.join: it needs the `token`"),
            ("init: true\ntoken: TOKEN", "x:4:12: kaon.swarm.token: it belongs to `join`"),
            ("join: a\ntoken: secret", "x:4:12: kaon.swarm.token: a join token begins with `SWMTKN-`"),
            ("join: a\ntoken: docker swarm join --token TOKEN a", "x:4:12: kaon.swarm.token: write the token only, without"),
            ("join: a\ntoken: SWMTKN-1-secret-x", "x:4:12: kaon.swarm.token: this join token is damaged or cut off"),
            ("join:\n- 10.9.0.1\n- a b\ntoken: TOKEN", "x:5:7: kaon.swarm.join[1]: `a b` is not the address of a manager"),
            ("join: [10.9.0.999]\ntoken: TOKEN", "x:3:12: kaon.swarm.join[0]: `10.9.0.999` is not the address"),
            ("init: true\nadvertise_addr: eth 1", "x:4:21: kaon.swarm.advertise_addr: `eth 1` is not"),
            ("init: true\navailability: off", "x:4:19: kaon.swarm.availability: `off` is not one of"),
            ("int: true", "did you mean `init`?"),
        ];
        for (text, expected) in table {
            let said = read(text).unwrap_err();
            assert!(said.contains(expected) && !said.contains("secret"), "{text}: {said}");
            assert!(said.contains("`swarm` is left out") || text == "int: true", "{said}");
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
