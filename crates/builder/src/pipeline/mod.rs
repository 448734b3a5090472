//! From packages to an image: build, sign, compose, and write it in all requested formats in parallel.

mod attestation;
mod budget;
mod cached;
mod error;
mod key;
mod layers;
mod names;
mod record;
mod repository;
mod shipped;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};

pub use attestation::{Document, documents};
pub use error::ImageError;
pub use record::RootRecord;
pub use shipped::shipped;

use self::cached::Cached;
use super::{Builder, PackagesError, SignedPackage, build, existing_results, sign_all};
use base::digest::Digest;
use base::name::PackageName;
use image::description::{self, Format, Image};
use planning::action::Results;
use rootfs::contents::Contents;
use rootfs::{ExtraFile, Rootfs};
use runtime::progress::{Event, Outcome};
use runtime::store::StoreError;
use signing::Keys;
use well_known::{BOOT_LOADER, DISK_PACKAGE};

/// An image in the store.
#[derive(Debug, Clone, Serialize)]
pub struct ImageResult {
    /// Its root.
    pub root: RootRecord,
    /// The requested formats.
    pub artifacts: BTreeMap<Format, Artifact>,
    /// All formats in the store of the same root, including the requested ones.
    #[serde(skip)]
    pub recorded: BTreeMap<Format, Artifact>,
    /// The results of all packages it could choose from, which are in the store.
    #[serde(skip)]
    pub results: Results,
}

/// One format of an image.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Artifact {
    /// The file's object.
    pub object: Digest,
    /// Its size, in bytes.
    pub size_bytes: u64,
}

/// Packages that start a medium, whatever its image contains.
const LIVE_PACKAGES: [&str; 3] = ["kaon-live", BOOT_LOADER, "systemd-boot"];

/// The image in these formats: from the store, or made now with everything it needs.
///
/// # Errors
/// Whatever could not be built, signed, composed or written, or an exceeded size limit.
pub fn build_image(builder: &mut Builder<'_>, image: &Image, formats: &BTreeSet<Format>) -> Result<ImageResult, ImageError> {
    if let (None, Some(format)) = (&image.kernel, formats.iter().find(|format| format.needs_kernel())) {
        return Err(ImageError::NoKernel { image: image.name.clone(), format: *format });
    }
    let candidates = image_candidates(builder, image)?;
    // An unusable key is reported before anything is built.
    let keys = Keys::open_or_create(&builder.keys)?;
    let results = build(builder, &candidates)?;
    let mut cached = Cached::find(builder, image, formats, &keys, &results);
    let root = match cached.root.take() {
        Some(root) if cached.missing.is_empty() => root,
        _ => {
            let unit = format!("image {}", image.name);
            let begun = Instant::now();
            builder.reporter.event(Event::Started { unit: unit.clone() });
            let root = make(builder, image, &keys, &results, &mut cached)?;
            let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            builder.reporter.event(Event::Finished { unit, outcome: Outcome::Built, elapsed_ms });
            root
        }
    };
    let recorded = cached::recorded(builder, image, &cached.root_key);
    let result = ImageResult { root, artifacts: cached.artifacts, recorded, results };
    budget::check(image, &result)?;
    Ok(result)
}

/// What is in the image: read from the store, or composed now.
///
/// # Errors
/// As for [`build_image`].
pub fn image_contents(builder: &mut Builder<'_>, image: &Image) -> Result<Contents, ImageError> {
    let result = build_image(builder, image, &BTreeSet::new())?;
    let path = builder.store.verified(&result.root.contents)?;
    let bytes = fs::read(&path).map_err(|source| StoreError::io("read", &path, source))?;
    serde_json::from_slice(&bytes).map_err(|source| StoreError::BadResult { path, source }.into())
}

