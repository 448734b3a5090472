//! The Kconfig files of a kernel's sources: unpacked once, kept in the store.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::Builder;
use base::diagnostic::Failure;
use base::digest::Digest;
use kernel::kconfig::{self, Kconfig, KconfigError};
use planning::project::SpecFolder;
use planning::recipe::{Phase, Recipe, archive_file, from_package};
use planning::spec::Source;
use runtime::sandbox::{self, Isolation, SandboxError, StepsEnded};
use runtime::store::StoreError;
use sdk::source::{Fetcher, SourceError};
use sdk::{LayerName, SdkError};

/// Why a kernel's options are not known.
#[derive(Debug, thiserror::Error)]
pub enum KconfigTreeError {
    /// The SDK is not available.
    #[error(transparent)]
    Sdk(#[from] SdkError),
    /// The kernel's sources are not available.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The sandbox failed.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The sources cannot be unpacked.
    #[error("cannot unpack the Kconfig files of `{spec}`; its log is `{}`", log.display())]
    Unpack {
        /// The spec.
        spec: String,
        /// The log of tar.
        log: PathBuf,
    },
    /// A file cannot be read or moved.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The files cannot be parsed.
    #[error(transparent)]
    Kconfig(#[from] KconfigError),
}

impl Failure for KconfigTreeError {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Sdk(error) => Some(error),
            Self::Source(error) => Some(error),
            Self::Store(error) => Some(error),
            Self::Sandbox(error) => Some(error),
            Self::Kconfig(error) => Some(error),
            Self::Unpack { .. } | Self::Io { .. } => None,
        }
    }
}

/// The key of the tree of Kconfig files in the archive with this digest.
pub(super) fn tree_key(object: &Digest) -> Digest {
    Isolation::selected().keyed(Digest::of_bytes(format!("kconfig of {object}")))
}

/// The options of the kernel that this spec builds. Patches that change Kconfig files are not applied.
///
/// # Errors
/// When the sources or the tools to unpack them are not available, or Kconfig cannot be parsed.
pub fn kconfig(builder: &mut Builder<'_>, folder: &SpecFolder) -> Result<Kconfig, KconfigTreeError> {
    let base: Vec<LayerName> = builder.layer_names(&[]);
    let layers: Vec<PathBuf> = builder
        .sdk
        .ensure(builder.store, &builder.settings, &base, builder.reporter, &builder.cancel)?
        .into_iter()
        .map(|tree| tree.path)
        .collect();
    let fetcher = Fetcher::new(builder.store, &builder.settings, builder.reporter, &builder.cancel);
    let mut files = BTreeMap::new();
    for source in &folder.spec.sources {
        let digest = fetcher.ensure(source)?;
        let waiting = || builder.reporter.waiting(&format!("kconfig of {}", source.file_name()));
        let tree = builder.store.tree(&tree_key(&digest), waiting, |into| unpack(builder, folder, source, &digest, &layers, into))?;
        files.extend(read(&tree)?);
    }
    Ok(kconfig::parse(&files)?)
}

/// The script that unpacks the Kconfig files of a source.
fn script(source: &Source) -> String {
    let package = from_package(source).unwrap_or_default();
    let file = archive_file(source);
    format!("{package}\nmkdir kconfig\ntar -xf {file} --strip-components=1 --no-same-owner -C kconfig --wildcards '*/Kconfig*'")
}

/// Unpacks the Kconfig files of a tarball with the SDK's tar, which supports every compression.
fn unpack(
    builder: &Builder<'_>,
    folder: &SpecFolder,
    source: &Source,
    digest: &Digest,
    layers: &[PathBuf],
    into: &Path,
) -> Result<(), KconfigTreeError> {
    let spec = &folder.spec;
    let file = builder.store.object(digest).ok_or(StoreError::Missing { digest: *digest })?;
    let recipe = Recipe {
        phases: vec![Phase { name: "unpack", script: script(source), cwd: "/build".into() }],
        env: BTreeMap::from([("PATH".to_owned(), "/usr/bin".to_owned())]),
    };
    let scratch = builder.store.scratch(&format!("kconfig-{}", spec.name))?;
    for part in ["build", "upper", "work"] {
        let path = scratch.path().join(part);
        fs::create_dir_all(&path).map_err(|source| StoreError::io("make", &path, source))?;
    }
    let sources = BTreeMap::from([(source.file_name().to_owned(), file)]);
    let job = worker::job::sandbox_job(spec, &recipe, layers, &sources, scratch.path(), 1);
    let log = builder.store.log(&format!("kconfig-{}.log", spec.name));
    let outcome = sandbox::run(&job, None, &log, &builder.cancel, &|_| ())?;
    if outcome.status != StepsEnded::Done {
        return Err(KconfigTreeError::Unpack { spec: spec.name.to_string(), log });
    }
    let unpacked = scratch.path().join("build/kconfig");
    let moved = fs::read_dir(&unpacked).and_then(|entries| {
        entries.into_iter().try_for_each(|entry| entry.and_then(|entry| fs::rename(entry.path(), into.join(entry.file_name()))))
    });
    moved.map_err(|source| KconfigTreeError::Io { path: unpacked, source })
}

fn read(tree: &Path) -> Result<BTreeMap<String, String>, KconfigTreeError> {
    let failed = |path: &Path, source| KconfigTreeError::Io { path: path.to_owned(), source };
    let mut files = BTreeMap::new();
    for entry in WalkDir::new(tree).sort_by_file_name() {
        let entry = entry.map_err(|error| failed(tree, error.into()))?;
        if entry.file_type().is_file() {
            let text = fs::read(entry.path()).map_err(|source| failed(entry.path(), source))?;
            let name = entry.path().strip_prefix(tree).unwrap_or(entry.path()).to_string_lossy().into_owned();
            files.insert(name, String::from_utf8_lossy(&text).into_owned());
        }
    }
    Ok(files)
}
