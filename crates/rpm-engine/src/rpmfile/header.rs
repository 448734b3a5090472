//! Header tags, turned into the package's facts and checked on the way.

use std::collections::HashMap;

use rpm::{DependencyFlags, IndexTag, PackageMetadata};

use super::tags::Tags;
use crate::checksum::Checksum;
use crate::dependency::{Capability, Comparison, Dependency, InvalidRich};
use crate::filecaps::{self, InvalidCaps};
use crate::names;
use crate::package::{Details, FileFlags, FileKind, Nevra, Package, PackageFile, is_word, one_line};
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
    /// A file has no checksum, or one of a kind nobody knows.
    #[error("`{path}` has no checksum in the header that can be checked: neither SHA-2 nor SHA-1 nor MD5")]
    NoDigest {
        /// The path.
        path: String,
    },
    /// Only a weak checksum says what a file contains.
    #[error("`{path}` has only a weak checksum, MD5 or SHA-1, and the package has no payload whose digest counts")]
    Weak {
        /// The path.
        path: String,
    },
    /// The lists of files have different lengths.
    #[error("the lists of files are malformed")]
    Lists,
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
    let text = |found: Result<&str, rpm::Error>| one_line(found.unwrap_or_default());
    let list = |found: Result<Vec<rpm::Dependency>, rpm::Error>| found.ok().and_then(|all| dependencies(all).ok()).unwrap_or_default();
    let before = DependencyFlags::SCRIPT_PRE | DependencyFlags::PRETRANS | DependencyFlags::PREREQ;
    let all = metadata.get_requires().unwrap_or_default();
    Details {
        summary: text(metadata.get_summary()),
        description: metadata.get_description().unwrap_or_default().to_owned(),
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

/// Numbers of tags (`rpmtag.h`), types (`stat(2)`) and flags (`rpmfiles.h`).
mod number {
    pub(super) const OLD_NAMES: u32 = 1027;
    pub(super) const SIZES: u32 = 1028;
    pub(super) const MODES: u32 = 1030;
    pub(super) const TIMES: u32 = 1034;
    pub(super) const DIGESTS: u32 = 1035;
    pub(super) const TARGETS: u32 = 1036;
    pub(super) const FLAGS: u32 = 1037;
    pub(super) const USERS: u32 = 1039;
    pub(super) const GROUPS: u32 = 1040;
    pub(super) const INODES: u32 = 1096;
    pub(super) const DIRECTORY_INDEXES: u32 = 1116;
    pub(super) const NAMES: u32 = 1117;
    pub(super) const DIRECTORIES: u32 = 1118;
    pub(super) const LONG_SIZES: u32 = 5008;
    pub(super) const CAPS: u32 = 5010;
    pub(super) const DIGEST_KIND: u32 = 5011;

    pub(super) const TYPE: u64 = 0o170_000;
    pub(super) const CONFIG: u64 = 1;
    pub(super) const MISSING_OK: u64 = 1 << 3;
    pub(super) const NO_REPLACE: u64 = 1 << 4;
    pub(super) const GHOST: u64 = 1 << 6;
}

/// What a header says of files, each list in the same order.
struct Lists<'a> {
    tags: Tags<'a>,
    paths: Vec<String>,
    modes: Vec<u64>,
    sizes: Vec<u64>,
    times: Vec<u64>,
    flags: Vec<u64>,
    digests: Vec<&'a [u8]>,
    targets: Vec<&'a [u8]>,
    users: Vec<&'a [u8]>,
    groups: Vec<&'a [u8]>,
    caps: Vec<&'a [u8]>,
    inodes: Vec<u64>,
}

impl<'a> Lists<'a> {
    fn of(tags: Tags<'a>) -> Result<Self, HeaderError> {
        let numbers = |tag| tags.numbers(tag);
        let sizes = Some(numbers(number::LONG_SIZES)).filter(|sizes| !sizes.is_empty()).unwrap_or_else(|| numbers(number::SIZES));
        let lists = Self {
            tags,
            paths: paths(tags)?,
            modes: numbers(number::MODES),
            sizes,
            times: numbers(number::TIMES),
            flags: numbers(number::FLAGS),
            digests: tags.strings(number::DIGESTS),
            targets: tags.strings(number::TARGETS),
            users: tags.strings(number::USERS),
            groups: tags.strings(number::GROUPS),
            caps: tags.strings(number::CAPS),
            inodes: numbers(number::INODES),
        };
        let count = lists.paths.len();
        let needed = [lists.modes.len(), lists.sizes.len(), lists.times.len(), lists.flags.len()];
        let texts = [lists.digests.len(), lists.targets.len(), lists.users.len(), lists.groups.len()];
        if needed.into_iter().chain(texts).any(|length| length != count) {
            return Err(HeaderError::Lists);
        }
        Ok(lists)
    }

