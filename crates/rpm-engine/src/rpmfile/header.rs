//! Header tags, turned into the package's facts and checked on the way.

use std::collections::HashMap;

use rpm::{DependencyFlags, DigestAlgorithm, FileType, IndexTag, PackageMetadata};

use crate::dependency::{Capability, Comparison, Dependency, InvalidRich};
use crate::filecaps::{self, InvalidCaps};
use crate::package::{Details, FileFlags, FileKind, Nevra, Package, PackageFile, is_word};
use crate::version::Evr;

/// Why a header is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum HeaderError {
    /// A tag is missing or malformed.
    #[error("a tag is missing or malformed")]
    Tag(#[source] Box<rpm::Error>),
    /// A dependency is malformed.
    #[error("a dependency is malformed")]
    Dependency(#[from] InvalidRich),
    /// The name, version, release or architecture could not stand in a file's name.
    #[error("`{word}` cannot be the {what} of a package")]
    Word {
        /// The text.
        word: String,
        /// What it was to be.
        what: &'static str,
    },
    /// A file's capabilities make no sense.
    #[error("`{path}` has invalid capabilities")]
    Caps {
        /// The path.
        path: String,
        /// Why.
        source: InvalidCaps,
    },
    /// A path is not absolute or not normalised: it could reach outside of the root. Or it is longer than paths can be.
    #[error("the path `{path}` is not absolute and normalised, or too long")]
    Path {
        /// The path.
        path: String,
    },
    /// A file is a device node, a socket or a pipe.
    #[error("`{path}` is a {kind}, which packages must not contain")]
    Special {
        /// The path.
        path: String,
        /// What it is.
        kind: &'static str,
    },
    /// A file has no SHA-256.
    #[error("`{path}` has no SHA-256 in the header")]
    NoDigest {
        /// The path.
        path: String,
    },
}

impl From<rpm::Error> for HeaderError {
    fn from(error: rpm::Error) -> Self {
        Self::Tag(Box::new(error))
    }
}

/// How strictly a header is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A package file: what this engine would not install is refused.
    File,
    /// The database: another program may have installed what this one would not, and its removal must stay possible.
    Database,
}

/// PATH_MAX and NAME_MAX of Linux; the first counts the end of the string.
const LONGEST_PATH: usize = 4095;
const LONGEST_NAME: usize = 255;

/// The facts of the package, its files known already.
pub(crate) fn package(
    metadata: &PackageMetadata,
    files: &[PackageFile],
    package_size_bytes: u64,
    origin: Origin,
) -> Result<Package, HeaderError> {
    let evr = Evr::new(metadata.get_epoch().unwrap_or(0), metadata.get_version()?, Some(metadata.get_release()?));
    // Imported keys are packages without an architecture.
    let arch = match metadata.get_arch() {
        Ok(arch) => arch,
        Err(_) if !metadata.header.entry_is_present(IndexTag::RPMTAG_ARCH) => "(none)",
        Err(error) => return Err(error.into()),
    };
    for (word, what) in
        [(metadata.get_name()?, "name"), (metadata.get_version()?, "version"), (metadata.get_release()?, "release"), (arch, "architecture")]
    {
        if !is_word(word) {
            return Err(HeaderError::Word { word: word.to_owned(), what });
        }
    }
    let nevra = Nevra { name: metadata.get_name()?.to_owned(), evr, arch: arch.to_owned() };
    let mut paths: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
    paths.sort_unstable();
    Ok(Package {
        nevra,
        provides: capabilities(metadata.get_provides()?),
        requires: dependencies(required(metadata.get_requires()?, origin))?,
        conflicts: dependencies(metadata.get_conflicts()?)?,
        obsoletes: capabilities(metadata.get_obsoletes()?),
        recommends: dependencies(metadata.get_recommends()?)?,
        supplements: dependencies(metadata.get_supplements()?)?,
        paths,
        installed_size_bytes: metadata.get_installed_size().unwrap_or(0),
        package_size_bytes,
    })
}

