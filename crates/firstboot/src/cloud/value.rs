//! Single values of cloud-config, each read once and right from then on.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};

use kickstart::{KeyError, Secret, check_authorized_key, is_account_name, is_hash, is_hostname, is_ssh_key};

/// Splits a text into keys, one per line, without comment lines. YAML may have folded several lines into one, which then contains several keys.
fn key_lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let words: Vec<&str> = line.split(' ').collect();
        let begins = |index: &usize| words.get(*index..*index + 2).is_some_and(|pair| is_ssh_key(&pair.join(" ")));
        // Options may stand before the first one.
        let starts: Vec<usize> = [0].into_iter().chain((0..words.len()).filter(begins).skip(1)).collect();
        let ends = starts.iter().skip(1).copied().chain([words.len()]);
        lines.extend(starts.iter().zip(ends).map(|(start, end)| words[*start..end].join(" ").trim().to_owned()));
    }
    lines
}

/// A list of texts, or one text. Which one it was matters for commands only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words(pub Vec<String>, pub bool);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Words;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text, or a list of texts")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Words, E> {
                let absent = matches!(text, "none" | "None");
                Ok(if absent { Words::default() } else { Words(vec![text.to_owned()], false) })
            }

            fn visit_unit<E: de::Error>(self) -> Result<Words, E> {
                Ok(Words::default())
            }

            // Where nothing is meant, some documents write false.
            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Words, E> {
                if value { Err(E::invalid_type(de::Unexpected::Bool(value), &self)) } else { Ok(Words::default()) }
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Words, E> {
                Ok(Words(vec![number.to_string()], false))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Words, A::Error> {
                let mut words = Vec::new();
                while let Some(Word(word)) = list.next_element()? {
                    words.push(word);
                }
                Ok(Words(words, true))
            }
        }
        let mut words = deserializer.deserialize_any(Reader)?;
        if matches!(&words.0[..], [text] if !words.1 && is_name_list(text)) {
            words.0 = words.0.iter().flat_map(|text| text.split(',')).map(|word| word.trim().to_owned()).collect();
        }
        Ok(words)
    }
}

/// `docker, wheel`.
fn is_name_list(text: &str) -> bool {
    text.contains(',') && text.split(',').all(|word| is_account_name(word.trim()))
}

/// A single text; numbers and words such as `true` are taken as they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(transparent)]
pub struct Word(pub String);

/// True, false, or `unchanged`, which is as if nothing were said.
pub(super) fn unless_unchanged<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    let Word(text) = Word::deserialize(deserializer)?;
    match text.to_ascii_lowercase().as_str() {
        "unchanged" => Ok(None),
        "true" | "yes" | "on" | "1" => Ok(Some(true)),
        "false" | "no" | "off" | "0" => Ok(Some(false)),
        _ => Err(de::Error::custom("write true, false or `unchanged`")),
    }
}

/// A command: a line for the shell, or a list of words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A line.
    Line(String),
    /// The program and its arguments.
    List(Vec<String>),
}

impl Command {
    /// As a line of a script.
    pub fn line(&self) -> String {
        match self {
            Self::Line(line) => without_frequency(line).to_owned(),
            Self::List(words) => {
                let is_wrapped = words.len() > 3 && words.first().is_some_and(|word| is_frequency(word));
                let words = if is_wrapped { &words[3..] } else { words };
                words.iter().map(|word| text::quote(word)).collect::<Vec<_>>().join(" ")
            }
        }
    }
}

/// The program of cloud-init that says how often a command runs. Commands run once here.
fn is_frequency(word: &str) -> bool {
    word.rsplit('/').next() == Some("cloud-init-per")
}

/// A line without `cloud-init-per FREQUENCY NAME` before its command.
fn without_frequency(line: &str) -> &str {
    let mut rest = line.trim_start();
    for index in 0..3 {
        match rest.split_once(char::is_whitespace) {
            Some((word, behind)) if index > 0 || is_frequency(word) => rest = behind.trim_start(),
            Some(_) | None => return line,
        }
    }
    rest
}