    fn is_ghost(&self, at: usize) -> bool {
        self.flags[at] & number::GHOST != 0
    }

    /// Whether the payload has what is in it.
    fn is_content(&self, at: usize) -> bool {
        self.modes[at] & number::TYPE == 0o100_000 && !self.is_ghost(at)
    }
}

/// The paths: names below numbered directories, or as RPM before version 4 had them.
fn paths(tags: Tags<'_>) -> Result<Vec<String>, HeaderError> {
    let (names, directories) = (tags.strings(number::NAMES), tags.strings(number::DIRECTORIES));
    let indexes = tags.numbers(number::DIRECTORY_INDEXES);
    if names.is_empty() {
        return tags.strings(number::OLD_NAMES).into_iter().map(|path| normal(&names::text(path))).collect();
    }
    if names.len() != indexes.len() {
        return Err(HeaderError::Lists);
    }
    let path = |(name, index): (&[u8], u64)| {
        let directory = directories.get(index as usize).ok_or(HeaderError::Lists)?;
        normal(&names::text(&[directory, name].concat()))
    };
    names.into_iter().zip(indexes).map(path).collect()
}

/// The files, in the header's order.
pub(crate) fn files(tags: Option<Tags<'_>>, origin: Origin) -> Result<Vec<PackageFile>, HeaderError> {
    let lists = Lists::of(tags.ok_or(HeaderError::Lists)?)?;
    let content = |at: usize| (lists.sizes[at], lists.digests[at]);
    let mut names: HashMap<u64, Vec<usize>> = HashMap::new();
    for (at, inode) in lists.inodes.iter().enumerate().take(lists.paths.len()).filter(|(at, _)| lists.is_content(*at)) {
        names.entry(*inode).or_default().push(at);
    }
    // Numbers of inodes are cut to 32 bits, so different files may have the same; names of one file agree on what it contains.
    names.retain(|_, all| all.len() > 1 && all.iter().all(|at| content(*at) == content(all[0])));
    let linked = |at: usize| lists.inodes.get(at).copied().filter(|inode| lists.is_content(at) && names.contains_key(inode));
    // MD5 where nothing is said, as RPM before 4.6 wrote them.
    let kind = Checksum::numbered(lists.tags.numbers(number::DIGEST_KIND).first().copied().unwrap_or(1));
    (0..lists.paths.len()).map(|at| file(&lists, at, linked(at).map(|inode| inode as u32), kind, origin)).collect()
}

