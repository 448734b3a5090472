//! Directories that several packages contain: they must agree on mode and owner, because the last one installed would silently win.

use std::collections::BTreeMap;
use std::fmt;

use rpm_engine::package::{FileKind, PackageFile};

/// A directory on which two packages disagree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// The directory.
    pub path: String,
    /// The claim of the first package by name.
    pub one: Claim,
    /// The claim of another package.
    pub other: Claim,
}

/// The mode and owner of a directory in a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The package.
    pub package: String,
    /// Permission bits, including set-id and sticky bits.
    pub mode: u16,
    /// Owner's name.
    pub user: String,
    /// Group's name.
    pub group: String,
}

impl Claim {
    fn is_same(&self, other: &Self) -> bool {
        (self.mode, &self.user, &self.group) == (other.mode, &other.user, &other.group)
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { package, mode, user, group } = self;
        write!(f, "{mode:04o} {user}:{group} in `{package}`")
    }
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, one, other } = self;
        write!(f, "`{path}` is {one} and {other}")
    }
}

/// The directories, by path, that a package has with another mode or owner than the first package by name that has it.
pub(super) fn disagreements<'a>(packages: impl IntoIterator<Item = (&'a str, &'a [PackageFile])>) -> Vec<Disagreement> {
    let mut packages: Vec<(&str, &[PackageFile])> = packages.into_iter().collect();
    packages.sort_by_key(|(name, _)| *name);
    let mut claims: BTreeMap<&str, Claim> = BTreeMap::new();
    let mut found = Vec::new();
    for (package, files) in packages {
        for file in files.iter().filter(|file| file.kind == FileKind::Directory) {
            let claim = Claim { package: package.to_owned(), mode: file.mode, user: file.user.clone(), group: file.group.clone() };
            match claims.get(file.path.as_str()) {
                Some(one) if !one.is_same(&claim) => {
                    found.push(Disagreement { path: file.path.clone(), one: one.clone(), other: claim });
                }
                Some(_) => {}
                None => {
                    claims.insert(&file.path, claim);
                }
            }
        }
    }
    found.sort_by(|a, b| (&a.path, &a.other.package).cmp(&(&b.path, &b.other.package)));
    found
}

/// The first ones, for people.
pub(super) fn list(disagreements: &[Disagreement]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<String> = disagreements.iter().take(SHOWN).map(ToString::to_string).collect();
    match disagreements.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use rpm_engine::package::FileFlags;

    use super::*;

    fn file(path: &str, mode: u16, user: &str, kind: FileKind) -> PackageFile {
        PackageFile {
            path: path.into(),
            kind,
            mode,
            user: user.into(),
            group: "root".into(),
            mtime: 1,
            caps: None,
            flags: FileFlags::default(),
        }
    }

    #[test]
    fn directories_alone_must_agree_whatever_the_order_of_packages() {
        let directory = |path: &str, mode, user: &str| file(path, mode, user, FileKind::Directory);
        let regular = || FileKind::Regular { size: 0, digest: None, hardlink: None };
        let one = [directory("/etc/app", 0o755, "root"), directory("/var/lib/app", 0o755, "app"), directory("/srv", 0o755, "root")];
        let two = [directory("/etc/app", 0o700, "root"), directory("/var/lib/app", 0o755, "root"), directory("/srv", 0o755, "root")];
        // Files in two packages are checked during installation.
        let three = [directory("/etc/app", 0o700, "root"), file("/srv/x", 0o600, "root", regular())];
        let four = [file("/srv/x", 0o644, "root", regular())];
        let found = disagreements([("c", &three[..]), ("b", &two), ("d", &four), ("a", &one)]);
        assert_eq!(
            list(&found),
            "`/etc/app` is 0755 root:root in `a` and 0700 root:root in `b`, `/etc/app` is 0755 root:root in `a` and 0700 root:root in `c`, \
             `/var/lib/app` is 0755 app:root in `a` and 0755 root:root in `b`"
        );
        assert!(disagreements([("a", &one[..]), ("d", &four)]).is_empty());
    }
}
