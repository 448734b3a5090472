//! A disk that is full.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Output};

use super::project::{Project, give_sdk, packages, text};
use crate::support::namespace::{Change, enter};

/// The path of the project, for the process in the namespace with the small disk.
const PROJECT_VARIABLE: &str = "KAON_TEST_PROJECT";

/// How much space is left when the build begins, in KiB.
const LEFT_VARIABLE: &str = "KAON_TEST_LEFT_KIB";

/// Enough for nothing, for logs, for the build but not its package.
const LEFT_KIB: [u32; 3] = [0, 300, 2500];

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_full_disk_is_one_clear_error_and_costs_nothing_that_was_built() {
    // Incompressible data needs space for itself and for its package.
    let project = Project::with(
        "for ((n = 0; n < 60000; n++)); do echo $RANDOM$RANDOM$RANDOM$RANDOM$RANDOM$RANDOM; done >$DESTDIR/usr/share/app/noise\nRANDOM=1",
    );
    fs::create_dir(project.path("small")).unwrap();
    for left in LEFT_KIB {
        let mut process = Command::new(std::env::current_exe().unwrap());
        process.args(["--ignored", "--exact", "--nocapture", "resilience::disk::plays_a_user_with_a_small_disk"]);
        process.env(PROJECT_VARIABLE, project.path("")).env(LEFT_VARIABLE, left.to_string()).current_dir(project.path(""));
        enter(&mut process, vec![Change::Mount(c"tmpfs", c"size=256m", c"small")]);
        let output = process.output().unwrap();
        assert!(output.status.success(), "{left} KiB: {}{}", text(&output.stdout), text(&output.stderr));
    }
}

/// Not a test by itself: started by the one above, with a store on a small disk. Two packages are built, the disk is filled, a third is
/// tried, space is freed, and it is tried again.
#[test]
#[ignore = "is a process another test starts"]
fn plays_a_user_with_a_small_disk() {
    let Some(project) = std::env::var_os(PROJECT_VARIABLE).map(Project::existing) else { return };
    let left_kib: u64 = std::env::var(LEFT_VARIABLE).unwrap().parse().unwrap();
    let (store, filler) = (project.path("small"), project.path("small/filler"));
    give_sdk(&store);
    let built = project.run(&store, &["--quiet", "build", "lib", "more"]);
    assert!(built.status.success(), "{}", text(&built.stderr));
    fill(&filler, left_kib * 1024);
    is_one_clear_error(&project.run(&store, &["build", "app"]));
    fs::remove_file(&filler).unwrap();
    let after = project.run(&store, &["--json", "build"]);
    assert!(after.status.success(), "{}", text(&after.stderr));
    let events = text(&after.stdout);
    let built: Vec<&str> = events.lines().filter(|line| line.contains("\"outcome\":\"built\"")).collect();
    assert_eq!(built.len(), 1, "only what failed is built again: {built:?}");
    assert!(built[0].contains("package app"), "{built:?}");
    assert_eq!(packages(&after).len(), 3);
}

fn is_one_clear_error(output: &Output) {
    let full = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{full}");
    assert!(full.lines().any(|line| line.starts_with("error: ")) && full.contains("cargo xtask gc"), "{full}");
    assert!(full.contains("disk is full") || full.contains("No space left"), "{full}");
    assert!(!full.contains("panicked"), "{full}");
}

/// Fills the disk of `path`, except for this many bytes.
fn fill(path: &Path, left_bytes: u64) {
    let (mut file, zeros) = (File::create(path).unwrap(), vec![0; 4096]);
    let full = loop {
        if let Err(error) = file.write_all(&zeros) {
            break error;
        }
    };
    assert_eq!(full.kind(), io::ErrorKind::StorageFull, "{full}");
    file.set_len(file.metadata().unwrap().len().saturating_sub(left_bytes)).unwrap();
}
