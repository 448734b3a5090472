//! Transactions on a system that is there: what they change, what they keep, what they refuse, and what a power cut leaves.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{TIME, text, verified};
use rpm::{Dependency, FileOptions, PackageBuilder, Scriptlet};
use tdnf::history::{Action, Reason};
use tdnf::rpmfile::Verified;
use tdnf::system::System;
use tdnf::transaction::{Applied, ApplyError, Event, Gate, Observer, Recovery, Settings, Step};

/// A root of its own, and a folder for packages.
struct World {
    folder: tempfile::TempDir,
    root: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        // Every transaction waits for the disk, so a file system in memory is much the faster one where there is one.
        let memory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        Self { folder: tempfile::tempdir().unwrap(), root: memory.unwrap() }
    }

    fn system(&self) -> System {
        System::open(self.root.path()).unwrap()
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path.trim_start_matches('/'))
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn apply(&self, steps: &[Step]) -> Result<Applied, ApplyError> {
        self.system().lock().unwrap().apply(steps, &settings())
    }

    fn build(&self, name: &str, version: &str, fill: impl FnOnce(&mut PackageBuilder)) -> Verified {
        verified(self.folder.path(), name, version, fill)
    }

    fn install(&self, name: &str, version: &str, fill: impl FnOnce(&mut PackageBuilder)) -> Result<Applied, ApplyError> {
        self.apply(&[install(self.build(name, version, fill))])
    }

    fn upgrade(&self, name: &str, version: &str, fill: impl FnOnce(&mut PackageBuilder)) -> Result<Applied, ApplyError> {
        let from = vec![self.number(name)];
        self.apply(&[Step::Upgrade { package: self.build(name, version, fill), from, obsoleted: Vec::new() }])
    }

    fn erase(&self, name: &str) -> Result<Applied, ApplyError> {
        self.apply(&[Step::Erase { number: self.number(name) }])
    }

    fn number(&self, name: &str) -> u32 {
        self.system().installed().unwrap().iter().find(|one| one.package.package.nevra.name == name).unwrap().package.number
    }

    fn installed(&self) -> Vec<String> {
        let mut names: Vec<String> = self.system().installed().unwrap().iter().map(|one| one.package.package.nevra.to_string()).collect();
        names.sort();
        names
    }

    /// Everything in the root but the databases: path to kind, permissions and content.
    fn tree(&self) -> BTreeMap<String, String> {
        let mut tree = BTreeMap::new();
        let mut left = vec![self.root.path().to_owned()];
        while let Some(directory) = left.pop() {
            for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
                let path = entry.path();
                let name = path.strip_prefix(self.root.path()).unwrap().to_str().unwrap().to_owned();
                let metadata = fs::symlink_metadata(&path).unwrap();
                if name.starts_with("usr/lib/sysimage") {
                    assert!(!name.contains(".tdnf-"), "{name} was left");
                    continue;
                }
                let content = if metadata.is_dir() {
                    left.push(path);
                    "directory".to_owned()
                } else if metadata.is_symlink() {
                    fs::read_link(&path).unwrap().to_str().unwrap().to_owned()
                } else {
                    String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned()
                };
                tree.insert(name, format!("{:o} {}:{} {content}", metadata.mode(), metadata.uid(), metadata.gid()));
            }
        }
        tree
    }
}

fn settings() -> Settings<'static> {
    Settings::new(TIME, "a test")
}

fn install(package: Verified) -> Step {
    Step::Install { package, obsoleted: Vec::new(), reason: Reason::User }
}

fn config(builder: &mut PackageBuilder, content: &str, noreplace: bool) {
    let options = FileOptions::new("/etc/x.conf").permissions(0o640);
    let options = if noreplace { options.config().noreplace() } else { options.config() };
    builder.with_file_contents(content, options).unwrap();
}

