//! Two builders, one store.

use std::process::Stdio;

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
