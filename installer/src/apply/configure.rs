//! What installed files call for once all of them are there, beyond what the package manager does.

use std::fs;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::{ApplyError, Observer, Target, program};
use crate::plan::{Plan, Step};
use kickstart::Finish;

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
    if !nix::unistd::geteuid().is_root() {
        unprivileged(target, observer)?;
    }
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

/// What the package manager leaves out where it is not root: it enters no tree then, and this installer does.
fn unprivileged(target: &Target, observer: &dyn Observer) -> Result<(), ApplyError> {
    let mut tasks =
        vec![("ldconfig", Vec::new()), ("systemd-sysusers", Vec::new()), ("systemd-hwdb", vec!["update".to_owned(), "--usr".to_owned()])];
    let modules = target.folder("/usr/lib/modules")?;
    let mut releases: Vec<String> =
        fs::read_dir(modules).into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    releases.sort();
    tasks.extend(releases.into_iter().map(|release| ("depmod", vec!["-a".to_owned(), release])));
    for (program, arguments) in tasks {
        if target.has(program) {
            observer.says(&target.run(program, &arguments, None)?);
        }
    }
    // What it makes for others than root it cannot give away here; the first start does it again.
    if target.has("systemd-tmpfiles")
        && let Err(error) = target.run("systemd-tmpfiles", &["--create", "--exclude-prefix=/dev", "--exclude-prefix=/run"], None)
    {
        observer.says(&text::with_causes(&error));
    }
    Ok(())
}

/// Ends the machine as a plan says, if it does. The console has what was written to it before.
///
/// # Errors
/// When it cannot be ended.
pub fn finish(plan: &Plan) -> Result<(), ApplyError> {
    let how = plan.steps.iter().find_map(|step| if let Step::Finish { how } = step { Some(*how) } else { None });
    let verb = match how {
        Some(Finish::Reboot) => "reboot",
        Some(Finish::Poweroff) => "poweroff",
        Some(Finish::Stay) | None => return Ok(()),
    };
    // What was said goes through the journal to the console; systemd does not wait for that. Without a journal there is nothing to wait for.
    let _ = program::run("journalctl", &["--sync"], None);
    drain(Path::new("/dev/console"));
    nix::unistd::sync();
    program::run("systemctl", &[verb, "--no-block"], None)?;
    Ok(())
}

/// Waits until a terminal has sent all that was written to it. One that is not there has nothing to send.
fn drain(terminal: &Path) {
    let opened = fs::File::options().write(true).custom_flags(nix::fcntl::OFlag::O_NOCTTY.bits()).open(terminal);
    if let Ok(file) = opened {
        let _ = nix::sys::termios::tcdrain(&file);
    }
}
