//! Files made from what a spec declares: users and groups for sysusers.d(5), units for systemd.preset(5).

use std::fmt::Write as _;

use super::tree::{Content as Bytes, Entry, Kind};
use planning::spec::{Content, User};

/// The files that declare a package's users and units, by path.
pub fn files(package: &Content) -> Vec<(String, Entry)> {
    let name = &package.name;
    let users = (format!("/usr/lib/sysusers.d/{name}.conf"), sysusers(package));
    let units = (format!("/usr/lib/systemd/system-preset/80-{name}.preset"), presets(package));
    let file = |text: String| Entry { kind: Kind::File(Bytes::Memory(text.into_bytes())), mode: 0o644 };
    [users, units].into_iter().filter(|(_, text)| !text.is_empty()).map(|(path, text)| (path, file(text))).collect()
}

/// Groups first, then users, then memberships: each line depends only on lines before it.
fn sysusers(package: &Content) -> String {
    let mut text = String::new();
    for (name, group) in &package.groups {
        let _ = writeln!(text, "g {name} {}", number(group.gid));
    }
    for (name, user) in &package.users {
        let id = match &user.group {
            Some(group) if group != name => format!("{}:{group}", number(user.uid)),
            _ => number(user.uid),
        };
        let User { home, shell, description, .. } = user;
        let _ = writeln!(text, "u {name} {id} \"{}\" {home} {shell}", description.replace('"', "'"));
    }
    for (name, user) in &package.users {
        for group in &user.groups {
            let _ = writeln!(text, "m {name} {group}");
        }
    }
    text
}

fn number(id: Option<u32>) -> String {
    id.map_or_else(|| "-".to_owned(), |id| id.to_string())
}

fn presets(package: &Content) -> String {
    let mut text = String::new();
    for (word, units) in [("enable", &package.enable), ("disable", &package.disable)] {
        for unit in units {
            let _ = writeln!(text, "{word} {unit}");
        }
    }
    text
}
