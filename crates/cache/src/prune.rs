//! Removing what is old from a cache in a folder.

use std::collections::BTreeSet;
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use base::diagnostic::Failure;
use base::digest::Digest;
use base::file_error::FileError;

use super::entry;
use super::place::UNFINISHED;

/// What stays.
pub struct Rules<'a> {
    /// Results by their keys.
    pub results: &'a BTreeSet<Digest>,
    /// Files that no result names: sources, and packages of the SDK.
    pub files: &'a BTreeSet<Digest>,
    /// Whatever was added in this time.
    pub age: Duration,
    /// Whether nothing is removed in truth.
    pub is_trial: bool,
}

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Results.
    pub results: usize,
    /// Files that no result names any more, and those that were never finished.
    pub files: usize,
    /// Their size together, in bytes.
    pub bytes: u64,
}

/// Why a cache is not pruned.
#[derive(Debug, thiserror::Error)]
pub enum PruneError {
    /// It is not one.
    #[error("there is no cache in `{}`", path.display())]
    NoCache {
        /// The folder.
        path: PathBuf,
    },
    /// It cannot be read or changed.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Failure for PruneError {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::File(error) => Some(error),
            Self::NoCache { .. } => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoCache { .. } => Some("name the directory that `cargo xtask cache export` wrote".into()),
            Self::File(_) => self.inner()?.hint(),
        }
    }
}

/// Removes results that are old and not wanted, and then the files that none of the others names. Results go first, so that readers never see
/// one whose packages are gone. A file that was just added, whose result may be about to follow, counts as new like a result.
///
/// # Errors
/// When `folder` is not a cache, or something in it cannot be read or removed.
pub fn prune(folder: &Path, rules: &Rules<'_>) -> Result<Pruned, PruneError> {
    let (results, blobs) = (folder.join("ac"), folder.join("cas"));
    if !results.is_dir() || !blobs.is_dir() {
        return Err(PruneError::NoCache { path: folder.to_owned() });
    }
    let mut pruned = Pruned::default();
    let mut named = rules.files.clone();
    for (file, key) in files_of(&results)? {
        let bytes = fs::read(file.path()).map_err(FileError::of("read", &file.path()))?;
        if rules.results.contains(&key) || is_new(&file, rules.age)? {
            named.extend(entry::decode(&bytes).unwrap_or_default().into_iter().map(|file| file.sha256));
        } else {
            remove(&file, rules)?;
            pruned.results += 1;
            pruned.bytes += bytes.len() as u64;
        }
    }
    for folder in [folder, &results, &blobs] {
        for file in unfinished(folder)? {
            pruned.bytes += file.metadata().map_err(FileError::of("read", &file.path()))?.len();
            pruned.files += 1;
            remove(&file, rules)?;
        }
    }
    for (file, digest) in files_of(&blobs)? {
        if !named.contains(&digest) && !is_new(&file, rules.age)? {
            pruned.bytes += file.metadata().map_err(FileError::of("read", &file.path()))?.len();
            pruned.files += 1;
            remove(&file, rules)?;
        }
    }
    Ok(pruned)
}

/// The files of a directory that are named by a digest; others are not the cache's.
fn files_of(folder: &Path) -> Result<Vec<(DirEntry, Digest)>, FileError> {
    let named = |entry: DirEntry| {
        let digest = entry.file_name().to_str()?.parse().ok()?;
        Some((entry, digest))
    };
    Ok(listed(folder)?.into_iter().filter_map(named).collect())
}

/// Files of a directory that writers left behind when they were killed.
fn unfinished(folder: &Path) -> Result<Vec<DirEntry>, FileError> {
    let mut files = listed(folder)?;
    files.retain(|file| file.file_name().to_str().is_some_and(|name| name.starts_with(UNFINISHED)));
    files.into_iter().filter_map(|file| is_new(&file, LONGEST_WRITE).map(|is_new| (!is_new).then_some(file)).transpose()).collect()
}

fn listed(folder: &Path) -> Result<Vec<DirEntry>, FileError> {
    let read = || -> io::Result<Vec<DirEntry>> { fs::read_dir(folder)?.collect() };
    read().map_err(FileError::of("read", folder))
}

/// Nobody writes one file for so long.
const LONGEST_WRITE: Duration = Duration::from_secs(86_400);

