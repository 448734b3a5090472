use std::collections::BTreeSet;

use super::*;
use crate::solver::tests::package;

/// Packages with `+` before them are installed, `*` marks those that may be there in several versions.
fn world(lines: &[(&str, &[&str])]) -> (Vec<Package>, BTreeSet<usize>, BTreeSet<usize>) {
    let marked = |mark: char| (0..lines.len()).filter(|at| lines[*at].0.contains(mark)).collect();
    let packages = lines.iter().map(|(id, facts)| package(id.trim_start_matches(['+', '*']), facts)).collect();
    (packages, marked('+'), marked('*'))
}

fn shown(packages: &[Package], outcome: Result<Outcome, SolveError>) -> String {
    match outcome {
        Ok(outcome) => {
            let name = |index: &usize| format!("{}-{}", packages[*index].nevra.name, packages[*index].nevra.evr.version);
            let mut names: Vec<String> = outcome.there.iter().map(name).collect();
            names.sort();
            names.extend(outcome.skipped.iter().map(|skipped| format!("!{}", skipped.label)));
            names.extend(outcome.left.iter().map(|left| format!("<{}", left.label)));
            names.join(" ")
        }
        Err(error) => format!("refused: {}", error.to_string().lines().next().unwrap_or_default()),
    }
}

const WORLD: &[(&str, &[&str])] = &[
    ("+app-1", &["requires: lib = 1-1"]),
    ("app-2", &["requires: lib = 2-1"]),
    ("app-3", &["requires: lib = 3-1"]),
    ("+lib-1", &[]),
    ("lib-2", &[]),
    ("+old-1", &[]),
    ("heir-1", &["obsoletes: old < 2"]),
    ("+*kernel-1", &[]),
    ("*kernel-2", &[]),
    ("new-1", &["requires: lib >= 1", "recommends: extra"]),
    ("needs-2-1", &["requires: lib >= 2"]),
    ("extra-1", &[]),
    ("rival-1", &["conflicts: sh"]),
    ("broken-1", &["requires: nothing"]),
    ("+sh-1", &["provides: shell"]),
    ("bash-1", &["provides: shell"]),
    ("script-1", &["requires: shell"]),
];

fn target(names: &[&str]) -> Vec<Target> {
    let (packages, ..) = world(WORLD);
    let called = |name: &str| (0..packages.len()).filter(|at| packages[*at].nevra.name == name).collect::<Vec<_>>();
    names.iter().map(|name| Target { label: (*name).to_owned(), any_of: called(name), need: Need::Must }).collect()
}

