//! A root with a few of the SDK's programs, small enough to copy.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use super::sdk;

/// The SDK's folder of libraries.
const LIBRARIES: &str = "usr/lib/x86_64-linux-gnu";

/// The dynamic loader, by its path in programs and by its path in the SDK.
const LOADER: [&str; 2] = ["usr/lib64/ld-linux-x86-64.so.2", "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"];

/// The SDK's base layer, which needs no other.
pub fn base() -> &'static Path {
    static BASE: LazyLock<Result<sdk::Layers, String>> = LazyLock::new(|| sdk::layers("base"));
    match &*BASE {
        Ok(layers) => &layers.trees[0],
        Err(why) => panic!("{why}"),
    }
}

/// Fills `root` with programs of the base layer, its folders such as `usr/lib/python3.13`, and the libraries that all of them need.
pub fn fill(root: &Path, programs: &[&str], folders: &[&str]) {
    for folder in ["usr/bin", "usr/sbin", "usr/lib64", LIBRARIES] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    for name in ["bin", "lib", "lib64", "sbin"] {
        symlink(format!("usr/{name}"), root.join(name)).unwrap();
    }
    let mut elf = Vec::new();
    for program in programs {
        let found = ["usr/bin", "usr/sbin"].map(|folder| base().join(folder).join(program)).into_iter().find(|path| path.exists());
        elf.push(found.unwrap_or_else(|| panic!("the SDK's base layer has no `{program}`")));
    }
    for file in &elf {
        copy(file, &root.join(file.strip_prefix(base()).unwrap()));
    }
    for folder in folders {
        for entry in walkdir::WalkDir::new(base().join(folder)).into_iter().map(Result::unwrap).filter(|entry| entry.file_type().is_file())
        {
            copy(entry.path(), &root.join(entry.path().strip_prefix(base()).unwrap()));
            if entry.path().extension().is_some_and(|end| end == "so") {
                elf.push(entry.into_path());
            }
        }
    }
    copy(&base().join(LOADER[1]), &root.join(LOADER[0]));
    for library in elf.iter().flat_map(|file| libraries(file)).collect::<BTreeSet<_>>() {
        copy(&library, &root.join(LIBRARIES).join(library.file_name().unwrap()));
    }
}

fn copy(from: &Path, to: &Path) {
    let real = fs::canonicalize(from).unwrap();
    assert!(real.starts_with(fs::canonicalize(base()).unwrap()), "{} leads out of the SDK", from.display());
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::copy(real, to).unwrap();
}

/// The libraries that the SDK's own dynamic loader would load for a program or library.
fn libraries(file: &Path) -> Vec<PathBuf> {
    let (loader, folder) = (base().join(LOADER[1]), base().join(LIBRARIES));
    let listed = Command::new(loader).args(["--inhibit-cache", "--library-path"]).arg(&folder).arg("--list").arg(file).output().unwrap();
    let text = String::from_utf8(listed.stdout).unwrap();
    let paths = text.split_ascii_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from);
    paths.filter(|path| path.starts_with(&folder)).collect()
}
