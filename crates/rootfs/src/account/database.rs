//! The database of users and groups, and its files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::Ids;
use super::declaration::{AccountError, Declaration, UserDeclaration};
use base::epoch::SOURCE_DATE_EPOCH;

/// System ids are assigned downwards from here, as by systemd-sysusers (`SYSTEM_UID_MAX`).
const HIGHEST_SYSTEM_ID: u32 = 999;

/// The shell of accounts without login.
const NO_SHELL: &str = "/usr/bin/nologin";

/// A password that nothing matches, but that does not lock the account for keys.
const NO_PASSWORD: &str = "!*";

/// All accounts.
#[derive(Debug, Default)]
pub(super) struct Database {
    users: BTreeMap<String, User>,
    groups: BTreeMap<String, Group>,
}

#[derive(Debug)]
struct User {
    uid: u32,
    gid: u32,
    gecos: String,
    home: String,
    shell: String,
}

#[derive(Debug)]
struct Group {
    gid: u32,
    members: BTreeSet<String>,
}

impl Database {
    /// Adds the well-formed lines of an `/etc/passwd`.
    pub(super) fn read_passwd(&mut self, text: &str) {
        for line in text.lines() {
            let [name, _, uid, gid, gecos, home, shell] = line.split(':').collect::<Vec<_>>()[..] else { continue };
            let (Ok(uid), Ok(gid)) = (uid.parse(), gid.parse()) else { continue };
            let user = User { uid, gid, gecos: gecos.to_owned(), home: home.to_owned(), shell: shell.to_owned() };
            self.users.insert(name.to_owned(), user);
        }
    }

    /// Adds the well-formed lines of an `/etc/group`.
    pub(super) fn read_group(&mut self, text: &str) {
        for line in text.lines() {
            let [name, _, gid, members] = line.split(':').collect::<Vec<_>>()[..] else { continue };
            let Ok(gid) = gid.parse() else { continue };
            let members = members.split(',').filter(|member| !member.is_empty()).map(str::to_owned).collect();
            self.groups.insert(name.to_owned(), Group { gid, members });
        }
    }

    /// Adds root and what is declared: accounts with fixed numbers first, so that the others do not take their numbers.
    pub(super) fn declare(&mut self, declarations: &[Declaration], root_shell: &str) -> Result<(), AccountError> {
        let root = UserDeclaration {
            name: "root".into(),
            uid: Some(0),
            group: None,
            gecos: "root".into(),
            home: Some("/root".into()),
            shell: Some(root_shell.to_owned()),
        };
        self.user(&root)?;
        let users = || declarations.iter().filter_map(|each| if let Declaration::User(user) = each { Some(user) } else { None });
        let groups =
            || declarations.iter().filter_map(|each| if let Declaration::Group { name, gid } = each { Some((name, *gid)) } else { None });
        for fixed in [true, false] {
            for (name, gid) in groups().filter(|(_, gid)| gid.is_some() == fixed) {
                self.group_called(name, gid, None)?;
            }
            for user in users().filter(|user| user.uid.is_some() == fixed && user.name != "root") {
                self.user(user)?;
            }
        }
        for declaration in declarations {
            if let Declaration::Member { user, group } = declaration {
                self.group_called(group, None, None)?;
                if !self.users.contains_key(user) {
                    self.user(&UserDeclaration {
                        name: user.clone(),
                        uid: None,
                        group: None,
                        gecos: String::new(),
                        home: None,
                        shell: None,
                    })?;
                }
                if let Some(group) = self.groups.get_mut(group) {
                    group.members.insert(user.clone());
                }
            }
        }
        Ok(())
    }

    fn user(&mut self, wanted: &UserDeclaration) -> Result<(), AccountError> {
        let name = &wanted.name;
        if let Some(known) = self.users.get(name) {
            return match wanted.uid {
                Some(uid) if uid != known.uid => {
                    Err(AccountError::Twice { what: "user", name: name.clone(), first: known.uid, second: uid })
                }
                _ => Ok(()),
            };
        }
        let uid = match wanted.uid {
            Some(uid) => uid,
            None => self.free(self.groups.get(name).map(|group| group.gid)).ok_or_else(|| AccountError::Full { name: name.clone() })?,
        };
        if let Some((other, _)) = self.users.iter().find(|(_, user)| user.uid == uid) {
            return Err(AccountError::Taken { what: "user", name: name.clone(), id: uid, other: other.clone() });
        }
        let gid = match &wanted.group {
            None => self.group_called(name, None, Some(uid))?,
            Some(group) => match (group.parse(), self.groups.get(group)) {
                (Ok(gid), _) => gid,
                (Err(_), Some(known)) => known.gid,
                (Err(_), None) => return Err(AccountError::NoGroup { user: name.clone(), group: group.clone() }),
            },
        };
        let user = User {
            uid,
            gid,
            gecos: wanted.gecos.clone(),
            home: wanted.home.clone().unwrap_or_else(|| "/".to_owned()),
            shell: wanted.shell.clone().unwrap_or_else(|| NO_SHELL.to_owned()),
        };
        self.users.insert(name.clone(), user);
        Ok(())
    }

