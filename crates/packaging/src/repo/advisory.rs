//! Advisories about packages: read from `specs/advisories.toml`, written as `updateinfo.xml`.
//!
//! ```toml
//! [KAON-2026-0001]
//! kind = "security"
//! severity = "Important"
//! issued = "2026-01-15"
//! title = "openssl: a buffer may be read beyond its end"
//! references = ["CVE-2026-0001"]
//! packages = ["openssl-3.5.4-2.kn1", "openssl-libs-3.5.4-2.kn1"]
//! ```

use std::collections::BTreeMap;

use serde::Deserialize;

use super::record::Record;
use base::xml::Xml;

/// Advisories by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Advisories(BTreeMap<String, Advisory>);

/// What an advisory is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AdvisoryKind {
    /// A vulnerability was fixed.
    Security,
    /// A bug was fixed.
    Bugfix,
    /// A new feature.
    Enhancement,
}

/// One advisory.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advisory {
    /// What it is about.
    pub kind: AdvisoryKind,
    /// Its severity: `Critical`, `Important`, `Moderate`, `Low`, or a CVSS score.
    #[serde(default)]
    pub severity: String,
    /// The day it was issued: `2026-01-15`.
    pub issued: String,
    /// One line.
    pub title: String,
    /// Some paragraphs.
    #[serde(default)]
    pub description: String,
    /// Names of references: `CVE-2026-0001`.
    #[serde(default)]
    pub references: Vec<String>,
    /// The packages that fix it, as `name-[epoch:]version-release`.
    pub packages: Vec<String>,
    /// Whether the machine must be restarted.
    #[serde(default)]
    pub reboot: bool,
}

/// Why advisories are not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAdvisory {
    /// The text does not have the format of advisories.
    #[error("{0}")]
    Malformed(String),
    /// A name, day or package is not in the required format.
    #[error("`{id}`: `{text}` is not {what}")]
    Wrong {
        /// The advisory.
        id: String,
        /// The text.
        text: String,
        /// What it should be.
        what: &'static str,
    },
}

impl Advisories {
    /// Reads the text of an `advisories.toml`.
    ///
    /// # Errors
    /// When it is malformed, or a name, day or package is not in the required format.
    pub fn parse(text: &str) -> Result<Self, InvalidAdvisory> {
        let all: Self = toml::from_str(text).map_err(|error| InvalidAdvisory::Malformed(error.to_string()))?;
        for (id, advisory) in &all.0 {
            let wrong = |text: &str, what| InvalidAdvisory::Wrong { id: id.clone(), text: text.to_owned(), what };
            if !is_word(id) {
                return Err(wrong(id, "a name of letters, digits, `-`, `.`, `:` and `_`"));
            }
            if !is_day(&advisory.issued) {
                return Err(wrong(&advisory.issued, "a day such as `2026-01-15`"));
            }
            if let Some(reference) = advisory.references.iter().find(|reference| !is_word(reference)) {
                return Err(wrong(reference, "a reference such as `CVE-2026-0001`"));
            }
            if let Some(package) = advisory.packages.iter().find(|package| parts(package).is_none()) {
                return Err(wrong(package, "a package such as `bash-5.2-1.kn1`"));
            }
        }
        Ok(all)
    }

    /// Whether there are no advisories.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "-.:_".contains(letter))
}

fn is_day(text: &str) -> bool {
    let form = text.bytes().map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
    form.eq(*b"0000-00-00")
}

/// Name, epoch, version and release.
fn parts(package: &str) -> Option<(&str, &str, &str, &str)> {
    let mut words = package.rsplitn(3, '-');
    let (release, version, name) = (words.next()?, words.next()?, words.next()?);
    let (epoch, version) = version.split_once(':').unwrap_or(("0", version));
    let is_number = !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && ![name, version, release].contains(&"") && !package.contains(['/', ' '])).then_some((name, epoch, version, release))
}

