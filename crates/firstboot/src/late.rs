//! What takes the network or the container engine: it is left for when they are up.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use text::quote;

use super::cloud::Words;
use super::{Wishes, load};
use system::{SystemError, Target};

/// The unit that runs when network and container engine are up, if it is started.
pub(super) const UNIT: &str = "kaon-firstboot-late.service";

/// The commands; in memory, for they may contain secrets.
pub(super) const SCRIPT: &str = "/run/kaon/firstboot-late";

/// Leaves packages and commands, as one script.
pub(super) fn prepare(wishes: &Wishes, target: &Target) -> Result<(), SystemError> {
    let cloud = &wishes.cloud;
    let mut script = wishes.script.clone().unwrap_or_default();
    if script.is_empty() && !(cloud.packages.is_empty() && cloud.runcmd.is_empty()) {
        script.push_str("#!/bin/sh\n");
        if !cloud.packages.is_empty() {
            let _ = writeln!(script, "tdnf -y install {}", cloud.packages.iter().map(|name| quote(name)).collect::<Vec<_>>().join(" "));
        }
        for Words(words, is_list) in &cloud.runcmd {
            let line = if *is_list { words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ") } else { words.concat() };
            let _ = writeln!(script, "{line}");
        }
    }
    if script.is_empty() { Ok(()) } else { target.write(SCRIPT, 0o700, script.as_bytes()) }
}

/// Whether something was left, now or at an earlier start.
pub(super) fn is_left(target: &Target) -> Result<bool, SystemError> {
    Ok(target.place(SCRIPT)?.exists() || load::is_left(target)?)
}

/// Has the running system start a unit when that one's time comes.
pub(super) fn start(unit: &str, target: &Target) -> Option<String> {
    if target.root() != Path::new("/") {
        return None;
    }
    let started = target.run("systemctl", &["start", "--no-block", unit], None);
    started.err().map(|error| format!("{unit}: {}", text::with_causes(&error)))
}

/// Does what was left: images and containers first, which commands may want.
pub(super) fn run(target: &Target) -> Result<Vec<String>, SystemError> {
    let mut report = load::run(target)?;
    let place = target.place(SCRIPT)?;
    if place.exists() {
        let script = fs::read(&place).map_err(SystemError::io("read", &place))?;
        // It is removed before it runs: it may restart the machine, and it may contain secrets.
        fs::remove_file(&place).map_err(SystemError::io("remove", &place))?;
        report.push(target.run_text("the commands of the first start", &script)?);
    }
    Ok(report)
}
