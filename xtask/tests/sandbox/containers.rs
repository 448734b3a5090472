//! Sandboxes with namespaces inside containers.

use runtime::sandbox::Isolation;

use super::bench::scratch;
use super::inside::{Ending, attempts, told_in};
use super::profile::Profile;
use super::real;

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn with_a_masked_proc_builds_see_it_and_reach_nothing_through_it() {
    let folder = scratch();
    // A process's user can only list its descriptors, but not open their targets.
    let tried = attempts(&[
        "cat /proc/1/environ",
        "[ -e /proc/$PPID/fd/0 ]",
        "[ -e /proc/1/fd/0 ]",
        "[ -e /proc/1/root/etc ]",
        "echo x >/proc/sys/kernel/hostname",
        "cat /proc/sys/kernel/printk >/proc/sys/kernel/printk",
        "mount proc proc /proc",
        "umount /proc/keys",
        "unshare -Urm umount /proc/sys",
    ]);
    let script = format!("{tried} cat <(echo by descriptor); grep -c ^State: /proc/self/status; x=$(printf '%*s' 9000000 ''); sleep 1.2");
    let text = told_in(Profile::Unfiltered, Isolation::Namespaces, folder.path(), &script, Ending::ByItself);
    assert!(text.contains("\n\nby descriptor\n1\nended: Done Some(HostProcesses) true\n"), "{text}");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn where_no_host_name_can_be_set_the_error_names_the_filter() {
    let folder = scratch();
    let text = told_in(Profile::Podman, Isolation::Namespaces, folder.path(), "true", Ending::ByItself);
    assert!(text.contains("cause: setting the host name and domain was refused"), "{text}");
    assert!(text.contains("hint: in a container, start it with `--security-opt seccomp=unconfined"), "{text}");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn packages_build_with_a_masked_proc() {
    real::check(Profile::Unfiltered, &[]);
}