impl<'de> Deserialize<'de> for Command {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Command;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a line for the shell, or a list of words")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Command, E> {
                Ok(Command::Line(text.to_owned()))
            }

            // `true` and `false` are commands.
            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Command, E> {
                Ok(Command::Line(value.to_string()))
            }

            // An item that a template left empty.
            fn visit_unit<E: de::Error>(self) -> Result<Command, E> {
                Ok(Command::Line(String::new()))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, _: A) -> Result<Command, A::Error> {
                Err(de::Error::custom(
                    "a colon and a blank make a table of it: put the whole line in quotes, or write `- |` and the line below",
                ))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Command, A::Error> {
                let mut words = Vec::new();
                while let Some(Word(word)) = list.next_element()? {
                    words.push(word);
                }
                Ok(Command::List(words))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// Bytes: text, or what YAML's `!!binary` contains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content(pub Vec<u8>);

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Content;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Content, E> {
                Ok(Content(text.as_bytes().to_vec()))
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Content, E> {
                Ok(Content(bytes.to_vec()))
            }
        }
        deserializer.deserialize_byte_buf(Reader)
    }
}

macro_rules! checked {
    ($($(#[$about:meta])* $name:ident($inner:ty), $check:expr;)*) => {
        $($(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
        #[serde(try_from = "Word")]
        pub struct $name(pub $inner);

        impl TryFrom<Word> for $name {
            type Error = String;

            fn try_from(Word(text): Word) -> Result<Self, String> {
                let check: fn(String) -> Result<$inner, String> = $check;
                check(text).map(Self)
            }
        })*
    };
}

checked! {
    /// The name of a machine.
    Hostname(String), |text| {
        let refusal = format!("`{text}` is not a host name: use letters, digits and hyphens, in parts of at most 63 characters");
        Some(text.trim().to_owned()).filter(|text| is_hostname(text)).ok_or(refusal)
    };
    /// The name of a user or group.
    AccountName(String), |text| {
        let refusal = format!("`{text}` is not a name of a user or group: use letters, digits, `-`, `_` and dots within, at most 31, and not digits only");
        Some(text.trim().to_owned()).filter(|text| is_account_name(text)).ok_or(refusal)
    };
    /// The number of a user besides root, but for those that mean none: -1 in 16 and 32 bits (chown(2)).
    Uid(u32), |text| match text.trim().parse() {
        Ok(0) => Err("0 is root's number: the user gets the next free one".to_owned()),
        Ok(65_535 | u32::MAX) | Err(_) => Err(format!("`{text}` is not a user's number: the user gets the next free one")),
        Ok(uid) => Ok(uid),
    };
    /// A line of `authorized_keys`; or several, as files have them, of which at least one is a key.
    SshKey(String), |text| {
        let lines = key_lines(&text);
        let mut wrong = None;
        for line in &lines {
            match check_authorized_key(line) {
                Ok(()) => return Ok(lines.join("\n")),
                Err(error) => wrong = wrong.or(Some(error)),
            }
        }
        Err(wrong.unwrap_or(KeyError::NotAKey).line())
    };
    /// A password's hash.
    PasswordHash(Secret), |text| {
        let refusal = "not a hash in the format of crypt(5): `openssl passwd -6` writes one; a password itself is `plain_text_passwd`";
        if is_hash(&text) { Ok(Secret::new(text)) } else { Err(refusal.to_owned()) }
    };
    /// An absolute path.
    AbsolutePath(String), |text| {
        let is_path = text.starts_with('/') && !text.ends_with('/') && text.split('/').all(|part| part != "..");
        if is_path && !text.contains(['\n', '\0']) { Ok(text) } else { Err(format!("`{text}` is not an absolute path of a file")) }
    };
    /// A time zone of tzdata.
    TimeZone(String), |text| {
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte)) && !text.starts_with('/');
        if plain { Ok(text) } else { Err(format!("`{text}` is not a time zone such as `Europe/Berlin`")) }
    };
    /// The address of a proxy, or names of hosts.
    ProxyAddress(String), |text| {
        let odd = |letter: char| letter.is_whitespace() || letter.is_control() || "\"'\\$`%".contains(letter);
        if text.contains(odd) { Err("it contains a character that addresses cannot contain".to_owned()) } else { Ok(text) }
    };
    /// An address that something is fetched from or sent to.
    WebAddress(String), |text| {
        let is_web = text.starts_with("https://") || text.starts_with("http://");
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_web && is_plain { Ok(text) } else { Err("not an address that begins with https:// or http://".to_owned()) }
    };
    /// A server that is asked for the time: a name or an address, without options.
    TimeServer(String), |text| {
        let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]%".contains(&byte));
        if plain { Ok(text) } else { Err(format!("`{text}` is not the name or address of a server: write each as an item of its own")) }
    };
    /// A text of one line.
    Line(String), |text| {
        if text.contains(char::is_control) { Err("it contains a line break or another control character".to_owned()) } else { Ok(text) }
    };
}

