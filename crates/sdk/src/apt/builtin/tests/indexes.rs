use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::archive::{TestArchive, key, packages};
use super::server::Server;
use crate::apt::{Archive, Client, ClientChoice, Index, Mirror, Record, Settings};
use runtime::cancel::Cancel;
use runtime::store::Store;

const ENTRIES: [(&str, &str, &str); 7] = [
    ("app", "1.0-1", "Pre-Depends: libc (>= 2)\nDepends: tool (= 1:3-1), editor | vim, awk"),
    ("libc", "2.41-1", ""),
    ("tool", "1:3-1", "Depends: vim\nRecommends: nothing"),
    ("editor", "1", ""),
    ("vim", "9", ""),
    ("mawk", "1", "Provides: awk"),
    ("old", "5", ""),
];

struct Place {
    _folder: tempfile::TempDir,
    archive: TestArchive,
    store: Store,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let archive = TestArchive::new(&folder.path().join("debian"));
        archive.add("trixie", "", &packages(&ENTRIES));
        archive.add("trixie-backports", "NotAutomatic: yes\n", &packages(&[("old", "4~bpo", ""), ("editor", "2~bpo", "")]));
        // apt's configuration must also accept a path with blanks.
        let store = Store::open(&folder.path().join("a store")).unwrap();
        Self { _folder: folder, archive, store }
    }

    fn index(&self, client: Client, mirrors: &[String], suites: &[&str]) -> Result<Found, String> {
        let settings = Settings {
            debian_mirror: None,
            client,
            source_mirrors: Vec::new(),
            caches: Vec::new(),
            apt_folder: "/nonexistent".into(),
            keyring: self.archive.keyring(),
            project: "/nonexistent".into(),
            locked: false,
        };
        let main = mirrors.iter().map(|mirror| mirror.parse::<Mirror>().unwrap()).collect();
        let (archive, cancel) = (Archive { main, security: Vec::new() }, Cancel::new());
        let index = Index::fetch(&self.store, &settings, &archive, suites, &cancel).map_err(|error| error.to_string())?;
        let all: BTreeSet<String> = ["editor", "old"].map(str::to_owned).into();
        Ok(Found {
            resolved: shown(&index.resolve(&[], &["app".to_owned()]).unwrap()),
            with_installed: shown(
                &index.resolve(&index.records(&["tool".to_owned(), "vim".to_owned()].into()).unwrap(), &["app".to_owned()]).unwrap(),
            ),
            records: shown(&index.records(&all).unwrap()),
        })
    }

    fn mirror(&self) -> String {
        format!("file:{}", self.archive.folder.display())
    }

    /// Why the index of trixie cannot be read from the archive in its current state.
    fn refusal(&self) -> String {
        self.index(Client::Builtin, &[self.mirror()], &["trixie"]).map(|_| ()).unwrap_err()
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Found {
    resolved: Vec<String>,
    with_installed: Vec<String>,
    records: Vec<String>,
}

fn shown(records: &[Record]) -> Vec<String> {
    records.iter().map(|record| format!("{} {} {}", record.name, record.version, record.path)).collect()
}

fn expected(editor: &str, old: &str) -> Found {
    let one = |name: &str, version: &str| format!("{name} {version} pool/main/{name}_{version}_amd64.deb");
    let without_tool = vec![one("app", "1.0-1"), one("libc", "2.41-1"), one("mawk", "1")];
    let mut resolved = without_tool.clone();
    resolved.extend([one("tool", "1:3-1"), one("vim", "9")]);
    Found { resolved, with_installed: without_tool, records: vec![one("editor", editor), one("old", old)] }
}

/// Every client of this machine returns the same. If apt is not installed, `Auto` is the built-in one.
#[test]
fn signed_indexes_are_read_by_both_clients_alike() {
    let place = Place::new();
    let server = Server::of_folder(&place.archive.folder);
    for client in [ClientChoice::Auto.client(), Client::Builtin] {
        for mirror in [place.mirror(), server.address.clone()] {
            assert_eq!(place.index(client, std::slice::from_ref(&mirror), &["trixie"]), Ok(expected("1", "5")), "{client:?} {mirror}");
            let both = place.index(client, &[mirror], &["trixie", "trixie-backports"]);
            assert_eq!(both, Ok(expected("2~bpo", "4~bpo")), "{client:?}");
        }
    }
    let asked: Vec<String> = server.asked().into_iter().map(|asked| asked.target).collect();
    assert!(asked.iter().any(|target| target.contains("/by-hash/SHA256/")), "{asked:?}");
}

#[test]
fn detached_signatures_are_used_without_inrelease() {
    let place = Place::new();
    fs::remove_file(place.archive.file("trixie", "InRelease")).unwrap();
    assert_eq!(place.index(Client::Builtin, &[place.mirror()], &["trixie"]), Ok(expected("1", "5")));
    replace(&place.archive.file("trixie", "Release"), "Label: Debian", "Label: Other");
    assert!(place.refusal().contains("dists/trixie/Release: its signature is invalid"), "{}", place.refusal());
    fs::remove_file(place.archive.file("trixie", "Release.gpg")).unwrap();
    assert!(place.refusal().contains("dists/trixie/Release.gpg: no such file"), "{}", place.refusal());
}

fn replace(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from));
    fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn what_is_not_signed_by_the_keyring_is_refused() {
    let place = Place::new();
    let in_release = place.archive.file("trixie", "InRelease");
    replace(&in_release, "Label: Debian", "Label: Other");
    assert!(place.refusal().contains("dists/trixie/InRelease: its signature is invalid"), "{}", place.refusal());

    let release = fs::read_to_string(place.archive.file("trixie", "Release")).unwrap();
    place.archive.sign("trixie", &release, &key());
    assert!(place.refusal().contains("none of the keys in the keyring signed it; it is signed by "), "{}", place.refusal());

    fs::write(&in_release, &release).unwrap();
    assert!(place.refusal().contains("it is not signed"), "{}", place.refusal());

    fs::write(place.archive.keyring(), "no keys").unwrap();
    assert!(place.refusal().contains("it has no valid key"), "{}", place.refusal());
}