/// The image in these formats, if nothing has changed since they were written.
///
/// # Errors
/// When no spec builds a package that the image needs, or a key is missing.
pub fn cached_image(builder: &Builder<'_>, image: &Image, formats: &BTreeSet<Format>) -> Result<Option<ImageResult>, ImageError> {
    let Some(results) = existing_results(builder, &image_candidates(builder, image)?)? else { return Ok(None) };
    let keys = Keys::open_or_create(&builder.keys)?;
    let cached = Cached::find(builder, image, formats, &keys, &results);
    let recorded = cached::recorded(builder, image, &cached.root_key);
    Ok(cached.root.filter(|_| cached.missing.is_empty()).map(|root| ImageResult { root, artifacts: cached.artifacts, recorded, results }))
}

/// The keys under which the image's root and all its formats are or will be recorded, if all its packages are built.
///
/// # Errors
/// As for [`cached_image`].
pub(super) fn image_keys(builder: &Builder<'_>, image: &Image) -> Result<Vec<Digest>, ImageError> {
    let Some(results) = existing_results(builder, &image_candidates(builder, image)?)? else { return Ok(Vec::new()) };
    let root = key::root_key(image, &Keys::open_or_create(&builder.keys)?, &results);
    Ok(Format::all().map(|format| key::format_key(builder, image, &root, format)).chain([root]).collect())
}

/// The packages that the image's are chosen from, and those that start its medium. With everything they need, they make up its repository.
///
/// # Errors
/// As for [`image_packages`].
pub fn image_candidates(builder: &Builder<'_>, image: &Image) -> Result<Vec<PackageName>, ImageError> {
    let starters: &[&str] = if image.kernel.is_some() { &LIVE_PACKAGES } else { &[] };
    let starters = starters.iter().filter_map(|name| name.parse().ok());
    let on_medium = image.iso.iter().flat_map(|iso| iso.live.iter().chain(&iso.install)).cloned();
    let toolchain = builder.graph.toolchain().cloned();
    Ok(image_packages(builder, image)?.into_iter().chain(on_medium).chain(starters).chain(toolchain).collect())
}

/// The packages that the image names, its kernel, and what a root with a kernel needs.
///
/// # Errors
/// All names in the image's file that no spec builds, or that its container names and it does not contain.
pub fn image_packages(builder: &Builder<'_>, image: &Image) -> Result<Vec<PackageName>, ImageError> {
    Ok(names::root_packages(builder.graph, image)?)
}

fn extra_packages(image: &Image) -> Option<PackageName> {
    image.kernel.as_ref().and_then(|_| DISK_PACKAGE.parse().ok())
}

/// Composes the root, writes what is missing, and records both.
fn make(builder: &mut Builder<'_>, image: &Image, keys: &Keys, results: &Results, cached: &mut Cached) -> Result<RootRecord, ImageError> {
    let layers = builder.image_layers();
    let trees = builder.sdk.ensure(builder.store, &builder.settings, &layers, builder.reporter, &builder.cancel);
    let tools: Vec<PathBuf> = trees.map_err(PackagesError::from)?.into_iter().map(|tree| tree.path).collect();
    let signed = sign_all(builder.store, keys, results)?;
    let scratch = builder.store.scratch("image")?;
    let scratch = scratch.path();
    let own: &[PackageName] = image.iso.as_ref().map_or(&[], |iso| &iso.live);
    let is_apart = |format: &Format| format.is_live() && !own.is_empty();
    let composed = |more, name| compose(builder, image, more, keys, &signed, &scratch.join(name));
    let is_plain_needed = cached.root.is_none() || !cached.missing.keys().all(is_apart);
    let roots = match (is_plain_needed, cached.missing.keys().any(is_apart)) {
        (true, true) => Roots::Two { plain: composed(&[], "plain")?, live: composed(own, "live")? },
        (false, true) => Roots::One(composed(own, "live")?),
        (_, false) => Roots::One(composed(&[], "plain")?),
    };
    let root = match cached.root.take() {
        Some(root) => root,
        None => record(builder, &roots.of(Format::Tar).rootfs)?,
    };
    if !cached.missing.is_empty() {
        let starters = live_trees(builder, results)?;
        let writing = write::Writing {
            builder,
            image,
            roots: &roots,
            identity: root.contents,
            starters: &starters,
            signed: &signed,
            keys,
            tools: &tools,
            scratch,
        };
        for (format, artifact) in writing.all(&cached.missing.keys().copied().collect())? {
            builder.store.put_result(&cached.missing[&format], &artifact)?;
            cached.artifacts.insert(format, artifact);
        }
    }
    builder.store.put_result(&cached.root_key, &root)?;
    Ok(root)
}