#[test]
fn install_upgrade_and_erase() {
    let world = World::new();
    fs::create_dir_all(world.path("/etc")).unwrap();
    fs::write(world.path("/etc/mine"), "mine").unwrap();
    let before = world.tree();
    world
        .install("x", "1", |builder| {
            text(builder, "/usr/share/x/old", "old");
            text(builder, "/usr/share/x/both", "1");
            builder.with_symlink(FileOptions::symlink("/usr/bin/x", "../share/x/both")).unwrap();
            builder.with_file_contents("same", FileOptions::new("/usr/share/x/a").hardlink("h")).unwrap();
            builder.with_file_contents("same", FileOptions::new("/usr/share/x/b").hardlink("h")).unwrap();
            builder.with_file_contents("secret", FileOptions::new("/usr/bin/su").permissions(0o4711)).unwrap();
            builder.with_dir_entry(FileOptions::dir("/var/lib/x").permissions(0o750)).unwrap();
            builder.with_ghost(FileOptions::ghost("/var/lib/x/state")).unwrap();
        })
        .unwrap();
    assert_eq!(world.installed(), ["x-1-1.noarch"]);
    assert_eq!(world.text("/usr/bin/x"), "1");
    assert_eq!(fs::metadata(world.path("/usr/share/x/b")).unwrap().nlink(), 2);
    assert_eq!(fs::metadata(world.path("/usr/bin/su")).unwrap().mode() & 0o7777, 0o4711);
    assert_eq!(fs::metadata(world.path("/var/lib/x")).unwrap().mode() & 0o7777, 0o750);
    assert_eq!(fs::metadata(world.path("/usr/share/x/old")).unwrap().mtime(), i64::from(TIME));
    assert!(!world.path("/var/lib/x/state").exists());
    fs::write(world.path("/var/lib/x/state"), "made by the program").unwrap();
    world
        .upgrade("x", "2", |builder| {
            text(builder, "/usr/share/x/both", "2");
            text(builder, "/usr/share/x/new", "new");
            builder.with_dir_entry(FileOptions::dir("/var/lib/x").permissions(0o700)).unwrap();
            builder.with_ghost(FileOptions::ghost("/var/lib/x/state")).unwrap();
        })
        .unwrap();
    assert_eq!(world.installed(), ["x-2-1.noarch"]);
    assert_eq!((world.text("/usr/share/x/both"), world.text("/usr/share/x/new")), ("2".into(), "new".into()));
    assert_eq!(world.text("/var/lib/x/state"), "made by the program");
    assert_eq!(fs::metadata(world.path("/var/lib/x")).unwrap().mode() & 0o7777, 0o700);
    for gone in ["/usr/share/x/old", "/usr/bin/x", "/usr/share/x/a", "/usr/bin/su"] {
        assert!(fs::symlink_metadata(world.path(gone)).is_err(), "{gone}");
    }
    world.erase("x").unwrap();
    assert!(world.installed().is_empty());
    assert!(!world.path("/var/lib/x").exists() && !world.path("/usr/share/x/both").exists());
    let after = world.tree();
    assert!(before.iter().all(|(path, entry)| after.get(path) == Some(entry)), "{after:?}");
    let history = world.system().history().unwrap().unwrap();
    let actions: Vec<Vec<Action>> =
        history.list().unwrap().iter().map(|entry| entry.record.changes.iter().map(|change| change.action).collect()).collect();
    assert_eq!(actions, [vec![Action::Install], vec![Action::Upgraded, Action::Upgrade], vec![Action::Erase]]);
    assert!(history.reasons().unwrap().is_empty());
}

