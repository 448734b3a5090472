//! The journal of a system whose disk is memory.

use std::fs;
use std::io;
use std::path::Path;

/// In `/var` it would be no more lasting than in `/run`; journald makes its files as large as they may become, up to 8 MiB.
const SETTINGS: &str = "[Journal]\nStorage=volatile\nRuntimeMaxFileSize=1M\n";

/// Settles it for the run-time directory at `run` (journald.conf.d(5)).
///
/// # Errors
/// When the file cannot be written; the system does without it.
pub fn settle(run: &Path) -> io::Result<()> {
    let folder = run.join("systemd/journald.conf.d");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("90-kaon-live.conf"), SETTINGS)
}
