//! `/etc/tdnf/automatic.conf`.

use std::path::{Path, PathBuf};

use super::reboot::{When, Window};
use rpm_engine::config::{ConfigError, Setting, boolean, number, settings};

/// What is done, and who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whether only updates that advisories call security updates count (`upgrade_type`).
    pub only_security: bool,
    /// The longest random wait before anything is done, in seconds (`random_sleep`).
    pub random_sleep: u64,
    /// How long repositories may be out of reach, in seconds (`network_online_timeout`).
    pub online_timeout: u64,
    /// Whether updates are listed that were not applied (`show_updates`).
    pub show: bool,
    /// Whether their packages are fetched into the cache (`download_updates`).
    pub download: bool,
    /// Whether they are applied (`apply_updates`).
    pub apply: bool,
    /// Whether the machine restarts after updates (`reboot`).
    pub reboot: When,
    /// At what time of the day it may (`reboot_window`).
    pub window: Option<Window>,
    /// What restarts it; the time and a message are added (`reboot_command`).
    pub reboot_command: Vec<String>,
    /// The name of this machine in reports (`system_name`).
    pub system_name: Option<String>,
    /// Whether reports are printed, which is the journal for a service (`emit_to_stdio`).
    pub to_stdio: bool,
    /// A file that reports are added to (`emit_to_file`).
    pub to_file: Option<PathBuf>,
    /// Another `tdnf.conf` (`tdnf_conf`).
    pub tdnf_conf: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            only_security: false,
            random_sleep: 0,
            online_timeout: 300,
            show: true,
            download: true,
            apply: false,
            reboot: When::Never,
            window: None,
            reboot_command: vec!["shutdown".into(), "-r".into()],
            system_name: None,
            to_stdio: true,
            to_file: None,
            tdnf_conf: None,
        }
    }
}

impl Settings {
    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read, a key is unknown or a value makes no sense: nobody looks on to see a warning.
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        let mut read = Self::default();
        for Setting { section, key, value, place } in settings(file)? {
            read.set(&section, &key, &value).map_err(|reason| ConfigError::Value { place, key, reason })?;
        }
        Ok(read)
    }

    fn set(&mut self, section: &str, key: &str, value: &str) -> Result<(), String> {
        let path = || match Path::new(value).is_absolute() {
            true => Ok(Some(PathBuf::from(value))),
            false => Err(format!("`{value}` is not an absolute path")),
        };
        match (section, key) {
            ("commands", "upgrade_type") => self.only_security = only_security(value)?,
            ("commands", "random_sleep") => self.random_sleep = number(value)?,
            ("commands", "network_online_timeout") => self.online_timeout = number(value)?,
            ("commands", "show_updates") => self.show = boolean(value)?,
            ("commands", "download_updates") => self.download = boolean(value)?,
            ("commands", "apply_updates") => self.apply = boolean(value)?,
            ("commands", "reboot") => self.reboot = value.parse()?,
            ("commands", "reboot_window") => self.window = if value.is_empty() { None } else { Some(value.parse()?) },
            ("commands", "reboot_command") => self.reboot_command = words(value)?,
            ("emitter", "system_name") => self.system_name = Some(value.to_owned()).filter(|name| !name.is_empty()),
            ("emitter", "emit_to_stdio") => self.to_stdio = boolean(value)?,
            ("emitter", "emit_to_file") => self.to_file = path()?,
            ("base", "tdnf_conf") => self.tdnf_conf = path()?,
            _ => return Err(format!("the section `[{section}]` has no such key")),
        }
        Ok(())
    }
}

fn only_security(value: &str) -> Result<bool, String> {
    match value {
        "all" | "default" => Ok(false),
        "security" => Ok(true),
        _ => Err(format!("`{value}` is neither `all` nor `security`")),
    }
}

fn words(value: &str) -> Result<Vec<String>, String> {
    let words: Vec<String> = value.split_whitespace().map(str::to_owned).collect();
    if words.is_empty() { Err("a command is missing".to_owned()) } else { Ok(words) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Settings, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("automatic.conf");
        std::fs::write(&file, text).unwrap();
        Settings::read(&file).map_err(|error| error.to_string().replace(&*file.to_string_lossy(), "FILE"))
    }

    #[test]
    fn the_file_that_is_shipped_is_the_default() {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../specs/kaon-tools/files/automatic.conf");
        assert_eq!(Settings::read(&shipped).unwrap(), Settings { random_sleep: 120, ..Settings::default() });
    }

    #[test]
    fn values() {
        let text = "[commands]\nupgrade_type = security\napply_updates = yes\nreboot = when-needed\nreboot_window = 22:30-01:00\n\
                    reboot_command = systemctl reboot\n[emitter]\nemit_to_stdio = no\nemit_to_file = /var/log/updates\n[base]\ntdnf_conf=/etc/x.conf\n";
        let expected = Settings {
            only_security: true,
            apply: true,
            reboot: When::Needed,
            window: Some("22:30-01:00".parse().unwrap()),
            reboot_command: vec!["systemctl".into(), "reboot".into()],
            to_stdio: false,
            to_file: Some("/var/log/updates".into()),
            tdnf_conf: Some("/etc/x.conf".into()),
            ..Settings::default()
        };
        assert_eq!(read(text).unwrap(), expected);
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_its_line() {
        let table = [
            ("[commands]\napply_update = yes\n", "FILE:2: `apply_update`: the section `[commands]` has no such key"),
            ("[other]\na = b\n", "FILE:2: `a`: the section `[other]` has no such key"),
            ("[commands]\nupgrade_type = some\n", "FILE:2: `upgrade_type`: `some` is neither `all` nor `security`"),
            ("[commands]\nrandom_sleep = -1\n", "FILE:2: `random_sleep`: `-1` is not a number in range"),
            ("[commands]\nreboot = later\n", "FILE:2: `reboot`: `later` is none of `never`, `when-changed` and `when-needed`"),
            ("[emitter]\nemit_to_file = log\n", "FILE:2: `emit_to_file`: `log` is not an absolute path"),
        ];
        for (text, expected) in table {
            assert_eq!(read(text).unwrap_err(), expected);
        }
    }
}
