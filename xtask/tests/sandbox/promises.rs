//! Tests of the guarantees in `docs/src/sandbox.md`.

use std::collections::BTreeMap;
use std::fs;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::Path;
use std::process::Command;

use nix::libc;
use nix::unistd::geteuid;
use runtime::cancel::Cancel;
use runtime::sandbox::{Root, StepsEnded};

use super::bench::{Bench, fill, launcher, scratch};
use super::inside::attempts;

const GUIDE: &str = include_str!("../../../docs/src/sandbox.md");

/// The rows of the table of what a build sees, and the tests of them below.
const ROWS: [(&str, fn()); 12] = [
    ("`/`", the_root_is_of_layers_and_takes_changes),
    ("`/build`", the_build_directory_is_its_own),
    ("`/tmp`, `/var/tmp`", temporary_files_are_on_disk_with_the_other_changes),
    ("`/dev`", devices_are_these_and_no_others),
    ("`/proc`", proc_is_of_its_own_processes_and_settings_are_read_only),
    ("network", the_network_is_a_loopback_interface),
    ("user", the_user_is_0_and_cannot_give_files_away),
    ("capabilities", capabilities_are_those_of_packaging),
    ("host name, domain", host_name_and_domain_are_fixed),
    ("environment", the_environment_is_the_recipes_and_the_jobserver),
    ("umask, limits", umask_and_limits_are_fixed),
    ("standard input", standard_input_is_empty_and_there_is_no_terminal),
];

