//! A builder that is killed at any moment, and the next one.

use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use super::project::{Project, check_store, files};

/// How often the builder is killed.
const KILLS: u32 = 6;

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_killed_builder_leaves_a_good_store_and_the_next_gives_the_same_bytes() {
    let project = Project::new();
    let begun = Instant::now();
    let undisturbed = project.build(&project.store("undisturbed"));
    let took = begun.elapsed();

    let store = project.store("disturbed");
    let mut killed = 0;
    for number in 0..KILLS {
        let mut builder = project.command(&store, &["build"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(moment(number, took));
        if builder.try_wait().unwrap().is_some() {
            // It was faster, as earlier ones had done its work: the next begins anew beside what is stored.
            for name in files(&store.join("results")).into_keys() {
                fs::remove_file(store.join("results").join(name)).unwrap();
            }
            continue;
        }
        builder.kill().unwrap();
        builder.wait().unwrap();
        killed += 1;
        check_store(&store);
    }
    assert!(killed >= 2, "only {killed} builders lived long enough to be killed");
    assert_eq!(project.build(&store), undisturbed);
    check_store(&store);
    let cleaned = project.run(&store, &["gc", "--all"]);
    assert!(cleaned.status.success(), "{cleaned:?}");
    let left: Vec<_> = fs::read_dir(store.join("scratch")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let directories: Vec<_> = left.iter().filter(|name| store.join("scratch").join(name).is_dir()).collect();
    assert!(directories.is_empty(), "{directories:?}");
    assert_eq!(project.build(&store), undisturbed, "what is needed was kept");
}

/// Moments spread over a whole build, another set in each run.
fn moment(number: u32, whole: Duration) -> Duration {
    let noise = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_micros() % 1000;
    whole * (number * 1000 + noise) / (KILLS * 1000)
}
