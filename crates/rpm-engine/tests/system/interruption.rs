//! Power cuts, failures and kills at every single change: the old state or the new one is left.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use rpm::{Dependency, FileOptions};
use rpm_engine::history::Reason;
use rpm_engine::system::System;
use rpm_engine::transaction::{Gate, Recovery, Settings, Step};

use crate::world::{World, config, install, settings};
use testing::packages::{keys, text};

/// Lets so many changes pass, and none after.
struct PowerCut {
    left: AtomicUsize,
    passed: AtomicUsize,
}

impl PowerCut {
    fn after(count: usize) -> Self {
        Self { left: AtomicUsize::new(count), passed: AtomicUsize::new(0) }
    }
}

impl Gate for PowerCut {
    fn pass(&self, _: &'static str) -> io::Result<()> {
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        self.passed.fetch_add(1, Ordering::SeqCst);
        left.map(drop).map_err(|_| io::Error::other("the power is cut"))
    }
}

/// A system with something to upgrade, to erase and to keep, and the steps that do it.
fn eventful(world: &World) -> Vec<Step> {
    world
        .install("x", "1", |builder| {
            text(builder, "/usr/share/x/old", "old");
            text(builder, "/usr/share/x/both", "1");
            config(builder, "one", true);
            builder.with_dir_entry(FileOptions::dir("/usr/share/x").permissions(0o755)).unwrap();
            builder.with_symlink(FileOptions::symlink("/usr/share/link", "x")).unwrap();
        })
        .unwrap();
    world
        .install("y", "1", |builder| {
            builder.with_file_contents("y", FileOptions::new("/etc/y.conf").config()).unwrap();
            text(builder, "/usr/share/y/only", "y");
        })
        .unwrap();
    fs::write(world.path("/etc/x.conf"), "mine").unwrap();
    fs::write(world.path("/etc/y.conf"), "mine too").unwrap();
    let upgrade = world.build("x", "2", |builder| {
        builder.requires(Dependency::any("z"));
        text(builder, "/usr/share/x/both", "2");
        text(builder, "/usr/share/x/new", "new");
        config(builder, "two", true);
        builder.with_dir_entry(FileOptions::dir("/usr/share/x").permissions(0o700)).unwrap();
        builder.with_dir_entry(FileOptions::dir("/usr/share/link").permissions(0o755)).unwrap();
        text(builder, "/usr/share/link/file", "in a directory now");
    });
    let z = world.build("z", "1", |builder| {
        text(builder, "/opt/z/a", "a");
        builder.with_file_contents("same", FileOptions::new("/opt/z/b").hardlink("h")).unwrap();
        builder.with_file_contents("same", FileOptions::new("/opt/z/c").hardlink("h")).unwrap();
    });
    vec![
        Step::Upgrade { package: upgrade, from: vec![world.number("x")], obsoleted: Vec::new() },
        Step::Install { package: z, obsoleted: Vec::new(), reason: Reason::Dependency },
        Step::Erase { number: world.number("y") },
    ]
}

/// Makes a directory where a saved file will be, in place of a file if there is one, when so many changes were made.
struct Obstacle {
    left: AtomicUsize,
    path: std::path::PathBuf,
}

impl Gate for Obstacle {
    fn pass(&self, _: &'static str) -> io::Result<()> {
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left == Ok(1) {
            let _ = fs::remove_file(&self.path);
            fs::create_dir(&self.path)?;
            fs::write(self.path.join("precious"), "precious")?;
        }
        Ok(())
    }
}

