//! What becomes of files: new, replaced, edited, shared, behind links, with owners.

use std::error::Error;
use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, symlink};

use rpm::{FileOptions, PackageBuilder};
use rpm_engine::history::{Action, Reason};
use rpm_engine::transaction::{ApplyError, Settings, Step};

use crate::world::{Recorded, World, config, install, settings};
use testing::packages::{TIME, text};

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
    // What was there before any package.
    let world = World::new();
    fs::create_dir(world.path("/etc")).unwrap();
    fs::write(world.path("/etc/x.conf"), "mine").unwrap();
    world.install("x", "1", |builder| config(builder, "one", false)).unwrap();
    assert_eq!((world.text("/etc/x.conf"), world.text("/etc/x.conf.rpmorig")), ("one".into(), "mine".into()));
}

/// What the administrator put in the place of a configuration file is kept as an edited one is.
#[test]
fn links_and_pipes_in_place_of_configuration_are_kept() {
    for upgrade in [false, true] {
        let world = World::new();
        world
            .install("x", "1", |builder| {
                config(builder, "one", true);
                builder.with_file_contents("pipe", FileOptions::new("/etc/pipe").config()).unwrap();
            })
            .unwrap();
        for path in ["/etc/x.conf", "/etc/pipe"] {
            fs::remove_file(world.path(path)).unwrap();
        }
        symlink("/dev/null", world.path("/etc/x.conf")).unwrap();
        nix::unistd::mkfifo(&world.path("/etc/pipe"), nix::sys::stat::Mode::S_IRUSR).unwrap();
        let applied = if upgrade { world.upgrade("x", "2", |_| {}) } else { world.erase("x") };
        assert_eq!(applied.unwrap().notes.len(), 2);
        let kind = |path: &str| fs::symlink_metadata(world.path(path)).map(|found| found.file_type());
        assert!(kind("/etc/x.conf").is_err() && kind("/etc/pipe").is_err());
        assert_eq!(fs::read_link(world.path("/etc/x.conf.rpmsave")).unwrap().to_str(), Some("/dev/null"));
        assert!(kind("/etc/pipe.rpmsave").unwrap().is_fifo());
    }
}

/// A directory that has the name of a saved file is noticed before anything changes.
#[test]
fn a_directory_with_the_name_of_a_saved_file() {
    for (suffix, noreplace) in [("rpmsave", false), ("rpmnew", true)] {
        let world = World::new();
        world.install("x", "1", |builder| config(builder, "one", noreplace)).unwrap();
        fs::write(world.path("/etc/x.conf"), "mine").unwrap();
        let directory = format!("/etc/x.conf.{suffix}");
        fs::create_dir(world.path(&directory)).unwrap();
        fs::write(world.path(&directory).join("precious"), "precious").unwrap();
        let before = world.tree();
        let refused = |error: ApplyError| {
            assert!(matches!(&error, ApplyError::SavedNameTaken { directory: found, .. } if *found == directory), "{error}");
            assert!(error.hint().unwrap().contains(&directory));
            assert_eq!(world.tree(), before);
        };
        refused(world.upgrade("x", "2", |builder| config(builder, "two", noreplace)).unwrap_err());
        if suffix == "rpmsave" {
            refused(world.erase("x").unwrap_err());
        }
        fs::remove_dir_all(world.path(&directory)).unwrap();
        world.upgrade("x", "2", |builder| config(builder, "two", noreplace)).unwrap();
        assert!(world.path(&directory).is_file());
    }
    let world = World::new();
    fs::create_dir_all(world.path("/etc/x.conf.rpmorig")).unwrap();
    fs::write(world.path("/etc/x.conf"), "mine").unwrap();
    let error = world.install("x", "1", |builder| config(builder, "one", false)).unwrap_err();
    assert!(matches!(error, ApplyError::SavedNameTaken { .. }), "{error}");
    world.install("y", "1", |builder| text(builder, "/y", "y")).unwrap();
}

