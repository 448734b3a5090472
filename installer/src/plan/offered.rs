//! What a medium has, and what the packages that are chosen of it contain.

use std::collections::{BTreeMap, BTreeSet};

use kickstart::{Kickstart, ServiceState};

use super::{Note, Refusal, files};

/// What the medium contains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offered {
    /// The packages by name, each with what it is.
    pub packages: BTreeMap<String, String>,
    /// All that can be asked for by name: packages, and what they provide, such as `linux-esx`.
    pub names: BTreeSet<String>,
}

/// What will be in a system before its scripts run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// The paths of all files.
    pub paths: BTreeSet<String>,
    /// The users.
    pub users: BTreeSet<String>,
    /// The groups.
    pub groups: BTreeSet<String>,
}

/// Where units are, and where an additional file is one.
const UNITS: [&str; 4] = ["/usr/lib/systemd/system/", "/etc/systemd/system/", "/lib/systemd/system/", "/usr/local/lib/systemd/system/"];

/// Whether a path is that of a unit, or of a directory with units.
pub(super) fn is_about_units(path: &str) -> bool {
    UNITS.iter().any(|folder| path.starts_with(folder) || folder.starts_with(&format!("{}/", path.trim_end_matches('/'))))
}

/// The user root's, whom no package declares.
const ROOT: &str = "root";

impl Contents {
    /// Takes what a file of sysusers.d(5) declares.
    pub fn declare(&mut self, text: &str) {
        for line in text.lines() {
            let mut words = line.split_whitespace();
            let (kind, name) = (words.next().unwrap_or_default(), words.next().unwrap_or_default().to_owned());
            match kind.trim_end_matches('!') {
                "u" => drop((self.users.insert(name.clone()), self.groups.insert(name))),
                "g" => drop(self.groups.insert(name)),
                "m" => drop(words.next().map(|group| self.groups.insert(group.to_owned()))),
                _ => {}
            }
        }
    }

    /// What a kickstart file names that will not be there.
    pub fn check(&self, kickstart: &Kickstart) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        self.check_users(kickstart, &mut refusals);
        self.check_units(kickstart, &mut refusals);
        refusals
    }

    fn check_users(&self, kickstart: &Kickstart, refusals: &mut Vec<Refusal>) {
        let own: BTreeSet<&str> = kickstart.users.iter().map(|user| user.name.as_str()).collect();
        let is_group = |name: &str| name == ROOT || self.groups.contains(name) || own.contains(name);
        for (index, user) in kickstart.users.iter().enumerate() {
            let path = format!("users[{index}]");
            if self.users.contains(&user.name) {
                refusals.push(Refusal::new(format!("{path}.name"), format!("a user `{}` already exists in the system", user.name)));
            }
            for (at, group) in user.groups.iter().enumerate().filter(|(_, group)| !is_group(group)) {
                let refusal = Refusal::new(format!("{path}.groups[{at}]"), format!("there is no group `{group}` in the installed system"));
                refusals.push(refusal.hint(self.instead_of_group(group)));
            }
            if !self.paths.contains(&user.shell) && !self.is_in_merged_folder(&user.shell) {
                let refusal = Refusal::new(format!("{path}.shell"), format!("there is no `{}` in the installed system", user.shell));
                refusals.push(refusal.hint("use /usr/bin/bash, or add the package that contains it"));
            }
        }
    }

    /// `/bin` and `/sbin` are links to the directories below `/usr`.
    fn is_in_merged_folder(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or_default();
        let is_merged = ["/bin/", "/sbin/", "/usr/sbin/"].iter().any(|folder| path.strip_prefix(folder) == Some(name));
        is_merged && self.paths.contains(&format!("/usr/bin/{name}"))
    }

    fn instead_of_group(&self, group: &str) -> String {
        if matches!(group, "sudo" | "admin" | "adm") && self.groups.contains("wheel") {
            return "use `wheel`, whose members may do everything with sudo; or set `sudo`".to_owned();
        }
        let near = text::nearest(group, self.groups.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
        near.unwrap_or_else(|| "add the package that makes it, or make it in `postinstall` (`groupadd`) and add the user there".to_owned())
    }

    fn check_units(&self, kickstart: &Kickstart, refusals: &mut Vec<Refusal>) {
        for (name, _) in self.unknown_units(kickstart).filter(|(_, state)| *state == ServiceState::Enabled) {
            let unit = files::full_name(name);
            let hint = self.nearest_unit(&unit).unwrap_or_else(|| {
                "add the package that contains it, or copy it with `additional_files` to /etc/systemd/system".to_owned()
            });
            refusals
                .push(Refusal::new(format!("services.{name}"), format!("there is no unit `{unit}` in the installed system")).hint(hint));
        }
    }

    /// What a kickstart file says that has nothing to act on.
    pub fn notes(&self, kickstart: &Kickstart) -> Vec<Note> {
        let told = |(name, state)| {
            let (unit, what) = (
                files::full_name(name),
                match state {
                    ServiceState::Enabled => return None,
                    ServiceState::Disabled => "it is not started",
                    ServiceState::Masked => "it is masked all the same",
                },
            );
            let near = self.nearest_unit(&unit).map_or_else(String::new, |near| format!("; {near}"));
            Some(Note::new(format!("services.{name}"), format!("there is no unit `{unit}` in the installed system: {what}{near}")))
        };
        self.unknown_units(kickstart).filter_map(told).collect()
    }

    /// The units of `services` that neither packages nor what is copied contain.
    fn unknown_units<'a>(&self, kickstart: &'a Kickstart) -> impl Iterator<Item = (&'a str, ServiceState)> {
        let copied = || kickstart.additional_files.iter().flat_map(|pairs| pairs.values());
        let copies_folders = copied().any(|path| unit_of(path).is_none() && is_about_units(path)) || !kickstart.archives.is_empty();
        let is_there = move |unit: &str| self.units().chain(copied().filter_map(|path| unit_of(path))).any(|known| known == unit);
        kickstart.services.iter().map(|(name, state)| (name.as_str(), *state)).filter(move |(name, _)| {
            let unit = files::full_name(name);
            let template = unit.split_once('@').and_then(|(name, rest)| Some(format!("{name}@.{}", rest.rsplit_once('.')?.1)));
            !copies_folders && !is_there(&unit) && !template.as_deref().is_some_and(&is_there)
        })
    }

    fn units(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().filter_map(|path| unit_of(path))
    }

    fn nearest_unit(&self, unit: &str) -> Option<String> {
        text::nearest(unit, self.units()).map(|near| format!("did you mean `{}`?", near.trim_end_matches(".service")))
    }
}

