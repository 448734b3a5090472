//! Finds a value again in a file that was read before, for problems that appear only when all files have been read.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::diagnostic::SourceText;

/// The position of the first string below the key `path` that `matches` accepts: the string there, or one of a list. If there is none, the
/// nearest table or value on the way; failing that, the beginning of the file.
pub fn place(source: &SourceText, path: &[&str], matches: impl Fn(&str) -> bool) -> Range<usize> {
    let (tree, _) = DeTable::parse_recoverable(&source.text);
    let mut table = tree.get_ref();
    let mut span = 0..0;
    for (at, key) in path.iter().enumerate() {
        let Some(value) = table.get(*key) else { return span };
        span = value.span();
        match value.get_ref() {
            DeValue::Table(inner) => table = inner,
            DeValue::Array(items) if at + 1 == path.len() => {
                let found = items.iter().find(|item| matches!(item.get_ref(), DeValue::String(text) if matches(text)));
                return found.map_or(span, toml::Spanned::span);
            }
            _ => return span,
        }
    }
    span
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_found_by_their_path() {
        let text = "# \"go\"\n[package]\nname = \"go\"\nsdk = [\"rust\", 'go']\n[file.\"/usr/bin/x\"]\nowner = \"go\"\n";
        let source = SourceText { path: "x".into(), text: text.into() };
        let found = |path: &[&str]| text[place(&source, path, |text| text == "go")].to_owned();
        assert_eq!(found(&["package", "sdk"]), "'go'");
        assert_eq!(found(&["file", "/usr/bin/x", "owner"]), "\"go\"");
        assert_eq!(found(&["file", "/usr/bin/y", "owner"]), text[place(&source, &["file"], |_| false)]);
        assert_eq!(found(&["none"]), "");
    }
}
