//! Rules of sudo(8), as sudoers(5) has them behind a user's name. One that sudo does not understand would close it for everybody, so that
//! only what is certainly right is taken.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};

use super::Word;

/// A rule: `ALL=(ALL) NOPASSWD:ALL`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Word")]
pub struct SudoRule(pub String);

impl TryFrom<Word> for SudoRule {
    type Error = String;

    fn try_from(Word(text): Word) -> Result<Self, String> {
        let text = text.trim();
        match rule(text) {
            Ok(()) => Ok(Self(text.to_owned())),
            Err(reason) => {
                let shown: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
                Err(format!(
                    "`{shown}` is not a rule of sudo: {reason}. Write `ALL=(ALL) NOPASSWD:ALL` and the like, without a user's name"
                ))
            }
        }
    }
}

/// The rules of a user: one, a list, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SudoRules(pub Vec<SudoRule>);

impl SudoRules {
    /// That a user may run everything without a password, as cloud-init's own default users.
    pub(crate) fn everything() -> Self {
        Self(vec![SudoRule("ALL=(ALL) NOPASSWD:ALL".to_owned())])
    }
}

impl<'de> Deserialize<'de> for SudoRules {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = SudoRules;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a rule of sudo such as `ALL=(ALL) NOPASSWD:ALL`, a list of rules, or false")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<SudoRules, E> {
                if matches!(text, "none" | "None") {
                    return Ok(SudoRules::default());
                }
                SudoRule::try_from(Word(text.to_owned())).map(|rule| SudoRules(vec![rule])).map_err(E::custom)
            }

            fn visit_unit<E: de::Error>(self) -> Result<SudoRules, E> {
                Ok(SudoRules::default())
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<SudoRules, E> {
                if value { Err(E::invalid_type(de::Unexpected::Bool(value), &self)) } else { Ok(SudoRules::default()) }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<SudoRules, A::Error> {
                let mut rules = Vec::new();
                while let Some(rule) = list.next_element()? {
                    rules.push(rule);
                }
                Ok(SudoRules(rules))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// What may stand between a rule's runas list and its command.
const TAGS: [&str; 16] = [
    "EXEC",
    "NOEXEC",
    "FOLLOW",
    "NOFOLLOW",
    "INTERCEPT",
    "NOINTERCEPT",
    "LOG_INPUT",
    "NOLOG_INPUT",
    "LOG_OUTPUT",
    "NOLOG_OUTPUT",
    "MAIL",
    "NOMAIL",
    "PASSWD",
    "NOPASSWD",
    "SETENV",
    "NOSETENV",
];

/// What programs and their arguments consist of besides letters and digits. Others have a meaning for sudo, or had one in some version.
const PLAIN: &str = "_-./+@%*?~ ";

/// What a backslash may stand before in arguments.
const ESCAPED: &str = ",:=\\";

/// Reads a whole rule: `HOSTS = COMMANDS`, and further ones behind colons.
fn rule(text: &str) -> Result<(), String> {
    if text.chars().any(char::is_control) {
        return Err("it has several lines, or a control character".to_owned());
    }
    let mut rest = Rest(text);
    loop {
        rest.list(Rest::host)?;
        rest.expect('=')?;
        rest.list(Rest::command)?;
        if !rest.take(':') {
            break;
        }
    }
    if rest.0.is_empty() { Ok(()) } else { Err(format!("`{}` is more than a rule has", rest.0)) }
}

/// What of a rule is not read yet.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// Takes a letter, if it is next, and the blanks around it.
    fn take(&mut self, letter: char) -> bool {
        let found = self.0.trim_start().strip_prefix(letter);
        self.0 = found.unwrap_or(self.0).trim_start();
        found.is_some()
    }

    fn expect(&mut self, letter: char) -> Result<(), String> {
        if self.take(letter) { Ok(()) } else { Err(format!("`{letter}` is missing {}", self.here())) }
    }

    /// Where reading has come to.
    fn here(&self) -> String {
        if self.0.is_empty() { "at its end".to_owned() } else { format!("before `{}`", self.0) }
    }

    /// Takes letters as long as they fit.
    fn word(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        let (word, rest) = self.0.split_at(self.0.find(|letter: char| !fits(letter)).unwrap_or(self.0.len()));
        self.0 = rest;
        word
    }

    /// One or more of a kind, with commas between them.
    fn list(&mut self, item: fn(&mut Self) -> Result<(), String>) -> Result<(), String> {
        loop {
            item(self)?;
            if !self.take(',') {
                return Ok(());
            }
        }
    }

    /// Passes over the mark of an exception.
    fn except(&mut self) {
        self.0 = self.0.strip_prefix('!').unwrap_or(self.0);
    }

    fn host(&mut self) -> Result<(), String> {
        self.except();
        let name = self.word(|letter| letter.is_ascii_alphanumeric() || "._-/".contains(letter));
        if name.is_empty() || name.starts_with('/') { Err(format!("a host, such as ALL, is missing {}", self.here())) } else { Ok(()) }
    }

    fn user(&mut self) -> Result<(), String> {
        self.account(&["", "%", "#", "%#", "+"])
    }

    fn group(&mut self) -> Result<(), String> {
        self.account(&["", "#"])
    }

    /// A name, or a number behind `#`, with what may be before it.
    fn account(&mut self, starts: &[&str]) -> Result<(), String> {
        self.except();
        let start = self.word(|letter| "%#+".contains(letter));
        let name = self.word(|letter| letter.is_ascii_alphanumeric() || "._-".contains(letter));
        let is_number = !start.contains('#') || name.bytes().all(|byte| byte.is_ascii_digit());
        let is_right = !name.is_empty() && is_number && starts.contains(&start);
        if is_right { Ok(()) } else { Err("a name between the parentheses is wrong".to_owned()) }
    }

    /// Who a command is run as: `(USERS:GROUPS)`.
    fn runas(&mut self) -> Result<(), String> {
        if !self.take('(') {
            return Ok(());
        }
        if !self.0.starts_with([':', ')']) {
            self.list(Self::user)?;
        }
        if self.take(':') && !self.0.starts_with(')') {
            self.list(Self::group)?;
        }
        self.expect(')')
    }

    fn command(&mut self) -> Result<(), String> {
        self.runas()?;
        loop {
            let is_exception = self.0.starts_with('!');
            self.except();
            if self.0.starts_with('/') {
                return self.path();
            }
            let name = self.word(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_');
            if name.is_empty() || !name.starts_with(|letter: char| letter.is_ascii_uppercase()) {
                return Err(format!("a command, which is ALL or an absolute path, is missing {}", self.here()));
            }
            if TAGS.contains(&name) && !is_exception {
                self.expect(':')?;
            } else if name == "ALL" {
                self.0 = self.0.trim_start();
                return Ok(());
            } else {
                return Err(format!("`{name}` is neither ALL nor one of {}", TAGS.join(", ")));
            }
        }
    }

    /// A program and its arguments, in which sudoers(5) wants backslashes before `,`, `:`, `=` and `\`.
    fn path(&mut self) -> Result<(), String> {
        let mut end = self.0.len();
        let mut letters = self.0.char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' if letters.next().is_some_and(|(_, next)| ESCAPED.contains(next)) => {}
                ',' | ':' => {
                    end = at;
                    break;
                }
                plain if plain.is_ascii_alphanumeric() || PLAIN.contains(plain) => {}
                '=' => return Err("write a backslash before `=` in arguments".to_owned()),
                other => return Err(format!("`{other}` cannot be in a command here: write such a rule into a file of its own")),
            }
        }
        let (command, rest) = self.0.split_at(end);
        let (program, arguments) = command.split_once(' ').unwrap_or((command, ""));
        if program.contains('\\') || program.ends_with('/') && !arguments.trim().is_empty() {
            return Err(format!("`{program}` is not a program"));
        }
        self.0 = rest;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: [&str; 16] = [
        "ALL=(ALL) NOPASSWD:ALL",
        "ALL=(ALL:ALL) ALL",
        "ALL = NOPASSWD: ALL",
        "ALL=(ALL) NOPASSWD: SETENV: ALL",
        "ALL=(root) NOPASSWD:/usr/bin/docker, /usr/bin/systemctl restart web*, !/usr/bin/su",
        "ALL=(:docker) /usr/bin/docker",
        "ALL=() /usr/bin/docker",
        "ALL=(#1000,%#10,%wheel,+net,!root:adm,#4) /bin/ls",
        "ALL=(ALL,!root) ALL",
        "web1,!web2=/bin/ls \\,a\\=b\\:c : db=(postgres) NOPASSWD: ALL",
        "192.0.2.0/24=ALL",
        "ALL=(ALL) NOPASSWD:/usr/bin/",
        "ALL=(ALL) NOPASSWD:ALL, PASSWD:/usr/bin/passwd",
        "ALL=(ALL) ALL,!/bin/sh",
        "ALL=NOEXEC:/bin/less /var/log/* --a\\=b",
        "  ALL=(ALL)NOPASSWD:ALL  ",
    ];

    const WRONG: [&str; 28] = [
        "",
        "rubbish",
        "yes",
        "ALL",
        "ALL=",
        "ALL=(ALL)",
        "ALL=(ALL NOPASSWD:ALL",
        "ALL=(ALL)) ALL",
        "ALL=(ALL) NOPASSWD ALL",
        "ALL=(ALL) NOPASWD:ALL",
        "ALL=(ALL) NOPASSWD:",
        "ALL=(ALL) NOPASSWD:docker",
        "ALL=(ALL) NOPASSWD:ALL,",
        "ALL=(ALL) NOPASSWD:ALL ALL",
        "dev ALL=(ALL) NOPASSWD:ALL",
        "%wheel ALL=(ALL) ALL",
        "ALL=(ALL) NOPASSWD:ALL # all",
        "ALL=(ALL) /bin/x \\",
        "ALL=(ALL) /bin/x a:b",
        "ALL=(ALL) /bin/x --a=b",
        "ALL=!(ALL) /bin/x",
        "ALL=(ALL) !NOPASSWD: /bin/x",
        "ALL=(ALL) /bin/x \\w",
        "ALL=(ALL) /etc/ x",
        "ALL=(ALL) ALL\nALL ALL=(ALL) ALL",
        "ALL=(a b) ALL",
        "#include /tmp/x",
        "ALL=(ALL) NOPASSWD:\"/bin/ls\"",
    ];

    #[test]
    fn rules_are_right_or_not_taken() {
        for text in RIGHT {
            assert_eq!(SudoRule::try_from(Word(text.to_owned())).map(|rule| rule.0), Ok(text.trim().to_owned()));
        }
        for text in WRONG {
            assert!(SudoRule::try_from(Word(text.to_owned())).is_err(), "{text}");
        }
    }

    #[test]
    #[ignore = "is a process that asks visudo, whose path is KAON_VISUDO"]
    fn visudo_takes_what_is_taken() {
        const PARTS: [&str; 26] = [
            "ALL",
            "web",
            "=",
            "=",
            "(",
            ")",
            "(ALL)",
            ":",
            ",",
            "!",
            "NOPASSWD:",
            "SETENV:",
            "/bin/ls",
            "/bin/x -a",
            "/etc/",
            "\\",
            "#1",
            "%a",
            " ",
            " ",
            "root",
            "*",
            "\"",
            "--a=b",
            ":adm",
            "@",
        ];
        let visudo = std::env::var("KAON_VISUDO").expect("KAON_VISUDO is the path of visudo");
        let folder = tempfile::tempdir().unwrap();
        let takes = |rule: &str| {
            let file = folder.path().join("rule");
            std::fs::write(&file, format!("dev {rule}\n")).unwrap();
            std::process::Command::new(&visudo).args(["-c", "-q", "-f"]).arg(file).status().unwrap().success()
        };
        let is_taken = |rule: &str| SudoRule::try_from(Word(rule.to_owned())).is_ok();
        let mut state = 1_u32;
        let mut next = |most: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as usize % most
        };
        let mut made: Vec<String> = RIGHT.map(str::to_owned).to_vec();
        for _ in 0..100_000 {
            let mut rule = if next(2) == 0 { "ALL=".to_owned() } else { String::new() };
            (0..next(9)).for_each(|_| rule.push_str(PARTS[next(PARTS.len())]));
            made.extend(is_taken(&rule).then_some(rule));
        }
        assert!(made.len() > 300, "{}", made.len());
        made.sort();
        made.dedup();
        let refused: Vec<String> = made.into_iter().filter(|rule| !takes(rule)).collect();
        assert!(refused.is_empty(), "{refused:?}");
    }
}
