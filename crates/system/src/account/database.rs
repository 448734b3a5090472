//! `/etc/passwd` and its companions as text.

use super::password::{Hash, NO_PASSWORD};
use super::{AccountsError, SystemError, Target};
use super::{Details, UserAccount};

/// The four files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    /// `/etc/passwd`.
    pub passwd: String,
    /// `/etc/group`.
    pub group: String,
    /// `/etc/shadow`.
    pub shadow: String,
    /// `/etc/gshadow`.
    pub gshadow: String,
}

/// Paths, and modes of those not there yet. Only root may read the secret ones.
const FILES: [(&str, u32); 4] = [("/etc/passwd", 0o644), ("/etc/group", 0o644), ("/etc/shadow", 0), ("/etc/gshadow", 0)];

/// Numbers of the system's accounts that systemd's sysusers gives out from the top (its default is up to 999).
const SYSTEM: std::ops::RangeInclusive<u32> = 500..=999;

impl Accounts {
    /// Reads them.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn read(target: &Target) -> Result<Self, SystemError> {
        let [passwd, group, shadow, gshadow] = FILES.map(|(path, _)| target.read(path));
        Ok(Self { passwd: passwd?, group: group?, shadow: shadow?, gshadow: gshadow? })
    }

    /// Writes those that changed; each keeps its mode and owner.
    ///
    /// # Errors
    /// When one cannot be written.
    pub fn write(&self, target: &Target) -> Result<(), SystemError> {
        let before = Self::read(target)?;
        let texts = [
            (&self.passwd, &before.passwd),
            (&self.group, &before.group),
            (&self.shadow, &before.shadow),
            (&self.gshadow, &before.gshadow),
        ];
        for ((path, mode), (new, old)) in FILES.into_iter().zip(texts) {
            if new != old {
                target.replace(path, mode, new.as_bytes())?;
            }
        }
        Ok(())
    }

    /// Uid, gid and home of a user.
    pub fn user(&self, name: &str) -> Option<(u32, u32, String)> {
        let fields = line(&self.passwd, name)?;
        Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?, (*fields.get(5)?).to_owned()))
    }

    /// The name of the user who has a number.
    pub fn owner(&self, uid: u32) -> Option<&str> {
        ids(&self.passwd).find(|(_, id)| *id == uid).map(|(name, _)| name)
    }

    /// The number of a group.
    pub fn group(&self, name: &str) -> Option<u32> {
        line(&self.group, name)?.get(2)?.parse().ok()
    }

    /// Uid, gid and home of all that are neither root nor the system's.
    pub fn people(&self) -> impl Iterator<Item = (u32, u32, String)> {
        let names = ids(&self.passwd).filter(|(_, uid)| (1000..=60_000).contains(uid));
        names.filter_map(|(name, _)| self.user(name))
    }

    /// Adds a user, with a group of the same name unless the first group is another one.
    pub(super) fn add(&mut self, user: &UserAccount, details: &Details, hash: &Hash) -> Result<(), AccountsError> {
        let name = &user.name;
        if line(&self.passwd, name).is_some() {
            return Err(AccountsError::Exists { name: name.clone() });
        }
        let uid = self.free(user.uid, details.is_system)?;
        let gid = match details.primary_group.as_ref().filter(|group| *group != name) {
            Some(group) => self.group(group).ok_or_else(|| AccountsError::NoGroup { name: group.clone() })?,
            None => match self.group(name) {
                Some(gid) => gid,
                None => self.own_group(name, uid, details.is_system)?,
            },
        };
        let home = details.home.clone().unwrap_or_else(|| format!("/home/{name}"));
        let day = |day: Option<i64>| day.map_or_else(String::new, |day| day.to_string());
        let (inactive, expires) = (day(details.inactive.map(i64::from)), day(details.expires));
        append(&mut self.passwd, &format!("{name}:x:{uid}:{gid}:{}:{home}:{}", user.gecos, user.shell));
        append(&mut self.shadow, &format!("{name}:{NO_PASSWORD}:{}::::{inactive}:{expires}:", hash.day));
        self.set(name, hash)?;
        user.groups.iter().try_for_each(|group| self.join(name, group))
    }

    /// Makes the group of a user, with the user's number if it is free.
    fn own_group(&mut self, name: &str, uid: u32, is_system: bool) -> Result<u32, AccountsError> {
        let gid = match ids(&self.group).any(|(_, gid)| gid == uid) {
            false => uid,
            true if is_system => self.free_system_group()?,
            true => self.free_group()?,
        };
        append(&mut self.group, &format!("{name}:x:{gid}:"));
        append(&mut self.gshadow, &format!("{name}:{NO_PASSWORD}::"));
        Ok(gid)
    }

    /// Makes a group that is not there, with a number of the system's, so that users' numbers stay free.
    pub(super) fn make_group(&mut self, name: &str) -> Result<(), AccountsError> {
        if self.group(name).is_some() {
            return Ok(());
        }
        let gid = self.free_system_group()?;
        append(&mut self.group, &format!("{name}:x:{gid}:"));
        append(&mut self.gshadow, &format!("{name}:{NO_PASSWORD}::"));
        Ok(())
    }

    /// Makes a user member of a group.
    pub(super) fn join(&mut self, user: &str, group: &str) -> Result<(), AccountsError> {
        if line(&self.group, group).is_none() {
            return Err(AccountsError::NoGroup { name: group.to_owned() });
        }
        for text in [&mut self.group, &mut self.gshadow] {
            change(text, group, |fields| {
                if let Some(members) = fields.get_mut(3)
                    && !members.split(',').any(|member| member == user)
                {
                    *members = if members.is_empty() { user.to_owned() } else { format!("{members},{user}") };
                }
            });
        }
        Ok(())
    }

    /// Lets no password of a user fit.
    pub(super) fn lock(&mut self, name: &str) -> Result<(), AccountsError> {
        let found = change(&mut self.shadow, name, |fields| {
            if let Some(hash) = fields.get_mut(1).filter(|hash| !hash.starts_with('!')) {
                hash.insert(0, '!');
            }
        });
        if found { Ok(()) } else { Err(AccountsError::NoUser { name: name.to_owned() }) }
    }

    /// Sets a password, and when it must be changed (shadow(5): fields 3 and 5).
    pub(super) fn set(&mut self, name: &str, hash: &Hash) -> Result<(), AccountsError> {
        let found = change(&mut self.shadow, name, |fields| {
            fields.resize(9, String::new());
            fields[1].clone_from(&hash.text);
            fields[2] = if hash.age == Some(0) { "0".into() } else { hash.day.to_string() };
            fields[4] = match hash.age {
                Some(days @ 1..) => days.to_string(),
                Some(-1) => "-1".into(),
                _ => fields[4].clone(),
            };
        });
        if found { Ok(()) } else { Err(AccountsError::NoUser { name: name.to_owned() }) }
    }

    fn free(&self, wanted: Option<u32>, is_system: bool) -> Result<u32, AccountsError> {
        match wanted {
            Some(uid) => match self.owner(uid) {
                Some(owner) => Err(AccountsError::Taken { uid, owner: owner.to_owned() }),
                None => Ok(uid),
            },
            None if is_system => SYSTEM.rev().find(|uid| self.owner(*uid).is_none()).ok_or(AccountsError::Full),
            None => (1000..=60_000).find(|uid| self.owner(*uid).is_none()).ok_or(AccountsError::Full),
        }
    }

    fn free_system_group(&self) -> Result<u32, AccountsError> {
        SYSTEM.rev().find(|gid| !ids(&self.group).any(|(_, id)| id == *gid)).ok_or(AccountsError::Full)
    }

    fn free_group(&self) -> Result<u32, AccountsError> {
        (1000..=60_000).find(|gid| !ids(&self.group).any(|(_, id)| id == *gid)).ok_or(AccountsError::Full)
    }
}

