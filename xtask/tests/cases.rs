//! Golden directories: the output of the command line for a project.
//!
//! Each directory of `tests/cases` is a small project with a file `case.toml`:
//!
//! ```toml
//! arguments = ["list"]
//! exit = 3
//!
//! [environment]                 # optional
//! KAON_STORE = "/tmp/store"
//! ```
//!
//! and the expected `stdout` and `stderr`. `KAON_UPDATE_CASES=1 cargo test --test cases` writes them again.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base::digest::Digest;
use serde::Deserialize;
use tempfile::TempDir;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    arguments: Vec<String>,
    exit: i32,
    #[serde(default)]
    environment: BTreeMap<String, String>,
}

/// Files that every project has.
const COMMON: [&str; 3] = ["specs/sdk.toml", "specs/sdk.lock", "specs/sdk-keyring.asc"];

#[test]
fn every_case_says_what_it_should() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut cases: Vec<PathBuf> = fs::read_dir(top.join("tests/cases")).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.retain(|folder| folder.join("case.toml").is_file());
    cases.sort();
    assert!(cases.len() >= 8, "only {} cases were found", cases.len());
    let wrong: Vec<String> = cases.iter().filter_map(|folder| run(top, folder).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every command that takes a name refuses an unknown one before it does anything, and suggests the nearest.
#[test]
fn an_unknown_name_is_refused_by_every_command() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let project = project(top, &top.join("tests/cases/unknown-image"));
    for (command, right) in [
        ("build zlb", "zlib"),
        ("fetch zlb", "zlib"),
        ("graph zlb", "zlib"),
        ("log zlb", "zlib"),
        ("plan zlb", "zlib"),
        ("repo zlb", "zlib"),
        ("shell zlb", "zlib"),
        ("show zlb", "zlib"),
        ("why zlb", "zlib"),
        ("build-image --format raw minmal", "minimal"),
        ("build-iso minmal", "minimal"),
        ("build-ova minmal", "minimal"),
        ("diff minmal minimal", "minimal"),
        ("inspect minmal", "minimal"),
        ("legal-info minmal", "minimal"),
        ("qemu minmal", "minimal"),
    ] {
        let output = xtask(project.path()).args(command.split(' ')).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{command}: {stderr}");
        assert!(stderr.ends_with(&format!("hint: did you mean `{right}`?\n")), "{command}: {stderr}");
        assert!(output.stdout.is_empty(), "{command}");
    }
}

fn run(top: &Path, folder: &Path) -> Result<(), String> {
    let case: Case = toml::from_str(&fs::read_to_string(folder.join("case.toml")).unwrap()).unwrap();
    let project = project(top, folder);
    let output: Output = xtask(project.path()).args(&case.arguments).envs(&case.environment).output().unwrap();
    let name = folder.file_name().unwrap().to_string_lossy();
    let place = project.path().to_string_lossy().into_owned();
    // Names of what belongs to a checkout contain a digest of its path.
    let mark = Digest::of_bytes(project.path().canonicalize().unwrap().as_os_str().as_encoded_bytes()).short();
    for (what, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        let found = String::from_utf8_lossy(bytes).replace(&place, "[PROJECT]").replace(&mark, "[CHECKOUT]");
        let found = without_keys(&found);
        let file = folder.join(what);
        if std::env::var_os("KAON_UPDATE_CASES").is_some() {
            fs::write(&file, &found).unwrap();
        }
        let expected = fs::read_to_string(&file).unwrap_or_default();
        if found != expected {
            return Err(format!("case {name}: {what} is\n{found}\nand should be\n{expected}"));
        }
    }
    match output.status.code() {
        Some(code) if code == case.exit => Ok(()),
        code => Err(format!("case {name}: ended with {code:?}, and should with {}", case.exit)),
    }
}

/// A copy of a case's project, with the files every project has.
fn project(top: &Path, folder: &Path) -> TempDir {
    let project = tempfile::tempdir().unwrap();
    copy(folder, project.path());
    for file in COMMON {
        fs::create_dir_all(project.path().join("specs")).unwrap();
        fs::copy(top.join(file), project.path().join(file)).unwrap();
    }
    project
}

/// The builder in a project, without this process's environment.
fn xtask(project: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.current_dir(project).env_clear();
    command.env("HOME", project.join("home")).env("PATH", "/usr/bin:/bin").env("COLUMNS", "100");
    command
}

/// Keys change with the SDK's lock, which does not matter for these cases.
fn without_keys(text: &str) -> String {
    let is_key = |word: &str| word.len() == 12 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.split_inclusive([' ', '\n'])
        .map(|word| if is_key(word.trim_end()) { word.replace(word.trim_end(), "[KEY]") } else { word.to_owned() })
        .collect()
}

fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from).min_depth(1) {
        let entry = entry.unwrap();
        let target = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(&target).unwrap();
        } else if entry.path_is_symlink() {
            symlink(fs::read_link(entry.path()).unwrap(), &target).unwrap();
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}