#[test]
fn what_is_there_afterwards() {
    const BASE: &str = "app-1 kernel-1 lib-1 old-1 sh-1";
    let (packages, installed, separate) = world(WORLD);
    let at = |name: &str| installed.iter().copied().find(|at| packages[*at].nevra.name == name).unwrap();
    let goal = |names: &[&str]| Goal { targets: target(names), ..Goal::default() };
    let update = |names: &[&str]| Goal { update: names.iter().map(|name| at(name)).collect(), ..Goal::default() };
    let table = [
        ("nothing changes", goal(&[]), BASE.to_owned()),
        ("what is there stays", goal(&["new"]), "app-1 kernel-1 lib-1 new-1 old-1 sh-1".into()),
        ("weak", Goal { weak: true, ..goal(&["new"]) }, "app-1 extra-1 kernel-1 lib-1 new-1 old-1 sh-1".into()),
        ("the installed provider is enough", goal(&["script"]), "app-1 kernel-1 lib-1 old-1 script-1 sh-1".into()),
        ("others are updated where they must", goal(&["needs-2"]), "app-2 kernel-1 lib-2 needs-2-1 old-1 sh-1".into()),
        ("beside each other", goal(&["kernel"]), BASE.into()),
        ("an heir asked for", goal(&["heir"]), "app-1 heir-1 kernel-1 lib-1 sh-1".into()),
        ("not without leave", goal(&["rival"]), "refused: the requested packages cannot be installed together:".into()),
        ("with leave", Goal { allow_erasing: true, ..goal(&["rival"]) }, "app-1 kernel-1 lib-1 old-1 rival-1".into()),
        ("broken", goal(&["broken", "new"]), "refused: the requested packages cannot be installed together:".into()),
        ("skipped", Goal { skip_broken: true, ..goal(&["broken", "new"]) }, "app-1 kernel-1 lib-1 new-1 old-1 sh-1 !broken".into()),
        ("all updates", update(&["app", "lib", "old", "sh"]), "app-2 heir-1 kernel-1 lib-2 sh-1 <app-3-1.x86_64".into()),
        ("one update and what it needs", update(&["app"]), "app-2 kernel-1 lib-2 old-1 sh-1 <app-3-1.x86_64".into()),
        (
            "only the newest",
            Goal { best: true, ..update(&["app"]) },
            "refused: the requested packages cannot be installed together:".into(),
        ),
        ("erased", Goal { erase: [at("sh")].into(), ..Goal::default() }, "app-1 kernel-1 lib-1 old-1".into()),
    ];
    for (case, goal, expected) in table {
        let situation = Situation { packages: &packages, installed: &installed, separate: &separate, arch: "x86_64", standing: &[] };
        assert_eq!(shown(&packages, change(situation, &goal)), expected, "{case}");
    }
    let both = Goal { targets: vec![Target { label: "kernel".into(), any_of: vec![8], need: Need::Must }], ..Goal::default() };
    let situation = Situation { packages: &packages, installed: &installed, separate: &separate, arch: "x86_64", standing: &[] };
    assert_eq!(shown(&packages, change(situation, &both)), "app-1 kernel-1 kernel-2 lib-1 old-1 sh-1");
}

/// An installed system that is broken in every way, and what is offered for it.
const BROKEN: &[(&str, &[&str])] = &[
    ("+lacking-1", &["requires: nobody-has-this"]),
    ("lacking-2", &["requires: nobody-has-this"]),
    ("lacking-3", &["requires: nobody-has-this, nor-this"]),
    ("+clash-1", &["conflicts: other"]),
    ("+other-1", &[]),
    ("other-2", &[]),
    ("+eater-1", &["obsoletes: eaten"]),
    ("+eaten-1", &[]),
    ("+gpg-pubkey-1", &["arch: (none)"]),
    ("+gpg-pubkey-2", &["arch: (none)"]),
    ("+multi-1", &["arch: i686", "provides: multi32"]),
    ("+multi-1", &[]),
    ("multi-2", &[]),
    ("+alien-1", &["arch: i686"]),
    ("alien-2", &["arch: noarch"]),
    ("+twice-1", &[]),
    ("+twice-2", &[]),
    ("twice-3", &[]),
    ("fine-1", &["requires: multi32"]),
    ("mend-1", &["provides: nobody-has-this"]),
];

#[test]
fn what_was_broken_before_stops_nothing_else() {
    const BASE: &str = "alien-1 clash-1 eaten-1 eater-1 gpg-pubkey-1 gpg-pubkey-2 lacking-1 multi-1 multi-1 other-1 twice-1 twice-2";
    let (packages, installed, separate) = world(BROKEN);
    let called = |name: &str| (0..packages.len()).filter(|at| packages[*at].nevra.name == name).collect::<Vec<_>>();
    let install =
        |name: &str| Goal { targets: vec![Target { label: name.into(), any_of: called(name), need: Need::Must }], ..Goal::default() };
    let update = |names: &[&str]| {
        let all = names.iter().flat_map(|name| called(name)).filter(|at| installed.contains(at));
        Goal { update: all.collect(), ..Goal::default() }
    };
    let table = [
        ("nothing changes", Goal::default(), BASE.to_owned()),
        ("another package", install("fine"), BASE.replace("gpg-pubkey-1", "fine-1 gpg-pubkey-1")),
        ("with leave to erase", Goal { allow_erasing: true, ..install("fine") }, BASE.replace("gpg-pubkey-1", "fine-1 gpg-pubkey-1")),
        ("what mends", install("mend"), BASE.replace("multi-1 multi-1", "mend-1 multi-1 multi-1")),
        ("the broken one", update(&["lacking"]), format!("{} <lacking-3-1.x86_64", BASE.replace("lacking-1", "lacking-2 mend-1"))),
        ("what it conflicts with", update(&["other"]), format!("{BASE} <other-2-1.x86_64")),
        ("beside another architecture", update(&["multi"]), BASE.replace("multi-1 multi-1", "multi-1 multi-2")),
        ("from another architecture", update(&["alien"]), BASE.replace("alien-1", "alien-2")),
        ("what is there twice", update(&["twice"]), BASE.replace("twice-1 twice-2", "twice-3")),
        ("what is gone already", update(&["eaten", "eater"]), BASE.into()),
        ("keys", update(&["gpg-pubkey"]), BASE.into()),
    ];
    for (case, goal, expected) in table {
        let situation = Situation { packages: &packages, installed: &installed, separate: &separate, arch: "x86_64", standing: &[] };
        assert_eq!(shown(&packages, change(situation, &goal)), expected, "{case}");
    }
}

