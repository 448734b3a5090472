//! Fetching files by address, many at once, through apt's own download client.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use super::AptError;
use super::process::run;
use crate::cancel::Cancel;
use crate::tool::Tool;
use crate::workers::try_each;

/// A file to fetch. What is fetched is not checked here.
#[derive(Clone, Debug)]
pub struct Download {
    /// Its address.
    pub uri: String,
    /// Where it is put.
    pub target: PathBuf,
}

/// What became of a download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The file is there.
    Fetched,
    /// The server answered that it has no such file.
    NotFound,
    /// The server could not be reached at all.
    Unreachable(String),
    /// Anything else.
    Failed(String),
}

/// How a set of downloads is fetched.
#[derive(Clone, Copy)]
pub struct Progress<'a> {
    /// How often a failed transfer is tried again; a partial file is resumed.
    pub retries: u32,
    /// Seconds without a byte after which a server counts as dead.
    pub timeout_s: u32,
    /// Takes the bytes on disk so far, now and then.
    pub report: &'a (dyn Fn(u64) + Sync),
}

/// apt's download client, which is not on `PATH`.
const APT_HELPER: &str = "/usr/lib/apt/apt-helper";

/// Files fetched by one run of the client, which keeps one connection to a server.
const BATCH: usize = 16;

/// Runs of the client at a time: a few connections fill a link, many annoy a mirror.
const CONNECTIONS: usize = 4;

/// Fetches all `downloads`, and says what became of each, in their order.
///
/// # Errors
/// When the client cannot be run, or the user asked to stop.
pub fn download(downloads: &[Download], progress: Progress<'_>, cancel: &Cancel) -> Result<Vec<Outcome>, AptError> {
    let batch = BATCH.min(downloads.len().div_ceil(CONNECTIONS)).max(1);
    let done = AtomicU64::new(0);
    let batches: Vec<&[Download]> = downloads.chunks(batch).collect();
    Ok(try_each(&batches, CONNECTIONS, |batch| fetch(batch, progress, &done, cancel))?.into_iter().flatten().collect())
}

fn fetch(batch: &[Download], progress: Progress<'_>, done: &AtomicU64, cancel: &Cancel) -> Result<Vec<Outcome>, AptError> {
    let Progress { retries, timeout_s, report } = progress;
    let mut tool = Tool::new(APT_HELPER);
    for option in [
        format!("Acquire::Retries={retries}"),
        format!("Acquire::http::Timeout={timeout_s}"),
        format!("Acquire::https::Timeout={timeout_s}"),
    ] {
        tool = tool.arg("-o").arg(option);
    }
    if nix::unistd::geteuid().is_root() {
        tool = tool.args(["-o", "APT::Sandbox::User=root"]);
    }
    tool = tool.arg("download-file");
    for download in batch {
        tool = tool.arg(&download.uri).arg(&download.target);
    }
    let mut seen = 0;
    let mut look = || {
        let now = batch.iter().filter_map(|download| fs::metadata(&download.target).ok()).map(|file| file.len()).sum();
        if now > seen {
            report(done.fetch_add(now - seen, Ordering::Relaxed) + now - seen);
            seen = now;
        }
    };
    let ended = run("apt-helper", tool, cancel, &mut look)?;
    look();
    let reasons = reasons(&ended.stderr);
    let outcome = |download: &Download| match reasons.get(&download.uri) {
        Some(reason) => classify(reason),
        None if download.target.is_file() => Outcome::Fetched,
        None => Outcome::Failed(super::process::complaints(&ended.stderr)),
    };
    Ok(batch.iter().map(outcome).collect())
}

/// The lines `E: Failed to fetch URI  REASON`, by address.
fn reasons(stderr: &str) -> HashMap<String, String> {
    let line = |line: &str| {
        let (uri, reason) = line.strip_prefix("E: Failed to fetch ")?.split_once("  ")?;
        Some((uri.to_owned(), reason.trim().to_owned()))
    };
    stderr.lines().filter_map(line).collect()
}

/// Sorts apt's reasons by what can be done about them.
fn classify(reason: &str) -> Outcome {
    let is = |starts: &[&str]| starts.iter().any(|start| reason.starts_with(start));
    if is(&["404 ", "410 ", "Failed to stat", "File not found"]) {
        Outcome::NotFound
    } else if is(&[
        "Could not resolve",
        "Temporary failure resolving",
        "Something wicked happened resolving",
        "Could not connect",
        "Unable to connect",
        "Cannot initiate the connection",
        "Connection failed",
        "Connection timed out",
        "Invalid response from proxy",
    ]) {
        Outcome::Unreachable(reason.to_owned())
    } else {
        Outcome::Failed(reason.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_told_apart() {
        let stderr = "E: Failed to fetch http://a/x  404  Not Found [IP: 1.2.3.4 80]\n\
            E: Failed to fetch https://b/y  Could not resolve 'b'\nE: Failed to fetch http://c/z  502  Bad Gateway\nE: Download Failed\n";
        let reasons = reasons(stderr);
        assert_eq!(classify(&reasons["http://a/x"]), Outcome::NotFound);
        assert_eq!(classify(&reasons["https://b/y"]), Outcome::Unreachable("Could not resolve 'b'".into()));
        assert_eq!(classify(&reasons["http://c/z"]), Outcome::Failed("502  Bad Gateway".into()));
    }

    #[test]
    fn what_is_there_is_fetched_and_what_is_not_is_told() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("there"), "text").unwrap();
        let item = |name: &str| Download {
            uri: format!("copy:{}/{name}", folder.path().display()),
            target: folder.path().join(format!("{name}.got")),
        };
        let progress = Progress { retries: 0, timeout_s: 5, report: &|_| {} };
        let outcomes = download(&[item("missing"), item("there")], progress, &Cancel::new()).unwrap();
        assert_eq!(outcomes, [Outcome::NotFound, Outcome::Fetched]);
        assert_eq!(fs::read(folder.path().join("there.got")).unwrap(), b"text");
    }

    #[test]
    fn a_raised_flag_stops_it() {
        let cancel = Cancel::new();
        cancel.raise();
        let item = Download { uri: "copy:/dev/null".into(), target: "/nonexistent/x".into() };
        let progress = Progress { retries: 0, timeout_s: 5, report: &|_| {} };
        assert!(matches!(download(&[item], progress, &cancel), Err(AptError::Interrupted)));
    }
}