/// What only queries show. What a header lacks is empty.
pub fn details(metadata: &PackageMetadata) -> Details {
    let text = |found: Result<&str, rpm::Error>| found.unwrap_or_default().to_owned();
    let list = |found: Result<Vec<rpm::Dependency>, rpm::Error>| found.ok().and_then(|all| dependencies(all).ok()).unwrap_or_default();
    let before = DependencyFlags::SCRIPT_PRE | DependencyFlags::PRETRANS | DependencyFlags::PREREQ;
    let all = metadata.get_requires().unwrap_or_default();
    Details {
        summary: text(metadata.get_summary()),
        description: text(metadata.get_description()),
        url: text(metadata.get_url()),
        license: text(metadata.get_license()),
        source: text(metadata.get_source_rpm()),
        build_time: metadata.get_build_time().unwrap_or(0),
        requires_pre: list(Ok(all.into_iter().filter(|dependency| dependency.flags.intersects(before)).collect())),
        suggests: list(metadata.get_suggests()),
        enhances: list(metadata.get_enhances()),
    }
}

fn range(dependency: &rpm::Dependency) -> Option<(Comparison, Evr)> {
    Some((Comparison::parse(dependency.flags.comparator_str())?, Evr::parse(&dependency.version)))
}

fn capabilities(given: Vec<rpm::Dependency>) -> Vec<Capability> {
    given.into_iter().map(|dependency| Capability { range: range(&dependency), name: dependency.name }).collect()
}

fn dependencies(given: Vec<rpm::Dependency>) -> Result<Vec<Dependency>, InvalidRich> {
    given.into_iter().map(|dependency| Dependency::new(&dependency.name, range(&dependency))).collect()
}

/// What is required of other packages, and of a package file features that this engine does not handle. What is installed got by without.
fn required(given: Vec<rpm::Dependency>, origin: Origin) -> Vec<rpm::Dependency> {
    let feature = |dependency: &rpm::Dependency| dependency.flags.contains(DependencyFlags::RPMLIB);
    given.into_iter().filter(|dependency| !feature(dependency) || (origin == Origin::File && !is_supported(&dependency.name))).collect()
}

/// The first feature of the package format that a package needs and this engine does not handle.
pub(crate) fn unsupported_feature(metadata: &PackageMetadata) -> Option<String> {
    let all = metadata.get_requires().unwrap_or_default().into_iter();
    let mut features = all.filter(|dependency| dependency.flags.contains(DependencyFlags::RPMLIB));
    features.find(|feature| !is_supported(&feature.name)).map(|feature| feature.name)
}

/// Features of the package format that this engine handles; a package that needs another one cannot be installed. RPM's own list is
/// `rpmlibProvides` of `lib/rpmds.c`; of it only what concerns source packages is missing here.
fn is_supported(feature: &str) -> bool {
    const FEATURES: [&str; 20] = [
        "rpmlib(BuiltinLuaScripts)",
        "rpmlib(CaretInVersions)",
        "rpmlib(CompressedFileNames)",
        "rpmlib(ConcurrentAccess)",
        "rpmlib(ExplicitPackageProvide)",
        "rpmlib(FileCaps)",
        "rpmlib(FileDigests)",
        "rpmlib(HeaderLoadSortsTags)",
        "rpmlib(LargeFiles)",
        "rpmlib(PartialHardlinkSets)",
        "rpmlib(PayloadFilesHavePrefix)",
        "rpmlib(PayloadIsBzip2)",
        "rpmlib(PayloadIsLzma)",
        "rpmlib(PayloadIsXz)",
        "rpmlib(PayloadIsZstd)",
        "rpmlib(RichDependencies)",
        "rpmlib(ScriptletExpansion)",
        "rpmlib(ScriptletInterpreterArgs)",
        "rpmlib(TildeInVersions)",
        "rpmlib(VersionedDependencies)",
    ];
    FEATURES.contains(&feature)
}

