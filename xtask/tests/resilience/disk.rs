//! A disk that is full.

use std::fs;
use std::process::Command;

use super::project::{Project, give_sdk, packages, text};

/// Tells the process in the namespace with the small disk where the project is.
const PROJECT_VARIABLE: &str = "KAON_TEST_PROJECT";

/// How much room is left when the build begins, in KiB: for nothing at all, for logs, for the build but not its package.
const LEFT_KIB: [u32; 3] = [0, 300, 2500];

#[test]
fn a_full_disk_is_one_clear_error_and_costs_nothing_that_was_built() {
    // What does not compress needs room for itself and for its package.
    let project = Project::with(
        "for ((n = 0; n < 60000; n++)); do echo $RANDOM$RANDOM$RANDOM$RANDOM$RANDOM$RANDOM; done >$DESTDIR/usr/share/app/noise\nRANDOM=1",
    );
    let project = &project;
    let reference = project.store("reference");
    let status = project.run(&reference, &["build", "lib", "more"]);
    assert!(status.status.success(), "{}", text(&status.stderr));
    for left in LEFT_KIB {
        let output = Command::new("unshare")
            .args(["-Urm", "--", "sh", "-euc", SCRIPT])
            .env("PROGRAM", env!("CARGO_BIN_EXE_xtask"))
            .env("TEST", std::env::current_exe().unwrap())
            .env("LEFT", left.to_string())
            .env("KEYS", project.path("keys"))
            .env(PROJECT_VARIABLE, project.path(""))
            .output()
            .unwrap();
        let said = text(&output.stderr);
        assert!(output.status.success(), "{left} KiB: {said}");
        let full = fs::read_to_string(project.path("full.err")).unwrap();
        assert_eq!(fs::read_to_string(project.path("full.code")).unwrap().trim(), "1", "{left} KiB: {full}");
        let errors: Vec<&str> = full.lines().filter(|line| line.starts_with("error: ")).collect();
        assert!(!errors.is_empty() && full.contains("cargo xtask gc"), "{left} KiB: {full}");
        assert!(full.contains("disk is full") || full.contains("No space left"), "{left} KiB: {full}");
        assert!(!full.contains("panicked"), "{left} KiB: {full}");
        let after = fs::read_to_string(project.path("after.json")).unwrap();
        let built: Vec<&str> = after.lines().filter(|line| line.contains("\"outcome\":\"built\"")).collect();
        assert_eq!(built.len(), 1, "{left} KiB: only what failed is built again: {built:?}");
        assert!(built[0].contains("package app"), "{built:?}");
        assert_eq!(packages(&output).len(), 3);
    }
}

/// In a mount namespace with a small disk for the store: two packages are built, the disk is filled, a third is tried, room is made,
/// and it is tried again.
const SCRIPT: &str = r#"
cd "$KAON_TEST_PROJECT"
mkdir -p small
mount -t tmpfs -o size=96m none small
"$TEST" --ignored --exact --quiet resilience::disk::gives_the_sdk >&2
xtask() { "$PROGRAM" --store "$KAON_TEST_PROJECT/small" --keys "$KEYS" "$@"; }
xtask --quiet build lib more >&2
cat /dev/zero >small/filler 2>/dev/null || true
dd if=/dev/null of=small/filler bs=1k seek=$(($(stat -c %s small/filler) / 1024 - LEFT)) 2>/dev/null
code=0
xtask build app >/dev/null 2>full.err || code=$?
echo $code >full.code
rm small/filler
xtask --json build >after.json
cat after.json
"#;

#[test]
#[ignore = "is a process another test starts"]
fn gives_the_sdk() {
    let project = std::env::var(PROJECT_VARIABLE).expect("started by another test");
    give_sdk(&std::path::Path::new(&project).join("small"));
}
