//! The metadata of one package, read from its header.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::PathBuf;

use rpm::{Dependency, FileFlags, FileType, IndexTag, PackageMetadata};

use super::RepoPackage;
use super::error::RepoError;
use base::digest::Digest;

/// One package.
pub(super) struct Record {
    pub file: PathBuf,
    pub file_name: String,
    pub sha256: Digest,
    pub package_bytes: u64,
    pub installed_bytes: u64,
    /// The range of its header in the file, from the first byte to the one after the last.
    pub header_range: (u64, u64),
    pub name: String,
    pub arch: String,
    pub version: Version,
    pub summary: String,
    pub description: String,
    pub url: String,
    pub license: String,
    pub vendor: String,
    pub group: String,
    pub build_host: String,
    pub source_rpm: String,
    /// Seconds since the epoch.
    pub build_time: u64,
    pub relations: Vec<Relations>,
    pub files: Vec<ListedFile>,
}

/// `[epoch:]version[-release]`, in parts.
pub(super) struct Version {
    pub epoch: u32,
    pub version: String,
    pub release: String,
}

/// All dependencies of one kind.
pub(super) struct Relations {
    /// The name of its element: `provides`, `requires` …
    pub element: &'static str,
    pub entries: Vec<Dependency>,
}

/// One entry of the file list.
pub(super) struct ListedFile {
    pub path: String,
    /// `dir`, `ghost`, or `None` for a file.
    pub kind: Option<&'static str>,
}

impl Record {
    pub(super) fn read(package: &RepoPackage) -> Result<Self, RepoError> {
        let path = &package.file;
        let io = |source| RepoError::io("read", path, source);
        let sha256 = Digest::of_file(path).map_err(io)?;
        let package_bytes = fs::metadata(path).map_err(io)?.len();
        let metadata = PackageMetadata::parse(&mut BufReader::new(File::open(path).map_err(io)?));
        let header = metadata.and_then(|metadata| Self::of_header(package, sha256, package_bytes, &metadata));
        header.map_err(|source| RepoError::NotRpm { path: path.clone(), source: Box::new(source) })
    }

    fn of_header(package: &RepoPackage, sha256: Digest, package_bytes: u64, metadata: &PackageMetadata) -> Result<Self, rpm::Error> {
        let offsets = metadata.get_package_segment_offsets();
        let files = files(metadata)?;
        // A tag may be absent; then the element is empty.
        let optional = |text: Result<&str, rpm::Error>| text.unwrap_or_default().to_owned();
        Ok(Self {
            file: package.file.clone(),
            file_name: package.file_name.clone(),
            sha256,
            package_bytes,
            installed_bytes: metadata.get_installed_size()?,
            header_range: (offsets.header, offsets.payload),
            name: metadata.get_name()?.to_owned(),
            arch: metadata.get_arch()?.to_owned(),
            version: Version {
                epoch: metadata.header.get_entry_data_as_u32(IndexTag::RPMTAG_EPOCH).unwrap_or(0),
                version: metadata.get_version()?.to_owned(),
                release: metadata.get_release()?.to_owned(),
            },
            summary: optional(metadata.get_summary()),
            description: optional(metadata.get_description()),
            url: optional(metadata.get_url()),
            license: optional(metadata.get_license()),
            vendor: optional(metadata.get_vendor()),
            group: optional(metadata.get_group()),
            build_host: optional(metadata.get_build_host()),
            source_rpm: optional(metadata.get_source_rpm()),
            build_time: metadata.get_build_time()?,
            relations: relations(metadata, &files)?,
            files,
        })
    }
}

fn relations(metadata: &PackageMetadata, files: &[ListedFile]) -> Result<Vec<Relations>, rpm::Error> {
    let provides = metadata.get_provides()?;
    // Requirements that the package itself provides (such as `config(…)`) do not concern other packages.
    let is_own = |need: &Dependency| {
        let is_same = |given: &Dependency| given.name == need.name && given.version == need.version;
        provides.iter().any(is_same) || files.iter().any(|file| file.path == need.name)
    };
    let requires = metadata.get_requires()?.into_iter().filter(|need| !is_own(need)).collect();
    let mut relations = Vec::new();
    for (element, entries) in [
        ("provides", provides.clone()),
        ("requires", requires),
        ("conflicts", metadata.get_conflicts()?),
        ("obsoletes", metadata.get_obsoletes()?),
        ("suggests", metadata.get_suggests()?),
        ("enhances", metadata.get_enhances()?),
        ("recommends", metadata.get_recommends()?),
        ("supplements", metadata.get_supplements()?),
    ] {
        // Requirements on the installing program are not dependencies between packages.
        let entries: Vec<Dependency> = entries.into_iter().filter(|entry| !entry.name.starts_with("rpmlib(")).collect();
        if !entries.is_empty() {
            relations.push(Relations { element, entries });
        }
    }
    Ok(relations)
}

fn files(metadata: &PackageMetadata) -> Result<Vec<ListedFile>, rpm::Error> {
    let mut files = Vec::new();
    for entry in metadata.get_file_entries()? {
        let kind = match entry.file_type() {
            FileType::Dir => Some("dir"),
            _ if entry.flags().contains(FileFlags::GHOST) => Some("ghost"),
            _ => None,
        };
        files.push(ListedFile { path: entry.path().to_string_lossy().into_owned(), kind });
    }
    Ok(files)
}
