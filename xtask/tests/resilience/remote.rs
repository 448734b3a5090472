//! Builds on the workers of a server: the same packages as those built here, whatever becomes of workers, server and builder.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::buildbox::{Casd, compile_remote, settings};
use super::project::{Project, check_store, events, packages, text};

/// What lets `app` be interrupted.
const SLOW: &str = "sleep 8";

/// A builder with a store of its own that builds on workers.
struct Builder<'a> {
    project: &'a Project,
    store: PathBuf,
    home: PathBuf,
}

impl<'a> Builder<'a> {
    fn new(project: &'a Project, name: &str, address: &str) -> Self {
        let home = project.path(&format!("home-{name}"));
        fs::create_dir_all(home.join("kaon")).unwrap();
        fs::write(home.join("kaon/cache.toml"), settings(address)).unwrap();
        Self { project, store: project.store(&format!("store-{name}")), home }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.project.command(&self.store, arguments);
        command.env("XDG_CONFIG_HOME", &self.home);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }
}

/// Where each package of a successful run was built.
fn workers(output: &Output) -> Vec<bool> {
    let results: Value = serde_json::from_str(text(&output.stdout).lines().last().unwrap()).unwrap();
    results.as_object().unwrap().values().map(|result| result["by"]["remote"].is_object()).collect()
}

fn warnings(output: &Output) -> Vec<String> {
    let warnings = events(output).into_iter().filter(|event| event["kind"] == "warning");
    warnings.map(|event| event["message"].as_str().unwrap().to_owned()).collect()
}

/// Asserts that a run succeeded, without warnings, on workers alone.
fn built_remotely(output: &Output) {
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!((workers(output), warnings(output)), (vec![true; 3], vec![]));
}

#[test]
#[ignore = "needs buildbox and the SDK"]
fn workers_make_the_same_packages_and_unpack_the_sdk_once() {
    let project = Project::new();
    let here = project.build(&project.store("here"));
    let casd = Casd::with_workers(project.path("casd"));
    let builder = Builder::new(&project, "remote", &casd.address);
    let output = builder.run(&["--json", "--remote-only", "build"]);
    built_remotely(&output);
    assert_eq!(packages(&output), here);
    check_store(&builder.store);
    let trees = || fs::read_dir(casd.kept().join("trees")).unwrap().count();
    let unpacked = trees();
    assert!(unpacked > 0, "nothing was kept");
    // What others built is signed as what was built here.
    let exported = builder.run(&["cache", "export", "cache", "--name", "farmer"]);
    assert!(text(&exported.stdout).contains("3 results added"), "{}{}", text(&exported.stdout), text(&exported.stderr));
    let log = builder.run(&["log", "lib"]);
    assert!(log.status.success(), "{}", text(&log.stderr));
    fs::remove_dir_all(builder.store.join("results")).unwrap();
    let again = builder.run(&["--json", "--remote-only", "build"]);
    built_remotely(&again);
    assert_eq!((packages(&again), trees()), (here, unpacked));
}

#[test]
#[ignore = "needs buildbox and the SDK"]
fn a_recipe_that_fails_on_a_worker_is_not_tried_here() {
    let project = Project::with("echo too bad; exit 3");
    let casd = Casd::with_workers(project.path("casd"));
    let builder = Builder::new(&project, "remote", &casd.address);
    let output = builder.run(&["--json", "build"]);
    assert_eq!((output.status.code(), warnings(&output)), (Some(1), vec![]), "{}", text(&output.stdout));
    let failed: Vec<Value> = events(&output).into_iter().filter(|event| event["kind"] == "failed").collect();
    assert_eq!((failed.len(), &failed[0]["phase"]), (1, &Value::from("finish")), "{failed:?}");
    let said = failed[0].to_string();
    assert!(said.contains("exit code 3") && said.contains("too bad") && said.contains("prepares its sandbox on this machine"), "{said}");
    let log = fs::read_to_string(failed[0]["log"].as_str().unwrap()).unwrap();
    assert!(log.contains("too bad"), "{log}");
}

#[test]
#[ignore = "needs the SDK"]
fn without_workers_builds_run_here_unless_that_is_forbidden() {
    compile_remote();
    let project = Project::new();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let builder = Builder::new(&project, "dead", &format!("grpc://{closed}"));
    let refused = builder.run(&["--json", "--remote-only", "build"]);
    let said = text(&refused.stdout) + &text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    // The server is asked before the SDK is fetched, and that comes before the plan.
    assert!(events(&refused).iter().all(|event| event["kind"] != "planned"), "{said}");
    assert!(said.contains("did not run the build") && said.contains("without `--remote` builds run on this machine"), "{said}");
    let output = builder.run(&["--json", "build"]);
    assert!(output.status.success(), "{}", text(&output.stdout));
    let warnings = warnings(&output);
    assert!(matches!(&warnings[..], [one] if one.contains("is not used any more")), "{warnings:?}");
    assert_eq!(workers(&output), [false; 3]);
    let ignored = builder.run(&["--json", "--no-remote", "build"]);
    assert!(ignored.status.success());
    for (arguments, expected) in [
        (&["--remote", "http://a.test", "build"][..], "it must begin with grpc://"),
        (&["--remote", "grpc://a.test:1", "--sandbox", "chroot", "build"], "workers build in namespaces"),
        (&["--no-remote", "--remote-only", "build"], "cannot be used with"),
    ] {
        let output = builder.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(expected), "{}", text(&output.stderr));
    }
}

