//! Golden cases: what the command line says about a small repository and a small system.
//!
//! `tests/cases/world.toml` says which packages the repository contains. Each other `tests/cases/NAME.toml` is a case:
//!
//! ```toml
//! installed = ["app-1.0-1"]          # in the system's root, as asked for by somebody
//! config = "best=1"                  # lines of [main]
//! files = { "etc/tdnf/locks.d/a.conf" = "app" }
//! steps = ["list installed", "search app"]
//! ```
//!
//! `NAME.txt` next to it contains what is said. `KAON_UPDATE_CASES=1 cargo test -p tdnf --test cases` writes it again.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::stat::{Mode, umask};
use rpm_engine::repo::Offer;
use rpm_engine::rpmfile::RpmFile;
use rpm_engine::transaction::{Options, install};
use serde::Deserialize;
use testing::packages::repository::{World, build, write_metadata};
use testing::packages::{KEY, TIME, keys};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[serde(default)]
    installed: Vec<String>,
    #[serde(default)]
    config: String,
    #[serde(default)]
    repository: String,
    /// Other files of the root, by path.
    #[serde(default)]
    files: BTreeMap<String, String>,
    steps: Vec<String>,
}

struct Place {
    folder: tempfile::TempDir,
    offers: Vec<Offer>,
}

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

