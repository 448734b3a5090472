//! Files of `[sections]` with `key = value` lines, and where each line stands.

use std::path::Path;

use super::{ConfigError, Place};

/// Larger files are refused; real ones have a few kilobytes.
const LARGEST_BYTES: usize = 1 << 20;

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: String,
    /// Lines that continue it are joined by a blank.
    pub(super) value: String,
    pub(super) place: Place,
}

/// A section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) entries: Vec<Entry>,
}

/// Reads the text of `file`. Lines that begin with `#` or `;` are comments; a line that begins with a blank continues the value before it.
pub(super) fn parse(file: &Path, text: &str) -> Result<Vec<Section>, ConfigError> {
    let place = |line: usize| Place { file: file.to_owned(), line };
    let malformed = |line: usize, reason: &str| ConfigError::Malformed { place: place(line), reason: reason.to_owned() };
    if text.len() > LARGEST_BYTES {
        return Err(malformed(1, "the file is larger than 1 MiB"));
    }
    let mut sections: Vec<Section> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let content = line.trim();
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = content.strip_prefix('[') {
            let name = name.strip_suffix(']').map(str::trim).filter(|name| !name.is_empty());
            let name = name.ok_or_else(|| malformed(number, "a section must be written as `[name]`"))?;
            sections.push(Section { name: name.to_owned(), place: place(number), entries: Vec::new() });
            continue;
        }
        let section = sections.last_mut().ok_or_else(|| malformed(number, "a key precedes the first `[section]`"))?;
        if line.starts_with([' ', '\t'])
            && let Some(last) = section.entries.last_mut()
        {
            let blank = if last.value.is_empty() { "" } else { " " };
            last.value = format!("{}{blank}{content}", last.value);
            continue;
        }
        let (key, value) = content.split_once('=').ok_or_else(|| malformed(number, "a line must be written as `key = value`"))?;
        if key.trim().is_empty() {
            return Err(malformed(number, "a key is missing before `=`"));
        }
        section.entries.push(Entry { key: key.trim().to_lowercase(), value: value.trim().to_owned(), place: place(number) });
    }
    Ok(sections)
}
