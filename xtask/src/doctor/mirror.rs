//! Checks whether the Debian archive answers.

use super::Subject;
use super::finding::{Finding, FindingState};
use runtime::cancel::Cancel;
use runtime::store::Store;
use runtime::tool::Tool;
use sdk::apt::{Archive, Client, Download, Mirror, Outcome, Patience, Settings, download};

/// Shorter than for fetching, since this is only a check.
const PATIENCE: Patience = Patience::new(0, 5);

const SUBJECT: Subject = "archive";

/// Checks that the client for the archive is installed.
pub(super) fn client(settings: &Settings) -> Finding {
    const SUBJECT: Subject = "client";
    match settings.client {
        Client::Builtin => Finding::good(SUBJECT, "the builder itself fetches from the Debian archive"),
        Client::Apt => match Tool::new("apt-get").arg("--version").output() {
            Ok(text) => Finding::good(SUBJECT, String::from_utf8_lossy(&text).lines().next().unwrap_or_default().trim().to_owned()),
            Err(error) => {
                let remedy = "install `apt`, or use the builder's own client: `--debian-client builtin`".to_owned();
                Finding::bad(SUBJECT, FindingState::Lacking, error.to_string(), remedy)
            }
        },
    }
}

/// Fetches the signed index of `suite` from the archive that builds would use.
pub(super) fn examine(store: &Store, settings: &Settings, suite: &str, cancel: &Cancel) -> Finding {
    let archive = match Archive::find(settings) {
        Ok(archive) => archive,
        Err(error) => return Finding::failed(SUBJECT, FindingState::Lacking, &error),
    };
    let mut silent = Vec::new();
    for mirror in &archive.main {
        match answer(store, settings.client, mirror, suite, cancel) {
            Ok(()) => return Finding::good(SUBJECT, format!("`{mirror}` has {suite}")),
            Err(reason) => silent.push(format!("`{mirror}`: {reason}")),
        }
    }
    let remedy =
        "check the network and the proxy settings (`http_proxy`), or select another Debian mirror: KAON_DEBIAN_MIRROR=URL".to_owned();
    Finding::bad(SUBJECT, FindingState::Lacking, format!("no answer from {}", silent.join("; ")), remedy)
}

fn answer(store: &Store, client: Client, mirror: &Mirror, suite: &str, cancel: &Cancel) -> Result<(), String> {
    let scratch = store.scratch("doctor").map_err(|error| error.to_string())?;
    let wanted = Download::new(mirror.file(&format!("dists/{suite}/InRelease")), scratch.path().join("InRelease"));
    let outcomes = download(client, &[wanted], PATIENCE, &|_| {}, cancel).map_err(|error| error.to_string())?;
    match outcomes.into_iter().next() {
        Some(Outcome::Fetched) => Ok(()),
        Some(Outcome::NotFound) => Err(format!("it has no `dists/{suite}/InRelease`")),
        Some(Outcome::Unreachable(reason) | Outcome::Failed(reason)) => Err(reason),
        None => Err("nothing was fetched".into()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::path::PathBuf;

    use super::*;
    use sdk::apt::ClientChoice;

    fn settings(mirror: &str) -> Settings {
        Settings {
            debian_mirror: Some(mirror.into()),
            client: ClientChoice::Auto.client(),
            source_mirrors: Vec::new(),
            caches: Vec::new(),
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
