//! What successful and failed builds leave, and what other checkouts see of it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::project::{Project, check_store, text};

/// Directories that only root can enter, as the kernel leaves them in an overlay's work directory.
const CLOSED: &str = "mkdir -m 000 /build/src/a /build/src/a/b /build/src/a/b/c";

fn scratch(store: &Path) -> Vec<PathBuf> {
    fs::read_dir(store.join("scratch")).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_good_build_leaves_nothing_in_the_scratch_area() {
    let project = Project::with(CLOSED);
    let store = project.store("store");
    project.build(&store);
    assert_eq!(scratch(&store), Vec::<PathBuf>::new());
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn every_failure_shows_its_own_cause_and_the_last_one_is_kept() {
    let project = Project::with(&format!("{CLOSED}; echo this is failure 0; false"));
    let store = project.store("store");
    for _ in 0..3 {
        let said = text(&project.run(&store, &["build", "app"]).stderr);
        assert!(said.contains("| this is failure 0") && said.contains("failed in its"), "{said}");
        assert!(!said.contains("Permission denied") && !said.contains("KAON_STORE"), "{said}");
        let kept = scratch(&store);
        assert_eq!(kept.len(), 1, "{kept:?}");
        assert!(kept[0].join("job.json").is_file() && kept[0].join("upper").is_dir(), "{kept:?}");
    }
    let log = project.run(&store, &["log", "app"]);
    assert!(text(&log.stdout).contains("this is failure 0"), "{log:?}");
    let collected = project.run(&store, &["gc", "--all"]);
    assert!(collected.status.success(), "{}", text(&collected.stderr));
    assert_eq!(scratch(&store), Vec::<PathBuf>::new());
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn gc_goes_on_past_what_it_cannot_remove() {
    let project = Project::with("false");
    let store = project.store("store");
    assert!(!project.run(&store, &["build"]).status.success());
    let logs = store.join("logs");
    let count = || fs::read_dir(&logs).unwrap().count();
    let before = count();
    fs::remove_dir_all(project.path("specs/more")).unwrap();
    let locks = store.join("locks");
    // Nothing can be removed from a read-only directory. Opening the store does not change existing directories.
    fs::set_permissions(&logs, fs::Permissions::from_mode(0o500)).unwrap();
    let app = project.path("specs/app/package.toml");
    fs::write(&app, fs::read_to_string(&app).unwrap().replace("build = [\"lib\", \"more\"]", "build = [\"lib\"]")).unwrap();
    let collected = project.run(&store, &["gc", "--all"]);
    fs::set_permissions(&logs, fs::Permissions::from_mode(0o700)).unwrap();
    let said = text(&collected.stderr);
    assert_eq!(scratch(&store), Vec::<PathBuf>::new());
    assert_eq!(fs::read_dir(&locks).unwrap().count(), 1, "the lock of the store's users stays");
    if nix::unistd::geteuid().is_root() {
        // Root can remove everything.
        assert!(collected.status.success() && count() < before, "{said}");
    } else {
        assert_eq!(collected.status.code(), Some(1), "{said}");
        assert_eq!(said.matches("error: cannot remove").count(), 1, "{said}");
        assert!(said.contains("more.log") && count() == before, "{said}");
    }
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn checkouts_that_share_a_store_have_logs_and_failed_builds_of_their_own() {
    let speaking = |name: &str| format!("for ((n = 0; n < 300; n++)); do echo {name} $n; sleep 0.005; done; false");
    let projects = ["first", "second"].map(|name| (name, Project::with(&speaking(name))));
    let store = projects[0].1.store("store");
    let start = |project: &Project| project.command(&store, &["build"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let builders = projects.each_ref().map(|(_, project)| start(project));
    let outputs = builders.map(|builder| builder.wait_with_output().unwrap());
    assert_eq!(scratch(&store).len(), 2);
    for ((name, project), output) in projects.iter().zip(&outputs) {
        let tail = text(&output.stderr);
        assert!(tail.contains(&format!("| {name} 299")), "{tail}");
        let log = text(&project.run(&store, &["log", "app"]).stdout);
        let lines: Vec<&str> = log.lines().filter(|line| line.starts_with("first ") || line.starts_with("second ")).collect();
        let expected: Vec<String> = (0..300).map(|n| format!("{name} {n}")).collect();
        assert_eq!(lines, expected);
    }
    // `gc` in one checkout keeps recent leftovers of the other.
    let collected = projects[0].1.run(&store, &["gc"]);
    assert!(collected.status.success(), "{}", text(&collected.stderr));
    assert_eq!(scratch(&store).len(), 2);
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn packages_without_files_and_with_closed_directories_are_built_on() {
    let project = Project::with("cat /usr/share/closed/within/file >$DESTDIR/usr/share/app/more");
    let app = project.path("specs/app/package.toml");
    fs::write(&app, fs::read_to_string(&app).unwrap().replace("\"more\"]", "\"more\", \"meta\"]")).unwrap();
    let head = "[package]\nversion = \"1\"\nrelease = 1\nsummary = \"For a test\"\nlicense = \"MIT\"\n";
    let specs = [
        ("meta", format!("{head}[requires]\nrun = [\"closed\"]\n[build.none]\n")),
        (
            "closed",
            format!(
                "{head}[directories]\n\"/usr/share/closed\" = \"0555\"\n\"/usr/share/closed/within\" = \"0555\"\n[build.none]\n\
                 finish = \"mkdir -p $DESTDIR/usr/share/closed/within; echo x >$DESTDIR/usr/share/closed/within/file\"\n"
            ),
        ),
    ];
    for (name, spec) in specs {
        fs::create_dir(project.path("specs").join(name)).unwrap();
        fs::write(project.path("specs").join(name).join("package.toml"), spec).unwrap();
    }
    let store = project.store("store");
    let output = project.run(&store, &["build", "app"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    check_store(&store);
    let is_closed = |path: &Path| fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o7777 == 0o555);
    let trees = fs::read_dir(store.join("trees")).unwrap().map(|entry| entry.unwrap().path());
    let closed: Vec<PathBuf> = trees.map(|tree| tree.join("usr/share/closed")).filter(|path| path.exists()).collect();
    assert!(closed.len() == 1 && is_closed(&closed[0]) && is_closed(&closed[0].join("within")), "{closed:?}");
    let collected = project.run(&store, &["gc", "--all"]);
    assert!(collected.status.success(), "{}", text(&collected.stderr));
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_damaged_tree_of_a_package_is_found_and_made_anew() {
    let project = Project::new();
    let store = project.store("store");
    let sound = project.build(&store);
    let trees = fs::read_dir(store.join("trees")).unwrap().map(|entry| entry.unwrap().path());
    let lost: Vec<PathBuf> = trees.map(|tree| tree.join("usr/share/lib/data")).filter(|path| path.exists()).collect();
    assert_eq!(lost.len(), 1);
    fs::remove_file(&lost[0]).unwrap();
    let app = project.path("specs/app/package.toml");
    let text_before = fs::read_to_string(&app).unwrap();
    fs::write(&app, text_before.replace("version = \"3\"", "version = \"4\"")).unwrap();
    let output = project.run(&store, &["build"]);
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("is damaged: files are missing or changed; it is created again"), "{said}");
    assert!(lost[0].exists());
    fs::write(&app, text_before).unwrap();
    assert_eq!(project.build(&store), sound);
}