#[test]
fn edited_configuration_is_never_lost() {
    for noreplace in [false, true] {
        let world = World::new();
        world.install("x", "1", |builder| config(builder, "one", noreplace)).unwrap();
        // Nobody edited it: it is replaced. The same again: nothing happens to an edited one.
        world.upgrade("x", "2", |builder| config(builder, "two", noreplace)).unwrap();
        assert_eq!(world.text("/etc/x.conf"), "two");
        fs::write(world.path("/etc/x.conf"), "mine").unwrap();
        world.upgrade("x", "3", |builder| config(builder, "two", noreplace)).unwrap();
        assert_eq!(world.text("/etc/x.conf"), "mine");
        assert_eq!(fs::read_dir(world.path("/etc")).unwrap().count(), 1);
        let applied = world.upgrade("x", "4", |builder| config(builder, "four", noreplace)).unwrap();
        assert_eq!(applied.notes.len(), 1);
        let (kept, beside) = if noreplace { ("mine", (".rpmnew", "four")) } else { ("four", (".rpmsave", "mine")) };
        assert_eq!(world.text("/etc/x.conf"), kept);
        assert_eq!(world.text(&format!("/etc/x.conf{}", beside.0)), beside.1);
        fs::write(world.path("/etc/x.conf"), "mine again").unwrap();
        world.erase("x").unwrap();
        assert!(!world.path("/etc/x.conf").exists());
        assert_eq!(world.text("/etc/x.conf.rpmsave"), "mine again");
    }
    // What lay there before any package.
    let world = World::new();
    fs::create_dir(world.path("/etc")).unwrap();
    fs::write(world.path("/etc/x.conf"), "mine").unwrap();
    world.install("x", "1", |builder| config(builder, "one", false)).unwrap();
    assert_eq!((world.text("/etc/x.conf"), world.text("/etc/x.conf.rpmorig")), ("one".into(), "mine".into()));
}

#[test]
fn shared_files_and_conflicts() {
    let world = World::new();
    let shared = |own: &'static str| {
        move |builder: &mut PackageBuilder| {
            builder.with_dir_entry(FileOptions::dir("/usr/share/d").permissions(0o755)).unwrap();
            text(builder, "/usr/share/d/licence", "MIT");
            text(builder, own, own);
        }
    };
    world.install("a", "1", shared("/usr/share/d/a")).unwrap();
    world.install("b", "1", shared("/usr/share/d/b")).unwrap();
    let before = world.tree();
    let error = world.install("c", "1", |builder| text(builder, "/usr/share/d/licence", "GPL")).unwrap_err();
    assert_eq!(error.to_string(), "file conflicts: `/usr/share/d/licence` of a-1-1.noarch and of c-1-1.noarch");
    let two = ["d", "e"].map(|name| install(world.build(name, "1", |builder| text(builder, "/usr/share/two", name))));
    assert!(matches!(world.apply(&two), Err(ApplyError::Conflicts(_))));
    assert_eq!(world.tree(), before);
    world.erase("a").unwrap();
    assert!(world.path("/usr/share/d/licence").exists() && !world.path("/usr/share/d/a").exists());
    world.erase("b").unwrap();
    assert!(!world.path("/usr/share/d").exists());
    // Replacing what conflicts is no conflict.
    world.install("old", "1", |builder| text(builder, "/usr/bin/tool", "old")).unwrap();
    let package = world.build("new", "1", |builder| text(builder, "/usr/bin/tool", "new"));
    world.apply(&[Step::Install { package, obsoleted: vec![world.number("old")], reason: Reason::Dependency }]).unwrap();
    assert_eq!((world.installed(), world.text("/usr/bin/tool")), (vec!["new-1-1.noarch".to_owned()], "new".into()));
    assert_eq!(world.system().installed().unwrap()[0].reason, Reason::User);
}