/// The files, in the header's order.
pub(crate) fn files(metadata: &PackageMetadata, origin: Origin) -> Result<Vec<PackageFile>, HeaderError> {
    let inodes = metadata.header.get_entry_data_as_u32_array(IndexTag::RPMTAG_FILEINODES).unwrap_or_default();
    let entries = metadata.get_file_entries()?;
    let is_content = |entry: &rpm::FileEntry<'_>| entry.file_type() == FileType::Regular && !entry.flags().contains(rpm::FileFlags::GHOST);
    let content = |entry: &rpm::FileEntry<'_>| (entry.size(), entry.digest().map(|digest| digest.as_hex().to_owned()));
    let mut names: HashMap<u32, Vec<usize>> = HashMap::new();
    for (at, (_, inode)) in entries.iter().zip(&inodes).enumerate().filter(|(_, (entry, _))| is_content(entry)) {
        names.entry(*inode).or_default().push(at);
    }
    // Numbers of inodes are cut to 32 bits, so different files may have the same; names of one file agree on what it contains.
    names.retain(|_, all| all.len() > 1 && all.iter().all(|at| content(&entries[*at]) == content(&entries[all[0]])));
    let linked = |at: usize| inodes.get(at).copied().filter(|inode| is_content(&entries[at]) && names.contains_key(inode));
    entries.iter().enumerate().map(|(at, entry)| file(entry, linked(at), origin)).collect()
}

fn file(entry: &rpm::FileEntry<'_>, hardlink: Option<u32>, origin: Origin) -> Result<PackageFile, HeaderError> {
    let path = normal(&format!("{}{}", entry.dirname(), entry.basename()))?;
    let ghost = entry.flags().contains(rpm::FileFlags::GHOST);
    let special = |kind| HeaderError::Special { path: path.clone(), kind };
    let kind = match entry.file_type() {
        FileType::Dir => FileKind::Directory,
        FileType::SymbolicLink => FileKind::Symlink { target: entry.linkto().unwrap_or_default().to_owned() },
        FileType::Regular => {
            let sha256 =
                entry.digest().filter(|digest| digest.algorithm() == DigestAlgorithm::Sha2_256).map(|digest| digest.as_hex().to_owned());
            if sha256.is_none() && !ghost && origin == Origin::File {
                return Err(HeaderError::NoDigest { path });
            }
            FileKind::Regular { size: entry.size() as u64, sha256, hardlink }
        }
        _ if ghost || origin == Origin::Database => FileKind::Regular { size: 0, sha256: None, hardlink: None },
        FileType::CharacterDevice | FileType::BlockDevice => return Err(special("device node")),
        FileType::Socket => return Err(special("socket")),
        FileType::Fifo => return Err(special("pipe")),
        _ => return Err(special("file of unknown kind")),
    };
    if path == "/" && kind != FileKind::Directory {
        return Err(HeaderError::Path { path });
    }
    let caps = entry.caps().filter(|caps| !caps.is_empty()).map(str::to_owned);
    if let Some(Err(source)) = caps.as_deref().filter(|_| origin == Origin::File).map(filecaps::to_xattr) {
        return Err(HeaderError::Caps { path, source });
    }
    let flags = FileFlags {
        config: entry.flags().contains(rpm::FileFlags::CONFIG),
        noreplace: entry.flags().contains(rpm::FileFlags::NOREPLACE),
        ghost,
    };
    Ok(PackageFile {
        path,
        kind,
        mode: entry.permissions(),
        user: entry.user().to_owned(),
        group: entry.group().to_owned(),
        mtime: entry.modified_at().into(),
        caps,
        flags,
    })
}

/// The path if it is absolute and normalised, but for one final slash.
fn normal(path: &str) -> Result<String, HeaderError> {
    let bad = || HeaderError::Path { path: path.to_owned() };
    let trimmed = if path == "/" { "" } else { path.strip_suffix('/').unwrap_or(path) };
    if trimmed.is_empty() {
        return if path == "/" { Ok(path.to_owned()) } else { Err(bad()) };
    }
    let mut components = trimmed.split('/');
    let rooted = components.next() == Some("");
    let plain =
        components.all(|component| !matches!(component, "" | "." | "..") && !component.contains('\0') && component.len() <= LONGEST_NAME);
    if rooted && plain && trimmed.len() <= LONGEST_PATH { Ok(trimmed.to_owned()) } else { Err(bad()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_normalised_paths() {
        for (path, expected) in [("/", "/"), ("/usr/bin/sh", "/usr/bin/sh"), ("/usr/", "/usr"), ("/usr/..x", "/usr/..x")] {
            assert_eq!(normal(path).unwrap(), expected);
        }
        for path in ["", "usr", "../x", "/..", "/usr/../etc", "//usr", "/usr//bin", "/./x", "/x/.", "/x\0y", "//"] {
            assert!(normal(path).is_err(), "{path}");
        }
    }
}