#[test]
fn what_replaces_others() {
    let world_of = |extra: &[(&'static str, &'static [&'static str])]| {
        let lines: Vec<(&str, &[&str])> = [("+udev-1", &[][..]), ("+base-1", &[][..])].into_iter().chain(extra.iter().copied()).collect();
        world(&lines)
    };
    type Case<'a> = (&'a str, &'a [(&'static str, &'static [&'static str])], bool, &'a str);
    let table: &[Case<'_>] = &[
        (
            "all heirs come",
            &[("core-2", &["obsoletes: udev < 2"]), ("extras-2", &["obsoletes: udev < 2"])],
            false,
            "base-1 core-2 extras-2",
        ),
        ("beside the own newer version", &[("udev-2", &[]), ("boot-2", &["obsoletes: udev < 2"])], false, "base-1 boot-2 udev-2"),
        ("instead of it", &[("udev-2", &[]), ("boot-2", &["obsoletes: udev < 3"])], false, "base-1 boot-2"),
        ("one that replaces another heir", &[("b-2", &["obsoletes: udev"]), ("c-3", &["obsoletes: udev, b"])], false, "base-1 c-3"),
        ("two that replace each other", &[("b-2", &["obsoletes: udev, c"]), ("c-3", &["obsoletes: udev, b"])], false, "b-2 base-1"),
        ("one that took it back", &[("b-2", &["obsoletes: udev"]), ("b-3", &[])], false, "base-1 udev-1"),
        (
            "one that does not fit",
            &[("core-2", &["obsoletes: udev"]), ("extras-2", &["obsoletes: udev", "requires: nothing"])],
            false,
            "base-1 core-2 <extras-2-1.x86_64",
        ),
        ("asked for by name, it stays", &[("core-2", &["obsoletes: udev"])], true, "base-1 udev-1"),
        ("asked for by name, it is updated", &[("udev-2", &[]), ("boot-2", &["obsoletes: udev < 2"])], true, "base-1 udev-2"),
    ];
    for (case, extra, by_name, expected) in table {
        let (packages, installed, separate) = world_of(extra);
        let keep_name = if *by_name { [0].into() } else { BTreeSet::new() };
        let goal = Goal { update: [0].into(), keep_name, ..Goal::default() };
        let situation = Situation { packages: &packages, installed: &installed, separate: &separate, arch: "x86_64", standing: &[] };
        assert_eq!(shown(&packages, change(situation, &goal)), *expected, "{case}");
    }
}