/// As RPM has it: settings that no package wrote stay, and what may be missing does not come back to whoever removed it.
#[test]
fn settings_of_programs_stay_and_removed_ones_stay_away() {
    let world = World::new();
    let fill = |content: &'static str| {
        move |builder: &mut PackageBuilder| {
            builder.with_ghost(FileOptions::ghost("/etc/made.conf").config().noreplace()).unwrap();
            builder.with_ghost(FileOptions::ghost("/var/cache/made")).unwrap();
            builder.with_file_contents(content, FileOptions::new("/etc/cron.d/x").config().missingok()).unwrap();
            builder.with_file_contents(content, FileOptions::new("/etc/plain").config()).unwrap();
        }
    };
    world.install("x", "1", fill("one")).unwrap();
    assert_eq!(world.text("/etc/cron.d/x"), "one", "the first time it comes");
    fs::write(world.path("/etc/made.conf"), "mine").unwrap();
    fs::create_dir_all(world.path("/var/cache")).unwrap();
    fs::write(world.path("/var/cache/made"), "by the program").unwrap();
    fs::remove_file(world.path("/etc/cron.d/x")).unwrap();
    fs::remove_file(world.path("/etc/plain")).unwrap();
    world.upgrade("x", "2", fill("two")).unwrap();
    assert!(!world.path("/etc/cron.d/x").exists());
    assert_eq!(world.text("/etc/plain"), "two");
    world.erase("x").unwrap();
    assert_eq!(world.text("/etc/made.conf"), "mine");
    assert!(!world.path("/var/cache/made").exists() && !world.path("/etc/made.conf.rpmsave").exists());
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
    // Replacing what conflicts is not a conflict.
    world.install("old", "1", |builder| text(builder, "/usr/bin/tool", "old")).unwrap();
    let package = world.build("new", "1", |builder| text(builder, "/usr/bin/tool", "new"));
    world.apply(&[Step::Install { package, obsoleted: vec![world.number("old")], reason: Reason::Dependency }]).unwrap();
    assert_eq!((world.installed(), world.text("/usr/bin/tool")), (vec!["new-1-1.noarch".to_owned()], "new".into()));
    assert_eq!(world.system().installed().unwrap()[0].reason, Reason::User);
}

#[test]
fn two_packages_replace_one() {
    let world = World::new();
    world.install("old", "1", |builder| text(builder, "/usr/bin/tool", "old")).unwrap();
    let number = world.number("old");
    let step = |name: &str| {
        let package = world.build(name, "1", |builder| text(builder, &format!("/usr/bin/{name}"), name));
        Step::Install { package, obsoleted: vec![number], reason: Reason::User }
    };
    world.apply(&[step("a"), step("b")]).unwrap();
    assert_eq!(world.installed(), ["a-1-1.noarch", "b-1-1.noarch"]);
    assert!(!world.path("/usr/bin/tool").exists());
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

/// A package may have one file by two paths, which a link of the system makes one place, but not two files.
#[test]
fn one_file_by_two_paths_of_a_package() {
    let world = World::new();
    fs::create_dir_all(world.path("/usr/lib")).unwrap();
    symlink("usr/lib", world.path("/lib")).unwrap();
    let twice = |other: &'static str| {
        move |builder: &mut PackageBuilder| {
            text(builder, "/lib/x/m", "same");
            text(builder, "/usr/lib/x/m", other);
            builder.with_symlink(FileOptions::symlink("/lib/x/l", "m")).unwrap();
            builder.with_symlink(FileOptions::symlink("/usr/lib/x/l", "m")).unwrap();
        }
    };
    assert!(matches!(world.install("other", "1", twice("another")), Err(ApplyError::Conflicts(_))));
    world.install("both", "1", twice("same")).unwrap();
    world.upgrade("both", "2", twice("same")).unwrap();
    assert_eq!((world.text("/usr/lib/x/m"), world.text("/usr/lib/x/l")), ("same".into(), "same".into()));
    world.erase("both").unwrap();
    assert!(!world.path("/usr/lib/x/m").exists() && fs::symlink_metadata(world.path("/usr/lib/x/l")).is_err());
}

