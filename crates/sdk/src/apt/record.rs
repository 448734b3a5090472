//! Stanzas of a package index (deb-control(5), Debian Policy 5).

use base::digest::Digest;

/// The entry of one binary package in an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The package's name.
    pub name: String,
    /// Its version, including the epoch.
    pub version: String,
    /// Path of the `.deb` relative to the archive's root.
    pub path: String,
    /// Size of the `.deb`.
    pub size_bytes: u64,
    /// Digest of the `.deb`.
    pub sha256: Digest,
    /// The whole stanza.
    pub stanza: String,
}

impl Record {
    /// Parses the stanzas that `apt-cache show` prints; those without a required field are left out.
    pub fn parse_all(text: &str) -> Vec<Self> {
        text.split("\n\n").filter_map(Self::parse).collect()
    }

    /// Parses one stanza; `None` if it lacks a required field.
    pub fn parse(stanza: &str) -> Option<Self> {
        let stanza = stanza.trim_matches('\n');
        let field = |name: &str| {
            let value = stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            Some(value.trim())
        };
        Some(Self {
            name: field("Package")?.to_owned(),
            version: field("Version")?.to_owned(),
            path: field("Filename")?.to_owned(),
            size_bytes: field("Size")?.parse().ok()?,
            sha256: field("SHA256")?.parse().ok()?,
            stanza: stanza.to_owned(),
        })
    }

    /// The stanza for an installed package in dpkg's status file.
    pub fn installed_stanza(&self) -> String {
        format!("{}\nStatus: install ok installed\n\n", self.stanza)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stanzas() {
        let hash = "0".repeat(64);
        let text = format!(
            "Package: a\nVersion: 1:2-3\nDepends: b,\n c\nFilename: pool/main/a/a/a_2-3_amd64.deb\nSize: 7\nSHA256: {hash}\n\nPackage: b\nVersion: 1\n\n"
        );
        let records = Record::parse_all(&text);
        assert_eq!(records.len(), 1);
        assert_eq!((records[0].name.as_str(), records[0].version.as_str(), records[0].size_bytes), ("a", "1:2-3", 7));
        assert!(records[0].installed_stanza().ends_with("\nStatus: install ok installed\n\n"));
    }
}