/// The unit that a path is, if it is one.
fn unit_of(path: &str) -> Option<&str> {
    UNITS.iter().find_map(|folder| path.strip_prefix(folder)).filter(|name| !name.contains('/') && name.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents() -> Contents {
        let paths = ["/usr/bin/bash", "/usr/lib/systemd/system/sshd.service", "/usr/lib/systemd/system/getty@.service"];
        let mut contents = Contents { paths: paths.map(str::to_owned).into(), ..Contents::default() };
        contents.declare("# a\nu sshd 74 \"x\" /run/sshd\ng docker -\ng wheel 10\nm dev disk\n");
        contents
    }

    fn refused(text: &str) -> Vec<String> {
        let parsed = Kickstart::parse("x.json", text).unwrap();
        contents().check(&parsed.document.value).iter().map(|refusal| refusal.path.clone()).collect()
    }

    #[test]
    fn what_is_named_must_be_there() {
        let table = [
            (r#"{"users": [{"name": "a", "groups": ["docker", "wheel", "sshd", "disk", "root", "a"], "shell": "/bin/bash"}]}"#, vec![]),
            (r#"{"users": [{"name": "a", "groups": ["docker", "sudo"]}]}"#, vec!["users[0].groups[1]"]),
            (r#"{"users": [{"name": "sshd"}]}"#, vec!["users[0].name"]),
            (r#"{"users": [{"name": "a", "shell": "/usr/bin/zsh"}]}"#, vec!["users[0].shell"]),
            (r#"{"services": {"sshd": "enabled", "getty@tty3": "enabled", "iptables": "disabled", "x": "masked"}}"#, vec![]),
            (r#"{"services": {"sshdd": "enabled", "nothing": "disabled"}}"#, vec!["services.sshdd"]),
            (r#"{"services": {"own": "enabled"}, "additional_files": [{"own": "/etc/systemd/system/own.service"}]}"#, vec![]),
            (r#"{"services": {"own": "enabled"}, "additional_files": [{"etc": "/etc"}]}"#, vec![]),
            (r#"{"services": {"own": "enabled"}, "additional_files": [{"etc": "/etc/own"}]}"#, vec!["services.own"]),
        ];
        for (text, expected) in table {
            assert_eq!(refused(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_switched_off_and_is_not_there_is_told() {
        let parsed =
            Kickstart::parse("x.json", r#"{"services": {"sshd": "disabled", "sshdd": "disabled", "tmp.mount": "masked"}}"#).unwrap();
        let told: Vec<String> = contents().notes(&parsed.document.value).into_iter().map(|note| note.message).collect();
        assert_eq!(
            told,
            [
                "there is no unit `sshdd.service` in the installed system: it is not started; did you mean `sshd`?",
                "there is no unit `tmp.mount` in the installed system: it is masked all the same",
            ]
        );
    }
}