#[test]
fn text_outside_of_the_signature_is_not_read() {
    let place = Place::new();
    let in_release = place.archive.file("trixie", "InRelease");
    let signed = fs::read_to_string(&in_release).unwrap();
    for forged in [format!("Suite: trixie\nValid-Until: never\n{signed}"), format!("{signed}\nSHA256:\n 0 0 x\n")] {
        fs::write(&in_release, forged).unwrap();
        assert!(place.refusal().contains("it is not signed"), "{}", place.refusal());
    }
}

#[test]
fn expired_indexes_and_those_of_other_suites_are_refused() {
    let place = Place::new();
    place.archive.add("trixie", "Valid-Until: Thu, 01 Jan 2026 01:00:00 UTC\n", &packages(&ENTRIES));
    assert!(place.refusal().contains("dists/trixie/Release: it expired "), "{}", place.refusal());
    // Another suite, signed by the right key, under this one's name.
    fs::copy(place.archive.file("trixie-backports", "InRelease"), place.archive.file("trixie", "InRelease")).unwrap();
    assert!(place.refusal().contains("it is the index of suite `trixie-backports`"), "{}", place.refusal());
}

#[test]
fn damaged_and_missing_indexes_are_refused() {
    let place = Place::new();
    let by_hash = place.archive.file("trixie", "main/binary-amd64/by-hash");
    fs::remove_dir_all(&by_hash).unwrap();
    assert_eq!(place.index(Client::Builtin, &[place.mirror()], &["trixie"]), Ok(expected("1", "5")), "by its name");
    let packages = place.archive.file("trixie", "main/binary-amd64/Packages.gz");
    let bytes = fs::read(&packages).unwrap();
    fs::write(&packages, &bytes[..bytes.len() / 2]).unwrap();
    assert!(place.refusal().contains("Packages.gz does not match the signed index: expected SHA-256 "), "{}", place.refusal());
    fs::remove_file(&packages).unwrap();
    assert!(place.refusal().contains("Packages.gz: no such file"), "{}", place.refusal());
    fs::remove_dir_all(place.archive.folder.join("dists")).unwrap();
    assert!(place.refusal().contains("dists/trixie/Release: no such file"), "{}", place.refusal());
}

#[test]
fn a_mirror_that_is_down_is_named_without_its_password_and_the_next_one_is_asked() {
    let place = Place::new();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let down = format!("http://user:secret@{closed}/debian");
    assert_eq!(place.index(Client::Builtin, &[down.clone(), place.mirror()], &["trixie"]), Ok(expected("1", "5")));
    for client in [ClientChoice::Auto.client(), Client::Builtin] {
        let refusal = place.index(client, std::slice::from_ref(&down), &["trixie"]).unwrap_err();
        assert!(refusal.contains(&format!("http://***@{closed}/debian: ")) && !refusal.contains("secret"), "{client:?}: {refusal}");
    }
}
