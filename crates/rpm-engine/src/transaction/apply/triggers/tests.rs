//! What rpm 4.18 logged of the same packages.

use super::*;
use crate::dependency::Capability;
use crate::package::{FileFlags, FileKind};
use crate::rpmfile::Scriptlet;
use crate::version::Evr;

struct Made {
    nevra: Nevra,
    files: Vec<PackageFile>,
    triggers: Vec<Trigger>,
}

impl Made {
    fn new(name: &str, version: &str, files: &[&str]) -> Self {
        let file = |path: &&str| PackageFile {
            path: (*path).to_owned(),
            kind: FileKind::Regular { size: 0, digest: None, hardlink: None },
            mode: 0o644,
            user: "root".into(),
            group: "root".into(),
            mtime: 0,
            caps: None,
            flags: FileFlags::default(),
        };
        let nevra = Nevra { name: name.into(), evr: Evr::parse(&format!("{version}-1")), arch: "noarch".into() };
        Self { nevra, files: files.iter().map(file).collect(), triggers: Vec::new() }
    }

    /// With all triggers of a cause.
    fn with(mut self, cause: Cause, priority: u32, conditions: &[&str]) -> Self {
        for when in [BeforeInstall, AfterInstall, BeforeRemoval, AfterRemoval] {
            if cause != Cause::Package && when == BeforeInstall {
                continue;
            }
            let conditions = conditions.iter().map(|text| Capability::parse(text).unwrap()).enumerate().collect();
            let script = Scriptlet { interpreter: vec!["/bin/sh".into()], text: String::new() };
            self.triggers.push(Trigger { cause, when, conditions, priority, script });
        }
        self
    }

    fn member(&self) -> Member<'_> {
        Member { nevra: &self.nevra, files: &self.files, triggers: &self.triggers }
    }
}

fn target(version: &str) -> Made {
    Made::new("tgt", version, &["/usr/share/y/tgt", "/usr/share/z/same", &format!("/usr/share/z/tgt{version}")])
}

fn owner(version: &str) -> Made {
    let made = Made::new("own", version, &[&format!("/usr/share/own/f{version}"), &format!("/usr/share/z/own{version}")]);
    let made = made.with(Cause::Package, 0, &["tgt", "tgt > 5"]);
    made.with(Cause::Files, 1_000_000, &["/usr/share/z"]).with(Cause::Transaction, 5000, &["/usr/share/z"])
}

fn other() -> Made {
    let made = Made::new("other", "1", &["/usr/share/z/other"]).with(Cause::Package, 0, &["tgt < 2"]);
    made.with(Cause::Files, 5000, &["/usr/share/y/"])
}

fn members(made: &[Made]) -> Vec<Member<'_>> {
    made.iter().map(Made::member).collect()
}

/// What runs, a line each: whose, which, with what arguments and input. Packages are installed in the order given, and `going` are places.
fn log(installed: &[Made], coming: &[Made], going: &[usize], turns: &[Turn]) -> Vec<String> {
    let schedule = Schedule::new(members(installed), members(coming), going, turns);
    let mut moments = vec![Moment::BeforeAll];
    for turn in turns {
        moments.extend(match *turn {
            Turn::Install(at) => vec![Moment::BeforeInstall(at), Moment::FilesThere(at), Moment::AfterInstall(at)],
            Turn::Remove(at) => vec![Moment::BeforeRemoval(at), Moment::FilesGo(at), Moment::FilesGone(at), Moment::AfterRemoval(at)],
        });
    }
    moments.push(Moment::AfterAll);
    let line = |fired: &Fired<'_>| {
        let counts = [Some(fired.counts.0), fired.counts.1].into_iter().flatten().map(|count| format!(" {count}")).collect::<String>();
        let paths: String = fired.paths.iter().map(|path| format!(" {}", path.trim_start_matches("/usr/share/"))).collect();
        format!("{}{} {}{counts} :{paths}", fired.owner.name, fired.owner.evr.version, fired.trigger.section())
    };
    let lines: Vec<String> = moments.iter().flat_map(|moment| schedule.at(*moment)).map(line).collect();
    assert_eq!(lines.len(), schedule.all().count());
    lines
}

#[test]
fn the_owner_comes() {
    let expected = [
        "own1 %triggerprein 0 1 :",
        "own1 %filetriggerin 0 : z/own1",
        "own1 %filetriggerin 0 : z/same z/tgt1",
        "own1 %triggerin 1 1 :",
        "own1 %transfiletriggerin 0 : z/same z/tgt1 z/own1",
    ];
    assert_eq!(log(&[target("1")], &[owner("1")], &[], &[Turn::Install(0)]), expected);
}

