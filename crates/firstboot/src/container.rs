//! Containers that run from the first start on, each as a unit of systemd, and the images they are made of.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Deserializer, Serialize};

use super::cloud::{Word, Words};
use super::swarm::Swarm;
use kickstart::Ssh;
use system::{SystemError, Target};

/// Where units of the administrator's are.
pub(super) const UNITS: &str = "/etc/systemd/system";

/// What of cloud-config is Kaon's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Kaon {
    /// Images to load into the container engine.
    pub images: Vec<Checked<Image>>,
    /// Containers to start, now and at every start.
    pub containers: Vec<Checked<Container>>,
    /// Certificates in place of single SSH keys.
    pub ssh: Ssh,
    /// The swarm that this machine makes or joins.
    pub swarm: Option<Swarm>,
}

/// An archive of images, as `docker save` writes it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Image {
    /// A file of this system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// A file on the disk called `cidata`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cidata: Option<String>,
    /// An address of http or https.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The file's SHA-256, which an address must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// Something that makes sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked<T>(pub T);

/// What can be checked.
pub trait Check {
    /// Says what makes no sense.
    ///
    /// # Errors
    /// When something does not.
    fn check(&self) -> Result<(), SystemError>;
}

impl<'de, T: Deserialize<'de> + Check> Deserialize<'de> for Checked<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = T::deserialize(deserializer)?;
        value.check().map_err(serde::de::Error::custom)?;
        Ok(Self(value))
    }
}

impl Check for Image {
    fn check(&self) -> Result<(), SystemError> {
        self.place().map(drop)
    }
}

/// Where an archive is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place<'a> {
    Here(&'a str),
    Cidata(&'a str),
    Url(&'a str),
}

/// A container.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Container {
    /// Its name, and that of its unit, `kaon-container-NAME.service`.
    pub name: String,
    /// Its image.
    pub image: String,
    /// What it runs; the image says it where this is empty.
    #[serde(default)]
    pub command: Words,
    /// Variables of its environment.
    #[serde(default)]
    pub env: BTreeMap<String, Word>,
    /// Ports of this machine that lead to it, as `docker run --publish` takes them.
    #[serde(default)]
    pub ports: Vec<Word>,
    /// What of this machine it sees, as `docker run --volume` takes it.
    #[serde(default)]
    pub volumes: Vec<String>,
    /// Its network, as `docker run --network` takes it.
    #[serde(default)]
    pub network: Option<String>,
    /// When it is started again.
    #[serde(default)]
    pub restart: Restart,
    /// Further options of `docker run`, such as `--cap-drop=ALL`.
    #[serde(default)]
    pub options: Vec<String>,
}

/// When a container that ended is started again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    /// However it ended.
    #[default]
    Always,
    /// When it failed.
    OnFailure,
    /// At the machine's next start.
    No,
}

/// Options that the unit gives, or that would take the container out of its hands.
const OWN_OPTIONS: [&str; 8] = ["--cidfile", "--detach", "--env-file", "--interactive", "--name", "--restart", "--rm", "--tty"];

impl Image {
    /// Where it is.
    ///
    /// # Errors
    /// When that is not said, or said twice, or makes no sense.
    pub(super) fn place(&self) -> Result<Place<'_>, SystemError> {
        let is_path = |path: &str| path.starts_with('/') && is_plain(path);
        let is_name = |name: &str| !name.is_empty() && is_plain(name) && name.split('/').all(|part| !matches!(part, "" | "." | ".."));
        let is_url =
            |url: &str| (url.starts_with("http://") || url.starts_with("https://")) && !url.contains(char::is_whitespace) && is_plain(url);
        if self.sha256.as_ref().is_some_and(|hash| hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit())) {
            return Err(SystemError::refused("`sha256` must be 64 hexadecimal digits"));
        }
        match (&self.path, &self.cidata, &self.url) {
            (Some(path), None, None) if is_path(path) => Ok(Place::Here(path)),
            (Some(_), None, None) => Err(SystemError::refused("`path` is not an absolute path")),
            (None, Some(name), None) if is_name(name) => Ok(Place::Cidata(name)),
            (None, Some(_), None) => Err(SystemError::refused("`cidata` must name a file on the disk labelled `cidata`")),
            (None, None, Some(_)) if self.sha256.is_none() => {
                Err(SystemError::refused("an image with a `url` must have a `sha256`, so that it cannot be replaced in transit"))
            }
            (None, None, Some(url)) if is_url(url) => Ok(Place::Url(url)),
            (None, None, Some(_)) => Err(SystemError::refused("`url` is not an http or https address")),
            _ => Err(SystemError::refused("an image must have exactly one of `path`, `cidata` and `url`")),
        }
    }
}

