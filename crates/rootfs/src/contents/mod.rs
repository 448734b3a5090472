//! The contents of an image, recorded to inspect and compare it without composing it again.

mod diff;
mod summary;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use rpm_engine::manifest::{Entry, Kind, Manifest};
use serde::{Deserialize, Serialize};

pub use diff::{Change, Difference, diff};
pub use summary::{Privileged, Share, Summary, summary};

use crate::{InstalledPackage, Rootfs};
use runtime::beneath::regular_file;

/// The contents of a root file system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// Every path.
    pub manifest: Manifest,
    /// Its packages, in the order of installation.
    pub packages: Vec<InstalledPackage>,
    /// The kernel, if there is one.
    pub kernel: Option<KernelContents>,
}

/// The kernel of a root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelContents {
    /// As printed by `uname -r`.
    pub release: String,
    /// Options that are on: `CONFIG_X` → value.
    pub options: BTreeMap<String, String>,
}

impl Contents {
    /// The contents of a composed root. A kernel without a configuration file counts as one without options.
    pub fn of(rootfs: &Rootfs) -> Self {
        let kernel = rootfs.kernel_release.as_ref().map(|release| {
            let config =
                regular_file(&rootfs.dir, format!("usr/lib/modules/{release}/config")).and_then(fs::read_to_string).unwrap_or_default();
            KernelContents { release: release.clone(), options: options(&config) }
        });
        Self { manifest: rootfs.manifest.clone(), packages: rootfs.packages.clone(), kernel }
    }

    /// Enabled units, each with the unit that wants it, from the links in `/etc/systemd`.
    pub fn enabled_units(&self) -> BTreeSet<String> {
        let link = |(path, entry): (&str, &Entry)| {
            let place = path.strip_prefix("/etc/systemd/")?.split_once('/')?.1;
            let (by, unit) = place.split_once('/')?;
            let wanted = by.strip_suffix(".wants").or_else(|| by.strip_suffix(".requires"))?;
            matches!(entry.kind, Kind::Symlink { .. }).then(|| format!("{unit} (by {wanted})"))
        };
        self.manifest.iter().filter_map(link).collect()
    }
}

fn options(config: &str) -> BTreeMap<String, String> {
    let lines = config.lines().filter(|line| line.starts_with("CONFIG_"));
    lines.filter_map(|line| line.split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The privileges that a file gives to its user: `setuid root`, its capabilities.
fn privileges(entry: &Entry) -> Option<String> {
    if !matches!(entry.kind, Kind::File { .. }) {
        return None;
    }
    let mut words = Vec::new();
    words.extend((entry.mode & 0o4000 != 0).then(|| format!("setuid {}", entry.user)));
    words.extend((entry.mode & 0o2000 != 0).then(|| format!("setgid {}", entry.group)));
    words.extend(entry.caps.clone());
    (!words.is_empty()).then(|| words.join(", "))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A root with one package, a setuid program and an enabled unit.
    pub(crate) fn sample() -> Contents {
        let mut manifest = Manifest::new();
        let file =
            |size, mode| Entry { package: Some("tool".into()), ..Entry::root(Kind::File { size, sha256: format!("{size:064}") }, mode, 0) };
        manifest.insert("/usr/bin/tool", file(1000, 0o4755));
        manifest.insert("/usr/share/tool", file(50, 0o644));
        manifest.insert("/etc/made", Entry::root(Kind::File { size: 7, sha256: String::new() }, 0o644, 0));
        let link = Kind::Symlink { target: "/usr/lib/systemd/system/tool.service".into() };
        manifest.insert("/etc/systemd/system/multi-user.target.wants/tool.service", Entry::root(link, 0o777, 0));
        let package = InstalledPackage { name: "tool".into(), nevra: "tool-1-1.kn1.x86_64".into(), installed_bytes: 1050 };
        let options = options("# CONFIG_B is not set\nCONFIG_A=y\n");
        Contents { manifest, packages: vec![package], kernel: Some(KernelContents { release: "6".into(), options }) }
    }

    #[test]
    fn units_and_options_are_found() {
        let contents = sample();
        assert_eq!(contents.enabled_units().into_iter().collect::<Vec<_>>(), ["tool.service (by multi-user.target)"]);
        assert_eq!(contents.kernel.unwrap().options, BTreeMap::from([("CONFIG_A".into(), "y".into())]));
    }
}
