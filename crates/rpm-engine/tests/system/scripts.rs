//! Scripts of foreign packages.

use std::fs;
use std::path::{Path, PathBuf};

use rpm::{PackageBuilder, Scriptlet};
use rpm_engine::transaction::{ApplyError, Settings};

use crate::world::{Recorded, World, install, settings};
use testing::packages::text;

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
    let recorded = Recorded::default();
    let package = world.build("warns", "1", |builder| {
        builder.post_install_script(Scriptlet::new("echo oh; exit 4"));
    });
    let locked = world.lock();
    locked.apply(&[install(package)], &Settings { observer: &recorded, ..settings() }).unwrap();
    let recorded = recorded.0.into_inner().unwrap().join("\n");
    assert!(recorded.contains("oh\\n") && recorded.contains("%post of warns-1-1.noarch failed with exit code 4"), "{recorded}");
}
