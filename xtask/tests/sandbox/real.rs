//! The project's own packages, built in a container.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use walkdir::{DirEntry, WalkDir};

use super::profile::Profile;
use crate::support::scratch::Scratch;

/// The packages to build, separated by blanks: more than zlib takes long (`zlib systemd docker` an hour in Docker's profile).
const PACKAGES_VARIABLE: &str = "KAON_TEST_PACKAGES";

/// Builds packages in a container of this profile, always anew: their releases are increased in a copy of the checkout.
pub fn check(profile: Profile, arguments: &[&str]) {
    let packages = env::var(PACKAGES_VARIABLE).unwrap_or_else(|_| "zlib".to_owned());
    let packages: Vec<&str> = packages.split_whitespace().collect();
    let checkout = Scratch::new();
    copy(&project(), checkout.path());
    for name in &packages {
        raise_release(&checkout.path().join("specs").join(name).join("package.toml"));
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.current_dir(checkout.path()).args(arguments).arg("build").args(&packages);
    let output = profile.output(command);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    for name in packages {
        assert!(said.contains(&format!("package {name}: built in ")), "{name}: {said}");
    }
}

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Copies the project, without the output of cargo and the builder.
fn copy(from: &Path, to: &Path) {
    let is_wanted = |entry: &DirEntry| entry.depth() != 1 || ![".git", "out", "target"].map(OsStr::new).contains(&entry.file_name());
    for entry in WalkDir::new(from).into_iter().filter_entry(is_wanted) {
        let entry = entry.unwrap();
        let target = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(target).unwrap();
        } else if entry.file_type().is_file() {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn raise_release(spec: &Path) {
    let text = fs::read_to_string(spec).unwrap();
    let (before, after) = text.split_once("\nrelease").unwrap();
    let (equals, rest) = after.split_once("= ").unwrap();
    // No earlier run may have built the same.
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() % 100_000_000;
    let (_, rest) = rest.split_once('\n').unwrap();
    fs::write(spec, format!("{before}\nrelease{equals}= 1{now_s:08}\n{rest}")).unwrap();
}