    /// The group's number: its existing one, else `wanted`, else `wished` if that is free, else a free one.
    fn group_called(&mut self, name: &str, wanted: Option<u32>, wished: Option<u32>) -> Result<u32, AccountError> {
        if let Some(known) = self.groups.get(name) {
            return match wanted {
                Some(gid) if gid != known.gid => {
                    Err(AccountError::Twice { what: "group", name: name.to_owned(), first: known.gid, second: gid })
                }
                _ => Ok(known.gid),
            };
        }
        let holder = |gid: u32| self.groups.iter().find(|(_, group)| group.gid == gid).map(|(name, _)| name.clone());
        let gid = match (wanted, wished.filter(|gid| holder(*gid).is_none())) {
            (Some(gid), _) => match holder(gid) {
                Some(other) => return Err(AccountError::Taken { what: "group", name: name.to_owned(), id: gid, other }),
                None => gid,
            },
            (None, Some(gid)) => gid,
            (None, None) => self.free(None).ok_or_else(|| AccountError::Full { name: name.to_owned() })?,
        };
        self.groups.insert(name.to_owned(), Group { gid, members: BTreeSet::new() });
        Ok(gid)
    }

    /// `first` if no user has it, else the highest number that neither a user nor a group has.
    fn free(&self, first: Option<u32>) -> Option<u32> {
        let is_user = |id: u32| self.users.values().any(|user| user.uid == id);
        let is_group = |id: u32| self.groups.values().any(|group| group.gid == id);
        first.filter(|id| !is_user(*id)).or_else(|| (1..=HIGHEST_SYSTEM_ID).rev().find(|id| !is_user(*id) && !is_group(*id)))
    }

    pub(super) fn ids(&self) -> Ids {
        Ids {
            users: self.users.iter().map(|(name, user)| (name.clone(), user.uid)).collect(),
            groups: self.groups.iter().map(|(name, group)| (name.clone(), group.gid)).collect(),
        }
    }

    fn users_by_id(&self) -> Vec<(&String, &User)> {
        let mut users: Vec<_> = self.users.iter().collect();
        users.sort_by_key(|(_, user)| user.uid);
        users
    }

    fn groups_by_id(&self) -> Vec<(&String, &Group)> {
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_by_key(|(_, group)| group.gid);
        groups
    }

    /// The text of `/etc/passwd` (passwd(5)).
    pub(super) fn passwd(&self) -> String {
        let mut text = String::new();
        for (name, User { uid, gid, gecos, home, shell }) in self.users_by_id() {
            let _ = writeln!(text, "{name}:x:{uid}:{gid}:{gecos}:{home}:{shell}");
        }
        text
    }

    /// The text of `/etc/group` (group(5)).
    pub(super) fn group(&self) -> String {
        let mut text = String::new();
        for (name, group) in self.groups_by_id() {
            let _ = writeln!(text, "{name}:x:{}:{}", group.gid, members(group));
        }
        text
    }

    /// The text of `/etc/shadow` (shadow(5)): only root can have a password, and the last change is at the build epoch.
    pub(super) fn shadow(&self, root_hash: Option<&str>) -> String {
        let day = SOURCE_DATE_EPOCH / 86_400;
        let mut text = String::new();
        for (name, user) in self.users_by_id() {
            let hash = root_hash.filter(|_| user.uid == 0).unwrap_or(NO_PASSWORD);
            let _ = writeln!(text, "{name}:{hash}:{day}::::::");
        }
        text
    }

    /// The text of `/etc/gshadow` (gshadow(5)).
    pub(super) fn gshadow(&self) -> String {
        let mut text = String::new();
        for (name, group) in self.groups_by_id() {
            let _ = writeln!(text, "{name}:{NO_PASSWORD}::{}", members(group));
        }
        text
    }
}

fn members(group: &Group) -> String {
    group.members.iter().map(String::as_str).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(text: &str) -> Result<Database, AccountError> {
        let mut database = Database::default();
        database.declare(&Declaration::parse_file("x", text).unwrap(), "/bin/sh")?;
        Ok(database)
    }

    #[test]
    fn accounts() {
        let database =
            made("u auto - \"An auto\" /var/auto\ng wheel 10\nu fixed 81:wheel\nm fixed docker\nu! root 0 x /root\ng docker 998").unwrap();
        assert_eq!(
            database.passwd(),
            "root:x:0:0:root:/root:/bin/sh\nfixed:x:81:10::/:/usr/bin/nologin\nauto:x:999:999:An auto:/var/auto:/usr/bin/nologin\n"
        );
        assert_eq!(database.group(), "root:x:0:\nwheel:x:10:\ndocker:x:998:fixed\nauto:x:999:\n");
        assert_eq!(database.shadow(None).lines().next(), Some("root:!*:20454::::::"));
        assert_eq!(database.shadow(Some("$6$x")).lines().nth(1), Some("fixed:!*:20454::::::"));
        assert!(database.shadow(Some("$6$x")).starts_with("root:$6$x:20454:"));
        assert_eq!(database.gshadow().lines().nth(2), Some("docker:!*::fixed"));
    }

    #[test]
    fn contradictions_are_refused() {
        assert!(matches!(made("u a 5\nu b 5"), Err(AccountError::Taken { what: "user", .. })));
        assert!(matches!(made("g a 5\ng b 5"), Err(AccountError::Taken { what: "group", .. })));
        assert!(matches!(made("g a 5\ng a 6"), Err(AccountError::Twice { what: "group", .. })));
        assert!(matches!(made("u a 5\nu a 6"), Err(AccountError::Twice { what: "user", .. })));
        assert!(matches!(made("u a 5:none"), Err(AccountError::NoGroup { .. })));
    }
}
