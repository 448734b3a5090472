//! What a build cannot access.

use std::fs;
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use runtime::sandbox::{End, Input, Root};

use super::bench::{Bench, REMOUNT};

/// Tells a process to do nothing for a while.
const SLEEPER_VARIABLE: &str = "KAON_TEST_SLEEPER";

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn the_network_is_out_of_reach() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(TcpStream::connect(("127.0.0.1", port)).unwrap());
    listener.accept().unwrap();

    let connect = |address: &str| Bench::new(&format!("exec 3<>/dev/tcp/{address}/{port}")).failure();
    let (_, text) = connect("127.0.0.1");
    assert!(text.contains("Connection refused"), "{text}");
    let (_, text) = connect("192.0.2.1");
    assert!(text.contains("Network is unreachable"), "{text}");
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn the_loopback_interface_is_the_only_one_and_up() {
    let text = Bench::new("grep -o '^ *[a-z0-9]*:' /proc/net/dev; grep -o -m1 127.0.0.1 /proc/net/fib_trie").text();
    assert_eq!(text, "    lo:\n127.0.0.1\n");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn files_of_the_host_are_not_there() {
    let bench = Bench::new("");
    let secret = bench.path("secret");
    fs::write(&secret, "x").unwrap();
    let mut bench = bench;
    let script = format!("for f in /etc/passwd /root /home /sys/kernel {}; do [ -e $f ] && echo $f; done; ls /", secret.display());
    bench.job.steps[0].argv[2] = script;
    assert_eq!(bench.text(), "bin\nbuild\ndev\nlib\nlib64\nproc\nsbin\ntmp\nusr\nvar\n");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn only_declared_layers_are_seen_and_the_uppermost_wins() {
    let mut bench = Bench::new("cat /usr/share/who; ls /usr/share");
    let package = |name: &str| {
        let folder = bench.path(name);
        fs::create_dir_all(folder.join("usr/share")).unwrap();
        fs::write(folder.join("usr/share/who"), format!("{name}\n")).unwrap();
        fs::write(folder.join("usr/share").join(name), "").unwrap();
        folder
    };
    let (first, second, _undeclared) = (package("first"), package("second"), package("undeclared"));
    let Root::Overlay { layers, .. } = &mut bench.job.root else { unreachable!() };
    layers.splice(0..0, [first, second]);
    assert_eq!(bench.text(), "first\nfirst\nsecond\nwho\n");
}

/// Missing programs would be mistaken for refused attempts.
#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn the_programs_of_the_attempts_below_exist() {
    let text =
        Bench::new("for n in chroot mount umount unshare; do command -v $n; done; mount tmpfs none /tmp 0; umount /proc; true").text();
    let refused = "Operation not permitted";
    assert_eq!(text.lines().collect::<Vec<_>>(), ["/sbin/chroot", "/bin/mount", "/bin/umount", "/bin/unshare", refused, refused]);
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn inputs_are_read_only_whatever_is_tried() {
    let attempts = [
        "echo changed >/inputs/folder/file".to_owned(),
        "echo >/inputs/folder/new".into(),
        "rm /inputs/folder/file".into(),
        "echo changed >/inputs/file".into(),
        format!("mount none none /inputs/folder {REMOUNT}"),
        "umount /inputs/folder".into(),
        format!("unshare -Urm mount none none /inputs/folder {REMOUNT}"),
        "unshare -Urm umount /inputs/folder".into(),
    ];
    let script: String = attempts.iter().map(|attempt| format!("( {attempt} ) 2>/dev/null && echo 'done: {attempt}'\n")).collect();
    let mut bench = Bench::new(&(script + "cat /inputs/folder/file /inputs/file"));
    let folder = bench.path("input");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("file"), "as it was\n").unwrap();
    bench.job.inputs =
        vec![Input { host: folder.clone(), at: "/inputs/folder".into() }, Input { host: folder.join("file"), at: "/inputs/file".into() }];
    assert_eq!(bench.text(), "as it was\nas it was\n");
    assert_eq!(fs::read_dir(folder).unwrap().count(), 1);
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn the_host_is_not_reached_through_mounts_roots_or_processes() {
    let mut sleeper = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "sandbox::isolation::plays_a_process_of_the_host"])
        .env(SLEEPER_VARIABLE, "1")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let attempts = [
        "mount tmpfs none /tmp 0".to_owned(),
        "mount proc proc /proc 0".to_owned(),
        "umount /proc".to_owned(),
        "umount /dev".to_owned(),
        "chroot /proc/1/root bash -c '[ -e /etc/passwd ]'".to_owned(),
        "[ /proc/1/root/ -ef / ] || true && [ -e /proc/1/root/etc/passwd ]".to_owned(),
        "[ -e /../../../../etc/passwd ]".to_owned(),
        "[ -e /proc/1/cwd/etc/passwd ]".to_owned(),
        format!("kill -9 {}", sleeper.id()),
        "echo kaon2 >/proc/sys/kernel/hostname".to_owned(),
        "cat /proc/sys/kernel/printk >/proc/sys/kernel/printk".to_owned(),
        "unshare -Urm umount /proc/sys".to_owned(),
        "echo >/proc/sysrq-trigger".to_owned(),
        "cat /proc/kcore".to_owned(),
    ];
    let script: String = attempts.iter().map(|attempt| format!("( {attempt} ) >/dev/null 2>&1 && echo \"done: {attempt}\"\n")).collect();
    let text = Bench::new(&(script + "kill -9 -1 2>/dev/null; true")).text();
    assert_eq!(text, "");
    assert!(sleeper.try_wait().unwrap().is_none(), "the host's process was killed");
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
}

/// Not a test by itself: started by the one above, and a sandbox tries to kill it.
#[test]
#[ignore = "is a process another test starts"]
fn plays_a_process_of_the_host() {
    if std::env::var_os(SLEEPER_VARIABLE).is_some() {
        thread::sleep(Duration::from_secs(60));
    }
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn two_at_once_do_not_see_each_other() {
    let first = Bench::new("touch /tmp/mine /dev/shm/mine /build/ready; until [ -e /build/go ]; do sleep 0.05; done");
    let build = first.path("build");
    let running = thread::spawn(move || first.text());
    let deadline = Instant::now() + Duration::from_secs(30);
    while !build.join("ready").exists() {
        assert!(Instant::now() < deadline, "the first did not begin");
        thread::sleep(Duration::from_millis(20));
    }
    let text = Bench::new("ls /tmp /dev/shm /build; cd /proc; echo [0-9]*").text();
    fs::write(build.join("go"), "").unwrap();
    assert_eq!(running.join().unwrap(), "");
    assert!(text.starts_with("/build:\n\n/dev/shm:\n\n/tmp:\n1 "), "{text}");
    assert!(text.lines().last().unwrap().split(' ').count() <= 3, "{text}");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_step_has_no_descriptor_of_the_worker_and_no_terminal() {
    let bench = Bench::new("for ((fd = 3; fd < 255; fd++)); do [ -e /proc/$$/fd/$fd ] && echo $fd; done; exec 9</dev/tty");
    assert_eq!(bench.failure(), (End::Code(1), "bash: line 1: /dev/tty: No such device or address\n".into()));
}
