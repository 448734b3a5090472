//! What is the same on every host.

use std::collections::BTreeMap;

use super::bench::Bench;

#[test]
fn the_environment_is_what_was_given() {
    let mut bench = Bench::new("env");
    bench.job.env = BTreeMap::from([("PATH".into(), "/bin".into()), ("LC_ALL".into(), "C".into())]);
    bench.job.steps[0].argv = vec!["env".into()];
    assert_eq!(bench.text(), "LC_ALL=C\nPATH=/bin\n");
}

#[test]
fn user_host_name_mask_and_limits_are_fixed() {
    let bench = Bench::new("id -u; id -g; hostname; umask; ulimit -c; ulimit -Sn; ulimit -Ss; echo $$; cat /proc/self/cgroup");
    assert_eq!(bench.text().lines().take(7).collect::<Vec<_>>(), ["0", "0", "kaon", "0022", "0", "4096", "8192"]);
}
