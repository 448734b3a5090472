//! What is fuzzed: each function gives bytes from outside to one of the parsers and says whether they were accepted.
//!
//! The fuzz targets call them for ever; `tests/corpus.rs` replays the committed corpus through the same functions.

use std::cmp::Ordering;
use std::fs;
use std::path::Path;

use rpm_engine::config::{Config, Overrides};
use rpm_engine::dependency::{Capability, Dependency};
use rpm_engine::key::KeyFacts;
use rpm_engine::repo::{Index, Metadata, Metalink, Repomd};
use rpm_engine::rpmdb::InstalledPackage;
use rpm_engine::rpmfile::RpmFile;
use rpm_engine::version::Evr;
use sha2::{Digest as _, Sha256};

/// Whether the bytes were accepted, and if not, why.
pub type Verdict = Result<(), String>;

/// A target.
pub type Target = fn(&[u8]) -> Verdict;

/// All targets, by the names of their folders in the corpus.
pub const ALL: &[(&str, Target)] = &[
    ("config", config),
    ("dependency", dependency),
    ("filelists", filelists),
    ("header", header),
    ("index", index),
    ("key", key),
    ("metalink", metalink),
    ("other", other),
    ("package", package),
    ("primary", primary),
    ("repomd", repomd),
    ("repository", repository),
    ("updateinfo", updateinfo),
    ("version", version),
];

/// The time of all checks, in seconds since 1970.
const NOW: u64 = 1_767_225_600;

fn why(error: impl std::error::Error) -> String {
    error.to_string()
}

fn text(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(why)
}

fn folder() -> Result<tempfile::TempDir, String> {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).map_err(why)
}

fn put(folder: &Path, name: &str, bytes: &[u8]) -> Verdict {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap_or(folder)).map_err(why)?;
    fs::write(path, bytes).map_err(why)
}

/// A package file: lead, both headers, payload.
pub fn package(bytes: &[u8]) -> Verdict {
    let folder = folder()?;
    put(folder.path(), "x.rpm", bytes)?;
    RpmFile::open(&folder.path().join("x.rpm")).map_err(why)?.unsigned().map(drop).map_err(why)
}

/// A header as the RPM database keeps it.
pub fn header(bytes: &[u8]) -> Verdict {
    let package = InstalledPackage::parse(1, bytes).map_err(why)?;
    assert_eq!(package.present().len(), package.files.len());
    Ok(())
}

/// `repomd.xml`.
pub fn repomd(bytes: &[u8]) -> Verdict {
    Repomd::parse(text(bytes)?).map(drop).map_err(why)
}

/// A metalink.
pub fn metalink(bytes: &[u8]) -> Verdict {
    Metalink::parse(text(bytes)?).map(drop).map_err(why)
}

/// A repository with this document, packed or not, and a good index; with good packages unless it is those that are fuzzed.
fn with_document<T>(kind: &str, bytes: &[u8], read: impl FnOnce(&Metadata) -> Result<T, rpm_engine::repo::RepoError>) -> Verdict {
    const PRIMARY: &[u8] = include_bytes!("corpus/primary/good-two-packages");
    let folder = folder()?;
    let mut index = "<repomd>".to_owned();
    for (kind, bytes) in [("primary", PRIMARY), (kind, bytes)].into_iter().skip(usize::from(kind == "primary")) {
        put(folder.path(), kind, bytes)?;
        let digest = hex::encode(Sha256::digest(bytes));
        index += &format!("<data type=\"{kind}\"><checksum type=\"sha256\">{digest}</checksum><location href=\"{kind}\"/></data>");
    }
    put(folder.path(), "repodata/repomd.xml", (index + "</repomd>").as_bytes())?;
    read(&Metadata::open(folder.path(), None).map_err(why)?).map(drop).map_err(why)
}

/// `primary.xml`, and the index made of it.
pub fn primary(bytes: &[u8]) -> Verdict {
    with_document("primary", bytes, |metadata| {
        let offers = metadata.offers()?;
        let index = Index::of(&offers);
        assert_eq!(index.map_or(0, |index| index.len()), offers.len());
        Ok(())
    })
}

/// `filelists.xml`.
pub fn filelists(bytes: &[u8]) -> Verdict {
    with_document("filelists", bytes, |metadata| metadata.read_filelists(&mut metadata.offers()?))
}

/// `other.xml`.
pub fn other(bytes: &[u8]) -> Verdict {
    with_document("other", bytes, Metadata::changes)
}

/// `updateinfo.xml`.
pub fn updateinfo(bytes: &[u8]) -> Verdict {
    with_document("updateinfo", bytes, Metadata::advisories)
}

/// The index kept of a repository.
pub fn index(bytes: &[u8]) -> Verdict {
    let folder = folder()?;
    put(folder.path(), "index", bytes)?;
    let index = Index::open(&folder.path().join("index"), [0; 32]).map_err(why)?.ok_or("it is damaged")?;
    for package in 0..index.len().min(64) {
        let offer = index.offer(package).ok_or("a package is damaged")?;
        index.providing(&offer.package.nevra.name);
        index.holding(&offer.package.nevra.name);
    }
    Ok(())
}

fn configured(name: &str, bytes: &[u8]) -> Verdict {
    let folder = folder()?;
    put(folder.path(), name, bytes)?;
    fs::create_dir_all(folder.path().join("etc/yum.repos.d")).map_err(why)?;
    let found = Config::load(folder.path(), "x86_64", &Overrides::default(), |_| Some("1".into())).map_err(why)?;
    match found.warnings.first() {
        Some(warning) => Err(warning.to_string()),
        None => Ok(()),
    }
}

/// `tdnf.conf`. A warning counts as a refusal.
pub fn config(bytes: &[u8]) -> Verdict {
    configured("etc/tdnf/tdnf.conf", bytes)
}

/// A `.repo` file. A warning counts as a refusal.
pub fn repository(bytes: &[u8]) -> Verdict {
    configured("etc/yum.repos.d/x.repo", bytes)
}

/// A dependency, boolean or not.
pub fn dependency(bytes: &[u8]) -> Verdict {
    let text = text(bytes)?.trim_end_matches('\n');
    if !text.starts_with('(') {
        return Capability::parse(text).map(drop).ok_or_else(|| "it is no capability".to_owned());
    }
    let parsed = Dependency::new(text, None).map_err(why)?;
    let again = match &parsed {
        // Parentheses around a single capability are not kept.
        Dependency::Simple(_) => Capability::parse(&parsed.to_string()).map(Dependency::Simple),
        Dependency::Rich(_) => Dependency::new(&parsed.to_string(), None).ok(),
    };
    assert_eq!(again.as_ref(), Some(&parsed), "{parsed} is read again as it was written");
    Ok(())
}

/// An armoured key.
pub fn key(bytes: &[u8]) -> Verdict {
    KeyFacts::read(text(bytes)?, NOW).map(drop).map_err(why)
}

/// Three versions, a line each: their order is one.
pub fn version(bytes: &[u8]) -> Verdict {
    let all: Vec<Evr> = text(bytes)?.lines().take(3).map(Evr::parse).collect();
    for a in &all {
        assert_eq!(a.cmp(a), Ordering::Equal, "{a}");
        for b in &all {
            assert_eq!(a.cmp(b), b.cmp(a).reverse(), "{a} and {b}");
            for c in &all {
                assert!(!(a <= b && b <= c) || a <= c, "{a}, {b} and {c}");
            }
        }
    }
    Ok(())
}
