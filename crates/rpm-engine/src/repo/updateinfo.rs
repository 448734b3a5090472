//! `updateinfo.xml`: advisories, and the packages that answer them.

use std::io::BufRead;

use super::RepoError;
use super::xml::{Element, walk};
use crate::package::{Nevra, is_word, one_line};
use crate::version::Evr;

/// What an advisory is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum AdvisoryKind {
    /// A hole was closed.
    Security,
    /// Something that did not work does.
    Bugfix,
    /// Something new.
    Enhancement,
    /// Anything else.
    #[default]
    Other,
}

impl AdvisoryKind {
    fn parse(text: &str) -> Self {
        match text {
            "security" => Self::Security,
            "bugfix" => Self::Bugfix,
            "enhancement" | "newpackage" => Self::Enhancement,
            _ => Self::Other,
        }
    }

    /// As the reference shows it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Security => "Security",
            Self::Bugfix => "Bugfix",
            Self::Enhancement => "Enhancement",
            Self::Other => "Unknown",
        }
    }
}

/// An advisory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advisory {
    /// Its name.
    pub id: String,
    /// What it is about.
    pub kind: AdvisoryKind,
    /// How grave it is: a word, or a CVSS score.
    pub severity: String,
    /// One line.
    pub title: String,
    /// When it was issued, as written.
    pub issued: String,
    /// When it was last changed, as written.
    pub updated: String,
    /// Some paragraphs.
    pub description: String,
    /// Names of what it refers to: `CVE-2026-1`.
    pub references: Vec<String>,
    /// The packages that answer it.
    pub packages: Vec<Nevra>,
    /// Whether the machine must be started again.
    pub reboot: bool,
}

/// Reads all advisories.
pub(super) fn parse(xml: impl BufRead) -> Result<Vec<Advisory>, RepoError> {
    let mut advisories = Vec::new();
    let mut advisory = Advisory::default();
    walk("updateinfo.xml", "updates", xml, |stack| {
        match stack {
            [_, update] if update.name == "update" => {
                let mut finished = std::mem::take(&mut advisory);
                finished.kind = AdvisoryKind::parse(update.attribute("type").unwrap_or_default());
                if finished.id.is_empty() {
                    return Err(RepoError::Malformed { document: "updateinfo.xml".into(), reason: "an advisory has no id".into() });
                }
                advisories.push(finished);
            }
            [_, _, element] => fact(&mut advisory, element),
            [_, _, references, element] if references.name == "references" && element.name == "reference" => {
                advisory.references.extend(element.attribute("id").map(one_line));
            }
            [_, _, _, _, package] if package.name == "package" => advisory.packages.extend(nevra(package)),
            [_, _, _, _, package, flag] if package.name == "package" && flag.name == "reboot_suggested" => advisory.reboot = true,
            _ => {}
        }
        Ok(())
    })?;
    Ok(advisories)
}

fn fact(advisory: &mut Advisory, element: &Element) {
    let date = || one_line(element.attribute("date").unwrap_or_default());
    let text = || one_line(element.text.trim());
    match element.name.as_str() {
        "id" => advisory.id = text(),
        "title" => advisory.title = text(),
        "severity" => advisory.severity = text(),
        "issued" => advisory.issued = date(),
        "updated" => advisory.updated = date(),
        "description" => advisory.description = element.text.trim().to_owned(),
        "reboot_suggested" => advisory.reboot = true,
        _ => {}
    }
}

fn nevra(package: &Element) -> Option<Nevra> {
    let evr = super::primary::evr(package, "version", "release")?;
    let nevra = Nevra { name: package.attribute("name")?.to_owned(), evr, arch: package.attribute("arch").unwrap_or("noarch").to_owned() };
    // No package can be called otherwise, so there is none to be updated.
    let is_possible = [&nevra.name, &nevra.evr.version, &nevra.arch].into_iter().all(|word| is_word(word));
    is_possible.then_some(nevra)
}

impl Advisory {
    /// The version it gives for a package's name, if it is about that package.
    pub fn answer(&self, name: &str) -> Option<&Evr> {
        self.packages.iter().find(|package| package.name == name).map(|package| &package.evr)
    }
}
