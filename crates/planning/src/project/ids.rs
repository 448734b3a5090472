//! Checks the numbers of system users and groups: within an image, a name has one number, and a number belongs to one name.

use std::collections::BTreeMap;

use super::SpecFolder;
use crate::spec::Content;
use base::diagnostic::Problem;
use base::document::place;
use base::name::PackageName;

/// Numbers of systemd's users and their groups in this project (`-Dsystemd-*-uid` and the like).
const SYSTEMD_USERS: [(&str, u32); 3] = [("systemd-network", 192), ("systemd-resolve", 193), ("systemd-timesync", 194)];

/// Numbers of its other groups.
const SYSTEMD_GROUPS: [(&str, u32); 5] =
    [("tty", 5), ("systemd-journal", 190), ("systemd-network", 192), ("systemd-resolve", 193), ("systemd-timesync", 194)];

/// A kind of account; each kind has its own numbers.
#[derive(Clone, Copy)]
enum Kind {
    User,
    Group,
}

impl Kind {
    const fn table(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
        }
    }

    const fn key(self) -> &'static str {
        match self {
            Self::User => "uid",
            Self::Group => "gid",
        }
    }

    const fn of_systemd(self) -> &'static [(&'static str, u32)] {
        match self {
            Self::User => &SYSTEMD_USERS,
            Self::Group => &SYSTEMD_GROUPS,
        }
    }

    /// The names and numbers that a package declares.
    fn declared(self, content: &Content) -> Vec<(&str, u32)> {
        match self {
            Self::User => content.users.iter().filter_map(|(name, user)| Some((name.as_str(), user.uid?))).collect(),
            Self::Group => content.groups.iter().filter_map(|(name, group)| Some((name.as_str(), group.gid?))).collect(),
        }
    }
}

/// Reports each declaration whose number another name has, or whose name has another number.
pub(super) fn in_conflict(specs: &BTreeMap<PackageName, SpecFolder>) -> Vec<Problem> {
    [Kind::User, Kind::Group].into_iter().flat_map(|kind| of_kind(kind, specs)).collect()
}

fn of_kind(kind: Kind, specs: &BTreeMap<PackageName, SpecFolder>) -> Vec<Problem> {
    let mut seen: Vec<(&str, u32, &str)> = kind.of_systemd().iter().map(|(name, number)| (*name, *number, "systemd")).collect();
    let mut problems = Vec::new();
    for folder in specs.values() {
        for content in folder.spec.packages() {
            for (name, number) in kind.declared(content) {
                let other = seen.iter().find(|(other, taken, _)| (*other == name) != (*taken == number));
                problems.extend(other.map(|other| problem(kind, folder, content, (name, number), *other)));
                seen.push((name, number, folder.spec.name.as_str()));
            }
        }
    }
    problems
}

fn problem(kind: Kind, folder: &SpecFolder, content: &Content, (name, number): (&str, u32), other: (&str, u32, &str)) -> Problem {
    let (table, key) = (kind.table(), kind.key());
    let (other, taken, spec) = other;
    let keys = folder.table_of(&content.name);
    let path: Vec<&str> = keys.iter().map(String::as_str).chain([table, name, key]).collect();
    let message = if other == name {
        format!("the {table} `{name}` has the {key} {taken} in spec `{spec}`")
    } else {
        format!("the {key} {number} is that of the {table} `{other}`, which spec `{spec}` declares")
    };
    let hint = if other == name {
        format!("write the same {key} in both, or leave it out in one")
    } else {
        format!("choose another {key} from 1 to 999, or leave it out: a free one is then chosen on the machine")
    };
    Problem::new(&folder.source, place(&folder.source, &path, |_| true), message).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::super::accounts::tests::folder;
    use super::*;

    #[test]
    fn numbers_and_names_belong_to_each_other() {
        let nowhere = std::path::Path::new("/nowhere");
        let user = |name: &str, uid: u32| format!("[user.{name}]\nuid = {uid}\n");
        let group = |name: &str, gid: u32| format!("[group.{name}]\ngid = {gid}\n");
        let specs: BTreeMap<_, _> = [
            folder(nowhere, "a", &format!("{}{}[user.free]\n", user("one", 70), group("shared", 71))),
            folder(nowhere, "b", &format!("{}{}{}[user.other]\n", user("two", 70), user("one", 72), group("shared", 71))),
            folder(
                nowhere,
                "c",
                &format!("{}[subpackage.s]\nsummary = \"x\"\nfiles = [\"/s\"]\n[subpackage.s.group.g]\ngid = 190\n", user("three", 71)),
            ),
        ]
        .into();
        let found: Vec<_> = in_conflict(&specs)
            .into_iter()
            .map(|problem| format!("{} {}: {}", problem.source.path, &problem.source.text[problem.span.clone()], problem.message))
            .collect();
        let expected = [
            "b 72: the user `one` has the uid 70 in spec `a`",
            "b 70: the uid 70 is that of the user `one`, which spec `a` declares",
            "c 190: the gid 190 is that of the group `systemd-journal`, which spec `systemd` declares",
        ];
        assert_eq!(found, expected);
    }
}
