//! Finds the places of a spec's text that change with its version.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{DebianPlaces, Places, SourcePlaces};

/// Finds the places in a text that is a valid spec according to [`crate::spec::parse`]; `None` for any other. Byte offsets refer to the
/// original text, whatever its line ends.
pub fn read(text: &str) -> Option<Places> {
    // The TOML parser's offsets do not include a byte order mark.
    let mark = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let body = &text[mark..];
    let tree = DeTable::parse(body).ok()?;
    let reader = Reader { text: body, offset: mark };
    let package = as_table(tree.get_ref().get("package")?)?;
    let version = package.get("version")?;
    let sources = match tree.get_ref().get("source").map(Spanned::get_ref) {
        Some(DeValue::Array(items)) => items.iter().filter_map(|item| Some(reader.source(as_table(item)?, item.span().start))).collect(),
        _ => Vec::new(),
    };
    Some(Places {
        version: as_string(version)?,
        version_at: reader.place(version),
        release_at: reader.place(package.get("release")?),
        sources,
    })
}

struct Reader<'a> {
    text: &'a str,
    offset: usize,
}

impl Reader<'_> {
    fn source(&self, table: &DeTable<'_>, start: usize) -> SourcePlaces {
        SourcePlaces {
            line: self.line(start),
            url: table.get("url").and_then(as_string),
            sha256_at: table.get("sha256").map(|digest| self.place(digest)),
            debian: table.get("debian").and_then(|debian| self.debian(debian)),
        }
    }

    fn debian(&self, value: &Spanned<DeValue<'_>>) -> Option<DebianPlaces> {
        let line = self.line(value.span().start);
        match as_table(value) {
            Some(table) => {
                let sha256_at = table.get("sha256").map(|digest| self.place(digest));
                Some(DebianPlaces { text: as_string(table.get("file")?)?, line, sha256_at })
            }
            None => Some(DebianPlaces { text: as_string(value)?, line, sha256_at: None }),
        }
    }

    fn place(&self, value: &Spanned<DeValue<'_>>) -> std::ops::Range<usize> {
        value.span().start + self.offset..value.span().end + self.offset
    }

    fn line(&self, at: usize) -> usize {
        1 + self.text.bytes().take(at).filter(|byte| *byte == b'\n').count()
    }
}

fn as_table<'a, 't>(value: &'a Spanned<DeValue<'t>>) -> Option<&'a DeTable<'t>> {
    match value.get_ref() {
        DeValue::Table(table) => Some(table),
        _ => None,
    }
}

fn as_string(value: &Spanned<DeValue<'_>>) -> Option<String> {
    match value.get_ref() {
        DeValue::String(text) => Some(text.to_string()),
        _ => None,
    }
}
