//! Globs over paths of the image: `*` stays within a directory, `**` does not.

use ::glob::{MatchOptions, Pattern};

const OPTIONS: MatchOptions = MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: false };

/// One glob.
#[derive(Debug, Clone)]
pub struct Glob(Pattern);

/// Text that is not a glob.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GlobError {
    /// A wildcard is wrong.
    #[error("{reason} (at character {})", at + 1)]
    Wildcard {
        /// Why.
        reason: &'static str,
        /// Where, in characters from the beginning.
        at: usize,
    },
    /// Braces or a backslash, which other tools use for alternatives and quoting.
    #[error("`{character}` has no meaning in globs; write one glob for each alternative, and `[{character}]` for the character itself")]
    Meaningless {
        /// The character.
        character: char,
    },
}

impl Glob {
    /// Reads a glob.
    ///
    /// # Errors
    /// When it is not valid.
    pub fn new(text: &str) -> Result<Self, GlobError> {
        let mut is_bracketed = false;
        for character in text.chars() {
            match character {
                '[' => is_bracketed = true,
                ']' => is_bracketed = false,
                '{' | '}' | '\\' if !is_bracketed => return Err(GlobError::Meaningless { character }),
                _ => {}
            }
        }
        Pattern::new(text).map(Self).map_err(|error| GlobError::Wildcard { reason: error.msg, at: error.pos })
    }

    /// The glob as written.
    pub fn text(&self) -> &str {
        self.0.as_str()
    }

    /// Whether it matches `path`.
    pub fn matches(&self, path: &str) -> bool {
        self.0.matches_with(path, OPTIONS)
    }

    /// The same as a regular expression, in the notation that Python's `re` and most others share, for a match of whole paths.
    pub fn regex(&self) -> String {
        let mut regex = String::new();
        let mut rest = self.text();
        while let Some(first) = rest.chars().next() {
            let at_part = regex.is_empty() || regex.ends_with('/') || regex.ends_with("(?:.*/)?");
            let (piece, taken) = if let Some((inner, length)) = bracketed(rest) {
                // A class never matches the separator of directories.
                (format!("(?!/)[{}]", inner), length)
            } else if at_part && rest.starts_with("**/") {
                ("(?:.*/)?".to_owned(), 3)
            } else if rest.starts_with("**") {
                (".*".to_owned(), 2)
            } else {
                let piece = match first {
                    '*' => "[^/]*".to_owned(),
                    '?' => "[^/]".to_owned(),
                    _ if first.is_ascii_alphanumeric() || "/_-".contains(first) || !first.is_ascii() => first.to_string(),
                    _ => format!("\\{first}"),
                };
                (piece, first.len_utf8())
            };
            regex.push_str(&piece);
            rest = &rest[taken..];
        }
        regex
    }

    /// Whether it matches exactly one path.
    pub fn is_path(&self) -> bool {
        !self.text().contains(['*', '?', '['])
    }
}

/// The content of the class at the beginning of `text`, in the notation of regular expressions, and the class's length in bytes. As in the
/// `glob` crate, a leading `!` negates and a leading `]` is a member.
fn bracketed(text: &str) -> Option<(String, usize)> {
    let inner = text.strip_prefix('[')?;
    let (negation, members) = inner.strip_prefix('!').map_or(("", inner), |members| ("^", members));
    let first = members.chars().next()?.len_utf8();
    let end = first + members[first..].find(']')?;
    let escaped = |character: char| if "[]\\^&~|".contains(character) { format!("\\{character}") } else { character.to_string() };
    let escaped = members[..end].chars().map(escaped).collect::<String>();
    Some((format!("{negation}{escaped}"), text.len() - members.len() + end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stays_in_its_directory() {
        for (glob, path, expected) in [
            ("/usr/lib/*.so", "/usr/lib/libz.so", true),
            ("/usr/lib/*.so", "/usr/lib/x/libz.so", false),
            ("/usr/lib/*", "/usr/lib/.hidden", true),
            ("/usr/lib/lib?.so", "/usr/lib/libz.so", true),
            ("/usr/include/**", "/usr/include/a/b.h", true),
            ("/usr/include/**", "/usr/include", false),
            ("/**/*.la", "/usr/lib/a.la", true),
            ("/usr/lib/**/x.service", "/usr/lib/x.service", true),
            ("/usr/lib/**/x.service", "/usr/lib/a/b/x.service", true),
            ("/usr/share/go*/**/testdata/**", "/usr/share/go-1.24/src/a/testdata/b/c", true),
            ("/usr/bin/[[]", "/usr/bin/[", true),
            ("/usr/bin/[{]", "/usr/bin/{", true),
            ("/usr/bin/[!a]", "/usr/bin/b", true),
        ] {
            assert_eq!(Glob::new(glob).unwrap().matches(path), expected, "{glob} {path}");
        }
    }

    #[test]
    fn a_glob_is_a_regular_expression() {
        for (glob, regex) in [
            ("/usr/lib/*.so", r"/usr/lib/[^/]*\.so"),
            ("/usr/lib/lib?.so.1+", r"/usr/lib/lib[^/]\.so\.1\+"),
            ("/usr/include/**", "/usr/include/.*"),
            ("/**/*.la", r"/(?:.*/)?[^/]*\.la"),
            ("/a/**/**/b", "/a/(?:.*/)?(?:.*/)?b"),
            ("/usr/bin/[!a-c]x", "/usr/bin/(?!/)[^a-c]x"),
            ("/usr/bin/[[]", r"/usr/bin/(?!/)[\[]"),
            ("/usr/bin/[]x]", r"/usr/bin/(?!/)[\]x]"),
            ("/usr/bin/ü y", r"/usr/bin/ü\ y"),
        ] {
            assert_eq!(Glob::new(glob).unwrap().regex(), regex, "{glob}");
        }
    }

    #[test]
    fn invalid_globs_are_refused() {
        for (glob, message) in [
            ("/usr/bin/[", "invalid range pattern (at character 10)"),
            ("/usr/lib/**.so", "recursive wildcards must form a single path component (at character 12)"),
            (
                "/usr/lib/lib{a,b}.so",
                "`{` has no meaning in globs; write one glob for each alternative, and `[{]` for the character itself",
            ),
        ] {
            assert_eq!(Glob::new(glob).unwrap_err().to_string(), message, "{glob}");
        }
    }
}
