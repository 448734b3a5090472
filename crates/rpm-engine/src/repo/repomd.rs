//! `repomd.xml`: which documents there are, and their digests.

use std::collections::BTreeMap;

use super::RepoError;
use super::percent::encoded;
use super::xml::{Element, number, walk};
use crate::checksum::Checksum;

/// One document of the metadata.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Document {
    /// Where it is, relative to the repository.
    pub location: String,
    /// Where it is fetched from, if not from the repository (`xml:base`).
    pub url: Option<String>,
    /// The checksum of the file, in lowercase hexadecimal; empty where it is of an unknown kind.
    pub checksum: String,
    /// That of what it unpacks to.
    pub open_checksum: Option<String>,
    /// The file's size in bytes.
    pub size: Option<u64>,
    /// The size of what it unpacks to, in bytes.
    pub open_size: Option<u64>,
    /// When it was made, in seconds since 1970.
    pub timestamp: u64,
}

impl Document {
    /// Whether its checksum is one that nobody can imitate. Documents of others are of no use, but harm nobody either.
    pub fn is_sealed(&self) -> bool {
        Checksum::of(&self.checksum).is_some_and(Checksum::is_strong)
    }
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
    /// When it is malformed, or a document is outside of the repository.
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
                ("location", 3) => {
                    let found = location(element)?;
                    document.url = found.contains("://").then(|| found.clone());
                    document.location = if document.url.is_some() { local(element.attribute("href").unwrap_or_default())? } else { found };
                }
                ("checksum", 3) => document.checksum = checksum(element)?.unwrap_or_default(),
                ("open-checksum", 3) => document.open_checksum = checksum(element)?,
                ("size", 3) => document.size = Some(number()?),
                ("open-size", 3) => document.open_size = Some(number()?),
                ("timestamp", 3) => document.timestamp = number()?,
                ("data", 2) => {
                    let kind = element.attribute("type").ok_or_else(|| malformed("a document has no type"))?;
                    let finished = std::mem::take(&mut document);
                    if finished.location.is_empty() {
                        return Err(malformed("a document lacks its location"));
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
        let document = self.get(kind).ok_or(RepoError::Lacks { kind })?;
        if document.is_sealed() { Ok(document) } else { Err(RepoError::Weak { kind }) }
    }

    /// All kinds of documents.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.documents.keys().map(String::as_str)
    }

    /// When the newest document was made, in seconds since 1970.
    pub fn timestamp(&self) -> u64 {
        self.documents.values().map(|document| document.timestamp).max().unwrap_or(0)
    }
}

/// The checksum in an element; none where it is of an unknown kind.
pub(super) fn checksum(element: &Element) -> Result<Option<String>, RepoError> {
    let text = element.text.trim().to_lowercase();
    let Some(kind) = element.attribute("type").and_then(Checksum::named) else { return Ok(None) };
    if Checksum::of(&text) == Some(kind) {
        return Ok(Some(text));
    }
    Err(RepoError::Malformed { document: "repomd.xml".into(), reason: format!("`{text}` is not the {} of a file", kind.name()) })
}

/// A location that stays within the repository, its `.` and `..` resolved.
pub(super) fn local(href: &str) -> Result<String, RepoError> {
    let outside = || RepoError::Malformed { document: href.to_owned(), reason: "its location is outside of the repository".into() };
    if href.starts_with('/') || href.contains('\0') || href.contains("://") {
        return Err(outside());
    }
    let mut components = Vec::new();
    for component in href.split('/') {
        match component {
            "" | "." => {}
            ".." => drop(components.pop().ok_or_else(outside)?),
            component => components.push(component),
        }
    }
    // A folder is no file.
    if components.is_empty() || ["/", "/.", "/.."].iter().any(|end| href.ends_with(end)) {
        Err(outside())
    } else {
        Ok(components.join("/"))
    }
}

/// Where a `location` is: relative to the repository, or an address where it names another place (`xml:base`), which is encoded already,
/// other than what is below it. A medium that is to be put in
/// (`media:`) is none.
pub(super) fn location(element: &Element) -> Result<String, RepoError> {
    let href = local(element.attribute("href").unwrap_or_default())?;
    let base = element.attribute("base").unwrap_or_default().trim_end_matches('/');
    if ["http://", "https://", "file:///"].iter().any(|scheme| base.starts_with(scheme)) {
        return Ok(format!("{base}/{}", encoded(&href)));
    }
    if base.is_empty() || base.contains(':') { Ok(href) } else { local(&format!("{base}/{href}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations() {
        let table = [
            ("x.rpm", Some("x.rpm")),
            ("./x.rpm", Some("x.rpm")),
            ("a/./b//x.rpm", Some("a/b/x.rpm")),
            ("a/../x.rpm", Some("x.rpm")),
            ("a/../../x.rpm", None),
            ("../x.rpm", None),
            ("/x.rpm", None),
            ("http://h/x.rpm", None),
            ("..", None),
            ("", None),
            ("a/", None),
        ];
        for (href, expected) in table {
            assert_eq!(local(href).ok().as_deref(), expected, "{href}");
        }
    }

    #[test]
    fn other_bases() {
        let table = [
            ("", "x+ y.rpm"),
            ("http://h/a/", "http://h/a/x%2B%20y.rpm"),
            ("https://h", "https://h/x%2B%20y.rpm"),
            ("https://h/a%20b", "https://h/a%20b/x%2B%20y.rpm"),
            ("file:///srv/a", "file:///srv/a/x%2B%20y.rpm"),
            ("media://123#1", "x+ y.rpm"),
            ("a/b", "a/b/x+ y.rpm"),
        ];
        for (base, expected) in table {
            let xml = format!(
                r#"<repomd xmlns:xml="x"><data type="primary"><location xml:base="{base}" href="./x+ y.rpm"/>
                <checksum type="sha256">{}</checksum></data></repomd>"#,
                "a".repeat(64)
            );
            let repomd = Repomd::parse(&xml).unwrap();
            let document = repomd.get("primary").unwrap();
            let found = document.url.clone().unwrap_or_else(|| document.location.clone());
            assert_eq!(found, expected, "{base}");
        }
    }

    #[test]
    fn checksums_of_documents() {
        let repomd = |kind: &str, text: &str| {
            Repomd::parse(&format!(
                r#"<repomd><data type="productid"><checksum type="sha">{}</checksum><location href="p"/></data>
                <data type="primary"><checksum type="{kind}">{text}</checksum><location href="x"/></data></repomd>"#,
                "b".repeat(40)
            ))
        };
        for (kind, digits, usable) in
            [("sha256", 64, true), ("sha384", 96, true), ("sha512", 128, true), ("sha1", 40, false), ("new", 9, false)]
        {
            let found = repomd(kind, &"A".repeat(digits)).unwrap();
            assert_eq!(found.document("primary").is_ok(), usable, "{kind}");
        }
        assert!(matches!(repomd("sha1", &"a".repeat(40)).unwrap().document("primary"), Err(RepoError::Weak { kind: "primary" })));
        assert!(repomd("sha512", &"a".repeat(64)).is_err());
        assert!(repomd("sha256", &"x".repeat(64)).is_err());
    }
}
