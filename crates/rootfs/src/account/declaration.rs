//! One line of a `sysusers.d` file.

/// What a line declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Declaration {
    /// A user, and a group of the same name unless another is given.
    User(UserDeclaration),
    /// A group.
    Group { name: String, gid: Option<u32> },
    /// A user is a member of a group.
    Member { user: String, group: String },
}

/// A user's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UserDeclaration {
    pub(super) name: String,
    pub(super) uid: Option<u32>,
    /// The primary group, by name or number, if it is not that of the user's name.
    pub(super) group: Option<String>,
    pub(super) gecos: String,
    pub(super) home: Option<String>,
    pub(super) shell: Option<String>,
}

/// Why accounts cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// A line is malformed.
    #[error("`{path}`, line {line}: {reason}")]
    Line {
        /// The file in the tree.
        path: String,
        /// The line, counted from 1.
        line: usize,
        /// Why.
        reason: &'static str,
    },
    /// Two accounts require the same number.
    #[error("{what} `{name}` requires the id {id}, which `{other}` has")]
    Taken {
        /// `user` or `group`.
        what: &'static str,
        /// The account that requires it.
        name: String,
        /// The number.
        id: u32,
        /// The account that has it.
        other: String,
    },
    /// An account is declared with different numbers.
    #[error("{what} `{name}` is declared with the ids {first} and {second}")]
    Twice {
        /// `user` or `group`.
        what: &'static str,
        /// The account.
        name: String,
        /// One number.
        first: u32,
        /// The other.
        second: u32,
    },
    /// A user's primary group is declared nowhere.
    #[error("user `{user}` requires the group `{group}`, which no package declares")]
    NoGroup {
        /// The user.
        user: String,
        /// The group.
        group: String,
    },
    /// Root's password is not a hash of crypt(5).
    #[error("root's password is not a hash in the format of crypt(5), such as `openssl passwd -6` prints")]
    PasswordHash,
    /// No system id is left.
    #[error("no system id is left for `{name}`")]
    Full {
        /// The account that needs one.
        name: String,
    },
}

impl Declaration {
    /// Reads a whole file. `path` is for messages.
    pub(super) fn parse_file(path: &str, text: &str) -> Result<Vec<Self>, AccountError> {
        let meaningful = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
        let lines = text.lines().enumerate().filter(|(_, line)| meaningful(line));
        let parsed =
            lines.map(|(at, line)| Self::parse(line).map_err(|reason| AccountError::Line { path: path.to_owned(), line: at + 1, reason }));
        parsed.filter_map(Result::transpose).collect()
    }

    /// Reads one line; `None` if it declares no account (`r`, a range of numbers).
    fn parse(line: &str) -> Result<Option<Self>, &'static str> {
        let fields = fields(line)?;
        let field = |at: usize| fields.get(at).map(String::as_str).filter(|text| !text.is_empty() && *text != "-");
        let kind = field(0).ok_or("it is empty")?;
        if kind == "r" {
            return Ok(None);
        }
        let name = field(1).filter(|name| is_name(name)).ok_or("the name is missing or malformed")?.to_owned();
        match kind {
            "u" | "u!" => {
                let (uid, group) = match field(2).map(|id| id.split_once(':').unwrap_or((id, ""))) {
                    None => (None, None),
                    // An id taken from the owner of a path counts as not fixed.
                    Some((path, _)) if path.starts_with('/') => (None, None),
                    Some((uid, group)) => (number(uid)?, Some(group).filter(|group| !group.is_empty()).map(str::to_owned)),
                };
                let [gecos, home, shell] = [3, 4, 5].map(|at| field(at).map(str::to_owned));
                let gecos = gecos.unwrap_or_default();
                if [Some(&gecos), home.as_ref(), shell.as_ref()].into_iter().flatten().any(|text| text.contains([':', '\n'])) {
                    return Err("a field contains a colon");
                }
                Ok(Some(Self::User(UserDeclaration { name, uid, group, gecos, home, shell })))
            }
            "g" => {
                let gid = field(2).filter(|id| !id.starts_with('/')).map_or(Ok(None), number)?;
                Ok(Some(Self::Group { name, gid }))
            }
            "m" => {
                let group = field(2).filter(|group| is_name(group)).ok_or("the group is missing or malformed")?.to_owned();
                Ok(Some(Self::Member { user: name, group }))
            }
            _ => Err("it begins with none of u, u!, g, m, r"),
        }
    }
}

fn number(text: &str) -> Result<Option<u32>, &'static str> {
    if text == "-" { Ok(None) } else { text.parse().map(Some).map_err(|_| "the id is not a number") }
}

/// Names that shadow's tools accept as well: no colon, no blank, not a number.
fn is_name(name: &str) -> bool {
    let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    first && name.len() <= 31 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}

/// Splits at blanks; double or single quotes keep them.
fn fields(line: &str) -> Result<Vec<String>, &'static str> {
    let mut fields = Vec::new();
    let mut rest = line.trim();
    while let Some(first) = rest.chars().next() {
        let (field, after) = if matches!(first, '"' | '\'') {
            rest[1..].split_once(first).ok_or("a quote is not closed")?
        } else {
            rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()))
        };
        fields.push(field.to_owned());
        rest = after.trim_start();
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let user = |uid, group: Option<&str>, gecos: &str, home: Option<&str>| {
            let group = group.map(str::to_owned);
            let home = home.map(str::to_owned);
            Declaration::User(UserDeclaration { name: "a".into(), uid, group, gecos: gecos.into(), home, shell: None })
        };
        let table = [
            ("u a 81 \"A daemon\" / -", vec![user(Some(81), None, "A daemon", Some("/"))]),
            ("u! a -:wheel", vec![user(None, Some("wheel"), "", None)]),
            ("u a 5:7 - -", vec![user(Some(5), Some("7"), "", None)]),
            (
                "g a 10\n\n# no\nm b a\nr - 500-900",
                vec![Declaration::Group { name: "a".into(), gid: Some(10) }, Declaration::Member { user: "b".into(), group: "a".into() }],
            ),
        ];
        for (text, expected) in table {
            assert_eq!(Declaration::parse_file("x", text).unwrap(), expected, "{text}");
        }
        for text in ["u", "u 1a", "u a x", "x a", "m a", "u a 1 \"open", "u a 1 \"a:b\"", "u a:b 1"] {
            assert!(Declaration::parse_file("x", text).is_err(), "{text}");
        }
    }
}
