//! Metalinks: where an index is, and which digests it may have.

use super::RepoError;
use super::repomd::checksum;
use super::xml::walk;
use crate::checksum::Checksum;

/// What a metalink says of `repomd.xml`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metalink {
    /// Addresses of repositories, the most preferred first.
    pub mirrors: Vec<String>,
    /// Checksums of the index, all of the strongest kind there is, newest first, in lowercase hexadecimal.
    pub digests: Vec<String>,
}

impl Metalink {
    /// Reads a metalink.
    ///
    /// # Errors
    /// When it is malformed or names no mirror that can be reached.
    pub fn parse(xml: &str) -> Result<Self, RepoError> {
        const INDEX: &str = "/repodata/repomd.xml";
        let (mut mirrors, mut digests) = (Vec::new(), Vec::new());
        walk("metalink", "metalink", xml.as_bytes(), |stack| {
            let Some(element) = stack.last() else { return Ok(()) };
            match element.name.as_str() {
                "hash" => digests.extend(checksum(element)?),
                "url" => {
                    let preference: i64 = element.attribute("preference").and_then(|text| text.parse().ok()).unwrap_or(0);
                    let address = element.text.trim();
                    if let (Some(mirror), true) = (address.strip_suffix(INDEX), address.starts_with("http")) {
                        mirrors.push((-preference, mirrors.len(), mirror.to_owned()));
                    }
                }
                _ => {}
            }
            Ok(())
        })?;
        mirrors.sort();
        let strongest = digests.iter().filter_map(|digest: &String| Checksum::of(digest)).max();
        digests.retain(|digest| Checksum::of(digest) == strongest);
        if mirrors.is_empty() {
            return Err(RepoError::Malformed { document: "metalink".into(), reason: "it contains no mirror with http or https".into() });
        }
        Ok(Self { mirrors: mirrors.into_iter().map(|(.., mirror)| mirror).collect(), digests })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors_by_preference() {
        let (digest, weak) = ("a".repeat(64), "b".repeat(32));
        let xml = format!(
            r#"<metalink><files><file name="repomd.xml"><verification><hash type="md5">{weak}</hash><hash type="sha256">{digest}</hash></verification>
            <resources><url protocol="rsync" preference="100">rsync://r/repodata/repomd.xml</url>
            <url preference="90">http://b/repodata/repomd.xml</url><url preference="99">https://a/repodata/repomd.xml</url>
            <url preference="90">http://c/repodata/repomd.xml</url></resources></file></files></metalink>"#
        );
        let metalink = Metalink::parse(&xml).unwrap();
        assert_eq!(metalink.mirrors, ["https://a", "http://b", "http://c"]);
        assert_eq!(metalink.digests, [digest]);
        assert!(Metalink::parse("<metalink/>").is_err());
        // The strongest counts.
        let strong = "c".repeat(128);
        let with = |other: &str| Metalink::parse(&xml.replace("type=\"sha256\"", "type=\"new\"").replace("type=\"md5\">", other)).unwrap();
        assert_eq!(with("type=\"md5\">").digests, std::slice::from_ref(&weak));
        assert_eq!(with(&format!("type=\"sha512\">{strong}</hash><hash type=\"md5\">")).digests, [strong]);
    }
}
