//! Two builders, one store.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::project::{Project, check_store, events, packages};

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn two_builders_at_once_build_everything_once() {
    let project = Project::new();
    let store = project.store("store");
    let start = || project.command(&store, &["--json", "build"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let builders = [start(), start()];
    let outputs = builders.map(|builder| builder.wait_with_output().unwrap());
    for output in &outputs {
        assert!(output.status.success(), "{output:?}");
    }
    assert_eq!(packages(&outputs[0]), packages(&outputs[1]));
    let all: Vec<_> = outputs.iter().flat_map(events).collect();
    for name in ["package lib", "package more", "package app"] {
        let built = all.iter().filter(|event| event["kind"] == "finished" && event["unit"] == name && event["outcome"] == "built");
        assert_eq!(built.count(), 1, "{name}: {all:?}");
    }
    check_store(&store);
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn waiting_for_another_builder_is_reported() {
    let project = Project::with("sleep 3");
    let store = project.store("store");
    let run = || project.command(&store, &["--json", "build"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let builders = [run(), run()];
    let outputs = builders.map(|builder| builder.wait_with_output().unwrap());
    let waited = |event: &serde_json::Value| event["kind"] == "waiting" && event["unit"] == "package app";
    assert!(outputs.iter().flat_map(events).any(|event| waited(&event)), "{outputs:?}");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn who_waits_for_another_builder_can_be_stopped() {
    let project = Project::with("sleep 600");
    let store = project.store("store");
    let run = || project.command(&store, &["--json", "build"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = |builder: &mut Child| BufReader::new(builder.stdout.take().unwrap()).lines().map_while(Result::ok);
    let stop = |builder: &Child| kill(Pid::from_raw(builder.id().cast_signed()), Signal::SIGINT).unwrap();
    let mut first = run();
    let mut said = lines(&mut first);
    assert!(said.any(|event| event.contains(r#""phase","unit":"package app""#) && event.contains(r#""finish""#)));
    let mut second = run();
    let mut heard = lines(&mut second);
    assert!(heard.any(|event| event.contains(r#""waiting""#) && event.contains("package app")));
    stop(&second);
    assert!(heard.last().unwrap().contains(r#""exit":130"#));
    assert_eq!(second.wait().unwrap().code(), Some(130));
    assert!(first.try_wait().unwrap().is_none(), "the first one goes on");
    stop(&first);
    assert!(said.last().is_some());
    assert_eq!(first.wait().unwrap().code(), Some(130));
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn gc_does_not_run_during_a_build() {
    let project = Project::with("sleep 3");
    let store = project.store("store");
    let mut builder = project.command(&store, &["build"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let refused = project.run(&store, &["gc", "--all"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(builder.try_wait().unwrap().is_none(), "the builder was too fast for this test");
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("another builder is using the store"), "{said}");
    assert!(builder.wait().unwrap().success());
}
