//! Only what is needed is taken from a cache.

use std::fs;

use base::digest::Digest;
use runtime::store::Store;

use super::{Project, Published, User, built, check_store, text, warnings};

/// Changes a spec.
fn change(project: &Project, spec: &str, from: &str, to: &str) {
    let path = project.path(&format!("specs/{spec}/package.toml"));
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

/// The published packages that a user has.
fn had(user: &User<'_>) -> Vec<&'static str> {
    let store = Store::open(&user.store).unwrap();
    let has = |name: &&str| store.object(&user.published.digests[*name].parse::<Digest>().unwrap()).is_some();
    ["app", "lib", "more"].into_iter().filter(has).collect()
}

/// Builds `app` successfully, with these options. Returns what was built here, and the warnings.
fn builds(user: &User<'_>, options: &[&str]) -> (Vec<String>, Vec<String>) {
    let output = user.run(&[&["--json"], options, &["build", "app"]].concat());
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    check_store(&user.store);
    (built(&output), warnings(&output))
}

const CACHE: [&str; 2] = ["--cache", "cache"];

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn what_is_only_built_on_is_fetched_or_built_when_it_is_needed() {
    let published = Published::new();
    let [with, without] = ["with", "without"].map(|name| published.user(name).trusts());
    let plan = text(&with.run(&["--cache", "cache", "plan", "app"]).stdout);
    assert!(plan.contains("unused   lib") && plan.contains("unused   more") && plan.contains("shared   app"), "{plan}");
    let size = fs::metadata(published.package("app")).unwrap().len() as f64 / f64::from(1 << 20);
    assert!(plan.contains(&format!("0 to build or check, 0 cached, 1 shared ({size:.1} MiB to fetch), 2 unused")), "{plan}");
    for user in [&with, &without] {
        assert_eq!(builds(user, &CACHE), (vec![], vec![]));
        assert_eq!(had(user), ["app"]);
        // Without the cache, and after `gc`, the keys are known as before.
        assert!(user.run(&["gc", "--all"]).status.success());
        assert_eq!(builds(user, &[]), (vec![], vec![]));
        let plan = text(&user.run(&["plan", "app"]).stdout);
        assert!(plan.contains("0 to build or check, 1 cached, 2 unused"), "{plan}");
    }
    let asked = published.user("all").trusts();
    assert_eq!(asked.builds_with("cache"), (vec![], vec![]));
    assert_eq!(had(&asked), ["app", "lib", "more"]);
    change(&published.project, "app", "mkdir -p", "true\nmkdir -p");
    assert_eq!(builds(&with, &CACHE), (vec!["app".to_owned()], vec![]));
    assert_eq!(had(&with), ["app", "lib", "more"]);
    assert_eq!(builds(&without, &[]).0, ["app", "lib", "more"]);
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn what_is_lost_is_built_on_what_the_cache_has() {
    let published = Published::new();
    let early = published.user("early").trusts();
    assert!(early.run(&["build", "more"]).status.success());
    assert_eq!(builds(&early, &CACHE), (vec![], vec![]));
    // What others built is known, so nothing is missing in what is exported.
    let exported = early.run(&["cache", "export", "elsewhere", "--name", "early"]);
    let said = text(&exported.stdout) + &text(&exported.stderr);
    assert!(said.contains("1 results added") && !said.contains("not built here"), "{said}");
    fs::remove_file(published.package("app")).unwrap();
    let user = published.user("second").trusts();
    let (built, warnings) = builds(&user, &CACHE);
    assert_eq!((built, warnings.len()), (vec!["app".to_owned()], 1), "{warnings:?}");
    assert_eq!(had(&user), ["app", "lib", "more"]);
    fs::remove_file(published.package("lib")).unwrap();
    let user = published.user("third").trusts();
    let (built, warnings) = builds(&user, &CACHE);
    assert_eq!((built, warnings.len()), (vec!["app".to_owned(), "lib".to_owned()], 2), "{warnings:?}");
    // What is known of a result goes with the builder that vouched for it.
    let forgotten = early.run(&["cache", "forget", "first"]);
    assert!(text(&forgotten.stdout).contains("2 results that only first vouched for dropped: app, lib"), "{forgotten:?}");
    assert_eq!(builds(&early, &[]).0, ["app", "lib"]);
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_package_that_is_not_built_as_the_cache_promised_is_no_harm() {
    let project = Project::new();
    change(&project, "lib", "cp $SRC", "echo $RANDOM $RANDOM $RANDOM >$DESTDIR/usr/share/lib/random\ncp $SRC");
    change(&project, "more", "[build.none]", "[requires]\nbuild = [\"lib\"]\n[build.none]");
    change(&project, "more", "mkdir -p", "cat /usr/share/lib/random\nmkdir -p");
    let published = Published::of(project);
    let user = published.user("second").trusts();
    for package in ["app", "more"] {
        assert!(user.run(&["--cache", "cache", "build", package]).status.success());
    }
    assert_eq!(had(&user), ["app", "more"]);
    change(&published.project, "app", "mkdir -p", "true\nmkdir -p");
    // `more` is as it was, until another `lib` is built for `app`.
    let plan = text(&user.run(&["plan", "app"]).stdout);
    assert!(plan.contains("build    lib") && plan.contains("cached   more") && plan.contains("build    app"), "{plan}");
    assert_eq!(builds(&user, &[]), (["app", "lib", "more"].map(str::to_owned).to_vec(), vec![]));
    assert_eq!(builds(&user, &[]), (vec![], vec![]));
}
