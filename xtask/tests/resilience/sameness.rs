//! The same input in another place and at another time gives the same bytes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use nix::sys::stat::{Mode, umask};

use super::project::{Project, files, text};

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn builds_elsewhere_later_and_otherwise_give_equal_bytes() {
    let (here, there) = (Project::new(), Project::new());
    let mut first = here.command(&here.store("store"), &["--jobs", "1", "repo", "--output", "repo"]);
    let first = with_umask(&mut first, 0o077).env("TZ", "UTC").output().unwrap();
    assert!(first.status.success(), "{}", text(&first.stderr));
    // Signing keys are the builder's own: the same ones sign both.
    fs::rename(here.path("keys"), there.path("keys")).unwrap();
    // Times of files and packages are in seconds.
    thread::sleep(Duration::from_millis(1100));
    let store = there.store("a-store-with-a-much-longer-name");
    let mut second = there.command(&store, &["--jobs", "3", "repo", "--output", "repo"]);
    let second =
        with_umask(&mut second, 0).env("TZ", "Asia/Tokyo").env("LC_ALL", "de_DE.UTF-8").env("SOURCE_DATE_EPOCH", "1").output().unwrap();
    assert!(second.status.success(), "{}", text(&second.stderr));
    let (first, second) = (files(&here.path("repo")), files(&there.path("repo")));
    assert!(first.len() >= 8, "{:?}", first.keys());
    assert_eq!(first.keys().collect::<Vec<_>>(), second.keys().collect::<Vec<_>>());
    let mode = |project: &Project, path: &Path| fs::metadata(project.path("repo").join(path)).unwrap().permissions().mode();
    for (path, content) in &first {
        assert!(second[path] == *content, "{} differs", path.display());
        assert_eq!(mode(&here, path), mode(&there, path), "{}", path.display());
    }
}

pub fn with_umask(command: &mut Command, mask: u32) -> &mut Command {
    // SAFETY: one system call.
    unsafe {
        command.pre_exec(move || {
            umask(Mode::from_bits_truncate(mask));
            Ok(())
        })
    }
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn other_keys_change_nothing_but_signatures() {
    let (here, there) = (Project::new(), Project::new());
    for project in [&here, &there] {
        let built = project.command(&project.store("store"), &["repo", "--output", "repo"]).output().unwrap();
        assert!(built.status.success(), "{}", text(&built.stderr));
    }
    let packages = |project: &Project| {
        let all = files(&project.path("repo")).into_iter();
        all.filter(|(path, _)| path.extension().is_some_and(|end| end == "rpm")).collect::<Vec<_>>()
    };
    let (first, second) = (packages(&here), packages(&there));
    assert!(first.len() >= 2 && first.len() == second.len());
    for ((path, one), (other_path, other)) in first.iter().zip(&second) {
        assert_eq!(path, other_path);
        assert!(one != other, "{} is signed with two keys and is the same", path.display());
        assert!(unsigned(one) == unsigned(other), "{} differs in more than its signature", path.display());
    }
}

/// A package without its lead of 96 bytes and its signature header, which is padded to a multiple of 8 (RPM's manual, "Package format").
fn unsigned(package: &[u8]) -> &[u8] {
    let number = |at: usize| u32::from_be_bytes(package[at..at + 4].try_into().unwrap()) as usize;
    assert_eq!(package[96..100], [0x8e, 0xad, 0xe8, 0x01]);
    let size = 16 + 16 * number(104) + number(108);
    &package[96 + size.next_multiple_of(8)..]
}
