//! Whether the Debian archive answers.

use super::Subject;
use super::finding::{Finding, FindingState};
use crate::apt::{Archive, Download, Mirror, Outcome, Patience, Settings, download};
use crate::cancel::Cancel;
use crate::store::Store;

/// A check is worth less time than a fetch.
const PATIENCE: Patience = Patience { retries: 0, timeout_s: 5 };

const SUBJECT: Subject = "archive";

/// Fetches the signed index of `suite` from the archive builds would use.
pub(super) fn examine(store: &Store, settings: &Settings, suite: &str, cancel: &Cancel) -> Finding {
    let archive = match Archive::find(settings) {
        Ok(archive) => archive,
        Err(error) => return Finding::failed(SUBJECT, FindingState::Lacking, &error),
    };
    let mut silent = Vec::new();
    for mirror in &archive.main {
        match answer(store, mirror, suite, cancel) {
            Ok(()) => return Finding::good(SUBJECT, format!("`{}` has {suite}", shown(mirror))),
            Err(reason) => silent.push(format!("`{}`: {reason}", shown(mirror))),
        }
    }
    let remedy =
        "check the network and the proxy settings (`http_proxy`), or name another Debian mirror: KAON_DEBIAN_MIRROR=URL".to_owned();
    Finding::bad(SUBJECT, FindingState::Lacking, format!("no answer from {}", silent.join("; ")), remedy)
}

fn answer(store: &Store, mirror: &Mirror, suite: &str, cancel: &Cancel) -> Result<(), String> {
    let scratch = store.scratch("doctor").map_err(|error| error.to_string())?;
    let wanted = Download { uri: mirror.file(&format!("dists/{suite}/InRelease")), target: scratch.path().join("InRelease") };
    let outcomes = download(&[wanted], PATIENCE, &|_| {}, cancel).map_err(|error| error.to_string())?;
    match outcomes.into_iter().next() {
        Some(Outcome::Fetched) => Ok(()),
        Some(Outcome::NotFound) => Err(format!("it has no `dists/{suite}/InRelease`")),
        Some(Outcome::Unreachable(reason) | Outcome::Failed(reason)) => Err(reason),
        None => Err("nothing was fetched".into()),
    }
}

/// A mirror's address without the name and password it may carry.
fn shown(mirror: &Mirror) -> String {
    let text = mirror.to_string();
    let Some((scheme, rest)) = text.split_once("://") else { return text };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match host.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://***@{host}{path}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::path::PathBuf;

    use super::*;

    fn settings(mirror: &str) -> Settings {
        Settings {
            debian_mirror: Some(mirror.into()),
            source_mirrors: Vec::new(),
            apt_folder: "/nonexistent".into(),
            keyring: PathBuf::new(),
            project: PathBuf::new(),
            locked: false,
        }
    }

    #[test]
    fn an_archive_that_is_down_is_named_without_its_password() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let finding = examine(&store, &settings(&format!("http://me:secret@{address}/debian")), "trixie", &Cancel::new());
        assert!(finding.is_lack(), "{finding}");
        assert!(finding.detail.contains(&format!("no answer from `http://***@{address}/debian`: ")), "{finding}");
        assert!(!finding.to_string().contains("secret"), "{finding}");
        assert!(finding.remedy.is_some_and(|remedy| remedy.contains("KAON_DEBIAN_MIRROR=URL")));
    }

    #[test]
    fn an_archive_that_answers_is_good_only_with_the_suite() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        let debian = folder.path().join("debian");
        std::fs::create_dir_all(debian.join("dists/trixie")).unwrap();
        std::fs::write(debian.join("dists/trixie/InRelease"), "x").unwrap();
        let settings = settings(&format!("file://{}", debian.display()));
        assert_eq!(examine(&store, &settings, "trixie", &Cancel::new()).state, FindingState::Good);
        let other = examine(&store, &settings, "sid", &Cancel::new());
        assert!(other.detail.ends_with("it has no `dists/sid/InRelease`"), "{other}");
    }
}
