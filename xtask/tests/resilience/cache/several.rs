//! Several caches, of which one cannot help, and builders that write one cache at the same time.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use super::{Manner, Published, built, serve, warnings};
use crate::resilience::project::{check_store, files, flip_a_byte, packages, text};

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn what_one_cache_has_damaged_comes_from_the_next() {
    let published = Published::new();
    let second = published.project.path("elsewhere");
    for (name, content) in files(&published.cache()) {
        let path = second.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    flip_a_byte(&published.package("lib"));
    fs::remove_file(published.package("more")).unwrap();
    for client in ["auto", "builtin"] {
        let user = published.user(client).trusts();
        let with = ["--json", "--debian-client", client, "--cache", "cache", "--cache", "elsewhere", "--cache-only", "build"];
        let output = user.run(&with);
        assert!(output.status.success(), "{}", text(&output.stdout));
        assert_eq!((packages(&output), built(&output)), (published.digests.clone(), vec![]));
        check_store(&user.store);
        let (mut warnings, cache) = (warnings(&output), published.cache());
        warnings.sort();
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        for (warning, package) in warnings.iter().zip(["lib-1", "more-2"]) {
            let begin = format!("`{package}");
            let middle =
                format!("of the cache `file:{}` is not used, and the cache `file:{}` is asked for it", cache.display(), second.display());
            assert!(warning.starts_with(&begin) && warning.contains(&middle), "{warning}");
        }
    }
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_folder_that_cannot_be_read_is_an_error_and_not_an_empty_cache() {
    let published = Published::new();
    let user = published.user("second").trusts();
    let entries = published.cache().join("ac");
    fs::set_permissions(&entries, Permissions::from_mode(0o000)).unwrap();
    let refused = user.run(&["--cache", "cache", "plan"]);
    // A cache of cache.toml is not worth an error: its disk may not be there today.
    let settings = user.home.join("kaon/cache.toml");
    let table = format!("\n[[cache]]\nname = \"disk\"\nurl = \"file://{}\"\nuse = true\n", published.cache().display());
    fs::write(&settings, fs::read_to_string(&settings).unwrap() + &table).unwrap();
    let named = user.run(&["--json", "plan"]);
    let checked = user.run(&["cache", "check"]);
    fs::set_permissions(&entries, Permissions::from_mode(0o755)).unwrap();
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("cannot read the cache `{}`", entries.display())), "{said}");
    assert!(said.contains("Permission denied") && said.contains("check who may read the directory"), "{said}");
    assert!(named.status.success() && checked.status.code() == Some(1));
    let warnings = warnings(&named);
    assert!(warnings.len() == 1 && warnings[0].starts_with("the cache `disk` is not used: cannot read the cache `"), "{warnings:?}");

    let gone = user.run(&["--cache", "file:///nowhere/at/all", "plan"]);
    assert!(text(&gone.stderr).contains("cannot read the cache `/nowhere/at/all`"), "{}", text(&gone.stderr));
    let elsewhere = user.run(&["--cache", "file://host/srv/kaon", "plan"]);
    assert_eq!(elsewhere.status.code(), Some(2));
    assert!(text(&elsewhere.stderr).contains("names the machine `host`"), "{}", text(&elsewhere.stderr));
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_web_page_in_place_of_a_cache_is_named() {
    let published = Published::new();
    let page = serve(&published.cache(), Manner::ShowsAPage);
    let user = published.user("second");
    let trusted = user.run(&["cache", "trust", &page]);
    let said = text(&trusted.stderr);
    assert!(said.contains(&format!("the server answered with a web page where `{page}/builder.toml` was expected")), "{said}");
    let store = published.project.path("first");
    let pushed = published.project.run(&store, &["cache", "push", "--to", &page]);
    let said = text(&pushed.stderr);
    assert_eq!(pushed.status.code(), Some(1), "{said}");
    assert!(said.contains("was not stored: a web page answers in place of the server"), "{said}");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn builders_that_export_at_once_all_sign() {
    let published = Published::new();
    let shared = published.project.path("shared");
    let users: Vec<_> = ["second", "third", "fourth"].map(|name| published.user(name)).into_iter().collect();
    for user in &users {
        user.builds_with("");
    }
    let export = |user: &super::User<'_>| {
        let mut command = user.command(&["cache", "export", "shared", "--name", user.home.file_name().unwrap().to_str().unwrap()]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let exports: Vec<_> = users.iter().map(export).collect();
    for ended in exports.into_iter().map(|child| child.wait_with_output().unwrap()) {
        assert!(ended.status.success(), "{}", text(&ended.stderr));
    }
    let reader = published.user("fifth");
    assert!(reader.run(&["cache", "trust", "shared"]).status.success());
    let checked = text(&reader.run(&["--cache", "shared", "cache", "check"]).stdout);
    assert!(checked.contains("3 of 3 results"), "{checked}");
    for name in ["home-second", "home-third", "home-fourth"] {
        assert!(checked.contains(name), "{checked}");
    }
    assert_eq!(files(&shared.join("ac")).len(), 3);
}