/// Whenever a directory comes where a file is to be saved, the old or the new state is left, and no later command is stopped for ever.
#[test]
fn a_directory_that_comes_after_the_check() {
    let saved = "/etc/x.conf.rpmsave";
    for (at, earlier) in (1..40).flat_map(|at| [(at, false), (at, true)]) {
        let world = World::new();
        world.install("x", "1", |builder| config(builder, "one", false)).unwrap();
        fs::write(world.path("/etc/x.conf"), "mine").unwrap();
        if earlier {
            fs::write(world.path(saved), "earlier").unwrap();
        }
        let gate = Obstacle { left: AtomicUsize::new(at), path: world.path(saved) };
        let steps = [Step::Erase { number: world.number("x") }];
        let outcome = world.lock().apply(&steps, &Settings { gate: &gate, ..settings() });
        if let Err(error) = &outcome {
            assert!(error.hint().is_some(), "{at}: {error}: {:?}", std::error::Error::source(error));
        }
        if world.system().is_interrupted().unwrap() {
            // Whoever reads the error moves away what it names.
            for entry in fs::read_dir(world.path("/etc")).unwrap().map(|entry| entry.unwrap().path()) {
                if entry.is_dir() {
                    fs::remove_dir_all(entry).unwrap();
                }
            }
        }
        world.lock().recover(&settings()).unwrap();
        world.install("y", "1", |builder| text(builder, "/y", "y")).unwrap();
        let left = fs::read_dir(world.path("/etc")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert!(left.into_iter().all(|name| !name.starts_with(".tdnf")), "{at}");
        assert_eq!(world.path("/etc/x.conf").exists(), world.installed().contains(&"x-1-1.noarch".to_owned()), "{at}");
    }
}

#[test]
fn a_power_cut_at_any_change_leaves_the_old_or_the_new() {
    let (old, new) = {
        let world = World::new();
        let steps = eventful(&world);
        let old = (world.tree(), world.installed());
        world.apply(&steps).unwrap();
        (old, (world.tree(), world.installed()))
    };
    assert_ne!(old, new);
    let (mut undone, mut finished) = (0, 0);
    for count in 0.. {
        let world = World::new();
        let steps = eventful(&world);
        let locked = world.lock();
        let cut = PowerCut::after(count);
        let result = locked.apply(&steps, &Settings { gate: &cut, ..settings() });
        if result.is_ok() {
            assert!(undone > 40 && finished > 5, "{undone} undone, {finished} finished");
            break;
        }
        // The power fails again, at every fourth change on the way back.
        for second in (0..).step_by(4) {
            let cut = PowerCut::after(second);
            if locked.recover(&Settings { gate: &cut, ..settings() }).is_ok() {
                break;
            }
        }
        assert_eq!(locked.recover(&settings()).unwrap(), None);
        let state = (world.tree(), world.installed());
        if state.1 == new.1 {
            finished += 1;
            assert_eq!(state.0, new.0, "after {count} changes");
            assert_eq!(world.system().history().unwrap().unwrap().list().unwrap().len(), 3);
        } else {
            undone += 1;
            assert_eq!(state, old, "after {count} changes");
            drop(locked);
            // What was undone can be done.
            if count % 7 == 0 {
                world.apply(&steps).unwrap();
                assert_eq!((world.tree(), world.installed()), new);
            }
        }
    }
}

/// Refuses one single change, as a full disk or a failing one would.
struct OneFailure(PowerCut);

impl Gate for OneFailure {
    fn pass(&self, step: &'static str) -> io::Result<()> {
        let last = self.0.left.load(Ordering::SeqCst) == 1;
        match self.0.pass(step) {
            Ok(()) if last => Err(io::ErrorKind::StorageFull.into()),
            _ => Ok(()),
        }
    }
}

#[test]
fn a_failure_is_taken_back_at_once() {
    let mut failures = 0;
    let whole = World::new();
    let steps = eventful(&whole);
    whole.lock().apply(&steps, &settings()).unwrap();
    let new = (whole.tree(), whole.installed());
    for count in 1.. {
        let world = World::new();
        let steps = eventful(&world);
        let old = (world.tree(), world.installed());
        let gate = OneFailure(PowerCut::after(count));
        let locked = world.lock();
        let result = locked.apply(&steps, &Settings { gate: &gate, ..settings() });
        if result.is_ok() {
            break;
        }
        failures += 1;
        // Once the database is changed, what is left to do is done by the next run.
        if world.system().is_interrupted().unwrap() {
            assert_eq!(locked.recover(&settings()).unwrap(), Some(Recovery::Finished), "after {count} changes");
            assert_eq!((world.tree(), world.installed()), new, "after {count} changes");
        } else {
            // Of the last steps some only clear up: the new state was reached without them.
            let state = (world.tree(), world.installed());
            let expected = if state.1 == new.1 { &new } else { &old };
            assert_eq!(state, *expected, "after {count} changes");
        }
    }
    assert!(failures > 50, "{failures}");
}

/// Kills its own process.
struct Kill(PowerCut);

impl Gate for Kill {
    fn pass(&self, step: &'static str) -> io::Result<()> {
        if self.0.pass(step).is_err() {
            nix::sys::signal::kill(nix::unistd::getpid(), nix::sys::signal::Signal::SIGKILL)?;
        }
        Ok(())
    }
}

const VICTIM: &str = "KAON_TEST_VICTIM";

/// Not a test by itself: what the next one starts and kills.
#[test]
fn a_victim() {
    let Ok(task) = std::env::var(VICTIM) else { return };
    let words: Vec<&str> = task.split_whitespace().collect();
    let [count, root, upgrade, new] = words[..] else { panic!("{task}") };
    let open = |path: &str| rpm_engine::rpmfile::RpmFile::open(Path::new(path)).unwrap().verified(&keys()).unwrap();
    let system = System::open(Path::new(root)).unwrap();
    let number = |name: &str| system.installed().unwrap().iter().find(|one| one.package.package.nevra.name == name).unwrap().package.number;
    let steps = [
        Step::Upgrade { package: open(upgrade), from: vec![number("x")], obsoleted: Vec::new() },
        install(open(new)),
        Step::Erase { number: number("y") },
    ];
    let gate = Kill(PowerCut::after(count.parse().unwrap()));
    system.lock().unwrap().apply(&steps, &Settings { gate: &gate, ..settings() }).unwrap();
}

#[test]
fn a_killed_process_leaves_the_old_or_the_new() {
    let mut killed = 0;
    for count in 0.. {
        let world = World::new();
        drop(eventful(&world));
        let old = (world.tree(), world.installed());
        let file = |name: &str| world.folder.path().join(name).to_str().unwrap().to_owned();
        let task = format!("{count} {} {} {}", world.root.path().to_str().unwrap(), file("x-2.rpm"), file("z-1.rpm"));
        let mut victim = std::process::Command::new(std::env::current_exe().unwrap());
        victim
            .args(["--exact", "interruption::a_victim"])
            .env(VICTIM, task)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        if victim.status().unwrap().success() {
            break;
        }
        killed += 1;
        // The lock went with the process.
        let locked = world.lock();
        locked.recover(&settings()).unwrap();
        let state = (world.tree(), world.installed());
        if state.1 != old.1 {
            assert_eq!(state.1, ["x-2-1.noarch", "z-1-1.noarch"], "after {count} changes");
            assert_eq!(world.system().history().unwrap().unwrap().list().unwrap().len(), 3);
        } else {
            assert_eq!(state, old, "after {count} changes");
        }
    }
    assert!(killed > 50, "{killed}");
}

#[test]
fn the_next_run_recovers_by_itself() {
    // An ordinary user makes fewer changes than root, who gives files to their owners as well.
    let whole = World::new();
    let steps = eventful(&whole);
    let uncut = PowerCut::after(usize::MAX);
    whole.lock().apply(&steps, &Settings { gate: &uncut, ..settings() }).unwrap();
    let changes = uncut.passed.into_inner();
    assert!(changes > 50, "{changes}");
    for quarter in 1..4 {
        let world = World::new();
        let steps = eventful(&world);
        let system = world.system();
        let locked = system.lock().unwrap();
        let cut = PowerCut::after(changes * quarter / 4);
        locked.apply(&steps, &Settings { gate: &cut, ..settings() }).unwrap_err();
        assert!(system.is_interrupted().unwrap(), "{quarter}/4 of {changes} changes");
        assert!(matches!(locked.recover(&settings()).unwrap(), Some(Recovery::Undone | Recovery::Finished)));
        assert!(!system.is_interrupted().unwrap());
    }
}
