//! What the kernel's command line asks of a live system. `docs/src/boot.md` is the reference.

use std::time::Duration;

/// The arguments this program acts on. Everything else on the command line is for the kernel and systemd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arguments {
    /// `kaon.medium=`: the volume label, or the device, of the medium that holds the root image.
    pub medium: Medium,
    /// `kaon.ram`: the root image is copied to memory and the medium let go.
    pub ram: bool,
    /// `kaon.check`: the root image is compared with the checksum it was built with before it is used.
    pub check: bool,
    /// `kaon.debug`: every step is told.
    pub debug: bool,
    /// `kaon.timeout=`: how long to wait for the medium.
    pub timeout: Duration,
    /// `kaon.overlay-size=`: the most that changes may take, as tmpfs reads it (`50%`, `2g`).
    pub overlay_size: String,
    /// Who may come in.
    pub access: Access,
    /// `init=`: what is started in the end.
    pub init: String,
}

/// Where the root image is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Medium {
    /// On an ISO 9660 file system of this label.
    Label(String),
    /// This block device is itself the root image.
    Device(String),
}

/// Who may come in, and under which name the machine goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// `kaon.ssh-key=`, repeatable: keys that open root's account over SSH.
    pub ssh_keys: Vec<String>,
    /// `kaon.password-hash=`: root's password, as crypt(5) writes it.
    pub password_hash: Option<String>,
    /// `kaon.autologin`: the consoles show a root shell.
    pub autologin: bool,
    /// `kaon.hostname=`.
    pub hostname: Option<String>,
}

/// The label of media whose command line does not name one.
pub const DEFAULT_LABEL: &str = "KAON";

impl Default for Arguments {
    fn default() -> Self {
        Self {
            medium: Medium::Label(DEFAULT_LABEL.into()),
            ram: false,
            check: false,
            debug: false,
            timeout: Duration::from_secs(30),
            overlay_size: "75%".into(),
            access: Access::default(),
            init: "/usr/lib/systemd/systemd".into(),
        }
    }
}

impl Arguments {
    /// Reads a command line. What it cannot make sense of is told as a complaint and keeps its default: a slip of the hand at the
    /// boot menu must not cost a boot.
    pub fn parse(line: &str) -> (Self, Vec<String>) {
        let mut arguments = Self::default();
        let mut complaints = Vec::new();
        for word in words(line) {
            let (key, value) = word.split_once('=').map_or((word.as_str(), None), |(key, value)| (key, Some(value)));
            if let Err(complaint) = arguments.take(key, value.filter(|value| !value.is_empty())) {
                complaints.push(complaint);
            }
        }
        (arguments, complaints)
    }

    fn take(&mut self, key: &str, value: Option<&str>) -> Result<(), String> {
        let needed = || value.map(str::to_owned).ok_or_else(|| format!("`{key}` needs a value: `{key}=…`"));
        let plain = |wanted: fn(&str) -> bool, what: &str| {
            let value = needed()?;
            if wanted(&value) { Ok(value) } else { Err(format!("`{key}={value}` is not {what}")) }
        };
        match key {
            "kaon.medium" => {
                let value = needed()?;
                self.medium = if value.starts_with("/dev/") { Medium::Device(value) } else { Medium::Label(value) };
            }
            "kaon.ram" => self.ram = true,
            "kaon.check" => self.check = true,
            "kaon.debug" => self.debug = true,
            "kaon.timeout" => {
                let value = needed()?;
                self.timeout = value.parse().map(Duration::from_secs).map_err(|_| format!("`{key}={value}` is not a number of seconds"))?;
            }
            "kaon.overlay-size" => self.overlay_size = plain(is_tmpfs_size, "a size such as `50%` or `2g`")?,
            "kaon.ssh-key" => self.access.ssh_keys.push(plain(is_ssh_key, "a public key: `\"kaon.ssh-key=ssh-ed25519 AAAA…\"`")?),
            "kaon.password-hash" => self.access.password_hash = Some(plain(is_hash, "a hash as `openssl passwd -6` writes it")?),
            "kaon.autologin" => self.access.autologin = true,
            "kaon.hostname" => self.access.hostname = Some(plain(is_hostname, "a host name")?),
            // For the installer of the live system.
            "kaon.install" => {}
            "init" => self.init = plain(|value| value.starts_with('/'), "an absolute path")?,
            _ if key.starts_with("kaon.") => return Err(format!("`{key}` is not known to the live system")),
            _ => {}
        }
        Ok(())
    }
}

/// Splits a command line as the kernel does: at white space outside double quotes, which are dropped.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            _ if letter.is_whitespace() && !quoted => words.push(String::new()),
            _ => words.last_mut().unwrap_or(&mut String::new()).push(letter),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn is_tmpfs_size(value: &str) -> bool {
    let digits = value.strip_suffix(['%', 'k', 'm', 'g', 'K', 'M', 'G']).unwrap_or(value);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_ssh_key(value: &str) -> bool {
    let mut words = value.split_ascii_whitespace();
    let kind = words.next().unwrap_or_default();
    let known = ["ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-"].iter().any(|prefix| kind.starts_with(prefix));
    known && words.next().is_some_and(|body| body.starts_with("AAAA")) && !value.contains(char::is_control)
}

/// A hash of crypt(5): `$`, and none of the letters that would end the field in /etc/shadow.
fn is_hash(value: &str) -> bool {
    value.starts_with('$') && value.len() > 8 && value.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':')
}

fn is_hostname(value: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    value.len() <= 64 && value.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_is_read() {
        let line = "BOOT_IMAGE=/boot/vmlinuz console=ttyS0 kaon.medium=STICK kaon.ram \"kaon.ssh-key=ssh-ed25519 AAAAC3 me@x\" \
                    kaon.password-hash=$6$salt$abcdef/. kaon.hostname=node-1.example kaon.timeout=5 quiet";
        let (arguments, complaints) = Arguments::parse(line);
        assert_eq!(complaints, Vec::<String>::new());
        assert_eq!(arguments.medium, Medium::Label("STICK".into()));
        assert!(arguments.ram && !arguments.check);
        assert_eq!(arguments.timeout, Duration::from_secs(5));
        assert_eq!(arguments.access.ssh_keys, ["ssh-ed25519 AAAAC3 me@x"]);
        assert_eq!(arguments.access.password_hash.as_deref(), Some("$6$salt$abcdef/."));
        assert_eq!(arguments.access.hostname.as_deref(), Some("node-1.example"));
    }

    #[test]
    fn nonsense_is_told_and_changes_nothing() {
        for word in [
            "kaon.hostname=-x",
            "kaon.hostname=a_b",
            "kaon.password-hash=secret",
            "kaon.password-hash=$6$a:b$cccccc",
            "kaon.ssh-key=AAAA",
            "kaon.ssh-key",
            "kaon.timeout=soon",
            "kaon.overlay-size=,mode=777",
            "kaon.sshkey=x",
            "init=sh",
        ] {
            let (arguments, complaints) = Arguments::parse(word);
            assert_eq!(arguments, Arguments::default(), "{word}");
            assert_eq!(complaints.len(), 1, "{word}");
        }
    }

    #[test]
    fn quotes_hold_words_together() {
        assert_eq!(words("  a \"b c\" d=\"e f\"g  "), ["a", "b c", "d=e fg"]);
    }
}
