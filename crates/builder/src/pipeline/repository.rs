//! The repository on a medium: what can be installed from it, without storing what the live system contains twice.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use rpm_engine::manifest::{Kind, Manifest};
use rpm_engine::package::{FileKind, PackageFile};
use rpm_engine::rpmfile::RpmFile;

use super::ImageError;
use crate::{PublishError, SignedPackage};
use base::name::PackageName;
use packaging::repo::RepoPackage;
use runtime::store::StoreError;
use signing::Keys;
use well_known::ON_EVERY_DISK;

/// The inputs of a repository on a medium.
pub(super) struct MediumRepository<'a> {
    /// What may be installed, and the kernel.
    pub wanted: &'a [PackageName],
    /// All packages to choose from.
    pub signed: &'a [SignedPackage],
    pub keys: &'a Keys,
    /// What the live system contains.
    pub live: &'a Manifest,
}

impl MediumRepository<'_> {
    /// Writes the repository into `folder`. Packages whose files are all in the live system, unchanged, are written without payload.
    ///
    /// # Errors
    /// When packages cannot be resolved, or something cannot be read or written.
    pub fn write(&self, folder: &Path, scratch: &Path) -> Result<(), ImageError> {
        let wanted: Vec<String> = self.wanted.iter().map(ToString::to_string).chain(ON_EVERY_DISK.map(str::to_owned)).collect();
        let candidates: Vec<PathBuf> = self.signed.iter().map(|package| package.path.clone()).collect();
        let chosen = rootfs::choose(&rootfs::Request { packages: wanted, candidates: &candidates, weak: true, ..Default::default() })?;
        let names: BTreeMap<&Path, &str> =
            self.signed.iter().map(|package| (package.path.as_path(), package.built.file_name.as_str())).collect();
        fs::create_dir_all(scratch).map_err(|source| StoreError::io("make", scratch, source))?;
        let packages = chosen.par_iter().filter_map(|rpm| Some((rpm, *names.get(rpm.path())?))).map(|(rpm, file_name)| {
            let file = if self.is_on_live(rpm) { hollow(rpm, &scratch.join(file_name))? } else { rpm.path().to_owned() };
            Ok(RepoPackage { file, file_name: file_name.to_owned() })
        });
        let packages = packages.collect::<Result<Vec<_>, ImageError>>()?;
        packaging::repo::write(folder, &packages, self.keys).map_err(|error| PublishError::from(error).into())
    }

    fn is_on_live(&self, rpm: &RpmFile) -> bool {
        rpm.files.iter().filter(|file| !file.flags.ghost).all(|file| holds(self.live, file))
    }
}

/// Whether a root contains a file with the same path and content.
fn holds(root: &Manifest, file: &PackageFile) -> bool {
    let FileKind::Regular { size, digest, .. } = &file.kind else { return true };
    let entry = root.get(&file.path).and_then(|entry| match &entry.kind {
        Kind::Hardlink { to } => root.get(to),
        _ => Some(entry),
    });
    matches!(entry.map(|entry| &entry.kind), Some(Kind::File { size: found, sha256 }) if found == size && Some(sha256) == digest.as_ref())
}

/// Copies a package without its payload.
fn hollow(rpm: &RpmFile, to: &Path) -> Result<PathBuf, ImageError> {
    let cut = || {
        let mut bytes = fs::read(rpm.path())?;
        bytes.truncate(usize::try_from(rpm.header_size_bytes()).unwrap_or(usize::MAX));
        fs::write(to, bytes)
    };
    cut().map_err(|source| StoreError::io("write", to, source))?;
    Ok(to.to_owned())
}

#[cfg(test)]
mod tests {
    use rpm_engine::manifest::Entry;
    use rpm_engine::package::FileFlags;

    use super::*;

    #[test]
    fn only_equal_content_counts() {
        let mut root = Manifest::new();
        root.insert("/a", Entry::root(Kind::File { size: 3, sha256: "aa".into() }, 0o644, 0));
        root.insert("/b", Entry::root(Kind::Hardlink { to: "/a".into() }, 0o644, 0));
        root.insert("/c", Entry::root(Kind::Symlink { target: "a".into() }, 0o777, 0));
        let file = |path: &str, size, sha256: &str| PackageFile {
            path: path.into(),
            kind: FileKind::Regular { size, digest: Some(sha256.into()), hardlink: None },
            mode: 0o644,
            user: "root".into(),
            group: "root".into(),
            mtime: 0,
            caps: None,
            flags: FileFlags::default(),
        };
        for (path, size, sha256, expected) in [
            ("/a", 3, "aa", true),
            ("/b", 3, "aa", true),
            ("/a", 4, "aa", false),
            ("/a", 3, "ab", false),
            ("/c", 3, "aa", false),
            ("/d", 3, "aa", false),
        ] {
            assert_eq!(holds(&root, &file(path, size, sha256)), expected, "{path} {size} {sha256}");
        }
    }
}
