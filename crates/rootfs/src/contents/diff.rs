//! What differs between two images.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display};

use serde::Serialize;

use super::{Contents, privileges};

/// What differs between two images.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Bytes of all files, before and after.
    pub size_bytes: (u64, u64),
    /// Packages, by name.
    pub packages: Vec<Change>,
    /// Files, links and directories.
    pub files: Vec<Change>,
    /// Files that give privileges to the user who runs them.
    pub privileged: Vec<Change>,
    /// Enabled units.
    pub units: Vec<Change>,
    /// The kernel's release and its options.
    pub kernel: Vec<Change>,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The name of what differs.
    pub name: String,
    /// Its state before; `None` if it did not exist.
    pub before: Option<String>,
    /// Its state after; `None` if it no longer exists.
    pub after: Option<String>,
    /// By how many bytes it grew, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grown_bytes: Option<i64>,
}

/// Compares two images. Changes in size come first, the largest at the top, then the rest by name.
pub fn diff(before: &Contents, after: &Contents) -> Difference {
    Difference {
        size_bytes: (before.manifest.size_bytes(), after.manifest.size_bytes()),
        packages: changes(&packages(before), &packages(after)),
        files: changes(&files(before), &files(after)),
        privileged: changes(&privileged(before), &privileged(after)),
        units: changes(&units(before), &units(after)),
        kernel: changes(&kernel(before), &kernel(after)),
    }
}

impl Difference {
    /// Whether there are no differences.
    pub fn is_empty(&self) -> bool {
        self.parts().iter().all(|(_, changes)| changes.is_empty())
    }

    fn parts(&self) -> [(&'static str, &Vec<Change>); 5] {
        [
            ("packages", &self.packages),
            ("privileged files", &self.privileged),
            ("enabled units", &self.units),
            ("kernel", &self.kernel),
            ("files", &self.files),
        ]
    }
}

/// The state of something, and its size in bytes if it has one.
type State = (String, Option<u64>);

fn packages(contents: &Contents) -> BTreeMap<String, State> {
    let state = |package: &crate::InstalledPackage| {
        let version = package.nevra.strip_prefix(&format!("{}-", package.name)).unwrap_or(&package.nevra);
        (package.name.clone(), (version.to_owned(), Some(package.installed_bytes)))
    };
    contents.packages.iter().map(state).collect()
}

fn files(contents: &Contents) -> BTreeMap<String, State> {
    use rpm_engine::manifest::Kind;
    let what = |kind: &Kind| match kind {
        Kind::Directory => "directory".to_owned(),
        Kind::File { sha256, .. } => format!("file {}", sha256.get(..12).unwrap_or(sha256)),
        Kind::Hardlink { to } => format!("same as {to}"),
        Kind::Symlink { target } => format!("-> {target}"),
    };
    let entries = contents.manifest.iter().map(|(path, entry)| {
        let state = format!("{:04o} {}:{} {}", entry.mode, entry.user, entry.group, what(&entry.kind));
        let is_file = matches!(entry.kind, Kind::File { .. });
        (path.to_owned(), (state, is_file.then(|| entry.size_bytes())))
    });
    entries.collect()
}

fn privileged(contents: &Contents) -> BTreeMap<String, State> {
    contents.manifest.iter().filter_map(|(path, entry)| Some((path.to_owned(), (privileges(entry)?, None)))).collect()
}

fn units(contents: &Contents) -> BTreeMap<String, State> {
    contents.enabled_units().into_iter().map(|unit| (unit, ("enabled".to_owned(), None))).collect()
}

fn kernel(contents: &Contents) -> BTreeMap<String, State> {
    let Some(kernel) = &contents.kernel else { return BTreeMap::new() };
    let options = kernel.options.iter().map(|(name, value)| (name.clone(), (value.clone(), None)));
    options.chain([("release".to_owned(), (kernel.release.clone(), None))]).collect()
}

fn changes(before: &BTreeMap<String, State>, after: &BTreeMap<String, State>) -> Vec<Change> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut changes: Vec<Change> = names
        .into_iter()
        .map(|name| (name, before.get(name), after.get(name)))
        .filter(|(_, before, after)| before.map(|state| &state.0) != after.map(|state| &state.0))
        .map(|(name, before, after)| {
            let bytes = |state: Option<&State>| state.and_then(|state| state.1);
            let signed = |bytes: Option<u64>| bytes.and_then(|bytes| i64::try_from(bytes).ok()).unwrap_or(0);
            let known = bytes(before).or(bytes(after)).is_some();
            Change {
                name: name.clone(),
                before: before.map(|state| state.0.clone()),
                after: after.map(|state| state.0.clone()),
                grown_bytes: known.then(|| signed(bytes(after)) - signed(bytes(before))),
            }
        })
        .collect();
    changes.sort_by_key(|change| std::cmp::Reverse(change.grown_bytes.map_or(0, i64::unsigned_abs)));
    changes
}

impl Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return writeln!(f, "nothing differs");
        }
        let (before, after) = self.size_bytes;
        writeln!(f, "{} -> {} bytes", before, after)?;
        for (title, changes) in self.parts().into_iter().filter(|(_, changes)| !changes.is_empty()) {
            writeln!(f, "\n{title}")?;
            changes.iter().try_for_each(|change| writeln!(f, "{change}"))?;
        }
        Ok(())
    }
}

impl Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.before, &self.after) {
            (None, Some(after)) => write!(f, "+ {}  {after}", self.name)?,
            (Some(before), None) => write!(f, "- {}  {before}", self.name)?,
            (before, after) => {
                write!(f, "~ {}  {} => {}", self.name, before.as_deref().unwrap_or_default(), after.as_deref().unwrap_or_default())?;
            }
        }
        match self.grown_bytes {
            Some(grown) if grown != 0 => write!(f, "  ({grown:+} bytes)"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contents::tests::sample;

    #[test]
    fn equal_images_do_not_differ() {
        assert!(diff(&sample(), &sample()).is_empty());
    }

    #[test]
    fn every_kind_of_change_is_told() {
        let (before, mut after) = (sample(), sample());
        after.packages[0].nevra = "tool-2-1.kn1.x86_64".into();
        after.packages[0].installed_bytes += 5;
        after.manifest.get_mut("/usr/bin/tool").unwrap().mode = 0o755;
        after.manifest.remove("/usr/share/tool");
        after.manifest.remove("/etc/systemd/system/multi-user.target.wants/tool.service");
        after.kernel.as_mut().unwrap().options.insert("CONFIG_B".into(), "m".into());
        let difference = diff(&before, &after);
        let text = difference.to_string();
        for line in [
            "1057 -> 1007 bytes",
            "~ tool  1-1.kn1.x86_64 => 2-1.kn1.x86_64  (+5 bytes)",
            "- /usr/bin/tool  setuid root",
            "- tool.service (by multi-user.target)  enabled",
            "+ CONFIG_B  m",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert_eq!(difference.files[0].grown_bytes, Some(-50));
    }
}
