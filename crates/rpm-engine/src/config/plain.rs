//! Files of the same form whose keys belong to other programs.

use std::path::Path;

use super::{ConfigError, Place, ini, read};

/// A key of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The section it is in.
    pub section: String,
    /// Its name, in lowercase.
    pub key: String,
    /// Its value; lines that continue it are joined by a blank.
    pub value: String,
    /// Where it is.
    pub place: Place,
}

/// Reads the keys of all sections of a file.
///
/// # Errors
/// When the file cannot be read, or a line makes no sense.
pub fn settings(file: &Path) -> Result<Vec<Setting>, ConfigError> {
    let sections = ini::parse(file, &read(file)?)?.strict()?.into_iter();
    let keys = sections.flat_map(|section| {
        let name = section.name;
        section.entries.into_iter().map(move |entry| Setting {
            section: name.clone(),
            key: entry.key,
            value: entry.value,
            place: entry.place,
        })
    });
    Ok(keys.collect())
}
