//! A user who is limited to few processes or small files.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Output};

use nix::sys::resource::{Resource, setrlimit};
use nix::sys::stat::{Mode, umask};

use super::project::{Project, check_store, text};
use crate::support::namespace::enter;

fn limited(mut command: Command, resource: Resource, limit: u64) -> Output {
    // SAFETY: what runs between fork and exec makes one system call.
    unsafe { command.pre_exec(move || Ok(setrlimit(resource, limit, limit)?)) };
    command.output().unwrap()
}

/// Builds with this limit of processes and threads. The kernel counts them per user and user namespace, so those of other programs do not
/// matter here; the limit does not apply to root.
fn with_processes(project: &Project, store: &Path, limit: u64) -> Output {
    let mut command = project.command(store, &["build"]);
    // As on a machine with many processors.
    command.env("RAYON_NUM_THREADS", "200");
    enter(&mut command, Vec::new());
    limited(command, Resource::RLIMIT_NPROC, limit)
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn few_processes_make_builds_slower_and_too_few_are_one_clear_error() {
    let project = Project::new();
    let store = project.store("store");
    for limit in 2..40 {
        let output = with_processes(&project, &store, limit);
        let said = text(&output.stderr);
        assert!(!said.contains("panicked"), "{limit}: {said}");
        check_store(&store);
        if output.status.success() {
            break;
        }
        assert!(matches!(output.status.code(), Some(1 | 4)), "{limit}: {said}");
        assert!(said.lines().any(|line| line.starts_with("error: ")), "{limit}: {said}");
        if limit < 12 {
            assert_eq!(output.status.code(), Some(4), "{limit}: {said}");
            assert!(said.starts_with("error: only ") && said.contains("\nhint: raise the limit: `ulimit -u"), "{limit}: {said}");
            assert_eq!(said.matches("error: ").count(), 1, "{limit}: {said}");
        }
    }
    let output = with_processes(&project, &store, 60);
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_file_that_may_not_be_so_large_is_one_clear_error_and_costs_nothing_that_was_built() {
    // Incompressible data is equally large in its package.
    let noise = "for ((n = 0; n < 60000; n++)); do echo $RANDOM$RANDOM$RANDOM$RANDOM$RANDOM; done";
    for (extra, failure) in [
        (format!("{noise} >$DESTDIR/usr/share/app/noise"), "error: package `app` failed in its finish phase"),
        (
            format!(
                "{noise} | (cd $DESTDIR/usr/share/app && python3 -c 'import sys; text = sys.stdin.read(); [open(str(n), \"w\").write(text[n * 100000:(n + 1) * 100000]) for n in range(20)]')"
            ),
            "error: package `app` was built, but cannot be packaged",
        ),
    ] {
        let project = Project::with(&extra);
        let store = project.store("store");
        let output = limited(project.command(&store, &["build"]), Resource::RLIMIT_FSIZE, 600 << 10);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(failure) && said.contains("`ulimit -f unlimited`"), "{said}");
        assert!(said.ends_with("error: 1 package failed: app\n"), "{said}");
        check_store(&store);
        assert_eq!(project.build(&store).len(), 3);
    }
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_umask_that_closes_files_to_their_owner_changes_nothing() {
    let project = Project::new();
    let store = project.store("store");
    let mut command = project.command(&store, &["build"]);
    // SAFETY: what runs between fork and exec makes one system call.
    unsafe {
        command.pre_exec(|| {
            umask(Mode::from_bits_truncate(0o777));
            Ok(())
        })
    };
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    check_store(&store);
}