#[test]
fn links_are_followed_within_the_root_only() {
    let (world, outside) = (World::new(), tempfile::tempdir().unwrap());
    fs::create_dir_all(world.path("/usr/lib")).unwrap();
    symlink("usr/lib", world.path("/lib64")).unwrap();
    symlink(outside.path(), world.path("/opt")).unwrap();
    world
        .install("x", "1", |builder| {
            text(builder, "/lib64/libx.so.1", "x");
            text(builder, "/opt/x/file", "within");
        })
        .unwrap();
    assert_eq!(world.text("/usr/lib/libx.so.1"), "x");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    let within = world.path(outside.path().to_str().unwrap()).join("x/file");
    assert_eq!(fs::read_to_string(&within).unwrap(), "within");
    world.erase("x").unwrap();
    assert!(!within.exists() && !world.path("/usr/lib/libx.so.1").exists() && world.path("/lib64").exists());
    // A link becomes a directory.
    let link = |builder: &mut PackageBuilder| {
        text(builder, "/usr/share/target/file", "there");
        builder.with_symlink(FileOptions::symlink("/usr/share/y", "target")).unwrap();
    };
    world.install("y", "1", link).unwrap();
    world
        .upgrade("y", "2", |builder| {
            builder.with_dir_entry(FileOptions::dir("/usr/share/y").permissions(0o755)).unwrap();
            text(builder, "/usr/share/y/file", "here");
        })
        .unwrap();
    assert!(fs::symlink_metadata(world.path("/usr/share/y")).unwrap().is_dir());
    assert_eq!(world.text("/usr/share/y/file"), "here");
    assert!(!world.path("/usr/share/target").join("file").exists());
    // A directory does not become one.
    let error = world.upgrade("y", "3", link).unwrap_err();
    assert!(matches!(error, ApplyError::InTheWay { .. }), "{error}");
}

/// Remembers what it was told.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Observer for Told {
    fn tell(&self, event: Event<'_>) {
        if !matches!(event, Event::Unpacked { .. }) {
            self.0.lock().unwrap().push(format!("{event:?}"));
        }
    }
}

#[test]
fn locks_space_and_own_databases() {
    let world = World::new();
    let locked = world.system().lock().unwrap();
    let error = world.system().lock().unwrap_err();
    assert!(error.to_string().contains(&format!("(process {})", std::process::id())), "{error}");
    drop(locked);
    for path in ["/usr/lib/sysimage/rpm/rpmdb.sqlite", "/usr/lib/sysimage/tdnf/journal"] {
        let error = world.install("evil", "1", |builder| text(builder, path, "evil")).unwrap_err();
        assert!(matches!(error, ApplyError::InTheWay { .. }), "{error}");
    }
    let package = world.build("x", "1", |builder| text(builder, "/x", "x"));
    let steps = [install(package)];
    world.system().check(&steps, &settings()).unwrap();
    assert!(!world.path("/x").exists());
    world.apply(&steps).unwrap();
    let error = world.apply(&[Step::Erase { number: 99 }]).unwrap_err();
    assert!(matches!(error, ApplyError::NotInstalled { number: 99 } | ApplyError::Database(_)), "{error}");
    assert_eq!(world.text("/x"), "x");
}

/// The programs of this machine, for scripts to run in.
fn userland(world: &World) -> bool {
    let (shell, privileged) = (Path::new("/bin/sh"), nix::unistd::geteuid().is_root());
    if !privileged {
        return false;
    }
    let libraries = std::process::Command::new("ldd").arg(shell).output().unwrap();
    let text = String::from_utf8(libraries.stdout).unwrap();
    let files = text.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from).chain([shell.to_owned()]);
    for file in files {
        let target = world.path(file.to_str().unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(&file, target).unwrap();
    }
    true
}

