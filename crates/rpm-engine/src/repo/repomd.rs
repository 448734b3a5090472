//! `repomd.xml`: which documents there are, and their digests.

use std::collections::BTreeMap;

use super::RepoError;
use super::xml::{Element, number, walk};

/// One document of the metadata.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Document {
    /// Where it is, relative to the repository.
    pub location: String,
    /// SHA-256 of the file, in lowercase hexadecimal.
    pub sha256: String,
    /// SHA-256 of what it unpacks to.
    pub open_sha256: Option<String>,
    /// The file's size in bytes.
    pub size: Option<u64>,
    /// The size of what it unpacks to, in bytes.
    pub open_size: Option<u64>,
    /// When it was made, in seconds since 1970.
    pub timestamp: u64,
}

/// The index of the metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repomd {
    /// What the repository calls this state of itself; usually a number that grows.
    pub revision: String,
    /// From when on it is not to be believed any more, in seconds since 1970. This is our own addition to the format.
    pub expires: Option<u64>,
    documents: BTreeMap<String, Document>,
}

impl Repomd {
    /// Reads the text of `repomd.xml`.
    ///
    /// # Errors
    /// When it is malformed, or a document has no SHA-256 or is outside of the repository.
    pub fn parse(xml: &str) -> Result<Self, RepoError> {
        let malformed = |reason: &str| RepoError::Malformed { document: "repomd.xml".into(), reason: reason.into() };
        let mut documents = BTreeMap::new();
        let mut document = Document::default();
        let mut revision = String::new();
        let mut expires = None;
        walk("repomd.xml", "repomd", xml.as_bytes(), |stack| {
            let [.., element] = stack else { return Ok(()) };
            let number = || number("repomd.xml", Some(&element.text));
            match (element.name.as_str(), stack.len()) {
                ("expires", 2) => expires = Some(number()?),
                ("revision", 2) => revision = element.text.trim().to_owned(),
                ("location", 3) => document.location = local(element.attribute("href").unwrap_or_default())?,
                ("checksum", 3) => document.sha256 = sha256(element).ok_or_else(|| malformed("a checksum is not SHA-256"))?,
                ("open-checksum", 3) => {
                    document.open_sha256 = Some(sha256(element).ok_or_else(|| malformed("an open checksum is not SHA-256"))?);
                }
                ("size", 3) => document.size = Some(number()?),
                ("open-size", 3) => document.open_size = Some(number()?),
                ("timestamp", 3) => document.timestamp = number()?,
                ("data", 2) => {
                    let kind = element.attribute("type").ok_or_else(|| malformed("a document has no type"))?;
                    let finished = std::mem::take(&mut document);
                    if finished.location.is_empty() || finished.sha256.is_empty() {
                        return Err(malformed("a document lacks its location or checksum"));
                    }
                    if documents.insert(kind.to_owned(), finished).is_some() {
                        return Err(malformed("a document is named twice"));
                    }
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok(Self { revision, expires, documents })
    }

    /// The document of a kind: `primary`, `filelists`, `updateinfo`, `other`, `modules`.
    pub fn get(&self, kind: &str) -> Option<&Document> {
        self.documents.get(kind)
    }

    pub(super) fn document(&self, kind: &'static str) -> Result<&Document, RepoError> {
        self.get(kind).ok_or(RepoError::Lacks { kind })
    }

    /// When the newest document was made, in seconds since 1970.
    pub fn timestamp(&self) -> u64 {
        self.documents.values().map(|document| document.timestamp).max().unwrap_or(0)
    }
}

/// The checksum in an element if it is a SHA-256.
pub(super) fn sha256(element: &Element) -> Option<String> {
    let text = element.text.trim().to_lowercase();
    let is_hex = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    (element.attribute("type") == Some("sha256") && is_hex).then_some(text)
}

/// A location that stays within the repository.
pub(super) fn local(href: &str) -> Result<String, RepoError> {
    let plain = !href.is_empty() && href.split('/').all(|component| !matches!(component, "" | "." | ".."));
    if plain && !href.contains('\0') {
        return Ok(href.to_owned());
    }
    Err(RepoError::Malformed { document: href.to_owned(), reason: "its location is outside of the repository".into() })
}