#[test]
fn every_row_of_the_guide_has_its_test() {
    let table = GUIDE.split("| | inside |\n|---|---|\n").nth(1).unwrap();
    let rows: Vec<&str> = table.lines().map_while(|line| line.strip_prefix("| ")?.split(" | ").next()).collect();
    assert_eq!(rows, ROWS.map(|(row, _)| row));
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn the_root_is_of_layers_and_takes_changes() {
    let bench = Bench::new("echo changed >/usr/bin/ls; echo new >/new; cat /usr/bin/ls");
    let Root::Overlay { layers, .. } = &bench.job.root else { unreachable!() };
    let before = fs::read(layers[0].join("usr/bin/ls")).unwrap();
    assert_eq!(bench.text(), "changed\n");
    assert!(fs::read(layers[0].join("usr/bin/ls")).unwrap() == before, "a layer was changed");
    assert_eq!(fs::read_to_string(bench.path("upper/new")).unwrap(), "new\n");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn the_build_directory_is_its_own() {
    let bench = Bench::new("pwd; echo made >/build/made");
    assert_eq!(bench.text(), "/build\n");
    assert_eq!(fs::read_to_string(bench.path("build/made")).unwrap(), "made\n");
    assert!(!bench.path("upper/build/made").exists());
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn temporary_files_are_on_disk_with_the_other_changes() {
    let bench = Bench::new("echo x >/tmp/x; echo y >/var/tmp/y; stat -c %a /tmp /var/tmp");
    assert_eq!(bench.text(), "1777\n1777\n");
    assert!(bench.path("upper/tmp/x").exists() && bench.path("upper/var/tmp/y").exists());
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn devices_are_these_and_no_others() {
    let terminal = "perl -e 'open(P, \"+<\", \"/dev/ptmx\") or die; print -t P ? \"terminal\\n\" : \"none\\n\"'";
    let text = Bench::new(&format!("cd /dev; echo *; {terminal}; echo x >/dev/shm/x; cat /dev/shm/x; echo y >/dev/null")).text();
    assert_eq!(text, "fd full null ptmx pts random shm stderr stdin stdout tty urandom zero\nterminal\nx\n");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn proc_is_of_its_own_processes_and_settings_are_read_only() {
    let tried =
        attempts(&["echo 1 >/proc/sys/kernel/printk", "echo b >/proc/sysrq-trigger", ": >/proc/sys/vm/drop_caches", "[ -e /proc/3 ]"]);
    assert_eq!(Bench::new(&format!("cd /proc; set -- [0-9]*; echo $1 $2 $#; {tried}true")).text(), "1 2 2\n");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn the_network_is_a_loopback_interface() {
    let bench = Bench::new("grep -c : /proc/net/dev; grep -c -v Destination /proc/net/route; exec 3<>/dev/tcp/127.0.0.1/9");
    let (_, text) = bench.failure();
    assert!(text.starts_with("1\n0\n") && text.contains("Connection refused"), "{text}");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn the_user_is_0_and_cannot_give_files_away() {
    let chown = "perl -e 'print chown($_, -1, \"x\") ? \"$_: done\\n\" : \"$_: $!\\n\" for 0, 1, 1000'";
    let bench = Bench::new(&format!("id -u; id -g; echo >x; {chown}; stat -c '%u %g' x"));
    assert_eq!(bench.text(), "0\n0\n0: done\n1: Invalid argument\n1000: Invalid argument\n0 0\n");
    assert_eq!(fs::metadata(bench.path("build/x")).unwrap().uid(), geteuid().as_raw());
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn capabilities_are_those_of_packaging() {
    let tried = attempts(&["mount tmpfs none /tmp", "umount /proc", "hostname other", "perl -e \"syscall(246, 0, 0, 0, 0) == 0 or die\""]);
    let text =
        Bench::new(&format!("{tried}grep -e CapEff -e NoNewPrivs /proc/self/status; mkdir -m 000 a; touch a/b; chroot / ls /build/a"))
            .text();
    assert_eq!(text, "CapEff:\t00000000800404ff\nNoNewPrivs:\t1\nb\n");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn host_name_and_domain_are_fixed() {
    assert_eq!(Bench::new("hostname; cat /proc/sys/kernel/domainname").text(), "kaon\n(none)\n");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn the_environment_is_the_recipes_and_the_jobserver() {
    let mut bench = Bench::new("");
    bench.job.env = BTreeMap::from([("PATH".into(), "/bin".into()), ("X".into(), "1".into())]);
    bench.job.steps[0].argv = vec!["env".into()];
    let tokens = jobserver::Client::new(1).unwrap();
    launcher().run(&bench.job, Some(&tokens), &bench.path("log"), &Cancel::new(), &|_| {}).unwrap();
    let mut lines: Vec<String> = bench.log().lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, ["MAKEFLAGS=-j --jobserver-auth=3,4", "PATH=/bin", "X=1"]);
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn umask_and_limits_are_fixed() {
    let text = Bench::new("umask; ulimit -c; ulimit -n; ulimit -s; ulimit -t; ulimit -f; ulimit -v").text();
    assert_eq!(text, "0022\n0\n4096\n8192\nunlimited\nunlimited\nunlimited\n");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn standard_input_is_empty_and_there_is_no_terminal() {
    assert_eq!(Bench::new("cat; [ -t 0 ] || echo none; ( : </dev/tty ) 2>/dev/null || echo none").text(), "none\nnone\n");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn sockets_shared_memory_and_keys_of_the_host_are_not_there() {
    let name = format!("kaon-test-{}", std::process::id());
    let _listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    let socket =
        format!("socket(S, 1, 1, 0) or die \"socket\"; print connect(S, pack(\"S a*\", 1, \"\\0{name}\")) ? \"reached\\n\" : \"$!\\n\"");
    let number = i32::try_from(std::process::id()).unwrap();
    // SAFETY: the call takes numbers only.
    let memory = unsafe { libc::shmget(number, 4096, libc::IPC_CREAT | 0o600) };
    assert!(memory >= 0);
    let shared = format!("print shmget({number}, 1, 0) // -1, \"\\n\"");
    let description = std::ffi::CString::new(name.clone()).unwrap();
    // SAFETY: all pointers are of strings that outlive the call; -3 is the session's keyring. A kernel without keyrings has nothing to hide.
    unsafe { libc::syscall(libc::SYS_add_key, c"user".as_ptr(), description.as_ptr(), c"x".as_ptr(), 1, -3) };
    let key = format!("my ($kind, $name) = (\"user\", \"{name}\"); print syscall(250, 10, -3, $kind, $name, 0), \"\\n\"");
    let text = Bench::new(&format!("perl -e '{socket}'; perl -e '{shared}'; perl -e '{key}'")).text();
    // SAFETY: the segment is this test's own and attached nowhere.
    unsafe { libc::shmctl(memory, libc::IPC_RMID, std::ptr::null_mut()) };
    assert_eq!(text, "Connection refused\n-1\n-1\n");
}

/// Runs the worker as described in the guide, with a program `make` that is this script, and returns its exit code and report.
fn guided(make: Option<&str>) -> (Option<i32>, Vec<serde_json::Value>) {
    let text = GUIDE.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let folder = scratch();
    let layer = folder.path().join("sdk/base");
    for name in ["pkg/zlib-build", "sdk/base", "upper", "work", "build/src"] {
        fs::create_dir_all(folder.path().join(name)).unwrap();
    }
    fill(&layer);
    if let Some(script) = make {
        let program = layer.join("usr/bin/make");
        fs::write(&program, format!("#!/usr/bin/bash\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::write(folder.path().join("recipe.sh"), "a recipe\n").unwrap();
    fs::write(folder.path().join("job.json"), text).unwrap();
    let worker =
        Command::new(env!("CARGO_BIN_EXE_xtask")).args(["worker", "--job", "job.json"]).current_dir(folder.path()).output().unwrap();
    let lines = String::from_utf8(worker.stdout).unwrap();
    (worker.status.code(), lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn the_worker_reports_as_the_guide_shows() {
    let (code, report) = guided(Some("[ \"$(pwd) $LC_ALL $(cat /build/recipe.sh)\" = '/build/src C.UTF-8 a recipe' ]"));
    assert_eq!((code, &report[0]), (Some(0), &serde_json::json!({"phase": "build"})));
    let (code, report) = guided(Some("exit 2"));
    let shown = GUIDE.split("```json\n").nth(2).unwrap().lines().nth(1).unwrap();
    let shown: serde_json::Value = serde_json::from_str(shown).unwrap();
    let names = |value: &serde_json::Value| value["ended"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!((code, &report[1]["ended"]["status"], names(&report[1])), (Some(1), &shown["ended"]["status"], names(&shown)));
    let (code, report) = guided(None);
    assert_eq!((code, report.len()), (Some(4), 2), "{report:?}");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn what_a_step_leaves_is_gone_in_the_next() {
    let mut bench = Bench::new("( sleep 600 & ) & disown -a; echo kept >/tmp/kept");
    bench.job.steps.push(super::bench::step("install", "cat /tmp/kept; cd /proc; set -- [0-9]*; echo $#"));
    assert!(matches!(bench.run().unwrap().status, StepsEnded::Done));
    assert_eq!(bench.log(), "kept\n2\n");
    assert!(Path::new(&bench.path("upper/tmp/kept")).exists());
}