fn is_new(file: &DirEntry, age: Duration) -> Result<bool, FileError> {
    let changed = file.metadata().and_then(|facts| facts.modified()).map_err(FileError::of("read", &file.path()))?;
    // A time in the future is one that somebody else's clock wrote a moment ago.
    Ok(SystemTime::now().duration_since(changed).map_or(true, |since| since < age))
}

fn remove(file: &DirEntry, rules: &Rules<'_>) -> Result<(), FileError> {
    if rules.is_trial { Ok(()) } else { fs::remove_file(file.path()).map_err(FileError::of("remove", &file.path())) }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    /// A cache with the results `a` (of files 1 and 2) and `b` (of 2 and 3), the source 4 and the stray file 5.
    fn cache() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in ["ac", "cas"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        for number in ["1", "2", "3", "4", "5"] {
            fs::write(folder.path().join("cas").join(Digest::of_bytes(number).hex()), number).unwrap();
        }
        for (key, numbers) in [("a", ["1", "2"]), ("b", ["2", "3"])] {
            let file = |number: &str| entry::File { path: number.into(), sha256: Digest::of_bytes(number), size_bytes: 1, contents: None };
            fs::write(folder.path().join("ac").join(Digest::of_bytes(key).hex()), entry::encode(&numbers.map(file), "me")).unwrap();
        }
        fs::write(folder.path().join("cas/.new-x"), "being written").unwrap();
        folder
    }

    fn old(path: &Path) {
        let long_ago = SystemTime::now() - Duration::from_secs(1000);
        File::open(path).unwrap().set_modified(long_ago).unwrap();
    }

    fn digests(names: &[&str]) -> BTreeSet<Digest> {
        names.iter().map(Digest::of_bytes).collect()
    }

    fn left(folder: &Path) -> BTreeSet<Digest> {
        files_of(folder).unwrap().into_iter().map(|(_, digest)| digest).collect()
    }

    #[test]
    fn old_results_go_with_the_files_that_only_they_name() {
        let cache = cache();
        let (results, files) = (digests(&["b"]), digests(&["4"]));
        let prune =
            |is_trial| prune(cache.path(), &Rules { results: &results, files: &files, age: Duration::from_secs(500), is_trial }).unwrap();
        assert_eq!(prune(false), Pruned::default());
        for folder in ["ac", "cas"] {
            for (file, _) in files_of(&cache.path().join(folder)).unwrap() {
                old(&file.path());
            }
        }
        let size = fs::metadata(cache.path().join("ac").join(Digest::of_bytes("a").hex())).unwrap().len();
        let expected = Pruned { results: 1, files: 2, bytes: size + 2 };
        assert_eq!(prune(true), expected);
        assert_eq!(prune(false), expected);
        assert_eq!(left(&cache.path().join("ac")), digests(&["b"]));
        assert_eq!(left(&cache.path().join("cas")), digests(&["2", "3", "4"]));
        assert!(cache.path().join("cas/.new-x").exists());
        assert_eq!(prune(false), Pruned::default());
    }

    #[test]
    fn what_killed_writers_left_goes_after_a_day() {
        let cache = cache();
        let left = ["builder", "ac/entry", "cas/blob"].map(|name| {
            let (folder, name) = name.rsplit_once('/').unwrap_or(("", name));
            cache.path().join(folder).join(format!("{UNFINISHED}{name}"))
        });
        for path in &left {
            fs::write(path, "half").unwrap();
            File::open(path).unwrap().set_modified(SystemTime::now() - LONGEST_WRITE).unwrap();
        }
        let none = BTreeSet::new();
        let rules = Rules { results: &none, files: &none, age: LONGEST_WRITE, is_trial: false };
        assert_eq!(prune(cache.path(), &rules).unwrap(), Pruned { results: 0, files: 3, bytes: 12 });
        assert!(left.iter().all(|path| !path.exists()) && cache.path().join("cas/.new-x").exists());
    }

    #[test]
    fn only_a_cache_is_pruned() {
        let folder = tempfile::tempdir().unwrap();
        let none = BTreeSet::new();
        let rules = Rules { results: &none, files: &none, age: Duration::ZERO, is_trial: false };
        assert!(matches!(prune(folder.path(), &rules), Err(PruneError::NoCache { .. })));
    }
}