/// A composed root, as a directory and as an archive.
struct Composed {
    rootfs: Rootfs,
    tar: PathBuf,
}

/// The roots that formats are made from.
enum Roots {
    /// One for all requested formats.
    One(Composed),
    /// The live system contains more than the disks.
    Two { plain: Composed, live: Composed },
}

impl Roots {
    fn of(&self, format: Format) -> &Composed {
        match self {
            Self::One(root) => root,
            Self::Two { live, .. } if format.is_live() => live,
            Self::Two { plain, .. } => plain,
        }
    }
}

/// Records the contents of a root.
fn record(builder: &Builder<'_>, rootfs: &Rootfs) -> Result<RootRecord, ImageError> {
    let contents = serde_json::to_vec(&Contents::of(rootfs)).map_err(|error| StoreError::io("write", &rootfs.dir, error.into()))?;
    let contents = builder.store.put_bytes(&contents)?;
    Ok(RootRecord { contents, size_bytes: rootfs.size_bytes(), packages: rootfs.packages.clone() })
}

/// Composes the image with `more` packages.
fn compose(
    builder: &Builder<'_>,
    image: &Image,
    more: &[PackageName],
    keys: &Keys,
    signed: &[SignedPackage],
    folder: &Path,
) -> Result<Composed, ImageError> {
    let candidates: Vec<PathBuf> = signed.iter().map(|package| package.path.clone()).collect();
    let wanted = image_packages(builder, image)?.iter().chain(more).map(ToString::to_string).collect();
    let log = builder.store.log(&format!("image-{}.log", image.name));
    let request = image_request(image, wanted, &candidates, keys, log);
    fs::create_dir(folder).map_err(|source| StoreError::io("make", folder, source))?;
    let rootfs = rootfs::compose(&request, folder, builder.reporter, &builder.cancel)?;
    let tar = folder.with_extension("tar");
    write_tar(&rootfs, &tar)?;
    Ok(Composed { rootfs, tar })
}

/// The root file system of an image, made of `packages` out of `candidates`; `log` gets the output of scripts.
pub fn image_request<'a>(
    image: &Image,
    packages: Vec<String>,
    candidates: &'a [PathBuf],
    keys: &'a Keys,
    log: PathBuf,
) -> rootfs::Request<'a> {
    rootfs::Request {
        packages,
        candidates,
        public_key: keys.public(),
        weak: true,
        enable: image.enable.clone(),
        disable: image.disable.clone(),
        files: image.files.iter().map(extra_file).collect(),
        password_hash: image.access.password_hash.clone(),
        ssh_keys: image.access.ssh_keys.clone(),
        log,
    }
}

fn extra_file(file: &description::File) -> ExtraFile {
    ExtraFile { path: file.path.clone(), mode: file.mode, content: file.content.clone() }
}

fn write_tar(rootfs: &Rootfs, path: &Path) -> Result<(), ImageError> {
    let broken = |source: io::Error| StoreError::io("write", path, source);
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path).map_err(broken)?);
    rootfs::tar(rootfs, &mut out)?;
    out.flush().map_err(broken)?;
    Ok(())
}

/// The unpacked trees of the packages that start a medium.
fn live_trees(builder: &Builder<'_>, results: &Results) -> Result<Vec<PathBuf>, ImageError> {
    let is_live = |name: &str| LIVE_PACKAGES.contains(&name);
    let packages = results.values().flat_map(|result| &result.packages).filter(|package| is_live(package.name.as_str()));
    let trees = packages.map(|package| super::local::package_tree(builder.store, package, || ())).collect::<Result<Vec<_>, _>>();
    trees.map_err(|error| match error {
        worker::inputs::InputsError::Store(error) => error.into(),
        other => StoreError::io("unpack packages below", builder.store.root(), io::Error::other(other)).into(),
    })
}