fn line<'a>(text: &'a str, name: &str) -> Option<Vec<&'a str>> {
    text.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| fields[0] == name)
}

/// Names and numbers of `/etc/passwd` or `/etc/group`.
fn ids(text: &str) -> impl Iterator<Item = (&str, u32)> {
    text.lines().filter_map(|line| {
        let mut fields = line.split(':');
        Some((fields.next()?, fields.nth(1)?.parse().ok()?))
    })
}

fn append(text: &mut String, line: &str) {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(line);
    text.push('\n');
}

/// Changes the fields of the line that begins with `name`; whether there is one.
fn change(text: &mut String, name: &str, with: impl Fn(&mut Vec<String>)) -> bool {
    let mut found = false;
    let lines: Vec<String> = text
        .lines()
        .map(|line| {
            let mut fields: Vec<String> = line.split(':').map(str::to_owned).collect();
            if fields[0] == name {
                found = true;
                with(&mut fields);
            }
            fields.join(":")
        })
        .collect();
    if found {
        *text = lines.join("\n") + "\n";
    }
    found
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn accounts() -> Accounts {
        Accounts {
            passwd: "root:x:0:0:root:/root:/bin/sh\nold:x:1000:1000::/home/old:/bin/sh\n".into(),
            group: "root:x:0:\nold:x:1000:\ndocker:x:975:\nwheel:x:10:old\n".into(),
            shadow: "root:!unprovisioned:1::::::\nold:!*:1::::::\n".into(),
            gshadow: "root:!*::\nold:!*::\ndocker:!*::\nwheel:!*::old\n".into(),
        }
    }

    pub(crate) fn user(name: &str, uid: Option<u32>, groups: &[&str]) -> UserAccount {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        UserAccount { name: name.into(), gecos: "G".into(), uid, groups, shell: "/bin/sh".into(), password: None, ssh_keys: Vec::new() }
    }

    fn hash(text: &str, age: Option<i32>) -> Hash {
        Hash { text: text.into(), day: 20_000, age }
    }

    #[test]
    fn a_user_is_added_to_all_four() {
        let mut accounts = accounts();
        accounts.add(&user("dev", None, &["docker", "wheel"]), &Details::default(), &hash("$6$x", None)).unwrap();
        assert!(accounts.passwd.ends_with("dev:x:1001:1001:G:/home/dev:/bin/sh\n"));
        assert!(accounts.group.contains("docker:x:975:dev\nwheel:x:10:old,dev\ndev:x:1001:\n"));
        assert!(accounts.shadow.ends_with("dev:$6$x:20000::::::\n"));
        assert!(accounts.gshadow.contains("wheel:!*::old,dev\n"));
        assert_eq!(
            accounts.add(&user("dev", None, &[]), &Details::default(), &hash("x", None)),
            Err(AccountsError::Exists { name: "dev".into() })
        );
        let taken = AccountsError::Taken { uid: 1000, owner: "old".into() };
        assert_eq!(accounts.add(&user("x", Some(1000), &[]), &Details::default(), &hash("x", None)), Err(taken));
        assert_eq!(
            accounts.add(&user("y", None, &["none"]), &Details::default(), &hash("x", None)),
            Err(AccountsError::NoGroup { name: "none".into() })
        );
    }

    #[test]
    fn passwords_and_their_age() {
        for (age, line) in [
            (None, "root:$6$x:20000::::::"),
            (Some(0), "root:$6$x:0::::::"),
            (Some(90), "root:$6$x:20000::90::::"),
            (Some(-1), "root:$6$x:20000::-1::::"),
        ] {
            let mut accounts = accounts();
            accounts.set("root", &hash("$6$x", age)).unwrap();
            assert_eq!(accounts.shadow.lines().next(), Some(line));
        }
        assert_eq!(accounts().set("none", &hash("x", None)), Err(AccountsError::NoUser { name: "none".into() }));
    }
}
