//! A builder that is killed at any moment, and the next one.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::project::{Project, check_store, files, packages, text};

/// How often the builder is killed.
const KILLS: usize = 6;

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_killed_builder_leaves_a_good_store_and_the_next_gives_the_same_bytes() {
    let project = Project::new();
    let whole = project.run(&project.store("undisturbed"), &["--json", "build"]);
    let (undisturbed, lines) = (packages(&whole), text(&whole.stdout).lines().count());

    let store = project.store("disturbed");
    for number in 1..=KILLS {
        while !killed_after(&project, &store, lines * number / (KILLS + 1)) {
            // It ended by itself, because earlier ones had done much of its work. Remove the results, so that the next one starts again
            // with existing objects.
            for name in files(&store.join("results")).into_keys() {
                fs::remove_file(store.join("results").join(name)).unwrap();
            }
        }
        check_store(&store);
    }
    assert_eq!(project.build(&store), undisturbed);
    check_store(&store);
    let cleaned = project.run(&store, &["gc", "--all"]);
    assert!(cleaned.status.success(), "{cleaned:?}");
    let left: Vec<_> = fs::read_dir(store.join("scratch")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let directories: Vec<_> = left.iter().filter(|name| store.join("scratch").join(name).is_dir()).collect();
    assert!(directories.is_empty(), "{directories:?}");
    assert_eq!(project.build(&store), undisturbed, "what is needed was kept");
}

/// Starts a builder and kills it a moment after it has reported this many events. `false` if it ended before.
fn killed_after(project: &Project, store: &Path, events: usize) -> bool {
    let mut builder = project.command(store, &["--json", "build"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // Kept until the end, because a builder ends by itself when its output is closed.
    let mut output = BufReader::new(builder.stdout.take().unwrap()).lines();
    let reported = output.by_ref().map_while(Result::ok).take(events).count();
    let noise = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_micros() % 5000;
    thread::sleep(Duration::from_micros(noise.into()));
    let is_alive = reported == events && builder.try_wait().unwrap().is_none();
    builder.kill().unwrap();
    builder.wait().unwrap();
    is_alive
}

/// An interrupted build with a large tree: nothing of it is removed before the process ends, and the next builder removes it.
#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn an_interrupted_builder_ends_without_removing_trees_and_the_next_removes_them() {
    let project = Project::with("mkdir -p $SRC/tree/{1..50}; sleep 600");
    let store = project.store("store");
    let mut builder = project.command(&store, &["--json", "build"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut events = BufReader::new(builder.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(events.any(|event| event.contains(r#""phase","unit":"package app""#) && event.contains(r#""finish""#)));
    let tree = || {
        let built = fs::read_dir(store.join("scratch")).unwrap().map(|entry| entry.unwrap().path().join("build/src/tree/50"));
        built.into_iter().find(|path| path.is_dir())
    };
    while tree().is_none() {
        thread::sleep(Duration::from_millis(5));
    }
    kill(Pid::from_raw(builder.id().cast_signed()), Signal::SIGINT).unwrap();
    assert_eq!(events.last().map(|event| event.contains(r#""exit":130"#)), Some(true));
    assert_eq!(builder.wait().unwrap().code(), Some(130));
    let left = tree().unwrap();
    let name = left.strip_prefix(store.join("scratch")).unwrap().to_str().unwrap();
    assert!(name.starts_with("left-build-app-"), "{name}");
    check_store(&store);

    let app = project.path("specs/app/package.toml");
    fs::write(&app, fs::read_to_string(&app).unwrap().replace("sleep 600", "")).unwrap();
    project.build(&store);
    let remains: Vec<_> = fs::read_dir(store.join("scratch")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(remains.is_empty(), "{remains:?}");
}

/// Started by nohup(1), and with `&` by a script without job control.
#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn signals_that_were_ignored_at_start_do_not_stop_a_builder() {
    let project = Project::with("sleep 2");
    let store = project.store("store");
    let inner = project.command(&store, &["--json", "build"]);
    let mut builder = Command::new("/bin/sh");
    builder.args(["-c", "trap '' HUP INT; exec \"$@\"", "sh"]).arg(inner.get_program()).args(inner.get_args());
    let mut builder = builder.current_dir(inner.get_current_dir().unwrap()).stdout(Stdio::piped()).spawn().unwrap();
    let mut events = BufReader::new(builder.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(events.any(|event| event.contains(r#""phase","unit":"package app""#)));
    for signal in [Signal::SIGHUP, Signal::SIGINT] {
        kill(Pid::from_raw(builder.id().cast_signed()), signal).unwrap();
    }
    events.for_each(drop);
    assert!(builder.wait().unwrap().success());
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_builder_can_be_interrupted_while_it_packs() {
    // Gigabytes of zeros: fast to write, but very slow to pack.
    let project = Project::with("python3 -c 'open(\"/build/out/usr/share/zeros\", \"wb\").truncate(200 << 30)'");
    let store = project.store("store");
    let mut builder = project.command(&store, &["--json", "build"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut events = BufReader::new(builder.stdout.take().unwrap()).lines().map_while(Result::ok);
    let packs = |event: &str| event.contains(r#""phase","unit":"package app""#) && event.contains(r#""phase":"package""#);
    assert!(events.any(|event| packs(&event)));
    kill(Pid::from_raw(builder.id().cast_signed()), Signal::SIGINT).unwrap();
    assert_eq!(events.last().map(|event| event.contains(r#""exit":130"#)), Some(true));
    assert_eq!(builder.wait().unwrap().code(), Some(130));
    check_store(&store);
}