#[test]
#[ignore = "needs buildbox and the SDK"]
fn doctor_tells_a_farm_from_a_cache() {
    let project = Project::new();
    for (server, expected) in [
        (Casd::with_workers(project.path("farm")), "answers, and gets 16 builds at a time"),
        (Casd::new(project.path("cache")), "answers, but runs no builds: it is a cache, or execution is not enabled there"),
    ] {
        let output = Builder::new(&project, "remote", &server.address).run(&["doctor"]);
        let said = text(&output.stdout);
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
#[ignore = "needs buildbox and the SDK"]
fn a_server_without_workers_for_programs_is_no_obstacle() {
    let project = Project::new();
    let casd = Casd::new(project.path("casd"));
    let builder = Builder::new(&project, "remote", &casd.address);
    let output = builder.run(&["--json", "build"]);
    assert!(output.status.success(), "{}", text(&output.stdout));
    assert_eq!(workers(&output), [false; 3]);
    assert!(!warnings(&output).is_empty());
}

#[test]
#[ignore = "needs buildbox and the SDK"]
fn a_killed_worker_is_replaced_and_a_kept_failure_not_believed() {
    let project = Project::with(SLOW);
    let here = project.build(&project.store("here"));
    let casd = Casd::with_workers(project.path("casd"));
    let builder = Builder::new(&project, "remote", &casd.address);
    // So that only `app` is left, which is slow.
    built_on_workers(&builder, &["lib", "more"]);
    let running = builder.start(&["--json", "--remote-only", "build"]);
    casd.kill_worker();
    let output = running.wait_with_output().unwrap();
    built_remotely(&output);
    assert_eq!(packages(&output), here);
    // The server keeps what became of killed workers.
    let other = Builder::new(&project, "other", &casd.address);
    built_on_workers(&other, &["lib", "more"]);
    let output = other.run(&["--json", "--remote-only", "build"]);
    built_remotely(&output);
    assert_eq!(packages(&output), here);
}

#[test]
#[ignore = "needs buildbox and the SDK"]
fn a_server_that_is_killed_and_started_anew_goes_on() {
    let project = Project::with(SLOW);
    let here = project.build(&project.store("here"));
    let mut casd = Casd::with_workers(project.path("casd"));
    let builder = Builder::new(&project, "remote", &casd.address);
    built_on_workers(&builder, &["lib", "more"]);
    let running = builder.start(&["--json", "--remote-only", "build"]);
    casd.wait_for_worker();
    casd.restart();
    let output = running.wait_with_output().unwrap();
    built_remotely(&output);
    assert_eq!(packages(&output), here);
}

#[test]
#[ignore = "needs buildbox and the SDK"]
fn what_runs_on_workers_ends_with_the_builder() {
    let project = Project::with("sleep 600");
    let casd = Casd::with_workers(project.path("casd"));
    let builder = Builder::new(&project, "remote", &casd.address);
    built_on_workers(&builder, &["lib", "more"]);
    let mut running = builder.start(&["--json", "--remote-only", "build"]);
    casd.wait_for_worker();
    running.kill().unwrap();
    running.wait().unwrap();
    let begun = Instant::now();
    while casd.worker().is_some() {
        assert!(begun.elapsed() < Duration::from_secs(30), "it still runs");
        thread::sleep(Duration::from_millis(100));
    }
    check_store(&builder.store);
}

fn built_on_workers(builder: &Builder<'_>, packages: &[&str]) {
    let output = builder.run(&[&["--remote-only", "build"], packages].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
#[ignore = "needs buildbox and the SDK"]
fn what_a_server_changed_is_refused() {
    let project = Project::new();
    let here = project.build(&project.store("here"));
    let casd = Casd::with_workers(project.path("casd"));
    let builder = Builder::new(&project, "remote", &casd.address);
    built_on_workers(&builder, &["lib"]);
    // The server has kept the result for this action, whose package is now another one.
    super::project::flip_a_byte(&casd.blob(&here["lib"]));
    let other = Builder::new(&project, "other", &casd.address);
    let output = other.run(&["--json", "build"]);
    assert!(output.status.success(), "{}", text(&output.stdout));
    assert_eq!(packages(&output), here);
    let warnings = warnings(&output);
    assert!(warnings.iter().any(|warning| warning.contains("left a wrong `out/lib-1-1")), "{warnings:?}");
    check_store(&other.store);
}