/// `updateinfo.xml`.
pub(super) fn document(advisories: &Advisories, records: &[Record]) -> String {
    let mut xml = Xml::new();
    xml.open("updates", &[]);
    for (id, advisory) in &advisories.0 {
        let kind = match advisory.kind {
            AdvisoryKind::Security => "security",
            AdvisoryKind::Bugfix => "bugfix",
            AdvisoryKind::Enhancement => "enhancement",
        };
        let date = format!("{} 00:00:00", advisory.issued);
        xml.open("update", &[("from", "kaon"), ("status", "final"), ("type", kind), ("version", "1")])
            .text("id", &[], id)
            .text("title", &[], &advisory.title)
            .empty("issued", &[("date", &date)])
            .empty("updated", &[("date", &date)])
            .text("severity", &[], &advisory.severity)
            .text("description", &[], &advisory.description);
        xml.open("references", &[]);
        for reference in &advisory.references {
            let kind = if reference.starts_with("CVE-") { "cve" } else { "self" };
            xml.empty("reference", &[("href", ""), ("id", reference), ("type", kind), ("title", reference)]);
        }
        xml.close().open("pkglist", &[]).open("collection", &[("short", "kaon")]).text("name", &[], "Kaon");
        for package in &advisory.packages {
            answer(&mut xml, package, advisory.reboot, records);
        }
        xml.close().close().close();
    }
    xml.finish()
}

/// A package that fixes an advisory. Its architecture is that of the package in the repository, whatever its version.
fn answer(xml: &mut Xml, package: &str, reboot: bool, records: &[Record]) {
    let Some((name, epoch, version, release)) = parts(package) else { return };
    let arch = records.iter().find(|record| record.name == name).map_or("x86_64", |record| &record.arch);
    xml.open("package", &[("arch", arch), ("epoch", epoch), ("name", name), ("release", release), ("version", version)]).text(
        "filename",
        &[],
        &format!("{name}-{version}-{release}.{arch}.rpm"),
    );
    if reboot {
        xml.text("reboot_suggested", &[], "True");
    }
    xml.close();
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[K-2]\nkind = \"bugfix\"\nissued = \"2026-02-01\"\ntitle = \"b\"\npackages = [\"b-1:2-3\"]\nreboot = true\n\
                        [K-1]\nkind = \"security\"\nseverity = \"Low\"\nissued = \"2026-01-01\"\ntitle = \"a & b\"\n\
                        references = [\"CVE-2026-1\"]\npackages = [\"lib-a-1.0-2.kn1\"]\n";

    #[test]
    fn advisories_become_updateinfo() {
        let xml = document(&Advisories::parse(GOOD).unwrap(), &[]);
        assert_eq!(xml, document(&Advisories::parse(GOOD).unwrap(), &[]));
        let (first, second) = (xml.find("<id>K-1</id>").unwrap(), xml.find("<id>K-2</id>").unwrap());
        assert!(first < second);
        for expected in [
            "type=\"security\"",
            "<title>a &amp; b</title>",
            "id=\"CVE-2026-1\" type=\"cve\"",
            "name=\"lib-a\" release=\"2.kn1\" version=\"1.0\"",
            "epoch=\"1\" name=\"b\" release=\"3\" version=\"2\"",
            "<reboot_suggested>True</reboot_suggested>",
        ] {
            assert!(xml.contains(expected), "{expected} is not in\n{xml}");
        }
    }

    #[test]
    fn mistakes_are_refused() {
        let table = [
            ("2026-02-01", "yesterday"),
            ("\"b-1:2-3\"", "\"b\""),
            ("\"b-1:2-3\"", "\"b-x:2-3\""),
            ("\"b-1:2-3\"", "\"../b-2-3\""),
            ("bugfix", "nothing"),
            ("CVE-2026-1", "a b"),
            ("[K-2]", "[\"K 2\"]"),
            ("title", "tittle"),
        ];
        for (good, bad) in table {
            assert!(Advisories::parse(&GOOD.replacen(good, bad, 1)).is_err(), "{bad}");
        }
        assert!(Advisories::parse("").unwrap().is_empty());
    }
}
