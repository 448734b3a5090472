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
#[derive(Debug)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) entries: Vec<Entry>,
    /// Its lines that make no sense.
    pub(super) faults: Vec<ConfigError>,
}

/// What a file contains.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) sections: Vec<Section>,
    /// Lines before the first section that make no sense.
    pub(super) faults: Vec<ConfigError>,
}

impl Parsed {
    /// The sections of a file in which every line must make sense.
    ///
    /// # Errors
    /// The first that does not.
    pub(super) fn strict(self) -> Result<Vec<Section>, ConfigError> {
        let mut sections = self.sections;
        let mut faults = self.faults.into_iter().chain(sections.iter_mut().flat_map(|section| section.faults.drain(..)));
        match faults.next() {
            Some(fault) => Err(fault),
            None => {
                drop(faults);
                Ok(sections)
            }
        }
    }
}

/// Reads the text of `file`. Lines that begin with `#` or `;` are comments; a line that begins with a blank continues the value before it. A
/// byte order mark is passed over.
///
/// # Errors
/// When the text is too large.
pub(super) fn parse(file: &Path, text: &str) -> Result<Parsed, ConfigError> {
    let place = |line: usize| Place { file: file.to_owned(), line };
    let malformed = |line: usize, reason: &str| ConfigError::Malformed { place: place(line), reason: reason.to_owned() };
    if text.len() > LARGEST_BYTES {
        return Err(malformed(1, "the file is larger than 1 MiB"));
    }
    let mut parsed = Parsed::default();
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        let content = line.trim();
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        let fault = match content.strip_prefix('[') {
            Some(name) => match name.strip_suffix(']').map(str::trim).filter(|name| !name.is_empty()) {
                Some(name) => {
                    let (entries, faults) = (Vec::new(), Vec::new());
                    parsed.sections.push(Section { name: name.to_owned(), place: place(number), entries, faults });
                    continue;
                }
                None => "a section must be written as `[name]`",
            },
            None => match parsed.sections.last_mut().map(|section| add(&mut section.entries, line, place(number))) {
                Some(Ok(())) => continue,
                Some(Err(reason)) => reason,
                None => "a key precedes the first `[section]`",
            },
        };
        let faults = parsed.sections.last_mut().map_or(&mut parsed.faults, |section| &mut section.faults);
        faults.push(malformed(number, fault));
    }
    Ok(parsed)
}

/// Adds a line that is not a section's name.
fn add(entries: &mut Vec<Entry>, line: &str, place: Place) -> Result<(), &'static str> {
    let content = line.trim();
    if line.starts_with([' ', '\t'])
        && let Some(last) = entries.last_mut()
    {
        let blank = if last.value.is_empty() { "" } else { " " };
        last.value = format!("{}{blank}{content}", last.value);
        return Ok(());
    }
    let (key, value) = content.split_once('=').ok_or("a line must be written as `key = value`")?;
    if key.trim().is_empty() {
        return Err("a key is missing before `=`");
    }
    entries.push(Entry { key: key.trim().to_lowercase(), value: value.trim().to_owned(), place });
    Ok(())
}