#[test]
fn what_is_left_out_is_said() {
    let (packages, installed, separate) = world(&[
        ("+a-1", &[]),
        ("a-2", &["requires: nobody-has-this"]),
        ("+b-1", &[]),
        ("b-2", &[]),
        ("b-3", &["requires: a >= 2"]),
        ("+c-1", &[]),
        ("c-2", &[]),
        ("*kernel-2", &["requires: firmware"]),
    ]);
    let situation = Situation { packages: &packages, installed: &installed, separate: &separate, arch: "x86_64", standing: &[] };
    let kernel = Target { label: "kernel".into(), any_of: vec![7], need: Need::IfItFits };
    let goal = Goal { update: installed.clone(), targets: vec![kernel], ..Goal::default() };
    let outcome = change(situation, &goal).unwrap();
    let name = |index: &usize| packages[*index].nevra.to_string();
    assert_eq!(outcome.there.iter().map(name).collect::<Vec<_>>(), ["a-1-1.x86_64", "b-2-1.x86_64", "c-2-1.x86_64"]);
    let said = |all: &[Skipped]| all.iter().map(|one| format!("{}: {}", one.label, one.reason.lines().next().unwrap())).collect::<Vec<_>>();
    assert_eq!(said(&outcome.skipped), ["kernel: nothing provides firmware needed by kernel-2-1.x86_64"]);
    let left = said(&outcome.left);
    assert_eq!(left[0], "a-2-1.x86_64: nothing provides nobody-has-this needed by a-2-1.x86_64");
    assert!(left[1].starts_with("b-3-1.x86_64: "), "{left:?}");
    assert_eq!(left.len(), 2);
    assert!(change(situation, &Goal { best: true, ..goal }).is_err());
}

/// What an interrupted transaction left: two versions of one package.
#[test]
fn several_versions_are_updated_together() {
    type Packages = &'static [(&'static str, &'static [&'static str])];
    let table: [(Packages, &str); 3] = [
        (&[("+app-1", &[]), ("+app-2", &[]), ("app-2", &[]), ("app-3", &[])], "app-3"),
        (&[("+app-1", &[]), ("+app-2", &[]), ("app-1", &[]), ("app-2", &[])], "app-1 app-2"),
        (&[("+app-1", &[]), ("+app-2", &[]), ("app-3", &["requires: nothing"])], "app-1 app-2 <app-3-1.x86_64 <app-3-1.x86_64"),
    ];
    for (lines, expected) in table {
        let (packages, installed, separate) = world(lines);
        let situation = Situation { packages: &packages, installed: &installed, separate: &separate, arch: "x86_64", standing: &[] };
        let goal = Goal { update: installed.clone(), ..Goal::default() };
        assert_eq!(shown(&packages, change(situation, &goal)), expected);
    }
}

type Offered<'a> = (&'a str, i32, &'a [&'a str]);

/// Where packages of repositories with these numbers stand.
fn standing(lines: &[Offered<'_>]) -> Vec<Standing> {
    let name = |id: &str| id.trim_start_matches('+').rsplit_once('-').unwrap().0.to_owned();
    let least = |id: &str| {
        let offered = lines.iter().filter(|(other, ..)| !other.starts_with('+') && name(other) == name(id));
        offered.map(|(_, number, _)| *number).min().unwrap_or(i32::MAX)
    };
    let one = |(id, number, _): &Offered<'_>| match id.starts_with('+') {
        true => Standing { priority: least(id), is_hidden: false },
        false => Standing { priority: *number, is_hidden: least(id) < *number },
    };
    lines.iter().map(one).collect()
}

