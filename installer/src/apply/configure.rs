//! What installed files call for once all of them are there, beyond what the package manager does.

use std::fs;

use super::{ApplyError, Observer, Target, program};
use crate::kickstart::Finish;

/// Makes caches and switches units. A system without a program does not need what it makes.
pub(super) fn configure(target: &Target, observer: &dyn Observer) -> Result<(), ApplyError> {
    let run = |program: &str, arguments: &[&str]| -> Result<(), ApplyError> {
        if !target.has(program) {
            return Ok(());
        }
        let said = target.run(program, arguments, None)?;
        if !said.is_empty() {
            observer.says(&said);
        }
        Ok(())
    };
    run("journalctl", &["--update-catalog"])?;
    run("systemctl", &["preset-all"])?;
    run("systemctl", &["--global", "preset-all"])?;
    let anchors = target.folder("/etc/pki/anchors")?;
    if fs::read_dir(anchors).is_ok_and(|mut entries| entries.next().is_some()) {
        run("update-ca-trust", &[])?;
    }
    // First boot makes them, for this machine alone.
    for path in ["/var/lib/systemd/random-seed", "/var/lib/systemd/credential.secret", "/var/lib/dbus/machine-id"] {
        let place = target.place(path)?;
        if place.exists() {
            fs::remove_file(&place).map_err(ApplyError::io("remove", &place))?;
        }
    }
    Ok(())
}

/// Ends the installation.
pub(super) fn finish(how: Finish) -> Result<(), ApplyError> {
    let verb = match how {
        Finish::Reboot => "reboot",
        Finish::Poweroff => "poweroff",
        Finish::Stay => return Ok(()),
    };
    nix::unistd::sync();
    program::run("systemctl", &[verb, "--no-block"], None)?;
    Ok(())
}
