//! The shell in the sandbox of a failed build.

use std::io::Write as _;
use std::process::{Command, Stdio};

use runtime::sandbox::{End, StepsEnded};

use super::bench::{Bench, launcher, step};

/// Marks the process that plays the user.
const USER_VARIABLE: &str = "KAON_TEST_USER";

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_shell_opens_where_the_build_failed() {
    let mut user = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", "sandbox::shell::plays_a_user"])
        .env(USER_VARIABLE, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    user.stdin.take().unwrap().write_all(b"ls; pwd; cat /tmp/note; exit 7\n").unwrap();
    let output = user.wait_with_output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{text}");
    assert!(text.contains("half-made\n/build/src\nleft by the build\n"), "{text}");
}

/// Not a test by itself: started by the one above.
#[test]
#[ignore = "is a process another test starts"]
fn plays_a_user() {
    if std::env::var_os(USER_VARIABLE).is_none() {
        return;
    }
    let mut bench = Bench::new("mkdir src; echo 'left by the build' >/tmp/note");
    bench.job.steps.push(step("build", "touch half-made; exit 1"));
    bench.job.steps[1].cwd = "/build/src".into();
    assert!(matches!(bench.run().unwrap().status, StepsEnded::Failed { .. }));
    assert_eq!(launcher().shell(&bench.job).unwrap(), End::Code(7));
}
