//! Scripts of foreign packages.

use std::fs;
use std::path::{Path, PathBuf};

use rpm::{PackageBuilder, Scriptlet};
use rpm_engine::transaction::{ApplyError, Settings};

use crate::world::{Recorded, World, install, settings};
use testing::packages::text;

/// The programs of this machine, for scripts to run in.
fn userland(world: &World) -> bool {
    if !nix::unistd::geteuid().is_root() {
        return false;
    }
    for program in ["/bin/sh", "/bin/mv"].map(Path::new) {
        let libraries = std::process::Command::new("ldd").arg(program).output().unwrap();
        let text = String::from_utf8(libraries.stdout).unwrap();
        let files = text.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from).chain([program.to_owned()]);
        for file in files {
            let target = world.path(file.to_str().unwrap());
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::copy(&file, target).unwrap();
        }
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
    let expected = "pre1 1 none\npost1 1 1\nposttrans1 1 1\npre2 2 1\npost2 2 2\npreun1 1 2\npostun1 1 2\nposttrans2 2 2\n\
                    preun2 0 2\npostun2 0 none\n";
    assert_eq!(world.text("/log"), expected);
    let before = world.tree();
    let error = world.install("bad", "1", |builder| {
        text(builder, "/bad", "bad");
        builder.pre_install_script(Scriptlet::new("exit 3"));
    });
    assert_eq!(error.unwrap_err().to_string(), "%pre of bad-1-1.noarch failed with exit code 3");
    assert_eq!(world.tree(), before);
    let recorded = Recorded::default();
    let package = world.build("warns", "1", |builder| {
        builder.post_install_script(Scriptlet::new("echo oh; exit 4"));
    });
    let locked = world.lock();
    locked.apply(&[install(package)], &Settings { observer: &recorded, ..settings() }).unwrap();
    let recorded = recorded.0.into_inner().unwrap().join("\n");
    assert!(recorded.contains("oh\\n") && recorded.contains("%post of warns-1-1.noarch failed with exit code 4"), "{recorded}");
}

/// What a package may not replace may be moved out of the way by its `%pretrans`, as with rpm.
#[test]
fn before_all_comes_before_the_check_of_what_is_in_the_way() {
    let world = World::new();
    fs::create_dir_all(world.path("/srv/data")).unwrap();
    fs::write(world.path("/srv/data/mine"), "mine").unwrap();
    let package = |script: Option<&'static str>| {
        move |builder: &mut PackageBuilder| {
            builder.with_symlink(rpm::FileOptions::symlink("/srv/data", "elsewhere")).unwrap();
            if let Some(script) = script {
                builder.pre_trans_script(Scriptlet::new(script));
            }
        }
    };
    let error = world.install("x", "1", package(None)).unwrap_err();
    assert!(matches!(error, ApplyError::InTheWay { .. }), "{error}");
    if !userland(&world) {
        return;
    }
    let before = world.tree();
    let error = world.install("x", "1", package(Some("exit 0"))).unwrap_err();
    assert!(matches!(error, ApplyError::InTheWay { .. }), "{error}");
    assert_eq!(world.tree(), before);
    let moves = world.build("x", "2", package(Some("mv /srv/data /srv/data.old")));
    world.system().check(&[install(moves)], &settings()).unwrap();
    world.install("x", "2", package(Some("mv /srv/data /srv/data.old"))).unwrap();
    assert_eq!(fs::read_link(world.path("/srv/data")).unwrap(), Path::new("elsewhere"));
    assert_eq!(world.text("/srv/data.old/mine"), "mine");
}

/// The order, the arguments and the input of rpm 4.18.
#[test]
fn triggers_of_other_packages_run() {
    let world = World::new();
    let log = "p=; while read l; do p=\"$p $l\"; done; echo \"$0 $*$p\" >> /log";
    let script = |name: &str| Scriptlet::new(log.replace("$0", name));
    let owner = |builder: &mut PackageBuilder| {
        text(builder, "/srv/own", "own");
        builder.trigger_in("app", Some((rpm::DependencyFlags::LESS, "2")), script("in"));
        builder.trigger_un("app", None, script("un"));
        builder.trigger_postun("app", None, script("postun"));
        builder.file_trigger_in("/srv/", None, script("filein"));
        builder.trans_file_trigger_in("/srv/", None, script("transin"));
        builder.trans_file_trigger_un("/srv/a", None, script("transun"));
        builder.trans_file_trigger_postun("/srv/a", None, script("transpostun"));
        builder.trigger_in("lua", None, Scriptlet::new("no()").prog(vec!["<lua>"]));
    };
    let app = |builder: &mut PackageBuilder| {
        text(builder, "/srv/app", "app");
        text(builder, "/usr/app", "app");
    };
    if !userland(&world) {
        let error = world.install("own", "1", owner).unwrap_err();
        let expected = "own-1-1.noarch contains a script (%filetriggerin) that cannot be run";
        assert!(error.to_string().starts_with(expected) || error.to_string().contains("(%transfiletriggerin)"), "{error}");
        return;
    }
    let ran = |expected: &str| {
        assert_eq!(fs::read_to_string(world.path("/log")).unwrap_or_default(), expected);
        let _ = fs::remove_file(world.path("/log"));
    };
    world.install("own", "1", owner).unwrap();
    ran("filein 0 /srv/own\ntransin 0 /srv/own\n");
    world.install("app", "1", app).unwrap();
    ran("filein 0 /srv/app\nin 1 1\ntransin 0 /srv/app\n");
    world.upgrade("app", "2", app).unwrap();
    ran("transun 0 /srv/app\nfilein 0 /srv/app\nun 1 1\npostun 1 1\ntransin 0 /srv/app\ntranspostun 0\n");
    let without = Settings { scripts: false, ..settings() };
    world.lock().apply(&[rpm_engine::transaction::Step::Erase { number: world.number("app") }], &without).unwrap();
    ran("");
    let recorded = Recorded::default();
    let lua = [install(world.build("lua", "1", |builder| text(builder, "/usr/lua", "lua")))];
    world.lock().apply(&lua, &Settings { observer: &recorded, ..settings() }).unwrap();
    let recorded = recorded.0.into_inner().unwrap();
    assert_eq!(recorded[0], "Warning { text: \"%triggerin of own-1-1.noarch is written in RPM's Lua and is not run\" }");
}
