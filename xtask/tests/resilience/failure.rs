//! What users see of a failed build, or of one whose output cannot be packaged.

use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use base::diagnostic::must_be_escaped;

use super::project::{Project, check_store, events, text};

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_failure_is_shown_once_and_its_output_does_nothing_to_the_terminal() {
    let project = Project::with(r"printf '\\033[2J\\033]0;title\\007error: all is well\\r\\n'; false");
    let store = project.store("store");
    let output = project.run(&store, &["build"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(!said.contains(must_be_escaped), "{said:?}");
    assert!(said.contains("error: package `app` failed in its finish phase (exit code 1)\n  | ==> "), "{said}");
    assert!(said.contains("\n  | \\x1b[2J\\x1b]0;title\\x07error: all is well\nhint: the whole log is `"), "{said}");
    assert!(said.ends_with("\nerror: 1 package failed: app\n"), "{said}");
    assert_eq!((said.matches("error: ").count(), said.matches("hint: ").count()), (3, 1), "{said}");

    let output = project.run(&project.store("other"), &["--json", "build"]);
    assert_eq!(text(&output.stderr), "");
    let events = events(&output);
    let failed: Vec<_> = events.iter().filter(|event| event["kind"] == "failed").collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!((&failed[0]["unit"], &failed[0]["phase"]), (&"package app".into(), &"finish".into()));
    assert!(Path::new(failed[0]["log"].as_str().unwrap()).is_file());
    let lines = failed[0]["failure"]["last-lines"].as_array().unwrap();
    assert_eq!(lines.last().unwrap(), "\u{1b}[2J\u{1b}]0;title\u{7}error: all is well");
    assert_eq!(events.last().unwrap()["message"], "1 package failed: app");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_build_cannot_cut_its_own_log_nor_see_where_it_is() {
    let project =
        Project::with("echo the cause; python3 -c 'import os; print(os.readlink(\"/proc/self/fd/1\"))'; echo note >/dev/stderr; false");
    let store = project.store("store");
    let said = text(&project.run(&store, &["build"]).stderr);
    assert!(said.contains("\n  | the cause\n  | pipe:[") && said.contains("\n  | note\n"), "{said}");
    let log = text(&project.run(&store, &["log", "app"]).stdout);
    assert!(log.contains("==> finish\n") && log.ends_with("note\n"), "{log}");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn access_control_lists_are_refused() {
    // A list in the form of the attribute: version 2, then tag, rights and id of each entry (linux/posix_acl_xattr.h).
    let set = "python3 -c 'import os,struct; f=os.environ[\"DESTDIR\"]+\"/usr/share/app/secret\"; open(f,\"w\").write(\"x\"); os.chmod(f,0o600); \
        os.setxattr(f,\"system.posix_acl_access\",struct.pack(\"<I\",2)+b\"\".join(struct.pack(\"<HHI\",*e) for e in [(1,6,2**32-1),(2,6,0),(4,0,2**32-1),(16,6,2**32-1),(32,0,2**32-1)]))'";
    let project = Project::with(set);
    let said = text(&project.run(&project.store("store"), &["build"]).stderr);
    assert!(said.contains("`/usr/share/app/secret` (it has an access control list, which would be lost"), "{said}");
    assert!(said.contains("error: package `app` was built, but cannot be packaged\n"), "{said}");
    let events = events(&project.run(&project.store("other"), &["--json", "build"]));
    let failed = events.iter().find(|event| event["kind"] == "failed").unwrap();
    assert_eq!((&failed["unit"], &failed["phase"]), (&"package app".into(), &"package".into()));
    assert!(Path::new(failed["log"].as_str().unwrap()).is_file());
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_file_that_changes_during_a_build_is_never_built_under_the_old_key() {
    for (what, change) in [("patch.txt", "AFTER"), ("late", "AFTER")] {
        let project = Project::with("sleep 4; cat $FILES/patch.txt >$DESTDIR/usr/share/app/patch");
        let folder = project.path("specs/app");
        fs::write(folder.join("patch.txt"), "BEFORE").unwrap();
        fs::write(folder.join("late"), "BEFORE").unwrap();
        let spec = folder.join("package.toml");
        let text_of = fs::read_to_string(&spec).unwrap();
        fs::write(&spec, text_of + "\n[install]\nlate = \"/usr/share/app/late\"\n").unwrap();
        let store = project.store("store");
        let mut builder = project.command(&store, &["--json", "build"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(builder.stdout.take().unwrap()).lines();
        let begun = if what == "late" { r#""started","unit":"package app""# } else { r#""started""# };
        while !lines.next().unwrap().unwrap().contains(begun) {}
        fs::write(folder.join(what), change).unwrap();
        let rest: String = lines.map(|line| line.unwrap() + "\n").collect();
        let ended = builder.wait().unwrap();
        if !ended.success() {
            assert!(rest.contains("was changed while the command ran"), "{rest}");
        }
        // Stored results match their keys: a build with the old content contains nothing of the new one.
        fs::write(folder.join(what), "BEFORE").unwrap();
        let again = project.run(&store, &["build", "app"]);
        assert!(again.status.success(), "{}", text(&again.stderr));
        let built = text(&again.stdout);
        let path = built.lines().find_map(|line| line.split_once(' ')).unwrap().1.to_owned();
        assert!(!contents(&path).contains("AFTER"), "{what}");
    }
}

/// The content of a package's files, concatenated.
fn contents(package: &str) -> String {
    let package = rpm::Package::open(package).unwrap();
    let files = package.files().unwrap().map(|file| String::from_utf8_lossy(file.unwrap().content().unwrap_or_default()).into_owned());
    files.collect()
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn what_builds_on_a_failure_is_named_as_not_tried() {
    let project = Project::new();
    let spec = project.path("specs/lib/package.toml");
    let broken = fs::read_to_string(&spec).unwrap().replace("cp $SRC/data", "cp $SRC/nothing");
    fs::write(spec, broken).unwrap();
    let output = project.run(&project.store("store"), &["build"]);
    let said = text(&output.stderr);
    assert!(said.ends_with("\nerror: 1 package failed: lib; 1 that builds on it was not tried: app\n"), "{said}");
    assert!(said.contains("/3] package more: built in "), "{said}");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_build_whose_events_nobody_reads_ends_soon_and_quietly() {
    let project = Project::with("sleep 600");
    let store = project.store("store");
    let mut builder = project.command(&store, &["--json", "build"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(builder.stdout.take().unwrap()).lines();
    while !lines.next().unwrap().unwrap().contains(r#""started","unit":"package app""#) {}
    drop(lines);
    let begun = Instant::now();
    let output = builder.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(130), String::new()));
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    check_store(&store);

    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = project.command(&store, &["--json", "build"]).stdout(full).output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("error: cannot write to standard output\n  cause: No space left on device"), "{said}");
    check_store(&store);
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_shell_opens_where_the_failed_step_worked_and_can_run_it_again() {
    let project = Project::new();
    let build = |store: &Path, rest: &str| {
        let spec = format!("[package]\nversion = \"1\"\nrelease = 1\nsummary = \"x\"\nlicense = \"MIT\"\n{rest}\n");
        fs::write(project.path("specs/app/package.toml"), spec).unwrap();
        assert_eq!(project.run(store, &["build", "app"]).status.code(), Some(1));
    };
    let shell = |store: &Path, command: &[&str]| project.run(store, &[&["shell", "app", "--"], command].concat());

    let store = project.store("step");
    build(&store, "[build.script]\nrun = 'echo again; echo x >half-made; false'");
    let said = text(&shell(&store, &["bash", "-c", "pwd; echo *"]).stderr);
    let greeting =
        "`app` failed in its build phase, in `/build/src`; `failed-step` runs the phase again, `cargo xtask log app` prints its output\n";
    assert!(said.starts_with(greeting) && said.ends_with("\n/build/src\nhalf-made\n"), "{said}");
    let again = shell(&store, &["failed-step"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).ends_with("\nagain\n"), "{}", text(&again.stderr));

    let store = project.store("packaging");
    build(&store, "[build.none]\nfinish = 'echo x >$DESTDIR/file'\n[file.\"/nothing\"]\nmode = \"0600\"");
    let said = text(&shell(&store, &["bash", "-c", "pwd"]).stderr);
    assert!(said.starts_with("all phases of `app` succeeded, but no package could be made") && said.ends_with("\n/build\n"), "{said}");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn the_hint_of_a_failed_build_names_the_package_with_the_header_and_its_files_are_listed() {
    let failing =
        "if test ! -e /usr/include/lib/lib.h; then echo 'app.c:3:10: fatal error: lib/lib.h: No such file or directory'; false; fi";
    let project = Project::with(failing);
    let change = |name: &str, from: &str, to: &str| {
        let path = project.path("specs").join(name).join("package.toml");
        let before = fs::read_to_string(&path).unwrap();
        assert!(before.contains(from), "{before}");
        fs::write(&path, before.replace(from, to)).unwrap();
    };
    change("app", "[\"lib\", \"more\"]", "[\"more\"]");
    change("app", "cat /usr/share/lib/*/text /usr/share/lib/data", "cat");
    change(
        "lib",
        "cp $SRC/data $DESTDIR",
        "mkdir -p $DESTDIR/usr/include/lib; cp $SRC/data $DESTDIR/usr/include/lib/lib.h; cp $SRC/data $DESTDIR",
    );
    let store = project.store("store");
    let hint = |rest: &str| format!("hint: the header `lib/lib.h` {rest} of `specs/app/package.toml`; the whole log is `");
    let said = text(&project.run(&store, &["build", "app"]).stderr);
    let unbuilt = hint("may be in package `lib`, which is not built: add `\"lib\"` to `build` in `[requires]`");
    assert!(said.contains(&unbuilt), "{said}");
    let listed = project.run(&store, &["show", "lib", "--files"]);
    assert_eq!((listed.status.code(), text(&listed.stdout)), (Some(1), String::new()));
    assert_eq!(
        text(&listed.stderr),
        "error: package `lib` is not built from its current spec, so its files are not known\nhint: run `cargo xtask build lib` first\n"
    );

    assert!(project.run(&store, &["build", "lib"]).status.success());
    let said = text(&project.run(&store, &["build", "app"]).stderr);
    assert!(said.contains(&hint("is in package `lib`: add `\"lib\"` to `build` in `[requires]`")), "{said}");
    let listed = text(&project.run(&store, &["show", "lib", "--files"]).stdout);
    assert!(listed.starts_with("package lib\n0755  root:root "), "{listed}");
    assert!(listed.contains("\n0644  root:root    20  /usr/include/lib/lib.h\n"), "{listed}");
    let json: serde_json::Value = serde_json::from_slice(&project.run(&store, &["--json", "show", "lib", "--files"]).stdout).unwrap();
    let files = json["packages"][0]["files"].as_array().unwrap();
    let header = files.iter().find(|file| file["path"] == "/usr/include/lib/lib.h").unwrap();
    assert_eq!((&header["mode"], &header["size_bytes"], &header["kind"]), (&"0644".into(), &20.into(), &"file".into()));

    change("app", "[\"more\"]", "[\"lib\", \"more\"]");
    let output = project.run(&store, &["build", "app"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn what_a_failure_left_goes_with_the_next_success_and_can_be_removed_by_hand() {
    let project = Project::with("false");
    let (store, other) = (project.store("store"), project.store("other"));
    let kept = |store: &Path| {
        let names = fs::read_dir(store.join("scratch")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("failed-")).count()
    };
    for store in [&store, &other] {
        assert_eq!(project.run(store, &["build"]).status.code(), Some(1));
        assert_eq!(kept(store), 1);
    }
    fs::remove_dir_all(other.join("scratch")).unwrap();

    let app = project.path("specs/app/package.toml");
    fs::write(&app, fs::read_to_string(&app).unwrap().replace("false\n", "")).unwrap();
    project.build(&store);
    assert_eq!(kept(&store), 0);
}