impl Place {
    /// The repository.
    fn new() -> Self {
        let world: World = toml::from_str(&fs::read_to_string(cases().join("world.toml")).unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let offers = build(folder.path(), &world);
        write_metadata(folder.path(), &offers, &fs::read_to_string(cases().join("updateinfo.xml")).unwrap(), 1_767_225_600);
        Self { folder, offers }
    }
}

#[test]
fn every_case_says_what_it_should() {
    let place = Place::new();
    let mut files: Vec<PathBuf> = fs::read_dir(cases()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml") && !path.ends_with("world.toml"));
    files.sort();
    assert!(files.len() >= 6, "only {} cases were found", files.len());
    let wrong: Vec<String> = files.iter().filter_map(|file| check(file, &place).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An administrator with a strict umask leaves a system whose databases everybody reads, as RPM does.
#[test]
fn modes_do_not_depend_on_the_umask() {
    let place = Place::new();
    let after = |mask: Mode| -> BTreeMap<PathBuf, u32> {
        let root = tempfile::tempdir().unwrap();
        prepare(root.path(), &Case::default(), &place);
        let mut command = tdnf(root.path());
        // SAFETY: one system call.
        unsafe {
            command.args(["-y", "install", "app"]).pre_exec(move || {
                umask(mask);
                Ok(())
            });
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let mut found = BTreeMap::new();
        modes(root.path(), Path::new("usr"), &mut found);
        found
    };
    let usual = after(Mode::from_bits_truncate(0o022));
    assert_eq!(usual[Path::new("usr/lib/sysimage/rpm/rpmdb.sqlite")] & 0o777, 0o644);
    assert_eq!(after(Mode::empty()), usual);
    assert_eq!(after(Mode::from_bits_truncate(0o077)), usual);
}

/// Times of the history are those on the wall of this machine, with the name of their zone.
#[test]
fn times_are_local() {
    let place = Place::new();
    let root = tempfile::tempdir().unwrap();
    prepare(root.path(), &Case { installed: vec!["app-1.0-1".into()], ..Case::default() }, &place);
    tdnf(root.path()).args(["-y", "install", "tool"]).output().unwrap();
    let shown = |zone: &str| String::from_utf8(tdnf(root.path()).arg("history").env("TZ", zone).output().unwrap().stdout).unwrap();
    assert!(shown("UTC").contains(" UTC "), "{}", shown("UTC"));
    assert!(shown("EAST-5:30").contains(" EAST "), "{}", shown("EAST-5:30"));
    assert_ne!(shown("EAST-5:30").replace("EAST", "UTC"), shown("UTC"));
}

/// A root that is not there yet is made.
#[test]
fn a_root_is_made() {
    let place = Place::new();
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path(), &Case::default(), &place);
    let root = folder.path().join("new/root");
    let mut command = Command::new(env!("CARGO_BIN_EXE_tdnf"));
    command.env_clear().arg("-c").arg(folder.path().join("etc/tdnf/tdnf.conf")).arg(format!("--installroot={}", root.display()));
    let repository = format!("base,file://{}", place.folder.path().display());
    let output = command.args(["-y", "--nogpgcheck", "--repofrompath", &repository, "install", "tool"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(root.join("usr/bin/tool").is_file());
}

/// The modes of a path below `root` and of all below it.
fn modes(root: &Path, path: &Path, found: &mut BTreeMap<PathBuf, u32>) {
    let metadata = fs::symlink_metadata(root.join(path)).unwrap();
    if metadata.is_dir() {
        fs::read_dir(root.join(path)).unwrap().for_each(|entry| modes(root, &path.join(entry.unwrap().file_name()), found));
    }
    found.insert(path.to_owned(), metadata.mode());
}

fn check(file: &Path, place: &Place) -> Result<(), String> {
    let case: Case = toml::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let root = tempfile::tempdir().unwrap();
    prepare(root.path(), &case, place);
    let mut said = String::new();
    for step in &case.steps {
        said.push_str(&run(step, root.path(), place));
    }
    let expected_file = file.with_extension("txt");
    if std::env::var_os("KAON_UPDATE_CASES").is_some() {
        fs::write(&expected_file, &said).unwrap();
    }
    let expected = fs::read_to_string(&expected_file).unwrap_or_default();
    if said == expected { Ok(()) } else { Err(format!("{} says\n{said}\nand should say\n{expected}", file.display())) }
}

/// A root with a configuration, the key, and what is installed.
fn prepare(root: &Path, case: &Case, place: &Place) {
    let of = |id: &String| {
        let offer = place.offers.iter().find(|offer| format!("{}-{}", offer.package.nevra.name, offer.package.nevra.evr) == *id);
        RpmFile::open(&place.folder.path().join(&offer.unwrap_or_else(|| panic!("no package {id}")).location)).unwrap()
    };
    let packages: Vec<RpmFile> = case.installed.iter().map(of).collect();
    if !packages.is_empty() {
        install(packages, &keys(), root, &Options { time: TIME, progress: &|_| {} }).unwrap();
    }
    let repo = format!("[base]\nname=Base\nbaseurl=file://{}\nenabled=1\ngpgkey=file:///etc/pki/key.asc\n", place.folder.path().display());
    let off = "[extra]\nname=Extra\nbaseurl=file:///nowhere\nenabled=0\n";
    let own = [
        ("etc/tdnf/tdnf.conf", format!("[main]\n{}\n", case.config)),
        ("etc/yum.repos.d/base.repo", format!("{repo}{}\n{off}", case.repository)),
        ("etc/pki/key.asc", KEY.to_owned()),
    ];
    for (path, text) in own.into_iter().chain(case.files.iter().map(|(path, text)| (path.as_str(), text.clone()))) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// The program, for a root.
fn tdnf(root: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tdnf"));
    command.arg(format!("--installroot={}", root.display())).env_clear();
    command.env("COLUMNS", "100").env("TZ", "UTC").env("SOURCE_DATE_EPOCH", TIME.to_string()).env("PATH", "/usr/bin:/bin");
    command
}

fn run(step: &str, root: &Path, place: &Place) -> String {
    let arguments: Vec<String> = step
        .split(' ')
        .map(|word| word.replace("[REPO]", &place.folder.path().to_string_lossy()).replace("[ROOT]", &root.to_string_lossy()))
        .collect();
    let output = tdnf(root).args(arguments).output().unwrap();
    let mut said = format!("$ tdnf {step}\n");
    let clean = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).replace(&*root.to_string_lossy(), "[ROOT]");
        text.replace(&*place.folder.path().to_string_lossy(), "[REPO]")
    };
    said.push_str(&clean(&output.stdout));
    for line in clean(&output.stderr).lines() {
        writeln!(said, "! {line}").unwrap();
    }
    match output.status.code() {
        Some(0) => {}
        code => writeln!(said, "= {}", code.map_or("killed".to_owned(), |code| code.to_string())).unwrap(),
    }
    said.push('\n');
    said
}
