//! Finds the places of a spec's text that change with its version.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{ArchiveKey, ArchivePlaces, Places, SourcePlaces};

/// Finds the places in a text that is a valid spec according to [`crate::spec::parse`]; `None` for any other. Byte offsets refer to the
/// original text, whatever its line ends.
pub fn read(text: &str) -> Option<Places> {
    // The TOML parser's offsets do not include a byte order mark.
    let mark = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let body = &text[mark..];
    let tree = DeTable::parse(body).ok()?;
    let reader = Reader { text: body, offset: mark };
    let package = as_table(tree.get_ref().get("package")?)?;
    let (version, release) = (package.get("version")?, package.get("release")?);
    let sources = match tree.get_ref().get("source").map(Spanned::get_ref) {
        Some(DeValue::Array(items)) => items.iter().filter_map(|item| Some(reader.source(as_table(item)?, item.span().start))).collect(),
        _ => Vec::new(),
    };
    Some(Places {
        version: as_string(version)?,
        release: as_number(release)?,
        version_at: reader.place(version),
        release_at: reader.place(release),
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
            archive: self.archive(table),
        }
    }

    fn archive(&self, table: &DeTable<'_>) -> Option<ArchivePlaces> {
        let [debian, deb] = ["debian", "deb"].map(|key| table.get(key));
        let (key, value) = debian.map(|value| (ArchiveKey::Debian, value)).or(deb.map(|value| (ArchiveKey::Deb, value)))?;
        let (text, sha256) = match as_table(value) {
            Some(table) => (table.get("file")?, table.get("sha256")),
            None => (value, None),
        };
        Some(ArchivePlaces {
            key,
            text: as_string(text)?,
            line: self.line(value.span().start),
            text_at: self.place(text),
            sha256_at: sha256.map(|digest| self.place(digest)),
        })
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

fn as_number(value: &Spanned<DeValue<'_>>) -> Option<u32> {
    match value.get_ref() {
        DeValue::Integer(number) => u32::from_str_radix(number.as_str(), number.radix()).ok(),
        _ => None,
    }
}
