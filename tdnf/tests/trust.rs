//! What is not what it should be is refused, and nothing changes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rpm_engine::repo::Offer;
use testing::packages::repository::{World, build, write_expiring, write_metadata};
use testing::packages::{KEY, OTHER_KEY};

struct Machine {
    repository: tempfile::TempDir,
    root: tempfile::TempDir,
    offers: Vec<Offer>,
}

const WORLD: &str = "[\"app-1.0-1\"]\nfiles = [\"/usr/bin/app\"]\n[\"other-1.0-1\"]\nfiles = [\"/usr/bin/other\"]\n";

impl Machine {
    fn new() -> Self {
        let world: World = toml::from_str(WORLD).unwrap();
        let (repository, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let offers = build(repository.path(), &world);
        write_metadata(repository.path(), &offers, "", 100);
        let machine = Self { repository, root, offers };
        machine.configure("");
        machine
    }

    fn configure(&self, more: &str) {
        let repo = format!("[base]\nbaseurl=file://{}\nenabled=1\ngpgkey=file:///etc/pki/key.asc\n{more}\n", self.path("").display());
        for (path, text) in [("etc/tdnf/tdnf.conf", "[main]\n"), ("etc/yum.repos.d/base.repo", &repo), ("etc/pki/key.asc", KEY)] {
            let path = self.root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.repository.path().join(path)
    }

    fn metadata(&self, revision: u64) {
        write_metadata(self.repository.path(), &self.offers, "", revision);
    }

    /// Runs tdnf; what it says, and whether it succeeded.
    fn run(&self, arguments: &[&str]) -> (bool, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tdnf"));
        let output =
            command.arg(format!("--installroot={}", self.root.path().display())).arg("-y").args(arguments).env_clear().output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    }

    fn refuses(&self, arguments: &[&str], reason: &str) {
        let (succeeded, said) = self.run(arguments);
        assert!(!succeeded && said.contains(reason), "{arguments:?} should be refused for `{reason}`:\n{said}");
        assert_eq!(self.run(&["-q", "repoquery", "--installed", "-C", "--disablerepo=*"]).1, "", "nothing may be installed");
    }

    fn accepts(&self, arguments: &[&str]) {
        let (succeeded, said) = self.run(arguments);
        assert!(succeeded, "{arguments:?}:\n{said}");
    }
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn an_index_nobody_trusted_signed_is_refused() {
    let machine = Machine::new();
    fs::write(machine.root.path().join("etc/pki/key.asc"), OTHER_KEY).unwrap();
    machine.refuses(&["install", "app"], "is not trusted");
    machine.configure("");
    fs::remove_file(machine.path("repodata/repomd.xml.asc")).unwrap();
    machine.refuses(&["install", "app"], "repomd.xml.asc");
    machine.configure("repo_gpgcheck=0");
    machine.accepts(&["makecache"]);
    machine.configure("gpgkey=\n");
    machine.refuses(&["install", "app"], "no key is configured");
}

#[test]
fn metadata_that_was_changed_is_refused() {
    let machine = Machine::new();
    flip(&machine.path("repodata/repomd.xml"));
    machine.refuses(&["install", "app"], "its signature does not fit it: it was changed");
    machine.metadata(100);
    let primary = fs::read_dir(machine.path("repodata")).unwrap().map(|entry| entry.unwrap().path());
    let primary = primary.into_iter().find(|path| path.to_string_lossy().contains("primary")).unwrap();
    flip(&primary);
    machine.refuses(&["install", "app"], "its checksum differs");
    let bytes = fs::read(&primary).unwrap();
    fs::write(&primary, &bytes[..bytes.len() / 2]).unwrap();
    machine.refuses(&["install", "app"], "its checksum differs");
    machine.metadata(100);
    machine.accepts(&["install", "app"]);
}

#[test]
fn a_package_that_was_changed_is_refused() {
    let machine = Machine::new();
    let (app, other) = (machine.path("Packages/app-1.0-1.noarch.rpm"), machine.path("Packages/other-1.0-1.noarch.rpm"));
    let good = fs::read(&app).unwrap();
    flip(&app);
    machine.refuses(&["install", "app"], "its checksum differs");
    fs::copy(&other, &app).unwrap();
    machine.refuses(&["install", "app"], "is larger than");
    fs::write(&app, &good[..good.len() - 10]).unwrap();
    machine.refuses(&["install", "app"], "its checksum differs");
    // Even an index that names the changed package does not help without a signature of the package itself.
    let mut offers = machine.offers.clone();
    let mut bytes = good.clone();
    let last = bytes.len() - 20;
    bytes[last] ^= 1;
    fs::write(&app, &bytes).unwrap();
    offers[0].checksum = rpm_engine::repo::digest_of(&app).unwrap();
    write_metadata(machine.repository.path(), &offers, "", 101);
    machine.refuses(&["--refresh", "install", "app"], "damaged");
    // Nor does an index that calls one package by another's name.
    let mut swapped = [Offer { location: offers[1].location.clone(), checksum: offers[1].checksum.clone(), ..offers[0].clone() }];
    swapped[0].package.package_size_bytes = offers[1].package.package_size_bytes;
    write_metadata(machine.repository.path(), &swapped, "", 102);
    machine.refuses(&["--refresh", "install", "app"], "is other-1.0-1.noarch, not app-1.0-1.noarch");
    fs::write(&app, good).unwrap();
    machine.metadata(103);
    machine.accepts(&["--refresh", "install", "app"]);
}

#[test]
fn a_repository_never_goes_back() {
    let machine = Machine::new();
    machine.metadata(200);
    machine.accepts(&["makecache"]);
    machine.metadata(199);
    machine.accepts(&["count"]);
    machine.refuses(&["makecache"], "went back to revision 199, but 200 was seen");
    machine.accepts(&["clean", "all"]);
    machine.refuses(&["install", "app"], "went back");
    machine.metadata(200);
    machine.accepts(&["install", "app"]);
}

#[test]
fn nothing_is_believed_past_its_time() {
    let machine = Machine::new();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let expiring = |revision, expires| write_expiring(machine.repository.path(), &machine.offers, "", revision, Some(expires));
    expiring(300, now - 1);
    machine.refuses(&["install", "app"], "expired");
    expiring(301, now + 4);
    machine.accepts(&["makecache"]);
    // A mirror that goes on showing the same state is found out, though the cache is fresh.
    std::thread::sleep(std::time::Duration::from_secs(5));
    machine.refuses(&["install", "app"], "expired");
    machine.refuses(&["-C", "install", "app"], "expired");
    expiring(302, now + 3600);
    machine.accepts(&["install", "app"]);
}

#[test]
fn stale_metadata_is_not_used_when_the_repository_is_away() {
    let machine = Machine::new();
    machine.accepts(&["makecache"]);
    fs::rename(machine.path("repodata"), machine.path("away")).unwrap();
    machine.accepts(&["count"]);
    machine.refuses(&["--setopt=base.metadata_expire=0", "install", "app"], "cannot be fetched");
    machine.accepts(&["-C", "--setopt=base.metadata_expire=0", "count"]);
    // A damaged cache is made again, not believed.
    let cache = fs::read_dir(machine.root.path().join("var/cache/tdnf")).unwrap().next().unwrap().unwrap().path();
    fs::rename(machine.path("away"), machine.path("repodata")).unwrap();
    fs::write(cache.join("index"), "not an index").unwrap();
    machine.accepts(&["install", "app"]);
}

#[test]
fn a_source_package_is_told_from_a_damaged_one() {
    let machine = Machine::new();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/rpm-engine/tests/data/hostile/a-source-package.rpm");
    machine.refuses(&["--nogpgcheck", "install", &file.to_string_lossy()], "is a source package, which cannot be installed");
}