impl SshKey {
    /// What is wrong with those of several lines that are no keys; the others count.
    pub fn refused(&self) -> Vec<String> {
        let all = self.0.lines().count();
        let wrong = self.0.lines().enumerate().filter_map(|(index, line)| Some((index + 1, check_authorized_key(line).err()?)));
        wrong.map(|(number, error)| format!("key {number} of {all}: {}", error.line())).collect()
    }

    /// Each line that is a key.
    pub fn each(&self) -> impl Iterator<Item = Self> {
        self.0.lines().filter(|line| check_authorized_key(line).is_ok()).map(|line| Self(line.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_a_file_are_several() {
        let one = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEuPD92oV88/iYH7O8hL26+vSX4HnZlnCAbAkGPHjEDC me";
        let two = "from=\"192.0.2.0/24\" ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQCZ0G4NyMoTpFYe/C+Y8qqCCVn8NOyZTd3dijLnMIUvsPPB9uVztwMmNejzoyBRRb7inHN479iDQBehYERCC7MpR2uXpCBxdLtUHUfetSfArv0KipI1sKAGIWQXboFWSUX9/X7fqsHpaT+Zedsj1sOSefIpthyxhosdLe1OkNWMlw== a b";
        let cut = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9G cut";
        let table = [
            (format!("{one}\n\n{two}\n"), Some(format!("{one}\n{two}"))),
            (format!("{two} {one}"), Some(format!("{two}\n{one}"))),
            (format!("{one} {one} again"), Some(format!("{one}\n{one} again"))),
            (format!("{one}\n# mine"), Some(one.to_owned())),
            (format!("{one}\n{cut}"), Some(format!("{one}\n{cut}"))),
            (cut.to_owned(), None),
            (String::new(), None),
        ];
        for (text, expected) in table {
            assert_eq!(SshKey::try_from(Word(text.clone())).ok().map(|key| key.0), expected, "{text}");
        }
    }

    #[test]
    fn of_several_keys_the_whole_ones_count() {
        let one = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEuPD92oV88/iYH7O8hL26+vSX4HnZlnCAbAkGPHjEDC me";
        let key = SshKey::try_from(Word(format!("{one} ssh-dss AAAAB3 old\nssh-rsa AAAA"))).unwrap();
        assert_eq!(key.each().collect::<Vec<_>>(), [SshKey(one.to_owned())]);
        let told = key.refused();
        assert!(told.len() == 2 && told[0].starts_with("key 2 of 3: the SSH server takes no keys of the type `ssh-dss`: "), "{told:?}");
        assert!(told[1].starts_with("key 3 of 3: this public key is damaged or cut off: "), "{told:?}");
    }

    #[test]
    fn commands_run_once_without_being_told_so() {
        let list = |words: &[&str]| Command::List(words.iter().map(|word| (*word).to_owned()).collect());
        let table = [
            (Command::Line("cloud-init-per once mkfs  mkfs.xfs /dev/sdb".into()), "mkfs.xfs /dev/sdb"),
            (list(&["/usr/bin/cloud-init-per", "instance", "x", "echo", "a b"]), "echo 'a b'"),
            (Command::Line("  echo cloud-init-per once x".into()), "  echo cloud-init-per once x"),
            (list(&["cloud-init-per", "once"]), "cloud-init-per once"),
        ];
        for (command, expected) in table {
            assert_eq!(command.line(), expected);
        }
    }

    #[test]
    fn words_are_one_or_several() {
        let read = |text: &str| serde_json::from_str::<Words>(text).map(|words| words.0);
        assert_eq!(read("\"docker, wheel\"").unwrap(), ["docker", "wheel"]);
        assert_eq!(read("\"ALL=(ALL) NOPASSWD:ALL\"").unwrap(), ["ALL=(ALL) NOPASSWD:ALL"]);
        assert_eq!(read("[\"a\", \"7\"]").unwrap(), ["a", "7"]);
        assert!(read("false").unwrap().is_empty() && read("true").is_err());
    }
}