/// Their owner cannot read them, and whether somebody edited them decides what an upgrade does.
#[test]
fn configuration_that_nobody_may_read_is_upgraded_and_kept() {
    let secret = |text: &'static str| {
        move |builder: &mut PackageBuilder| {
            builder.with_file_contents(text, FileOptions::new("/etc/secret").permissions(0).config().noreplace()).unwrap();
        }
    };
    let world = World::new();
    let path = world.path("/etc/secret");
    let closed = || fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let text = || {
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::read_to_string(&path).unwrap()
    };
    world.install("x", "1", secret("one")).unwrap();
    world.upgrade("x", "2", secret("two")).unwrap();
    assert_eq!(text(), "two");
    fs::write(&path, "mine").unwrap();
    closed();
    world.upgrade("x", "3", secret("three")).unwrap();
    assert_eq!(text(), "mine");
    assert!(world.path("/etc/secret.rpmnew").exists());
}

#[test]
fn owners_come_from_the_tree() {
    // What an ordinary user installs stays that user's, without capabilities.
    let (own, group) = (nix::unistd::geteuid(), nix::unistd::getegid().as_raw());
    let (owner, stranger) = if own.is_root() { ((471, 472), 0) } else { ((own.as_raw(), group), own.as_raw()) };
    let world = World::new();
    fs::create_dir(world.path("/etc")).unwrap();
    fs::write(world.path("/etc/passwd"), "root:x:0:0::/:/bin/sh\nx:x:471:472::/:/bin/false\n").unwrap();
    fs::write(world.path("/etc/group"), "root:x:0:\nx:x:472:\n").unwrap();
    let recorded = Recorded::default();
    let package = world.build("x", "1", |builder| {
        let own = FileOptions::new("/var/x").user("x").group("x").permissions(0o6750).caps("cap_net_raw=ep").unwrap();
        builder.with_file_contents("x", own).unwrap();
        builder.with_file_contents("x", FileOptions::new("/var/nobody").user("nobody").permissions(0o600)).unwrap();
    });
    world.lock().apply(&[install(package)], &Settings { observer: &recorded, ..settings() }).unwrap();
    let metadata = fs::metadata(world.path("/var/x")).unwrap();
    assert_eq!(((metadata.uid(), metadata.gid()), metadata.permissions().mode() & 0o7777), (owner, 0o6750));
    assert_eq!(fs::metadata(world.path("/var/nobody")).unwrap().uid(), stranger);
    let recorded = recorded.0.into_inner().unwrap().join("\n");
    assert_eq!(recorded.contains("`nobody:root` does not exist on this system"), own.is_root(), "{recorded}");
}

#[test]
fn a_package_that_was_changed_after_its_check_is_taken_back() {
    let world = World::new();
    world.install("x", "1", |builder| text(builder, "/usr/share/x", "1")).unwrap();
    let before = world.tree();
    let package = world.build("x", "2", |builder| text(builder, "/usr/share/x", "2"));
    let path = package.path().to_owned();
    let mut bytes = fs::read(&path).unwrap();
    let summary = b"a package for tests";
    let at = bytes.windows(summary.len()).position(|window| window == summary).unwrap();
    bytes[at] = b'A';
    fs::write(&path, bytes).unwrap();
    let step = Step::Upgrade { package, from: vec![world.number("x")], obsoleted: Vec::new() };
    let error = world.apply(&[step]).unwrap_err();
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    assert!(words.contains("was changed after it had been checked"), "{words}");
    assert_eq!(world.tree(), before);
    assert_eq!(world.installed(), ["x-1-1.noarch"]);
}
