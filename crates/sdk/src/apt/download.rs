//! Fetching files by address, many at once, through either client.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use super::process::run;
use super::{AptError, Client, Network, builtin};
use base::address::public;
use runtime::cancel::Cancel;
use runtime::tool::Tool;

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

/// How long a server is put up with.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How often a failed transfer is tried again; a partial file is resumed.
    pub retries: u32,
    /// Seconds without a byte after which a server counts as dead.
    pub timeout_s: u32,
}

/// apt's download client, which is not on `PATH`.
pub(super) const APT_HELPER: &str = "/usr/lib/apt/apt-helper";

/// Fetches `downloads` one after the other over a connection kept open, and says what became of each, in their order. `report` is given
/// the number of further bytes on disk, now and then.
///
/// # Errors
/// When the client cannot be run, or the user asked to stop.
pub fn download(
    client: Client,
    downloads: &[Download],
    patience: Patience,
    report: &dyn Fn(u64),
    cancel: &Cancel,
) -> Result<Vec<Outcome>, AptError> {
    match client {
        Client::Apt => by_apt(downloads, patience, report, cancel),
        Client::Builtin => builtin::download(downloads, patience, &Network::from_environment(), report, cancel),
    }
}

fn by_apt(downloads: &[Download], patience: Patience, report: &dyn Fn(u64), cancel: &Cancel) -> Result<Vec<Outcome>, AptError> {
    let Patience { retries, timeout_s } = patience;
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
    for download in downloads {
        tool = tool.arg(&download.uri).arg(&download.target);
    }
    let mut seen = 0;
    let mut look = || {
        let now = downloads.iter().filter_map(|download| fs::metadata(&download.target).ok()).map(|file| file.len()).sum();
        if now > seen {
            report(now - seen);
            seen = now;
        }
    };
    let ended = run("apt-helper", tool, cancel, &mut look)?;
    look();
    let reasons = reasons(&ended.stderr);
    let outcome = |download: &Download| match reasons.get(&comparable(&download.uri)) {
        Some(reason) => classify(reason),
        None if download.target.is_file() => Outcome::Fetched,
        None => Outcome::Failed(super::process::complaints(&ended.stderr)),
    };
    Ok(downloads.iter().map(outcome).collect())
}

/// The lines `E: Failed to fetch URI  REASON`, by comparable address.
fn reasons(stderr: &str) -> HashMap<String, String> {
    let line = |line: &str| {
        let (uri, reason) = line.strip_prefix("E: Failed to fetch ")?.split_once("  ")?;
        Some((comparable(uri), reason.trim().to_owned()))
    };
    stderr.lines().filter_map(line).collect()
}

/// An address to compare it by: apt writes `+` as `%2b`, and leaves out the password. So percent-encoded bytes are decoded, and user and password
/// are gone.
fn comparable(uri: &str) -> String {
    decoded(&public(uri))
}

/// An address with its percent-encoded bytes decoded (RFC 3986, 2.1).
pub(super) fn decoded(uri: &str) -> String {
    let mut bytes = Vec::with_capacity(uri.len());
    let mut rest = uri.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| *first == b'%').and_then(|digits| hex::decode(digits).ok());
        bytes.push(code.as_ref().map_or(*first, |byte| byte[0]));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
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
    use crate::apt::ClientChoice;

    const PATIENCE: Patience = Patience { retries: 0, timeout_s: 5 };

    #[test]
    fn reasons_are_told_apart() {
        let stderr = "E: Failed to fetch http://a/x  404  Not Found [IP: 1.2.3.4 80]\n\
            E: Failed to fetch https://b/y  Could not resolve 'b'\nE: Failed to fetch http://c/z%2b1%  502  Bad Gateway\nE: Download Failed\n";
        let reasons = reasons(stderr);
        assert_eq!(classify(&reasons["http://a/x"]), Outcome::NotFound);
        assert_eq!(classify(&reasons["https://b/y"]), Outcome::Unreachable("Could not resolve 'b'".into()));
        assert_eq!(classify(&reasons[&comparable("http://u:p@c/z+1%")]), Outcome::Failed("502  Bad Gateway".into()));
    }

    #[test]
    fn what_is_there_is_fetched_and_what_is_not_is_told() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("there"), "text").unwrap();
        let item = |name: &str| Download {
            uri: format!("copy:{}/{name}", folder.path().display()),
            target: folder.path().join(format!("{name}.got")),
        };
        for client in [ClientChoice::Auto.client(), Client::Builtin] {
            let outcomes = download(client, &[item("missing"), item("there")], PATIENCE, &|_| {}, &Cancel::new()).unwrap();
            assert_eq!(outcomes, [Outcome::NotFound, Outcome::Fetched]);
            assert_eq!(fs::read(folder.path().join("there.got")).unwrap(), b"text");
            fs::remove_file(folder.path().join("there.got")).unwrap();
        }
    }

    #[test]
    fn a_raised_flag_stops_it() {
        let cancel = Cancel::new();
        cancel.raise();
        let item = Download { uri: "copy:/dev/null".into(), target: "/nonexistent/x".into() };
        for client in [ClientChoice::Auto.client(), Client::Builtin] {
            let result = download(client, std::slice::from_ref(&item), PATIENCE, &|_| {}, &cancel);
            assert!(matches!(result, Err(AptError::Interrupted)));
        }
    }
}