/// Whether text may stand in a line of a unit or a command.
fn is_plain(text: &str) -> bool {
    !text.contains(char::is_control)
}

impl Container {
    /// Its unit's name.
    pub(super) fn unit(&self) -> String {
        format!("kaon-container-{}.service", self.name)
    }

    /// Writes its unit, which is started at every start of the system from then on.
    ///
    /// # Errors
    /// When the container makes no sense, or a file cannot be written.
    pub(super) fn install(&self, target: &Target) -> Result<(), SystemError> {
        self.check()?;
        if !self.env.is_empty() {
            let lines = self.env.iter().fold(String::new(), |text, (name, Word(value))| text + name + "=" + value + "\n");
            // The environment is where containers get their passwords from; units can be read by everybody.
            target.directory("/etc/kaon/containers", 0o700)?;
            target.write(&self.env_file(), 0o600, lines.as_bytes())?;
        }
        let unit = self.unit();
        target.write(&format!("{UNITS}/{unit}"), 0o644, self.text().as_bytes())?;
        target.symlink(&format!("{UNITS}/multi-user.target.wants/{unit}"), &format!("../{unit}"))
    }

    fn env_file(&self) -> String {
        format!("/etc/kaon/containers/{}.env", self.name)
    }

    fn text(&self) -> String {
        let restart = match self.restart {
            Restart::Always => "always",
            Restart::OnFailure => "on-failure",
            Restart::No => "no",
        };
        let mut run = vec!["run".to_owned(), "--rm".into(), format!("--name={}", self.name)];
        if !self.env.is_empty() {
            run.push(format!("--env-file={}", self.env_file()));
        }
        run.extend(self.ports.iter().map(|Word(port)| format!("--publish={port}")));
        run.extend(self.volumes.iter().map(|volume| format!("--volume={volume}")));
        run.extend(self.network.iter().map(|network| format!("--network={network}")));
        run.extend(self.options.iter().cloned());
        run.push(self.image.clone());
        run.extend(self.command.0.iter().cloned());
        let line = |words: &[String]| words.iter().fold("/usr/bin/docker".to_owned(), |line, word| line + " " + &quote(word));
        let by_name = |verb: &[&str]| line(&verb.iter().map(|word| (*word).to_owned()).chain([self.name.clone()]).collect::<Vec<_>>());
        let mut text = format!("# By kaon-firstboot.\n[Unit]\nDescription=Container {}\n", self.name);
        text.push_str("Requires=docker.service\nWants=network-online.target\nAfter=docker.service network-online.target\n");
        let _ = write!(text, "\n[Service]\nExecStartPre=-{}\nExecStart={}\n", by_name(&["rm", "--force"]), line(&run));
        let _ = write!(text, "ExecStop={}\nRestart={restart}\nRestartSec=10\n", by_name(&["stop"]));
        // An image that was not loaded is pulled, however long that takes.
        text.push_str("TimeoutStartSec=infinity\n\n[Install]\nWantedBy=multi-user.target\n");
        text
    }
}

impl Check for Container {
    fn check(&self) -> Result<(), SystemError> {
        let refuse = |condition: bool, reason: &str| if condition { Err(SystemError::refused(reason)) } else { Ok(()) };
        // The engine's own rule, which a unit's name and a file's name bear, too.
        let is_name = self.name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
            && (2..=128).contains(&self.name.len())
            && self.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
        refuse(
            !is_name,
            "the name must have at least two characters of letters, digits, `_`, `.` and `-`, and begin with a letter or digit",
        )?;
        let is_image = !self.image.is_empty() && !self.image.starts_with('-') && self.image.bytes().all(|byte| byte.is_ascii_graphic());
        refuse(!is_image, "`image` is not the name of an image")?;
        refuse(!self.command.0.is_empty() && !self.command.1, "`command` must be a list of words; for a shell write `[sh, -c, \"…\"]`")?;
        let words = self.command.0.iter().chain(&self.volumes).chain(&self.options).chain(&self.network);
        let words = words.chain(self.ports.iter().map(|Word(port)| port)).chain(self.env.values().map(|Word(value)| value));
        refuse(!words.into_iter().all(|word| is_plain(word)), "a line break or another control character cannot be passed on")?;
        let is_variable =
            |name: &String| !name.is_empty() && !name.starts_with('#') && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'=');
        refuse(!self.env.keys().all(is_variable), "`env` has a variable without a name")?;
        for option in &self.options {
            let name = option.split('=').next().unwrap_or_default();
            refuse(!name.starts_with("--") || name.len() < 3, "each of `options` must begin with `--`, as in `--cap-drop=ALL`")?;
            refuse(OWN_OPTIONS.contains(&name), "`options` contains one that the unit sets itself")?;
        }
        Ok(())
    }
}