#[test]
fn scripts_run_in_the_tree() {
    let world = World::new();
    if !userland(&world) {
        // An ordinary user cannot enter a tree: such packages are refused before anything is written.
        let error = world
            .install("x", "1", |builder| {
                builder.pre_install_script("true");
            })
            .unwrap_err();
        assert!(matches!(error, ApplyError::Script { .. }), "{error}");
        return;
    }
    let logged = |version: &'static str| {
        move |builder: &mut PackageBuilder| {
            text(builder, "/file", version);
            // `read` gives a line without its end even where the file has none.
            let file = "$([ -e /file ] && read x < /file; echo ${x:-none})";
            let line = |phase: &str| format!("echo \"{phase}{version} $1 {file}\" >> /log; echo said");
            builder.pre_install_script(Scriptlet::new(line("pre")));
            builder.post_install_script(Scriptlet::new(line("post")));
            builder.pre_uninstall_script(Scriptlet::new(line("preun")));
            builder.post_uninstall_script(Scriptlet::new(line("postun")));
            builder.post_trans_script(Scriptlet::new(line("posttrans")));
        }
    };
    world.install("x", "1", logged("1")).unwrap();
    world.upgrade("x", "2", logged("2")).unwrap();
    world.erase("x").unwrap();
    let expected = "pre1 1 none\npost1 1 1\nposttrans1 1 1\npre2 2 1\npost2 2 2\npreun1 1 2\npostun1 1 2\nposttrans2 1 2\n\
                    preun2 0 2\npostun2 0 none\n";
    assert_eq!(world.text("/log"), expected);
    let before = world.tree();
    let error = world.install("bad", "1", |builder| {
        text(builder, "/bad", "bad");
        builder.pre_install_script(Scriptlet::new("exit 3"));
    });
    assert_eq!(error.unwrap_err().to_string(), "%pre of bad-1-1.noarch failed with exit code 3");
    assert_eq!(world.tree(), before);
    let told = Told::default();
    let package = world.build("warns", "1", |builder| {
        builder.post_install_script(Scriptlet::new("echo oh; exit 4"));
    });
    let locked = world.system().lock().unwrap();
    locked.apply(&[install(package)], &Settings { observer: &told, ..settings() }).unwrap();
    let told = told.0.into_inner().unwrap().join("\n");
    assert!(told.contains("oh\\n") && told.contains("%post of warns-1-1.noarch failed with exit code 4"), "{told}");
}

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
        let locked = world.system().lock().unwrap();
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
    whole.system().lock().unwrap().apply(&steps, &settings()).unwrap();
    let new = (whole.tree(), whole.installed());
    for count in 1.. {
        let world = World::new();
        let steps = eventful(&world);
        let old = (world.tree(), world.installed());
        let gate = OneFailure(PowerCut::after(count));
        let locked = world.system().lock().unwrap();
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
    let open = |path: &str| tdnf::rpmfile::RpmFile::open(Path::new(path)).unwrap().verified(&common::keys()).unwrap();
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
        victim.args(["--exact", "a_victim"]).env(VICTIM, task).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        if victim.status().unwrap().success() {
            break;
        }
        killed += 1;
        // The lock went with the process.
        let locked = world.system().lock().unwrap();
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
    let world = World::new();
    let steps = eventful(&world);
    let system = world.system();
    let locked = system.lock().unwrap();
    let cut = PowerCut::after(60);
    locked.apply(&steps, &Settings { gate: &cut, ..settings() }).unwrap_err();
    assert!(system.is_interrupted().unwrap());
    assert!(matches!(locked.recover(&settings()).unwrap(), Some(Recovery::Undone | Recovery::Finished)));
    assert!(!system.is_interrupted().unwrap());
}

#[test]
fn owners_come_from_the_tree() {
    let world = World::new();
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    fs::create_dir(world.path("/etc")).unwrap();
    fs::write(world.path("/etc/passwd"), "root:x:0:0::/:/bin/sh\nx:x:471:472::/:/bin/false\n").unwrap();
    fs::write(world.path("/etc/group"), "root:x:0:\nx:x:472:\n").unwrap();
    let told = Told::default();
    let package = world.build("x", "1", |builder| {
        let own = FileOptions::new("/var/x").user("x").group("x").permissions(0o6750).caps("cap_net_raw=ep").unwrap();
        builder.with_file_contents("x", own).unwrap();
        builder.with_file_contents("x", FileOptions::new("/var/nobody").user("nobody").permissions(0o600)).unwrap();
    });
    world.system().lock().unwrap().apply(&[install(package)], &Settings { observer: &told, ..settings() }).unwrap();
    let metadata = fs::metadata(world.path("/var/x")).unwrap();
    assert_eq!((metadata.uid(), metadata.gid(), metadata.permissions().mode() & 0o7777), (471, 472, 0o6750));
    assert_eq!(fs::metadata(world.path("/var/nobody")).unwrap().uid(), 0);
    let told = told.0.into_inner().unwrap().join("\n");
    assert!(told.contains("the system does not know `nobody:root`"), "{told}");
}
