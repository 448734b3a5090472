//! What is the same on every host.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use xtask::bench::COPY_ROOT;

use super::bench::Bench;

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn the_environment_is_what_was_given() {
    let mut bench = Bench::new("env");
    bench.job.env = BTreeMap::from([("PATH".into(), "/bin".into()), ("LC_ALL".into(), "C".into())]);
    bench.job.steps[0].argv = vec!["env".into()];
    assert_eq!(bench.text(), "LC_ALL=C\nPATH=/bin\n");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn user_host_name_mask_and_limits_are_fixed() {
    let bench = Bench::new("id -u; id -g; hostname; umask; ulimit -c; ulimit -Sn; ulimit -Ss; cat /proc/sys/kernel/domainname");
    assert_eq!(bench.text().lines().collect::<Vec<_>>(), ["0", "0", "kaon", "0022", "0", "4096", "8192", "(none)"]);
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn no_signal_is_ignored_and_only_capabilities_for_packaging_are_kept() {
    let text = Bench::new("grep -e SigBlk -e SigIgn -e CapPrm -e CapBnd -e NoNewPrivs /proc/self/status").text();
    let values: Vec<&str> = text.split_ascii_whitespace().skip(1).step_by(2).collect();
    assert_eq!(values, ["0000000000000000", "0000000000000000", "00000000800404ff", "00000000800404ff", "1"]);
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn modes_of_the_host_do_not_show() {
    let bench = Bench::new("stat -c '%a %u %g' / /build /tmp /var/tmp");
    for folder in ["upper", "build"] {
        fs::set_permissions(bench.path(folder), PermissionsExt::from_mode(0o700)).unwrap();
    }
    assert_eq!(bench.text(), "755 0 0\n755 0 0\n1777 0 0\n1777 0 0\n");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_root_can_be_copied_by_whoever_builds() {
    let bench = Bench::new(&format!("set -e\n{COPY_ROOT}\ncd /build/root; stat -c '%n %u %g' bin/bash dev proc tmp; echo dev/* proc/*"));
    assert_eq!(bench.text(), "bin/bash 0 0\ndev 0 0\nproc 0 0\ntmp 0 0\ndev/* proc/*\n");
}
