//! A small project, and stores with its SDK.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base::digest::Digest;
use runtime::store::{Store, StoreError};
use sdk::{Description, LayerName, Lock, LockedLayer};
use serde_json::Value;
use walkdir::WalkDir;

use crate::support::scratch::Scratch;
use crate::support::small_root;

/// Programs that the packages' scripts and phases of a build call.
const PROGRAMS: [&str; 18] = [
    "basename", "bash", "cat", "chmod", "cp", "find", "gzip", "ln", "mkdir", "mv", "patch", "python3", "rm", "sed", "seq", "sleep",
    "strip", "tar",
];

const SDK: &str = "suite = \"trixie\"\n[layer.base]\nsummary = \"A few programs\"\npackages = [\"bash\"]\n\
    [layer.image]\nsummary = \"What images are made with\"\nneeds = [\"base\"]\npackages = [\"bash\"]\n";

const LIB: &str = r#"
[package]
version = "1"
release = 1
summary = "Made of its source"
license = "MIT"

[[source]]
url = "file://{mirror}/lib-1.tar"
sha256 = "{sha256}"

[build.none]
finish = """
for part in $(seq 1 20); do
    mkdir -p $DESTDIR/usr/share/lib/$part
    for ((line = 0; line < 400; line++)); do echo "$part $line"; done >$DESTDIR/usr/share/lib/$part/text
done
cp $SRC/data $DESTDIR/usr/share/lib/data
"""
"#;

const MORE: &str = r#"
[package]
version = "2"
release = 1
summary = "Built beside it"
license = "MIT"

[build.none]
finish = """
mkdir -p $DESTDIR/usr/share/more
for part in $(seq 1 30); do echo "more $part" >$DESTDIR/usr/share/more/$part; done
"""
"#;

const APP: &str = r#"
[package]
version = "3"
release = 1
summary = "Built on both"
license = "MIT"

[requires]
build = ["lib", "more"]

[build.none]
finish = """
mkdir -p $DESTDIR/usr/share/app
cat /usr/share/lib/*/text /usr/share/lib/data /usr/share/more/* >$DESTDIR/usr/share/app/all
{extra}
"""
"#;

/// The content of the source.
const DATA: &str = "what upstream wrote\n";

/// Its licence text.
pub const LICENCE: &str = "do what you like\n";

/// A project in its own directory.
pub struct Project {
    folder: PathBuf,
    _vanishes: Option<Scratch>,
}

impl Project {
    pub fn new() -> Self {
        Self::with("")
    }

    /// A project with `extra` in the script of `app`.
    pub fn with(extra: &str) -> Self {
        let folder = Scratch::new();
        let project = Self { folder: folder.path().to_owned(), _vanishes: Some(folder) };
        for part in ["specs", "mirror"] {
            fs::create_dir_all(project.path(part)).unwrap();
        }
        let archive = archive();
        fs::write(project.path("mirror/lib-1.tar"), &archive).unwrap();
        let lib = LIB.replace("{mirror}", project.path("mirror").to_str().unwrap()).replace("{sha256}", &Digest::of_bytes(&archive).hex());
        for (name, text) in [("lib", &*lib), ("more", MORE), ("app", &APP.replace("{extra}", extra))] {
            let folder = project.path("specs").join(name);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("package.toml"), text).unwrap();
        }
        fs::write(project.path("specs/sdk.toml"), SDK).unwrap();
        fs::write(project.path("specs/sdk.lock"), lock().to_text()).unwrap();
        fs::write(project.path("specs/sdk-keyring.asc"), "").unwrap();
        project
    }

    /// The project of another process.
    pub fn existing(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), _vanishes: None }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A store that contains only the SDK.
    pub fn store(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        give_sdk(&path);
        path
    }

    /// The program, in this project.
    pub fn command(&self, store: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.arg("--store").arg(store).arg("--keys").arg(self.path("keys")).args(arguments).current_dir(&self.folder);
        command
    }

    pub fn run(&self, store: &Path, arguments: &[&str]) -> Output {
        self.command(store, arguments).output().unwrap()
    }

    /// Builds everything successfully, and returns the packages' digests.
    pub fn build(&self, store: &Path) -> BTreeMap<String, String> {
        let output = self.run(store, &["--json", "build"]);
        assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
        packages(&output)
    }
}

/// Digests of packages, from the result of `build --json`.
pub fn packages(output: &Output) -> BTreeMap<String, String> {
    let results: Value = serde_json::from_str(text(&output.stdout).lines().last().unwrap()).unwrap();
    let packages = results.as_object().unwrap().values().flat_map(|result| result["packages"].as_array().unwrap());
    let digests = packages.map(|package| (package["name"].as_str().unwrap().to_owned(), package["object"].as_str().unwrap().to_owned()));
    let digests: BTreeMap<String, String> = digests.collect();
    assert_eq!(digests.keys().map(String::as_str).collect::<Vec<_>>(), ["app", "lib", "more"]);
    digests
}

/// The events of a run, without its result.
pub fn events(output: &Output) -> Vec<Value> {
    text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|event| event.get("kind").is_some())
        .collect()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// All files below a directory, with their content.
pub fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = WalkDir::new(folder).into_iter().map(Result::unwrap).filter(|entry| entry.file_type().is_file());
    entries.map(|entry| (entry.path().strip_prefix(folder).unwrap().to_owned(), fs::read(entry.path()).unwrap())).collect()
}

/// Checks that everything with its final name in a store is complete, and refers only to existing objects.
pub fn check_store(store: &Path) {
    let mut objects = BTreeSet::new();
    for (path, content) in files(&store.join("objects")) {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        assert_eq!(name, Digest::of_bytes(&content).hex());
        objects.insert(name);
    }
    for (path, content) in files(&store.join("results")) {
        let result: Value = serde_json::from_slice(&content).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for package in result["packages"].as_array().into_iter().flatten() {
            assert!(objects.contains(package["object"].as_str().unwrap()), "{} names what is not there", path.display());
        }
    }
}

/// Changes one byte in the middle of a file.
pub fn flip_a_byte(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x20;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(path, bytes).unwrap();
}

fn archive() -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, content) in [("lib-1/data", DATA), ("lib-1/COPYING", LICENCE)] {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, path, content.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn layer(name: &str) -> LayerName {
    name.parse().unwrap()
}

fn lock() -> Lock {
    let description = Description::parse("sdk.toml", SDK).unwrap();
    let locked = |name| {
        let request = description.request(&name).unwrap();
        (name, LockedLayer { request, packages: Vec::new() })
    };
    Lock { layers: ["base", "image"].map(layer).map(locked).into() }
}

/// The folder of Python's standard modules, whose name contains the version.
fn python_modules() -> String {
    let all = fs::read_dir(small_root::base().join("usr/lib")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let name = all.into_iter().find(|name| name.starts_with("python3.")).unwrap();
    format!("usr/lib/{name}")
}

/// Puts the SDK's tree into a store, like fetching it.
pub fn give_sdk(store: &Path) {
    let store = Store::open(store).unwrap();
    store
        .tree::<StoreError>(
            &lock().layer_digest(&layer("base")).unwrap(),
            || (),
            |root| {
                for folder in ["build", "dev", "etc", "proc", "sys", "tmp"] {
                    fs::create_dir(root.join(folder)).unwrap();
                }
                small_root::fill(root, &PROGRAMS, &[&python_modules()]);
                Ok(())
            },
        )
        .unwrap();
    store.tree::<StoreError>(&lock().layer_digest(&layer("image")).unwrap(), || (), |_| Ok(())).unwrap();
}