/// What dnf 4.14 makes of repositories that go before others.
#[test]
fn repositories_that_go_before_others() {
    const VIRT: &[&str] = &["provides: virt"];
    const APP: Offered<'_> = ("app-1", 50, &["requires: virt"]);
    const HEIR: &[&str] = &["obsoletes: old"];
    let table: &[(&str, &[Offered<'_>], &str)] = &[
        ("a provider of the first", &[("b-1", 10, VIRT), ("a-1", 50, VIRT), APP], "app-1 b-1"),
        ("whatever it is called", &[("b-1", 10, VIRT), ("virt-1", 50, &[]), APP], "app-1 b-1"),
        ("a provider that is not hidden", &[("a-1", 10, &[]), ("a-2", 50, VIRT), ("b-1", 50, VIRT), APP], "app-1 b-1"),
        ("a hidden one of an earlier repository", &[("a-1", 10, &[]), ("a-2", 30, VIRT), ("b-1", 50, VIRT), APP], "a-2 app-1"),
        ("the only one", &[("a-1", 10, &[]), ("a-2", 50, VIRT), APP], "a-2 app-1"),
        ("an older one", &[("a-1", 10, VIRT), ("a-2", 50, VIRT), APP], "a-1 app-1"),
        ("one that is replaced by a later", &[("p-1", 10, VIRT), ("q-1", 50, &["provides: virt", "obsoletes: p"]), APP], "app-1 p-1"),
        ("one that fits", &[("+x-1", 0, &["conflicts: b"]), ("b-1", 10, VIRT), ("a-1", 50, VIRT), APP], "a-1 app-1 x-1"),
        ("recommended", &[("b-1", 10, VIRT), ("a-1", 50, VIRT), ("app-1", 50, &["recommends: virt"])], "app-1 b-1"),
        ("no heir of a later one", &[("+old-1", 0, &[]), ("old-1", 10, &[]), ("new-1", 50, HEIR)], "old-1"),
        ("but the own version", &[("+old-1", 0, &[]), ("old-2", 10, &[]), ("new-1", 50, HEIR)], "old-2"),
        ("an heir of what nobody offers", &[("+old-1", 0, &[]), ("x-1", 10, &[]), ("new-1", 50, HEIR)], "new-1"),
        ("an heir of the first", &[("+old-1", 0, &[]), ("new-1", 10, &["obsoletes: old < 3"]), ("old-5", 50, &[])], "new-1"),
        ("no hidden heir", &[("+old-1", 0, &[]), ("new-1", 10, &[]), ("new-2", 50, HEIR)], "old-1"),
        (
            "a later heir that is required",
            &[("+old-1", 0, &[]), ("old-1", 10, &[]), ("new-1", 50, HEIR), ("app-1", 50, &["requires: new"])],
            "app-1 new-1",
        ),
        ("a later heir that is requested", &[("+old-1", 0, &[]), ("old-1", 10, &[]), ("app-1", 50, HEIR)], "app-1"),
        ("no hidden version", &[("+a-1", 0, &[]), ("a-1", 10, &[]), ("a-2", 50, &[])], "a-1"),
    ];
    for (case, lines, expected) in table {
        let facts: Vec<(&str, &[&str])> = lines.iter().map(|(id, _, facts)| (*id, *facts)).collect();
        let (packages, installed, separate) = world(&facts);
        let standing = standing(lines);
        let situation = Situation { packages: &packages, installed: &installed, separate: &separate, arch: "x86_64", standing: &standing };
        let app = (0..packages.len()).filter(|at| packages[*at].nevra.name == "app");
        let targets = app.map(|at| Target { label: "app".into(), any_of: vec![at], need: Need::Must }).collect();
        let goal = Goal { targets, update: installed.clone(), weak: true, ..Goal::default() };
        assert_eq!(shown(&packages, change(situation, &goal)), *expected, "{case}");
    }
}

/// What dnf 4.14 makes of packages that replace each other.
#[test]
fn packages_that_replace_each_other_come_to_rest() {
    const B: &[&str] = &["obsoletes: b"];
    const A: &[&str] = &["obsoletes: a"];
    const C: &[&str] = &["obsoletes: c"];
    type Packages = &'static [(&'static str, &'static [&'static str])];
    let table: [(&str, Packages, &str); 11] = [
        ("both offered", &[("+a-1", B), ("a-1", B), ("b-1", A)], "a-1"),
        ("the other way round", &[("+b-1", A), ("a-1", B), ("b-1", A)], "b-1"),
        ("newer versions of both", &[("+a-1", B), ("a-2", B), ("b-2", A)], "a-2"),
        ("an installed version that does not yet", &[("+a-1", &[]), ("a-2", &[]), ("b-1", A)], "b-1"),
        ("only older versions of the other", &[("+a-1", &["obsoletes: b < 2"]), ("b-2", A)], "b-2"),
        ("only the offered versions do", &[("+a-1", &[]), ("a-1", &[]), ("a-2", B), ("b-2", A)], "a-2"),
        ("the same the other way round", &[("+b-1", &[]), ("b-2", A), ("a-2", B)], "b-2"),
        ("older versions of each other", &[("+a-1", &[]), ("a-2", &["obsoletes: b < 2"]), ("b-1", &["obsoletes: a < 2"])], "a-2"),
        ("the newest does not any more", &[("+a-1", &[]), ("a-2", B), ("a-3", &[]), ("b-1", A)], "b-1"),
        ("offered versions in turn", &[("+a-1", &[]), ("a-2", C), ("b-1", A), ("c-1", B)], "a-2"),
        ("in turn", &[("+a-1", B), ("b-1", C), ("c-1", A)], "a-1"),
    ];
    for (case, lines, expected) in table {
        let (packages, installed, separate) = world(lines);
        let situation = Situation { packages: &packages, installed: &installed, separate: &separate, arch: "x86_64", standing: &[] };
        let goal = Goal { update: installed.clone(), ..Goal::default() };
        assert_eq!(shown(&packages, change(situation, &goal)), expected, "{case}");
    }
}

