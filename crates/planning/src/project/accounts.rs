//! Checks that users and groups in specs are declared by some package of the project.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::{ProjectError, SpecFolder};
use base::diagnostic::Problem;
use base::document::place;
use base::name::PackageName;
use text::did_you_mean;

/// Users that systemd declares (`sysusers.d` of systemd 257). No spec declares them, because upstream installs the files.
const SYSTEMD_USERS: [&str; 6] = ["nobody", "root", "systemd-journal-remote", "systemd-network", "systemd-resolve", "systemd-timesync"];

/// Groups that systemd declares in addition to those of its users.
const SYSTEMD_GROUPS: [&str; 19] = [
    "adm",
    "audio",
    "cdrom",
    "clock",
    "dialout",
    "disk",
    "input",
    "kmem",
    "kvm",
    "lp",
    "render",
    "sgx",
    "systemd-journal",
    "tape",
    "tty",
    "users",
    "utmp",
    "video",
    "wheel",
];

/// The directory of packages' declarations.
const SYSUSERS: &str = "/usr/lib/sysusers.d/";

/// The names of all users and groups that the project declares.
struct Declared {
    users: BTreeSet<String>,
    groups: BTreeSet<String>,
}

/// Reports every undeclared user and group that a spec uses as an owner or as a user's group.
///
/// # Errors
/// When a `sysusers.d` file next to a spec cannot be read.
pub(super) fn undeclared(specs: &BTreeMap<PackageName, SpecFolder>) -> Result<Vec<Problem>, ProjectError> {
    let mut declared = Declared::of_specs(specs);
    let first = check(specs, &declared);
    if first.is_empty() {
        return Ok(first);
    }
    declared.read_files(specs)?;
    Ok(check(specs, &declared))
}

impl Declared {
    /// The declarations of `[user]` and `[group]` tables.
    fn of_specs(specs: &BTreeMap<PackageName, SpecFolder>) -> Self {
        let mut users: BTreeSet<String> = SYSTEMD_USERS.map(str::to_owned).into();
        let mut groups: BTreeSet<String> = SYSTEMD_GROUPS.iter().chain(&SYSTEMD_USERS).map(|name| (*name).to_owned()).collect();
        for content in specs.values().flat_map(|folder| folder.spec.packages()) {
            groups.extend(content.groups.keys().cloned());
            for (name, user) in &content.users {
                users.insert(name.clone());
                if user.group.is_none() {
                    groups.insert(name.clone());
                }
            }
        }
        Self { users, groups }
    }

    /// Adds the declarations of files that specs install into `sysusers.d`.
    fn read_files(&mut self, specs: &BTreeMap<PackageName, SpecFolder>) -> Result<(), ProjectError> {
        for folder in specs.values() {
            for (file, _) in folder.spec.install.iter().filter(|(_, to)| to.starts_with(SYSUSERS)) {
                let path = folder.path.join(file);
                let text = fs::read_to_string(&path).map_err(|source| ProjectError::Io { path, source })?;
                text.lines().for_each(|line| self.read_line(line));
            }
        }
        Ok(())
    }

    /// One line of sysusers.d(5). Mistakes in it are reported when an image is made.
    fn read_line(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some("u" | "u!"), Some(name), id) => {
                self.users.insert(name.to_owned());
                if !id.is_some_and(|id| id.contains(':')) {
                    self.groups.insert(name.to_owned());
                }
            }
            (Some("g"), Some(name), _) => {
                self.groups.insert(name.to_owned());
            }
            (Some("m"), Some(user), Some(group)) => {
                self.users.insert(user.to_owned());
                self.groups.insert(group.to_owned());
            }
            _ => {}
        }
    }
}

