//! tdnf changes what it is asked to change, and nothing beside it.

mod support;

use support::Machine;

const WORLD: &str = r#"
["app-1-1"]
requires = ["lib"]
["app-2-1"]
requires = ["lib"]
["app-3-1"]
requires = ["lib"]
["lib-1-1"]
["rec-1-1"]
["1:k-5.10-1"]
["1:k-6.1-1"]
["picky-1-1"]
conflicts = ["(bad unless fix)"]
["bad-1-1"]
["fix-1-1"]
["top-1-1"]
requires = ["fix"]
["leans-1-1"]
requires = ["old"]
["user-1-1"]
requires = ["cap"]
["old-1-1"]
["first-1-1"]
provides = ["cap"]
"#;

/// What a second repository has, which is off unless it is asked for.
const LATER: &str = r#"
["new-2-1"]
provides = ["old = 2"]
obsoletes = ["old < 2"]
["second-1-1"]
provides = ["cap"]
conflicts = ["first"]
["modern-1-1"]
requires = ["old >= 2"]
"#;

fn machine() -> Machine {
    let machine = Machine::new(WORLD, "");
    machine.offer("later", LATER, "", 100);
    machine.configure(&machine.at("good"), &format!("[later]\nenabled=0\n{}", machine.at("later")));
    machine
}

/// Who says no, or only wants to try, changes no reason and no history.
#[test]
fn dry_runs_mark_nothing() {
    let machine = machine();
    machine.accepts(&["install", "app-1"]);
    let state = || [machine.accepts(&["repoquery", "--userinstalled"]), machine.accepts(&["history", "list"])];
    let before = state();
    for command in [
        &["install", "lib", "--assumeno"][..],
        &["install", "lib", "rec", "--assumeno"],
        &["--json", "install", "lib", "--assumeno"],
        &["mark", "install", "lib", "--assumeno"],
        &["--json", "mark", "remove", "app", "--assumeno"],
        &["history", "update", "--assumeno"],
    ] {
        machine.refuses(command, "Operation aborted");
        assert_eq!(state(), before, "{command:?}");
    }
    for option in ["--testonly", "--downloadonly"] {
        for command in [&["install", "lib"][..], &["install", "lib", "rec"], &["mark", "install", "lib"], &["history", "update"]] {
            machine.run(&[command, &[option]].concat());
            assert_eq!(state(), before, "{command:?} {option}");
        }
    }
    machine.refuses(&["install", "lib", "--assumeno"], "Package lib-1-1.noarch would be marked: user.");
    let said = machine.run(&["--json", "install", "lib", "--assumeno"]).1;
    assert!(said.contains(r#""Marked":[{"#), "{said}");
    machine.accepts(&["install", "lib"]);
    assert_ne!(state(), before);
}

/// Only what the transaction changed goes back: what leans on it leans on what comes back.
#[test]
fn what_leans_on_a_replaced_package_stays() {
    let machine = machine();
    machine.accepts(&["install", "leans", "user"]);
    let before = machine.installed();
    for change in [&["update"][..], &["install", "second", "--allowerasing"]] {
        machine.accepts(&[change, &["--enablerepo=later"]].concat());
        let after = machine.installed();
        assert_ne!(after, before);
        machine.accepts(&["history", "undo", "last"]);
        assert_eq!(machine.installed(), before, "{change:?}");
        machine.accepts(&["--enablerepo=later", "history", "undo", "last"]);
        assert_eq!(machine.installed(), after, "{change:?}");
        machine.accepts(&["history", "rollback", "1"]);
        assert_eq!(machine.installed(), before, "{change:?}");
    }
}

/// What came later and could not stay is named, and nothing is done.
#[test]
fn what_came_later_is_not_removed_by_undo() {
    let machine = machine();
    machine.accepts(&["install", "leans"]);
    machine.accepts(&["--enablerepo=later", "update"]);
    machine.accepts(&["--enablerepo=later", "install", "modern"]);
    for (id, broken) in [("2", "modern-1-1.noarch"), ("1-2", "modern-1-1.noarch")] {
        machine.refuses(&["history", "undo", id], &format!("require what would be removed or replaced: {broken}"));
        assert_eq!(machine.installed(), ["leans-1", "modern-1", "new-2"]);
    }
    machine.accepts(&["history", "undo", "2", "--allowerasing"]);
    assert_eq!(machine.installed(), ["leans-1", "old-1"]);
}

/// An epoch is no version, unless a colon says that it is meant.
#[test]
fn patterns_do_not_fit_epochs() {
    let machine = machine();
    machine.accepts(&["install", "k-5.10"]);
    for command in ["erase", "update", "reinstall"] {
        let (_, said) = machine.run(&["--assumeno", command, "k-1*"]);
        assert!(said.contains("No package k-1* "), "{command}: {said}");
    }
    assert_eq!(machine.accepts(&["-q", "repoquery", "k-1*"]), "");
    assert!(machine.accepts(&["-q", "repoquery", "k-1:6*"]).contains("6.1"));
    machine.accepts(&["-x", "k-1:*", "update"]);
    assert_eq!(machine.installed(), ["k-1:5.10"]);
    machine.accepts(&["-x", "k-1*", "--setopt=excludepkgs=k-1*", "update"]);
    assert_eq!(machine.installed(), ["k-1:6.1"]);
}

/// `update` leads to newer versions only, `distro-sync` to the one that is named.
#[test]
fn update_never_downgrades() {
    let machine = machine();
    machine.accepts(&["install", "app-2"]);
    for word in ["app-1", "app<2", "app=1", "app-1*", "app-1-1.noarch"] {
        let said = machine.accepts(&["update", word]);
        assert!(said.contains("app-2-1.noarch is already installed") && said.contains("Nothing to do"), "{word}: {said}");
    }
    machine.refuses(&["update", "nothing-1"], "No package nothing-1 available");
    machine.accepts(&["distro-sync", "app-1"]);
    assert_eq!(machine.installed(), ["app-1", "lib-1"]);
    machine.refuses(&["distro-sync", "app-4"], "No package app-4 available");
    machine.accepts(&["update", "app-2*"]);
    assert_eq!(machine.installed(), ["app-2", "lib-1"]);
}

/// What keeps installed packages from conflicting is found, and goes only with one of them.
#[test]
fn conditions_of_conflicts() {
    let machine = machine();
    machine.accepts(&["install", "picky"]);
    machine.accepts(&["install", "bad"]);
    assert_eq!(machine.installed(), ["bad-1", "fix-1", "picky-1"]);
    machine.accepts(&["erase", "fix"]);
    assert_eq!(machine.installed(), ["bad-1"]);
    machine.accepts(&["erase", "bad"]);
    machine.accepts(&["install", "picky", "bad"]);
    assert_eq!(machine.installed(), ["bad-1", "fix-1", "picky-1"]);
    machine.accepts(&["install", "top"]);
    machine.accepts(&["mark", "remove", "fix"]);
    machine.accepts(&["erase", "top"]);
    machine.accepts(&["autoremove"]);
    assert_eq!(machine.installed(), ["bad-1", "fix-1", "picky-1"]);
    machine.accepts(&["check"]);
    machine.accepts(&["erase", "picky"]);
    machine.accepts(&["autoremove"]);
    assert_eq!(machine.installed(), ["bad-1"]);
}