#[test]
fn what_sets_off_is_updated() {
    let lines = log(&[target("1"), owner("1"), other()], &[target("2")], &[0], &[Turn::Install(0), Turn::Remove(0)]);
    let expected = [
        "own1 %transfiletriggerun 0 : z/same z/tgt1",
        "own1 %triggerprein 1 1 :",
        "own1 %filetriggerin 0 : z/same z/tgt2",
        "own1 %triggerin 1 2 :",
        "other1 %filetriggerin 0 : y/tgt",
        "own1 %filetriggerun 0 : z/tgt1",
        "own1 %triggerun 1 1 :",
        "other1 %triggerun 1 1 :",
        "own1 %filetriggerpostun 0 : z/tgt1",
        "own1 %triggerpostun 1 1 :",
        "other1 %triggerpostun 1 1 :",
        "own1 %transfiletriggerin 0 : z/same z/tgt2",
        "own1 %transfiletriggerpostun 0 :",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn both_are_updated() {
    let turns = [Turn::Install(0), Turn::Remove(0), Turn::Install(1), Turn::Remove(1)];
    let lines = log(&[other(), owner("1"), target("1")], &[owner("2"), target("2")], &[1, 2], &turns);
    let expected = [
        "own1 %transfiletriggerun 0 : z/other z/own1 z/same z/tgt1",
        "own2 %triggerprein 1 1 :",
        "own1 %filetriggerin 0 : z/own2",
        "own2 %filetriggerin 0 : z/own2",
        "own2 %filetriggerin 0 : z/other z/own1 z/same z/tgt1",
        "own2 %triggerin 2 1 :",
        "own1 %filetriggerun 0 : z/other z/own1 z/same z/tgt1 z/own2",
        "own1 %filetriggerun 0 : z/own1",
        "own2 %filetriggerun 0 : z/own1",
        "own1 %triggerun 1 1 :",
        "own1 %filetriggerpostun 0 : z/own1",
        "own2 %filetriggerpostun 0 : z/own1",
        "own2 %triggerprein 1 1 :",
        "own2 %filetriggerin 0 : z/same z/tgt2",
        "own2 %triggerin 1 2 :",
        "other1 %filetriggerin 0 : y/tgt",
        "own2 %filetriggerun 0 : z/tgt1",
        "other1 %triggerun 1 1 :",
        "own2 %triggerun 1 1 :",
        "own2 %filetriggerpostun 0 : z/tgt1",
        "other1 %triggerpostun 1 1 :",
        "own2 %triggerpostun 1 1 :",
        "own2 %transfiletriggerpostun 0 :",
        "own2 %transfiletriggerin 0 : z/other z/own2 z/same z/tgt2",
    ];
    assert_eq!(lines, expected);
}

/// What goes does so before the version with the trigger comes, which rpm never lets happen: it installs all before it removes any.
#[test]
fn triggers_after_removal_are_those_of_what_is_there_at_the_end() {
    let owner = |version: &str| Made::new("own", version, &["/usr/share/own/f"]).with(Cause::Transaction, 5000, &["/usr/share/z"]);
    let after = |installed: &[Made], coming: &[Made], going: &[usize], turns: &[Turn]| -> Vec<String> {
        log(installed, coming, going, turns).into_iter().filter(|line| line.contains("postun")).collect()
    };
    let turns = [Turn::Install(0), Turn::Remove(0), Turn::Install(1), Turn::Remove(1)];
    let updated = after(&[target("1"), owner("1")], &[target("2"), owner("2")], &[0, 1], &turns);
    assert_eq!(updated, ["own2 %transfiletriggerpostun 0 :"]);
    let new = after(&[target("1")], &[target("2"), owner("2")], &[0], &turns[..3]);
    assert_eq!(new, ["own2 %transfiletriggerpostun 0 :"]);
    let gone = after(&[target("1"), owner("1")], &[target("2")], &[0, 1], &[turns[0], turns[1], turns[3]]);
    assert_eq!(gone, [""; 0]);
}

#[test]
fn both_go() {
    let lines = log(&[other(), owner("2"), target("2")], &[], &[1, 2], &[Turn::Remove(0), Turn::Remove(1)]);
    let expected = [
        "own2 %transfiletriggerun 0 : z/other z/own2 z/same z/tgt2",
        "own2 %filetriggerun 0 : z/other z/own2 z/same z/tgt2",
        "own2 %filetriggerun 0 : z/own2",
        "own2 %triggerun 0 1 :",
        "own2 %filetriggerpostun 0 : z/own2",
        "other1 %filetriggerun 0 : y/tgt",
        "other1 %filetriggerpostun 0 : y/tgt",
    ];
    assert_eq!(lines, expected);
}
