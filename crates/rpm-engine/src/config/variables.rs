//! `$releasever`, `$basearch` and the administrator's own variables.

use std::collections::BTreeMap;
use std::path::Path;

use super::ConfigError;

/// Longer values are refused.
const LONGEST_BYTES: u64 = 4096;

/// Variables by name, without the dollar sign.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Sets a variable.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.insert(name.into(), value.into());
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Reads the files of a directory: each one's name is a variable, its first line the value. A directory that is not there has none.
    pub(super) fn read(&mut self, directory: &Path) -> Result<(), ConfigError> {
        for path in super::files(directory, "")? {
            let Some(name) = path.file_name().and_then(|name| name.to_str()).filter(|name| name.chars().all(is_name)) else { continue };
            let too_long = std::fs::metadata(&path).is_ok_and(|found| found.len() > LONGEST_BYTES);
            if !too_long {
                let text = super::read(&path)?;
                self.0.insert(name.to_owned(), text.lines().next().unwrap_or_default().trim().to_owned());
            }
        }
        Ok(())
    }

    /// Puts values in place of `$name` and `${name}`. What is not a variable stays as it is written.
    pub fn expand(&self, text: &str) -> String {
        let mut expanded = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            expanded.push_str(before);
            let (name, length) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
                Some((name, _)) => (name, name.len() + 2),
                None => {
                    let length = after.find(|character| !is_name(character)).unwrap_or(after.len());
                    (&after[..length], length)
                }
            };
            match self.0.get(name) {
                Some(value) => expanded.push_str(value),
                None => {
                    expanded.push('$');
                    expanded.push_str(&after[..length]);
                }
            }
            rest = &after[length..];
        }
        expanded.push_str(rest);
        expanded
    }
}

fn is_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expansion() {
        let mut variables = Variables::default();
        variables.set("releasever", "1.0");
        variables.set("basearch", "x86_64");
        let table = [
            ("http://h/$releasever/$basearch/", "http://h/1.0/x86_64/"),
            ("${releasever}x", "1.0x"),
            ("$releaseverx", "$releaseverx"),
            ("$", "$"),
            ("a$$basearch", "a$x86_64"),
            ("${basearch", "${basearch"),
            ("${}", "${}"),
        ];
        for (text, expected) in table {
            assert_eq!(variables.expand(text), expected, "{text}");
        }
    }
}
