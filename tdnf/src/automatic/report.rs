//! What is reported of updates, and to whom.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

use super::settings::Settings;
use rpm_engine::package::Nevra;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There are updates, and nothing was done.
    Available,
    /// Their packages were fetched.
    Downloaded,
    /// They were applied.
    Applied,
}

/// The report of some updates on a machine.
pub fn text(outcome: Outcome, system: &str, updates: &[Nevra]) -> String {
    let did = match outcome {
        Outcome::Available => "available",
        Outcome::Downloaded => "downloaded",
        Outcome::Applied => "applied",
    };
    let mut text = match (outcome, updates) {
        (Outcome::Available, []) => return format!("No updates available on {system}.\n"),
        (_, []) => return format!("No updates were {did} on {system}.\n"),
        (Outcome::Available, _) => format!("The following updates are available on {system}:\n"),
        (Outcome::Downloaded | Outcome::Applied, _) => format!("The following updates were {did} on {system}:\n"),
    };
    for update in updates {
        let _ = writeln!(text, "{update}");
    }
    text
}

/// Passes a report on: to standard output, which is the journal for a service, and to a file.
///
/// # Errors
/// When the file cannot be written.
pub fn emit(settings: &Settings, clock: &str, text: &str) -> io::Result<()> {
    if settings.to_stdio {
        // That nobody listens is no reason to stop.
        let _ = io::stdout().write_all(text.as_bytes());
    }
    match &settings.to_file {
        Some(file) => append(file, &format!("--- {clock}\n{text}")),
        None => Ok(()),
    }
}

fn append(file: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new().create(true).append(true).open(file)?.write_all(text.as_bytes())
}
