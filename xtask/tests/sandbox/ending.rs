//! The end of jobs, which nothing outlives.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use base::diagnostic::Failure as _;
use runtime::cancel::Cancel;
use runtime::sandbox::{End, Input, Root, SandboxError, StepsEnded};

use super::bench::{Bench, fill, launcher, scratch, step};

/// The directory of the job, for the process that plays the builder.
const PARENT_VARIABLE: &str = "KAON_TEST_SLEEPS";

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn phases_are_told_and_the_failing_one_named() {
    let mut bench = Bench::new("");
    bench.job.steps = vec![step("configure", "true"), step("build", "true"), step("build", "exit 3"), step("install", "touch late")];
    let phases = Mutex::new(Vec::new());
    let outcome = launcher()
        .run(&bench.job, None, &bench.path("log"), &Cancel::new(), &|phase| phases.lock().unwrap().push(phase.to_owned()))
        .unwrap();
    assert_eq!(outcome.status, StepsEnded::Failed { phase: "build".into(), end: End::Code(3) });
    assert_eq!(phases.into_inner().unwrap(), ["configure", "build"]);
    assert!(!bench.path("build/late").exists());
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_signal_is_told() {
    assert_eq!(Bench::new("kill -SEGV $$").failure().0, End::Signal(11));
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn what_a_step_leaves_running_ends_with_it() {
    let mut bench = Bench::new("");
    bench.job.steps = vec![step("build", "sleep 600 & disown; (sleep 601 &)"), step("install", "grep -l sleep /proc/[0-9]*/comm; true")];
    assert_eq!(bench.text(), "");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn use_of_memory_and_processor_is_measured() {
    let outcome = Bench::new("x=$(printf '%*s' 60000000 ''); for ((i = 0; i < 100000; i++)); do :; done").run().unwrap();
    assert!(outcome.peak_memory_bytes > 60_000_000, "{outcome:?}");
    assert!(outcome.cpu_ms > 20 && outcome.wall_ms >= outcome.cpu_ms / 2, "{outcome:?}");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn tokens_of_the_jobserver_reach_the_steps() {
    let mut bench = Bench::new("echo \"$MAKEFLAGS\"; read -r -N1 token <&3; echo taken; printf %s \"$token\" >&4");
    bench.job.env.insert("MAKEFLAGS".into(), "--no-print-directory".into());
    let tokens = jobserver::Client::new(1).unwrap();
    launcher().run(&bench.job, Some(&tokens), &bench.path("log"), &Cancel::new(), &|_| {}).unwrap();
    assert_eq!(bench.log(), "--no-print-directory -j --jobserver-auth=3,4\ntaken\n");
    assert_eq!(tokens.available().unwrap(), 1);
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn mistakes_in_the_job_are_named() {
    let error = |change: &dyn Fn(&mut Bench)| {
        let mut bench = Bench::new("true");
        change(&mut bench);
        bench.run().unwrap_err()
    };
    let no_program = error(&|bench| bench.job.steps[0].argv[0] = "meson".into());
    assert!(matches!(&no_program, SandboxError::NoProgram { program, .. } if program == "meson"), "{no_program:?}");
    let no_directory = error(&|bench| bench.job.steps[0].cwd = "/build/src".into());
    assert!(matches!(&no_directory, SandboxError::NoDirectory { directory, .. } if directory == "/build/src"), "{no_directory:?}");
    assert!(no_directory.hint().is_some_and(|hint| hint.contains("`subdir` of the spec")));
    let no_layer = error(&|bench| match &mut bench.job.root {
        Root::Overlay { layers, .. } => layers.push("/no/such/layer".into()),
        Root::Directory(_) => unreachable!(),
    });
    assert!(matches!(&no_layer, SandboxError::Missing { what: "layer", .. }), "{no_layer:?}");
    let upwards = error(&|bench| bench.job.inputs = vec![Input { host: "/dev/null".into(), at: "/build/../x".into() }]);
    assert!(matches!(&upwards, SandboxError::BadPlace { .. }), "{upwards:?}");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn cancelling_ends_all_within_a_second() {
    let seconds = sleep_seconds(1);
    let bench = Bench::new(&format!("sleep {seconds} & sleep {seconds}"));
    let cancel = Cancel::new();
    let (error, took) = thread::scope(|scope| {
        let running = scope.spawn(|| launcher().run(&bench.job, None, &bench.path("log"), &cancel, &|_| {}));
        await_sleeps(&seconds, 2);
        let asked = Instant::now();
        cancel.raise();
        (running.join().unwrap().unwrap_err(), asked.elapsed())
    });
    assert!(matches!(error, SandboxError::Cancelled), "{error:?}");
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert_eq!(sleeps(&seconds), 0);
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn nothing_outlives_a_builder_that_is_killed() {
    let seconds = sleep_seconds(2);
    let mut builder = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "sandbox::ending::plays_the_builder"])
        .env(PARENT_VARIABLE, &seconds)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    await_sleeps(&seconds, 2);
    builder.kill().unwrap();
    builder.wait().unwrap();
    await_sleeps(&seconds, 0);
}

/// Not a test by itself: started and killed by the one above.
#[test]
#[ignore = "is a process another test starts"]
fn plays_the_builder() {
    let Ok(seconds) = std::env::var(PARENT_VARIABLE) else { return };
    Bench::new(&format!("sleep {seconds} & sleep {seconds}")).text();
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_directory_keeps_changes_and_no_trace_of_the_sandbox() {
    let mut bench = Bench::new("[ -c /dev/null ] && touch /tmp/x /changed && ls /proc/self >/dev/null");
    let root = bench.path("root");
    fs::create_dir(&root).unwrap();
    fill(&root);
    let mut expected = names(&root);
    bench.job.root = Root::Directory(root.clone());
    bench.job.steps[0].cwd = "/".into();
    bench.text();
    expected.push("changed".into());
    expected.sort();
    assert_eq!(names(&root), expected);
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn hundreds_of_layers_fit() {
    let mut bench = Bench::new("cd /layers; echo *");
    let added: Vec<_> = (100..400)
        .map(|number| {
            let folder = bench.path(format!("a-directory-with-a-rather-long-name-{number}"));
            fs::create_dir_all(folder.join("layers")).unwrap();
            fs::write(folder.join("layers").join(number.to_string()), "").unwrap();
            folder
        })
        .collect();
    let Root::Overlay { layers, .. } = &mut bench.job.root else { unreachable!() };
    layers.splice(0..0, added);
    let expected: Vec<String> = (100..400).map(|number| number.to_string()).collect();
    assert_eq!(bench.text().trim_end(), expected.join(" "));
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn this_host_can_make_sandboxes_and_a_probe_leaves_nothing() {
    let folder = scratch();
    launcher().probe(folder.path()).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

fn names(folder: &std::path::Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A number of seconds to sleep that distinguishes the sleeps of one test in one run from all others.
fn sleep_seconds(test: u32) -> String {
    format!("60{test}.{}", std::process::id())
}

fn await_sleeps(seconds: &str, count: usize) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while sleeps(seconds) != count {
        assert!(Instant::now() < deadline, "{} processes instead of {count}", sleeps(seconds));
        thread::sleep(Duration::from_millis(20));
    }
}

/// How many processes of the host sleep for this time.
fn sleeps(seconds: &str) -> usize {
    let sought = format!("sleep\0{seconds}\0");
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes.filter(|process| fs::read_to_string(process.path().join("cmdline")).is_ok_and(|line| line == sought)).count()
}
