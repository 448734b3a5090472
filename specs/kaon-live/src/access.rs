//! Who may come in: writes the keys, the password and the name given at the boot menu into the new root, before anything runs there.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use crate::args::Access;
use crate::console::Console;

/// What a getty does under `kaon.autologin`.
const AUTOLOGIN: &str =
    "[Service]\nExecStart=\nExecStart=-/usr/bin/agetty --autologin root --noclear --keep-baud 115200,57600,38400,9600 %I $TERM\n";

/// What is shown above the login prompt while nobody can log in. In issue files a backslash begins an escape.
const ADVICE: &str = "\
Nobody can log in yet: no password and no SSH key is set. To set one, restart, press `e` in the
boot menu, add one of these to the end of the line that begins with `linux`, and press Ctrl-X:

  kaon.autologin                          a root shell on this console
  'kaon.ssh-key=ssh-ed25519 AAAA...'      root over SSH
  'kaon.password-hash=$6$...'             root's password, as `openssl passwd -6` writes it

";

/// Applies what was asked for to the root file system at `root` and the run-time directory at `run`. What fails is told and
/// stops nothing: a system without the key is still one that can be looked into.
pub fn apply(access: &Access, root: &Path, run: &Path, console: &Console) {
    let told = |what: &str, result: io::Result<()>| match result {
        Ok(()) => console.debug(&format!("{what} set")),
        Err(error) => console.warn(&format!("cannot set {what}: {error}")),
    };
    if !access.ssh_keys.is_empty() {
        told("root's SSH keys", write_keys(&access.ssh_keys, root));
    }
    if let Some(hash) = &access.password_hash {
        told("root's password", write_hash(hash, root));
    }
    if let Some(name) = &access.hostname {
        told("the host name", fs::write(root.join("etc/hostname"), format!("{name}\n")));
    }
    if access.autologin {
        told("the root shell on the consoles", write_autologin(run));
    } else if is_closed(root) {
        told("the text above the login prompt", write_advice(run));
    }
}

/// Whether nobody can log in: neither a password nor a key opens root's account, by the image or by the command line.
fn is_closed(root: &Path) -> bool {
    let has_keys = fs::metadata(root.join("root/.ssh/authorized_keys")).is_ok_and(|keys| keys.len() > 0);
    let shadow = fs::read_to_string(root.join("etc/shadow")).unwrap_or_default();
    !has_keys && password_field(&shadow).is_none_or(|field| field.starts_with(['!', '*']))
}

/// Root's second field in /etc/shadow.
fn password_field(shadow: &str) -> Option<&str> {
    shadow.lines().find_map(|line| line.strip_prefix("root:")).and_then(|rest| rest.split(':').next())
}

/// agetty(8) shows the files of /run/issue.d below /etc/issue.
fn write_advice(run: &Path) -> io::Result<()> {
    let folder = run.join("issue.d");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("50-kaon-live.issue"), ADVICE)
}

fn write_keys(keys: &[String], root: &Path) -> io::Result<()> {
    let folder = root.join("root/.ssh");
    DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(folder.join("authorized_keys"))?;
    file.write_all((keys.join("\n") + "\n").as_bytes())
}

fn write_hash(hash: &str, root: &Path) -> io::Result<()> {
    let path = root.join("etc/shadow");
    let changed = with_hash(&fs::read_to_string(&path)?, hash).ok_or_else(|| io::Error::other("/etc/shadow has no line for root"))?;
    let fresh = root.join("etc/shadow.kaon");
    OpenOptions::new().create_new(true).write(true).mode(0o600).open(&fresh)?.write_all(changed.as_bytes())?;
    fs::set_permissions(&fresh, Permissions::from_mode(fs::metadata(&path)?.permissions().mode() & 0o777))?;
    fs::rename(fresh, path)
}

/// /etc/shadow with root's second field replaced; `None` where root has no line.
fn with_hash(shadow: &str, hash: &str) -> Option<String> {
    let mut found = false;
    let lines: Vec<String> = shadow
        .lines()
        .map(|line| {
            let mut fields: Vec<&str> = line.split(':').collect();
            if fields.len() > 1 && fields[0] == "root" {
                fields[1] = hash;
                found = true;
            }
            fields.join(":")
        })
        .collect();
    found.then(|| lines.join("\n") + "\n")
}

fn write_autologin(run: &Path) -> io::Result<()> {
    for unit in ["getty@.service.d", "serial-getty@.service.d"] {
        let folder = run.join("systemd/system").join(unit);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("50-kaon-autologin.conf"), AUTOLOGIN)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{password_field, with_hash};

    #[test]
    fn root_s_field_is_root_s() {
        assert_eq!(password_field("rooty:x:1:\nroot:!*:2:\n"), Some("!*"));
        assert_eq!(password_field("daemon:*:1:\n"), None);
    }

    #[test]
    fn only_root_s_password_changes() {
        let shadow = "daemon:*:1::::::\nroot:!*:20000:0:99999:7:::\nrooty:!:1::::::\n";
        assert_eq!(with_hash(shadow, "$6$x").unwrap(), "daemon:*:1::::::\nroot:$6$x:20000:0:99999:7:::\nrooty:!:1::::::\n");
        assert_eq!(with_hash("daemon:*:1::::::\n", "$6$x"), None);
    }
}
