//! `cargo xtask qemu --nodes`: machines with names and addresses that reach each other.

use std::fs;
use std::process::Command;

use super::guest::{TIMEOUT_S, file, root};

/// Each machine waits for the SSH server of the other one, says so on its console, and gives the other one time to do the same.
const USER_DATA: &str = "#cloud-config
runcmd:
  - for n in 1 2; do for _ in $(seq 300); do (exec 3<>/dev/tcp/node-$n/22) 2>/dev/null && break; sleep 1; done && echo \"$(cat /proc/sys/kernel/hostname) reached node-$n\" >/dev/console; done
power_state: {mode: poweroff, delay: 3}
";

/// Starts two and reads their consoles.
pub fn check() {
    let folder = tempfile::tempdir().unwrap();
    let user_data = file(folder.path(), "user-data", USER_DATA.as_bytes());
    let console = folder.path().join("{node}.console");
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["qemu", "out/kaon-minimal.qcow2", "--nodes", "2", "--timeout", &TIMEOUT_S.to_string(), "--serial"]).arg(&console);
    command.args(["--credential", &format!("kaon.user-data={}", user_data.display())]).current_dir(root());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("node-2  10.9.0.2  ssh -p 2202 root@127.0.0.1"), "{said}");
    for number in [1, 2] {
        let text = fs::read(folder.path().join(format!("{number}.console"))).unwrap();
        let text = String::from_utf8_lossy(&text);
        for other in [1, 2] {
            assert!(text.contains(&format!("node-{number} reached node-{other}")), "{}", super::guest::tail(&text));
        }
    }
}
