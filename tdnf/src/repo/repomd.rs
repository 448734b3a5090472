//! `repomd.xml`: which documents there are, and their digests.

use std::collections::BTreeMap;

use super::RepoError;
use super::xml::{Element, walk};

/// One document of the metadata.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Document {
    pub(super) location: String,
    pub(super) sha256: String,
    pub(super) open_sha256: Option<String>,
    pub(super) open_size: Option<u64>,
}

/// The index of the metadata.
#[derive(Debug)]
pub(super) struct Repomd(BTreeMap<String, Document>);

impl Repomd {
    pub(super) fn parse(xml: &str) -> Result<Self, RepoError> {
        let malformed = |reason: &str| RepoError::Malformed { document: "repomd.xml".into(), reason: reason.into() };
        let mut documents = BTreeMap::new();
        let mut document = Document::default();
        walk("repomd.xml", xml, |stack| {
            let [.., element] = stack else { return Ok(()) };
            match (element.name.as_str(), stack.len()) {
                ("location", 3) => document.location = local(element.attribute("href").unwrap_or_default())?,
                ("checksum", 3) => document.sha256 = sha256(element).ok_or_else(|| malformed("a checksum is not SHA-256"))?,
                ("open-checksum", 3) => document.open_sha256 = sha256(element),
                ("open-size", 3) => document.open_size = element.text.trim().parse().ok(),
                ("data", 2) => {
                    let kind = element.attribute("type").ok_or_else(|| malformed("a document has no type"))?;
                    documents.insert(kind.to_owned(), std::mem::take(&mut document));
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok(Self(documents))
    }

    pub(super) fn document(&self, kind: &'static str) -> Result<&Document, RepoError> {
        self.0.get(kind).filter(|document| !document.location.is_empty() && !document.sha256.is_empty()).ok_or(RepoError::Lacks { kind })
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
    if plain {
        return Ok(href.to_owned());
    }
    Err(RepoError::Malformed { document: href.to_owned(), reason: "its location is outside of the repository".into() })
}