/// One word of a command in a unit (systemd.service(5), "Command lines").
fn quote(word: &str) -> String {
    let is_bare = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_=./:,@+".contains(&byte));
    if is_bare {
        return word.to_owned();
    }
    let inner = word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
    format!("\"{inner}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use kickstart::document::{self, Language};

    fn read(text: &str) -> Result<Kaon, String> {
        let document = document::read("x", text, Language::Yaml, |_, _| None);
        document.map(|document| document.value).map_err(|problems| problems.to_string())
    }

    #[test]
    fn a_container_becomes_a_unit() {
        let kaon = read(
            "containers:\n  - name: web\n    image: registry.example/app:1\n    command: [sh, -c, 'echo \"$HOME\" 100%', 5]\n    env: {PORT: 80, SECRET: a b}\n    \
             ports: ['8080:80']\n    volumes: ['/srv/my data:/data:ro']\n    network: host\n    restart: on-failure\n    options: [--cap-drop=ALL]\n",
        )
        .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let target = Target::prepare(folder.path()).unwrap();
        kaon.containers[0].0.install(&target).unwrap();
        let unit = target.read("/etc/systemd/system/multi-user.target.wants/kaon-container-web.service").unwrap_or_default();
        assert_eq!(unit, target.read("/etc/systemd/system/kaon-container-web.service").unwrap());
        for line in [
            "ExecStartPre=-/usr/bin/docker rm --force web",
            "ExecStart=/usr/bin/docker run --rm --name=web --env-file=/etc/kaon/containers/web.env --publish=8080:80 \
             \"--volume=/srv/my data:/data:ro\" --network=host --cap-drop=ALL registry.example/app:1 sh -c \"echo \\\"$$HOME\\\" 100%%\" 5",
            "ExecStop=/usr/bin/docker stop web",
            "Restart=on-failure",
            "Requires=docker.service",
        ] {
            assert!(unit.lines().any(|found| found == line), "{line}\n{unit}");
        }
        assert!(!unit.contains("a b"));
        assert_eq!(target.read("/etc/kaon/containers/web.env").unwrap(), "PORT=80\nSECRET=a b\n");
    }

    #[test]
    fn containers_that_make_no_sense_are_refused() {
        for wrong in [
            "{name: ../x, image: a}",
            "{name: x, image: a}",
            "{name: web, image: --privileged}",
            "{name: web, image: ''}",
            "{name: web, image: a b}",
            "{name: web, image: a, command: sleep 5}",
            "{name: web, image: a, command: [\"a\\nb\"]}",
            "{name: web, image: a, env: {'': x}}",
            "{name: web, image: a, env: {A: \"x\\ny\"}}",
            "{name: web, image: a, options: [-d]}",
            "{name: web, image: a, options: [--name=other]}",
            "{name: web, image: a, options: [--]}",
        ] {
            assert_eq!(read(&format!("containers: [{wrong}]")).unwrap_err().lines().count(), 1, "{wrong}");
        }
        assert!(read("containers: [{name: web}]").unwrap_err().contains("`image` is missing"));
        assert!(read("containers: [{name: web, image: a, port: 80}]").unwrap_err().contains("did you mean `ports`?"));
        assert!(read("containers: [{name: web, image: a, restart: never}]").unwrap_err().contains("not one of"));
    }

    #[test]
    fn images_are_in_one_place() {
        let hash = "a".repeat(64);
        let table = [
            ("{path: /a.tar}".to_owned(), Some(Place::Here("/a.tar"))),
            ("{cidata: images/a.tar}".to_owned(), Some(Place::Cidata("images/a.tar"))),
            (format!("{{url: 'https://x/a.tar', sha256: {hash}}}"), Some(Place::Url("https://x/a.tar"))),
            ("{}".to_owned(), None),
            ("{path: a.tar}".to_owned(), None),
            ("{path: /a, cidata: a}".to_owned(), None),
            ("{path: /a, sha256: a}".to_owned(), None),
            ("{cidata: ../a}".to_owned(), None),
            ("{cidata: /a}".to_owned(), None),
            ("{url: 'https://x/a.tar'}".to_owned(), None),
            (format!("{{url: 'file:///a', sha256: {hash}}}"), None),
            (format!("{{url: 'https://x/a b', sha256: {hash}}}"), None),
        ];
        for (text, expected) in table {
            let kaon = read(&format!("images: [{text}]"));
            assert_eq!(kaon.is_ok(), expected.is_some(), "{text}");
            assert_eq!(kaon.ok().as_ref().and_then(|kaon| kaon.images[0].0.place().ok()), expected, "{text}");
        }
    }
}
