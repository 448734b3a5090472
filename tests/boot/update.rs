//! A machine takes packages from the one that built it: `cargo xtask repo serve`.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::guest::{Guest, Start, root, xtask_in};

const SCRIPT: &str = include_str!("update.sh");

/// The package that is newer where it was built: quickly made, and in every image.
const NEWER: &str = "tini";

/// Boots a disk of the built image next to a repository with a newer package, and one that the image does not have.
pub fn check() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let project = newer_project(folder.path());
    let repository = folder.path().join("repository");
    xtask_in(&project, &["repo".as_ref(), "minimal".as_ref(), "bzip2".as_ref(), "--output".as_ref(), repository.as_os_str()]);
    spoil(&repository);
    let served = Served::start(&repository);
    let script = SCRIPT.replace("@address@", &format!("10.0.2.2:{}", served.port));
    let guest = Start::of("updated", "out/kaon-minimal.raw", &script).run();
    check_answers(&guest);
}

fn check_answers(guest: &Guest) {
    assert_eq!(guest.one("curl"), "", "`kaon.repo` cannot be had");
    assert_eq!(guest.one("gpgcheck-off"), "0", "the file for the machine switches signature checks off");
    assert_ne!(guest.one("unasked"), "0", "a key nobody accepted was trusted:\n  {}", guest.text("unasked-said"));
    for key in ["makecache", "install", "update", "check", "again"] {
        assert_eq!(guest.one(key), "0", "tdnf {key}:\n  {}", guest.text(&format!("{key}-said")));
    }
    assert_eq!((guest.one("bzip2-before"), guest.one("bzip2-output")), ("", "packed"));
    let (before, after) = (guest.one("tini-before"), guest.one("tini-after"));
    assert!(before.contains("-1.kn1") && after.contains("-2.kn1"), "{NEWER} was `{before}` and is `{after}`");
    assert!(guest.one("tini-version").contains("tini version"), "{}", guest.one("tini-version"));
    assert!(guest.text("again-said").contains("Nothing to do"), "{}", guest.text("again-said"));
    for key in ["unsigned", "changed"] {
        assert_ne!(guest.one(key), "0", "an index that is {key} was taken:\n  {}", guest.text(&format!("{key}-said")));
    }
    assert_eq!(guest.one("state"), "running", "failed units:\n  {}", guest.text("failed-unit"));
}

/// A copy of the project in which one package has a higher release.
fn newer_project(folder: &Path) -> PathBuf {
    let copy = folder.join("project");
    copy_tree(root(), &copy, &|name| !matches!(name, "target" | "out" | ".git"));
    let spec = copy.join("specs").join(NEWER).join("package.toml");
    let text = fs::read_to_string(&spec).unwrap();
    let (found, newer) = ("release     = 1\n", "release     = 2\n");
    assert!(text.contains(found), "{}", spec.display());
    fs::write(&spec, text.replacen(found, newer, 1)).unwrap();
    copy
}

fn copy_tree(from: &Path, to: &Path, wanted: &dyn Fn(&str) -> bool) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if !wanted(&name.to_string_lossy()) {
            continue;
        }
        let (from, to, kind) = (entry.path(), to.join(name), entry.file_type().unwrap());
        if kind.is_dir() {
            copy_tree(&from, &to, wanted);
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(from).unwrap(), to).unwrap();
        } else {
            fs::copy(from, to).unwrap();
        }
    }
}

/// Lays two repositories next to the good one that nobody may take: one whose index is not signed, one whose index was changed.
fn spoil(repository: &Path) {
    let index = repository.join("repodata");
    for name in ["unsigned", "changed"] {
        copy_tree(&index, &repository.join(name).join("repodata"), &|_| true);
    }
    fs::remove_file(repository.join("unsigned/repodata/repomd.xml.asc")).unwrap();
    let changed = repository.join("changed/repodata/repomd.xml");
    let text = fs::read_to_string(&changed).unwrap();
    fs::write(&changed, text.replacen("<revision>", "<revision>9", 1)).unwrap();
}

/// `xtask repo serve`, until it is dropped.
pub struct Served {
    child: Child,
    pub port: u16,
}

impl Served {
    pub fn start(repository: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(["repo", "serve"]).arg(repository).args(["--listen", "127.0.0.1:0"]).current_dir(root()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let first = lines.next().expect("it says where it listens").unwrap();
        let port = first.rsplit_once(':').and_then(|(_, end)| end.trim_end_matches('/').parse().ok());
        // What it says of each request belongs to the test's output.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| eprintln!("repo serve: {line}")));
        Self { child, port: port.unwrap_or_else(|| panic!("no port in `{first}`")) }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
