//! Whether builders are right to be trusted.

use std::fs;

use super::Published;
use crate::resilience::project::text;

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn results_that_a_build_here_makes_are_verified() {
    let published = Published::new();
    let user = published.user("second").trusts();
    let output = user.run(&["--cache", "cache", "cache", "verify"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "lib: the same\nmore: the same\napp: the same\n");
    let output = user.run(&["--json", "cache", "verify", "app", "--sample", "1"]);
    assert!(output.status.success(), "{}", text(&output.stdout));
    assert_eq!(text(&output.stdout).matches("\"verdict\":\"same\"").count(), 1, "{}", text(&output.stdout));
    let nothing = published.project.run(&published.project.path("first"), &["cache", "verify"]);
    assert!(text(&nothing.stderr).contains("no result of another builder is among these"), "{}", text(&nothing.stderr));
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_result_that_no_build_here_makes_is_found() {
    // What differs from build to build is what a liar's package looks like.
    let published = Published::with("cat /proc/sys/kernel/random/uuid >$DESTDIR/usr/share/app/id");
    let user = published.user("second").trusts();
    let output = user.run(&["--cache", "cache", "cache", "verify"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    let (said, shown) = (text(&output.stderr), text(&output.stdout));
    assert!(said.contains("error: 1 of 3 results are not what a build here makes: `app`"), "{said}");
    assert!(shown.contains("lib: the same\n") && shown.contains("app: different\n  app-3-1"), "{shown}");
    assert!(shown.contains(&format!("{} in the cache", published.digests["app"])), "{shown}");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn what_only_a_forgotten_builder_signed_is_built() {
    let published = Published::new();
    let user = published.user("second").trusts();
    assert_eq!(user.builds_with("cache"), (vec![], vec![]));
    let unknown = user.run(&["cache", "forget", "frist"]);
    assert_eq!(unknown.status.code(), Some(2), "{}", text(&unknown.stderr));
    assert!(text(&unknown.stderr).contains("did you mean `first`?"), "{}", text(&unknown.stderr));
    let settings = user.home.join("kaon/cache.toml");
    let before = fs::read_to_string(&settings).unwrap();
    fs::write(&settings, format!("# mine\n{before}")).unwrap();
    let tried = user.run(&["cache", "forget", "first", "--dry-run"]);
    assert_eq!(text(&tried.stdout), "3 results that only first vouched for would be dropped: app, lib, more\n".to_owned());
    let forgotten = user.run(&["cache", "forget", "first"]);
    assert!(text(&forgotten.stdout).starts_with("3 results that only first vouched for dropped"), "{}", text(&forgotten.stderr));
    assert_eq!(fs::read_to_string(&settings).unwrap(), "# mine\n");
    let (built, warnings) = user.builds_with("cache");
    assert_eq!((built.len(), warnings.len()), (3, 1), "{warnings:?}");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_builder_keeps_its_name_and_is_trusted_once() {
    let published = Published::new();
    let export = |name: &[&str]| {
        let output = published.project.run(&published.project.path("first"), &[&["cache", "export", "cache"], name].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        (text(&output.stdout), text(&output.stderr))
    };
    assert!(export(&[]).0.contains("signed by first, key "));
    let user = published.user("second").trusts();
    let again = text(&user.run(&["cache", "trust", "cache"]).stdout);
    assert!(again.starts_with("first: key ") && again.contains(", trusted already\n") && again.contains("stays as it is"), "{again}");
    let (said, warned) = export(&["--name", "main"]);
    assert!(said.contains("signed by main, key "), "{said}");
    assert!(warned.contains("this builder was called `first` in the cache, and is `main` from now on"), "{warned}");
    let renamed = text(&user.run(&["cache", "trust", "cache"]).stdout);
    assert!(renamed.contains("trusted already as `first`\n"), "{renamed}");

    fs::write(published.cache().join("builder.toml"), "[builder").unwrap();
    let output = published.project.run(&published.project.path("first"), &["cache", "export", "cache"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("error: the list of builders `cache/builder.toml` is damaged") && said.contains("remove it"), "{said}");
    fs::remove_file(published.cache().join("builder.toml")).unwrap();
    export(&["--name", "first"]);
    assert_eq!(user.builds_with("cache"), (vec![], vec![]));
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn what_cannot_be_believed_or_taken_is_told_before_the_build() {
    let published = Published::new();
    let user = published.user("second").trusts();
    fs::remove_file(published.package("more")).unwrap();
    let checked = user.run(&["--cache", "cache", "cache", "check"]);
    let said = text(&checked.stdout);
    assert_eq!(checked.status.code(), Some(1), "{said}");
    assert!(said.contains("1 packages of these results are not there, more-"), "{said}");
    let settings = user.home.join("kaon/cache.toml");
    let cache = format!("[[cache]]\nname = \"team\"\nurl = \"file://{}\"\nagree = 5\n", published.cache().display());
    fs::write(&settings, fs::read_to_string(&settings).unwrap() + "\n" + &cache).unwrap();
    let planned = text(&user.run(&["--cache", "team", "plan"]).stderr);
    assert!(planned.contains("nothing of the cache `team` is used: 5 builders must agree"), "{planned}");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn results_of_the_specs_as_they_are_survive_pruning() {
    let published = Published::new();
    let prune = |arguments: &[&str]| {
        let output = published.project.run(&published.project.path("first"), &[&["cache", "prune", "cache"], arguments].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    assert_eq!(prune(&["--keep-days", "0"]), "cache: 0 results and 0 files removed, 0.0 MiB\n");
    assert_eq!(published.user("second").trusts().builds_with("cache"), (vec![], vec![]));
    let spec = published.project.path("specs/more/package.toml");
    fs::write(&spec, fs::read_to_string(&spec).unwrap().replace("release = 1", "release = 2")).unwrap();
    published.project.build(&published.project.path("first"));
    assert!(prune(&[]).starts_with("cache: 0 results and 0 files removed"));
    // `app` is built on `more`, so both are new; what was signed of each is a file, too.
    let pruned = prune(&["--keep-days", "0"]);
    assert!(pruned.starts_with("cache: 2 results and 4 files removed"), "{pruned}");
}
