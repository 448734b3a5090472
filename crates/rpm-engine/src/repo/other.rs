//! `other.xml`: what changed from release to release.

use std::collections::HashMap;
use std::io::BufRead;

use super::RepoError;
use super::xml::{number, walk};

/// An entry of a package's change log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Who made it, usually with the version.
    pub author: String,
    /// When, in seconds since 1970.
    pub time: u64,
    /// What.
    pub text: String,
}

/// Reads the change logs, by the checksum of the package's file.
pub(super) fn parse(xml: impl BufRead) -> Result<HashMap<String, Vec<Change>>, RepoError> {
    let mut logs = HashMap::new();
    let mut changes = Vec::new();
    walk("other.xml", "otherdata", xml, |stack| {
        match stack {
            [_, package, log] if package.name == "package" && log.name == "changelog" => changes.push(Change {
                author: log.attribute("author").unwrap_or_default().to_owned(),
                time: number("other.xml", log.attribute("date"))?,
                text: log.text.trim().to_owned(),
            }),
            [_, package] if package.name == "package" => {
                let all = std::mem::take(&mut changes);
                if let Some(id) = package.attribute("pkgid") {
                    logs.insert(id.to_owned(), all);
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(logs)
}
