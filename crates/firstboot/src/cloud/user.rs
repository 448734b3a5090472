//! Users, groups and passwords of cloud-config.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};

use super::sudo::SudoRules;
use super::value::{AbsolutePath, AccountName, Line, PasswordHash, SshKey, Uid, Words};
use kickstart::Secret;

macro_rules! cloud_user {
    ($($(#[$about:meta])* $name:ident: $type:ty,)*) => {
        /// A user.
        #[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
        pub struct CloudUser {
            /// The login name; `default` stands for the one that [`super::CloudConfig::user`] names.
            pub name: AccountName,
            $($(#[$about])* #[serde(default)] pub $name: $type,)*
        }

        impl CloudUser {
            /// A user of whom only the name is given.
            pub(crate) fn named(name: &str) -> Self {
                Self { name: AccountName(name.to_owned()), $($name: <$type>::default(),)* }
            }

            /// Takes from a later entry of the same user what this one does not say; the keys for which it says something else.
            pub(super) fn fill(&mut self, other: Self) -> Vec<&'static str> {
                let mut passed = Vec::new();
                $(if self.$name == <$type>::default() {
                    self.$name = other.$name;
                } else if other.$name != <$type>::default() && other.$name != self.$name {
                    passed.push(stringify!($name));
                })*
                passed
            }
        }
    };
}

cloud_user! {
    /// The full name.
    gecos: String,
    /// The number.
    uid: Option<Uid>,
    /// Further groups: a list, or text with commas.
    groups: GroupNames,
    /// The first group; default: one of the user's name.
    primary_group: Option<AccountName>,
    /// The home directory.
    homedir: Option<AbsolutePath>,
    /// Whether it is the account of a service.
    system: bool,
    /// The day from which nobody logs in: `2032-09-01`.
    expiredate: Option<Day>,
    /// Days after the password's end in which it still fits.
    inactive: Option<u32>,
    /// Whether the home directory is not made.
    no_create_home: bool,
    /// Whether no group of the user's name is made.
    no_user_group: bool,
    /// Whether groups that are not there are made; true by default.
    create_groups: Option<bool>,
    /// The login shell.
    shell: Option<AbsolutePath>,
    /// Rules of sudo(8) without the user's name: `ALL=(ALL) NOPASSWD:ALL`.
    sudo: SudoRules,
    /// The password's hash.
    passwd: Option<PasswordHash>,
    /// The password's hash.
    hashed_passwd: Option<PasswordHash>,
    /// The password.
    plain_text_passwd: Option<Secret>,
    /// Whether no password fits; true by default.
    lock_passwd: Option<bool>,
    /// Keys that may log in over SSH.
    ssh_authorized_keys: Vec<SshKey>,
}

impl CloudUser {
    /// The password and whether it is a hash.
    pub(crate) fn password(&self) -> Option<(&Secret, bool)> {
        let hash = self.passwd.as_ref().or(self.hashed_passwd.as_ref()).map(|hash| (&hash.0, true));
        hash.or(self.plain_text_passwd.as_ref().map(|text| (text, false)))
    }
}

/// A day, in days since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Line")]
pub struct Day(pub i64);

impl TryFrom<Line> for Day {
    type Error = String;

    fn try_from(Line(text): Line) -> Result<Self, String> {
        let refusal = || format!("`{text}` is not a day such as 2032-09-01");
        let parts: Vec<i64> = text.split('-').map(str::parse).collect::<Result<_, _>>().map_err(|_| refusal())?;
        let [year @ 1970..=9999, month @ 1..=12, day @ 1..=31] = parts[..] else { return Err(refusal()) };
        // Days from 1970 by a calendar whose years begin in March, where the leap day is the last one.
        let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let century = year / 100;
        let days = 365 * year + year / 4 - century + century / 4 + (153 * month + 2) / 5 + day - 1;
        Ok(Self(days - 719_468))
    }
}

/// Names of groups: a list, or text with commas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupNames {
    /// The names.
    pub names: Vec<String>,
    /// What is wrong with others in the same text.
    pub refused: Vec<String>,
}

impl<'de> Deserialize<'de> for GroupNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = GroupNames;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of groups, or text with commas")
            }

            fn visit_unit<E: de::Error>(self) -> Result<GroupNames, E> {
                Ok(GroupNames::default())
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<GroupNames, E> {
                let mut groups = GroupNames::default();
                for name in text.split(',').map(str::trim).filter(|name| !matches!(*name, "" | "none" | "None")) {
                    match checked(name) {
                        Ok(name) => groups.names.push(name),
                        Err(reason) => groups.refused.push(reason),
                    }
                }
                Ok(groups)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<GroupNames, A::Error> {
                let mut groups = GroupNames::default();
                while let Some(AccountName(name)) = list.next_element()? {
                    groups.names.push(name);
                }
                Ok(groups)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// Groups, and who is in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Groups(pub BTreeMap<String, Vec<String>>);

impl<'de> Deserialize<'de> for Groups {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Groups;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of groups: `[name, {name: [member]}]`")
            }

            fn visit_unit<E: de::Error>(self) -> Result<Groups, E> {
                Ok(Groups::default())
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Groups, E> {
                let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
                let groups: Result<_, String> = names.map(|name| Ok((checked(name)?, Vec::new()))).collect();
                groups.map(Groups).map_err(E::custom)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Groups, A::Error> {
                let mut groups = Groups::default();
                while let Some(Groups(some)) = list.next_element()? {
                    some.into_iter().for_each(|(name, members)| groups.0.entry(name).or_default().extend(members));
                }
                Ok(groups)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Groups, A::Error> {
                let mut groups = Groups::default();
                while let Some((name, members)) = map.next_entry::<String, Words>()? {
                    let members: Result<_, String> = members.0.iter().map(|member| checked(member)).collect();
                    let members = members.map_err(de::Error::custom)?;
                    groups.0.insert(checked(&name).map_err(de::Error::custom)?, members);
                }
                Ok(groups)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

fn checked(name: &str) -> Result<String, String> {
    AccountName::try_from(super::Word(name.to_owned())).map(|AccountName(name)| name)
}

/// Passwords of users that are there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Chpasswd {
    /// Whether they must be changed at the first login; true by default.
    pub expire: Option<bool>,
    /// Names and passwords.
    pub users: Vec<PasswordOf>,
    /// The same, in lines of `name:password`.
    pub list: Vec<Secret>,
}

/// A user's password.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawPassword")]
pub struct PasswordOf {
    /// The login name.
    pub name: String,
    /// The password or its hash.
    pub password: Secret,
    /// Which of the two.
    pub kind: PasswordKind,
    /// Whether it must be changed at the first login, where it differs from [`Chpasswd::expire`].
    pub expire: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename = "PasswordOf")]
struct RawPassword {
    name: AccountName,
    #[serde(default)]
    password: Option<Secret>,
    #[serde(rename = "type", default)]
    kind: RawKind,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
enum RawKind {
    #[default]
    #[serde(rename = "hash")]
    Hash,
    #[serde(rename = "text")]
    Text,
    #[serde(rename = "RANDOM", alias = "random")]
    Random,
}

/// Why no password is made up.
pub(crate) const NO_RANDOM: &str = "passwords are not made up, for they would have to be shown: write a hash, or use SSH keys";

impl TryFrom<RawPassword> for PasswordOf {
    type Error = String;

    fn try_from(RawPassword { name: AccountName(name), password, kind }: RawPassword) -> Result<Self, String> {
        match (password, kind) {
            (_, RawKind::Random) => Err(NO_RANDOM.to_owned()),
            (None, _) => Err("`password` is missing".to_owned()),
            (Some(password), RawKind::Hash) if !kickstart::is_hash(password.reveal()) => {
                Err("`password` is not a hash in the format of crypt(5); for a password itself write `type: text`".to_owned())
            }
            (Some(password), RawKind::Hash) => Ok(Self { name, password, kind: PasswordKind::Hash, expire: None }),
            (Some(password), RawKind::Text) if is_random(password.reveal()) => Err(NO_RANDOM.to_owned()),
            (Some(password), RawKind::Text) => Ok(Self { name, password, kind: PasswordKind::Text, expire: None }),
        }
    }
}

/// Whether a password is one of cloud-init's words for one that is to be made up.
pub(crate) fn is_random(text: &str) -> bool {
    matches!(text, "R" | "RANDOM")
}

impl PasswordOf {
    /// A line of `name:password`.
    ///
    /// # Errors
    /// When it is none, or as with [`Self::guessed`].
    pub(super) fn of_line(line: &str) -> Result<Self, String> {
        let (name, text) = line.split_once(':').ok_or("write `name:password`")?;
        Self::guessed(name.trim(), text).map_err(|reason| format!("{}: {reason}", name.trim()))
    }

    /// A password given without saying whether it is a hash.
    ///
    /// # Errors
    /// When it begins as a hash does, but is not a complete one: it was cut or mistyped, and as a password it would be one that nobody knows.
    pub(crate) fn guessed(name: &str, text: &str) -> Result<Self, &'static str> {
        const KINDS: [&str; 9] = ["$1$", "$2a$", "$2b$", "$2y$", "$5$", "$6$", "$7$", "$y$", "$gy$"];
        let kind = match text {
            _ if is_random(text) => return Err(NO_RANDOM),
            _ if kickstart::is_hash(text) => PasswordKind::Hash,
            _ if KINDS.iter().any(|kind| text.starts_with(kind)) => {
                return Err("an incomplete hash, which no password can match");
            }
            "" => return Err("an empty password"),
            _ => PasswordKind::Text,
        };
        Ok(Self { name: name.to_owned(), password: Secret::new(text), kind, expire: None })
    }
}

/// What a password is given as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordKind {
    /// Its hash.
    Hash,
    /// Itself.
    Text,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted() {
        for (text, days) in [("1970-01-01", 0), ("2000-03-01", 11_017), ("2032-09-01", 22_889)] {
            assert_eq!(Day::try_from(Line(text.into())).unwrap(), Day(days), "{text}");
        }
        assert!(Day::try_from(Line("soon".into())).is_err());
    }
}