fn check(specs: &BTreeMap<PackageName, SpecFolder>, declared: &Declared) -> Vec<Problem> {
    let mut problems = Vec::new();
    for folder in specs.values() {
        for (glob, attributes) in &folder.spec.attributes {
            let owner = ("user", "owner", &attributes.owner, &declared.users);
            let group = ("group", "group", &attributes.group, &declared.groups);
            for (what, key, name, known) in [owner, group] {
                if let Some(name) = name.as_ref().filter(|name| !known.contains(*name)) {
                    problems.push(problem(folder, &["file", glob, key], what, name, known));
                }
            }
        }
        for content in folder.spec.packages() {
            let table = folder.table_of(&content.name);
            for (user, declaration) in &content.users {
                let wanted = declaration.group.iter().map(|group| (group, "group"));
                let further = declaration.groups.iter().map(|group| (group, "groups"));
                for (group, key) in wanted.chain(further).filter(|(group, _)| !declared.groups.contains(*group)) {
                    let path: Vec<&str> = table.iter().map(String::as_str).chain(["user", user, key]).collect();
                    problems.push(problem(folder, &path, "group", group, &declared.groups));
                }
            }
        }
    }
    problems
}

fn problem(folder: &SpecFolder, path: &[&str], what: &str, name: &str, known: &BTreeSet<String>) -> Problem {
    let span = place(&folder.source, path, |text| text == name);
    let hint = did_you_mean(name, known.iter().map(String::as_str));
    Problem::new(&folder.source, span, format!("no package of the project declares the {what} `{name}`"))
        .hint(hint.unwrap_or_else(|| format!("declare it in the spec it belongs to: `[{what}.{name}]`")))
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::project::Workspace;
    use crate::spec;
    use base::diagnostic::SourceText;

    pub(in crate::project) fn folder(at: &std::path::Path, name: &str, rest: &str) -> (PackageName, SpecFolder) {
        let text = format!("[package]\nversion = \"1\"\nrelease = 1\nsummary = \"x\"\nlicense = \"MIT\"\n[build.none]\n{rest}");
        let name: PackageName = name.parse().unwrap();
        let spec = spec::parse(&name, "package.toml", &text).unwrap();
        let source = Arc::new(SourceText { path: name.to_string(), text });
        (name, SpecFolder { spec, source, path: at.into(), files: BTreeMap::new(), workspace: Workspace::default() })
    }

    #[test]
    fn only_what_nothing_declares_is_reported() {
        let beside = tempfile::tempdir().unwrap();
        fs::write(beside.path().join("x.conf"), "# c\nu filed - \"A file's\"\ng shared 70\nm filed other\nu apart 5:5\n").unwrap();
        let file = |owner: &str, group: &str| format!("[file.\"/etc/{owner}-{group}\"]\nowner = \"{owner}\"\ngroup = \"{group}\"\n");
        let good: String =
            [("root", "wheel"), ("dbus", "dbus"), ("filed", "shared"), ("apart", "other"), ("nobody", "docker"), ("low", "tty")]
                .map(|(owner, group)| file(owner, group))
                .concat();
        let specs: BTreeMap<_, _> = [
            folder(beside.path(), "a", &format!("{good}{}{}", file("dbsu", "docekr"), file("apart", "apart"))),
            folder(beside.path(), "b", "[user.dbus]\n[group.docker]\n[user.low]\ngroup = \"nosuch\"\ngroups = [\"tty\"]\n[subpackage.s]\nsummary = \"x\"\nfiles = [\"/s\"]\n[subpackage.s.user.sub]\ngroups = [\"nigher\"]\n"),
            folder(beside.path(), "c", "[install]\n\"x.conf\" = \"/usr/lib/sysusers.d/x.conf\"\n"),
        ]
        .into();
        let found: Vec<_> = undeclared(&specs)
            .unwrap()
            .into_iter()
            .map(|problem| (problem.source.text[problem.span.clone()].to_owned(), problem.message, problem.hint.unwrap()))
            .collect();
        let expected = [
            ("\"dbsu\"", "user `dbsu`", "did you mean `dbus`?"),
            ("\"docekr\"", "group `docekr`", "did you mean `docker`?"),
            ("\"apart\"", "group `apart`", "declare it in the spec it belongs to: `[group.apart]`"),
            ("\"nosuch\"", "group `nosuch`", "declare it in the spec it belongs to: `[group.nosuch]`"),
            ("\"nigher\"", "group `nigher`", "declare it in the spec it belongs to: `[group.nigher]`"),
        ];
        let expected: Vec<_> = expected
            .map(|(place, what, hint)| (place.to_owned(), format!("no package of the project declares the {what}"), hint.to_owned()))
            .into();
        assert_eq!(found, expected);
    }
}