/// What dnf 4.14 leaves alone that is excluded.
#[test]
fn what_is_kept_is_replaced_only_by_what_is_requested() {
    const HEIR: &[&str] = &["obsoletes: old"];
    type Packages = &'static [(&'static str, &'static [&'static str])];
    let table: [(&str, Packages, bool, &str); 4] = [
        ("an heir", &[("+old-1", &[]), ("new-1", HEIR)], false, "old-1"),
        ("a new version of another", &[("+old-1", &[]), ("+new-1", &[]), ("new-2", HEIR)], false, "new-1 old-1 <new-2-1.x86_64"),
        (
            "what an update requires",
            &[("+old-1", &[]), ("+app-1", &[]), ("app-2", &["requires: new"]), ("new-1", HEIR)],
            false,
            "app-1 old-1 <app-2-1.x86_64",
        ),
        ("requested", &[("+old-1", &[]), ("new-1", HEIR)], true, "new-1"),
    ];
    for (case, lines, is_requested, expected) in table {
        let (packages, installed, separate) = world(lines);
        let called = |name: &str| (0..packages.len()).filter(|at| packages[*at].nevra.name == name).collect::<Vec<_>>();
        let situation = Situation { packages: &packages, installed: &installed, separate: &separate, arch: "x86_64", standing: &[] };
        let target = || Target { label: "new".into(), any_of: called("new"), need: Need::Must };
        let kept: BTreeSet<usize> = called("old").into_iter().collect();
        let update = if is_requested { BTreeSet::new() } else { &installed - &kept };
        let targets = is_requested.then(target).into_iter().collect();
        assert_eq!(shown(&packages, change(situation, &Goal { targets, update, kept, ..Goal::default() })), expected, "{case}");
    }
}

/// As with dnf 4.14, what somebody removed, or never wanted, does not come with the next change.
#[test]
fn only_what_is_newly_supplemented_comes() {
    let lines: [(&str, &[&str]); 7] = [
        ("+app-1", &[]),
        ("app-2", &[]),
        ("lang-1", &["supplements: app"]),
        ("z-1", &[]),
        ("both-1", &["supplements: (app and z)"]),
        ("new-1", &["supplements: app = 2-1"]),
        ("other-1", &[]),
    ];
    let (packages, installed, separate) = world(&lines);
    let target = |name: &str| {
        let any_of = (0..packages.len()).filter(|at| packages[*at].nevra.name == name).collect();
        Target { label: name.into(), any_of, need: Need::Must }
    };
    let install = |name: &str| Goal { targets: vec![target(name)], weak: true, ..Goal::default() };
    let update = Goal { update: installed.clone(), weak: true, ..Goal::default() };
    let table = [
        (&installed, install("other"), "app-1 other-1"),
        (&installed, install("z"), "app-1 both-1 z-1"),
        (&installed, update, "app-2 new-1"),
        (&BTreeSet::new(), install("app"), "app-2 lang-1 new-1"),
    ];
    for (installed, goal, expected) in table {
        let situation = Situation { packages: &packages, installed, separate: &separate, arch: "x86_64", standing: &[] };
        assert_eq!(shown(&packages, change(situation, &goal)), expected);
    }
}