fn file(
    lists: &Lists<'_>,
    at: usize,
    hardlink: Option<u32>,
    digests: Option<Checksum>,
    origin: Origin,
) -> Result<PackageFile, HeaderError> {
    let path = lists.paths[at].clone();
    let ghost = lists.is_ghost(at);
    let special = |kind| HeaderError::Special { path: path.clone(), kind };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let kind = match lists.modes[at] & number::TYPE {
        0o040_000 => FileKind::Directory,
        0o120_000 => FileKind::Symlink { target: names::text(lists.targets[at]) },
        0o100_000 => {
            let found = text(lists.digests[at]).to_ascii_lowercase();
            let digest = Some(found).filter(|found| digests.is_some() && Checksum::of(found) == digests);
            if digest.is_none() && !ghost && origin == Origin::File {
                return Err(HeaderError::NoDigest { path });
            }
            FileKind::Regular { size: lists.sizes[at], digest, hardlink }
        }
        _ if ghost || origin == Origin::Database => FileKind::Regular { size: 0, digest: None, hardlink: None },
        0o020_000 | 0o060_000 => return Err(special("device node")),
        0o140_000 => return Err(special("socket")),
        0o010_000 => return Err(special("pipe")),
        _ => return Err(special("file of unknown kind")),
    };
    if path == "/" && kind != FileKind::Directory {
        return Err(HeaderError::Path { path });
    }
    let caps = lists.caps.get(at).map(|caps| text(caps)).filter(|caps| !caps.is_empty());
    if let Some(Err(source)) = caps.as_deref().filter(|_| origin == Origin::File).map(filecaps::to_xattr) {
        return Err(HeaderError::Caps { path, source });
    }
    let has = |flag: u64| lists.flags[at] & flag != 0;
    let flags = FileFlags { config: has(number::CONFIG), noreplace: has(number::NO_REPLACE), ghost, missing_ok: has(number::MISSING_OK) };
    Ok(PackageFile {
        path,
        kind,
        mode: (lists.modes[at] & 0o7777) as u16,
        user: text(lists.users[at]),
        group: text(lists.groups[at]),
        mtime: lists.times[at] as u32,
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

    /// A main header of two files in one folder: `/d/a` and one named by bytes.
    fn header(name: &[u8], kind: Option<u32>, digest: &str, change: impl FnOnce(&mut Vec<(u32, u32, u32, Vec<u8>)>)) -> Vec<u8> {
        let strings = |all: &[&[u8]]| all.iter().flat_map(|text| [*text, b"\0"].concat()).collect::<Vec<u8>>();
        let words = |all: &[u32]| all.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>();
        let two = |text: &str| strings(&[text.as_bytes(), text.as_bytes()]);
        let mut entries = vec![
            (number::SIZES, 4, 2, words(&[3, 3])),
            (number::MODES, 3, 2, [0o100_644_u16.to_be_bytes(), 0o100_755_u16.to_be_bytes()].concat()),
            (number::TIMES, 4, 2, words(&[7, 8])),
            (number::DIGESTS, 8, 2, two(digest)),
            (number::TARGETS, 8, 2, two("")),
            (number::FLAGS, 4, 2, words(&[1 | 8 | 16, 0])),
            (number::USERS, 8, 2, two("root")),
            (number::GROUPS, 8, 2, two("root")),
            (number::DIRECTORY_INDEXES, 4, 2, words(&[0, 0])),
            (number::NAMES, 8, 2, strings(&[b"a", name])),
            (number::DIRECTORIES, 8, 1, strings(&[b"/d/"])),
        ];
        entries.extend(kind.map(|kind| (number::DIGEST_KIND, 4, 1, words(&[kind]))));
        change(&mut entries);
        let (mut index, mut data) = (Vec::new(), Vec::new());
        for (tag, kind, count, values) in &entries {
            index.extend(words(&[*tag, *kind, data.len() as u32, *count]));
            data.extend(values);
        }
        [&[0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0], &*words(&[entries.len() as u32, data.len() as u32]), &index, &data].concat()
    }

    #[test]
    fn checksums_of_files() {
        let table = [
            (None, 32, true),
            (Some(1), 32, true),
            (Some(2), 40, true),
            (Some(8), 64, true),
            (Some(9), 96, true),
            (Some(10), 128, true),
            (Some(8), 32, false),
            (Some(12), 64, false),
            (None, 0, false),
        ];
        for (kind, length, expected) in table {
            let bytes = header(b"b", kind, &"A".repeat(length), |_| ());
            let read = |origin| files(Tags::of(&bytes), origin);
            match read(Origin::File) {
                Ok(files) => assert!(expected && files[0].kind.digest() == Some(&*"a".repeat(length)), "{kind:?} {length}"),
                Err(error) => assert!(!expected && matches!(error, HeaderError::NoDigest { .. }), "{kind:?} {length}: {error}"),
            }
            assert_eq!(read(Origin::Database).unwrap()[1].kind.digest().is_some(), expected, "what is installed can be removed");
        }
    }

    #[test]
    fn names_and_lists_of_files() {
        let digest = "a".repeat(64);
        let bytes = header(b"caf\xe9", Some(8), &digest, |_| ());
        let found = files(Tags::of(&bytes), Origin::File).unwrap();
        assert_eq!(found[1].path, "/d/caf\u{10ffe9}");
        assert_eq!((found[0].mode, found[1].mode, found[1].mtime), (0o644, 0o755, 8));
        let flags = FileFlags { config: true, noreplace: true, ghost: false, missing_ok: true };
        assert_eq!((found[0].flags, found[1].flags), (flags, FileFlags::default()));
        // As RPM before version 4 wrote names.
        let old = header(b"b", Some(8), &digest, |entries| {
            entries.retain(|entry| !matches!(entry.0, number::NAMES | number::DIRECTORIES | number::DIRECTORY_INDEXES));
            entries.push((number::OLD_NAMES, 8, 2, b"/x/a\0/y/b\0".to_vec()));
        });
        let paths: Vec<String> = files(Tags::of(&old), Origin::File).unwrap().into_iter().map(|file| file.path).collect();
        assert_eq!(paths, ["/x/a", "/y/b"]);
        for tag in [number::SIZES, number::MODES, number::DIGESTS, number::DIRECTORY_INDEXES, number::DIRECTORIES, number::USERS] {
            let bytes = header(b"b", Some(8), &digest, |entries| entries.retain(|entry| entry.0 != tag));
            assert!(matches!(files(Tags::of(&bytes), Origin::File), Err(HeaderError::Lists)), "{tag}");
        }
        let outside = header(b"../b", Some(8), &digest, |_| ());
        assert!(matches!(files(Tags::of(&outside), Origin::File), Err(HeaderError::Path { .. })));
    }
}
