//! `cargo xtask qemu --nodes`: machines that reach each other by name, and through a tunnel of WireGuard.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::guest::{TIMEOUT_S, file, root, tail};

/// Keys of no other machines: private and public.
const KEYS: [[&str; 2]; 2] = [
    ["IJlQqHL+Xg4m3PKWVbpJsirBesE+aqf3NMkuM2Pt2nw=", "9pmQtLPVQ3Br816kjZPxLqY4qdCQWXRGnB/5c1ONWms="],
    ["kJ/6RA7waqb2XVpQlNlrSfgVRQ18rCnlRgiHS1fI3Xg=", "DyR06lA8JnMtyB90lJY41h008iGRJOthPtZu5l2TF2Y="],
];

/// Each machine waits for the SSH servers of both, says so on its console, and gives the other one time to do the same.
fn user_data(address: &str) -> String {
    format!(
        "#cloud-config
runcmd:
  - |
    for n in 1 2; do
        for _ in {{1..300}}; do (exec 3<>/dev/tcp/{address}$n/22) 2>/dev/null && break; sleep 1; done && echo \"$(cat /proc/sys/kernel/hostname) reached {address}$n\" >/dev/console
    done
power_state: {{mode: poweroff, delay: 3}}
"
    )
}

/// The private network, and a tunnel over it.
fn network(own: usize) -> String {
    let other = 3 - own;
    format!(
        "version: 2
ethernets:
  inner: {{match: {{macaddress: '52:54:00:09:00:0{own}'}}, addresses: [10.9.0.{own}/24]}}
tunnels:
  wg0:
    mode: wireguard
    key: {private}
    port: 51820
    addresses: [10.8.0.{own}/24]
    peers: [{{keys: {{public: {public}}}, endpoint: '10.9.0.{other}:51820', allowed-ips: [10.8.0.{other}/32]}}]
",
        private = KEYS[own - 1][0],
        public = KEYS[other - 1][1],
    )
}

/// Starts two machines with further documents, each of which must reach both at `address` and a number.
fn reach(folder: &Path, documents: &[&str], address: &str) {
    let given = file(folder, "user-data", user_data(address).as_bytes());
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["qemu", "out/kaon-minimal.qcow2", "--nodes", "2", "--timeout", &TIMEOUT_S.to_string(), "--serial"]);
    command.arg(folder.join("{node}.console")).args(["--credential", &format!("kaon.user-data={}", given.display())]);
    command.args(documents.iter().flat_map(|document| ["--credential", document])).current_dir(root());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("node-2  10.9.0.2  ssh -p 2202 root@127.0.0.1"), "{said}");
    for number in [1, 2] {
        let text = fs::read(folder.join(format!("{number}.console"))).unwrap();
        let text = String::from_utf8_lossy(&text);
        for other in [1, 2] {
            assert!(text.contains(&format!("node-{number} reached {address}{other}")), "{}", tail(&text));
        }
    }
}

/// By their names, which are written for them.
pub fn by_name() {
    reach(tempfile::tempdir().unwrap().path(), &[], "node-");
}

/// Through a tunnel between the two.
pub fn by_tunnel() {
    let folder = tempfile::tempdir().unwrap();
    for number in [1, 2] {
        file(folder.path(), &format!("network-{number}"), network(number).as_bytes());
    }
    let document = format!("kaon.network-config={}", folder.path().join("network-{node}").display());
    reach(folder.path(), &[&document], "10.8.0.");
}
