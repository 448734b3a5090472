//! From packages to an image: build, sign, compose, and write it in all forms asked for, at once.

mod beside;
mod budget;
mod error;
mod key;
mod known;
mod layers;
mod record;
mod repository;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};

pub use beside::{Document, documents};
pub use error::ImageError;
pub use record::RootRecord;

use self::known::Known;
use super::{BuildFailure, SignedPackage, Workshop, build, sign_all};
use base::digest::Digest;
use base::name::PackageName;
use image::description::{self, Format, Image};
use planning::action::Results;
use planning::plan::plan;
use planning::spec::BuildSystem;
use rootfs::contents::Contents;
use rootfs::{ExtraFile, Rootfs};
use runtime::progress::{Event, Outcome};
use runtime::store::StoreError;
use sdk::LayerName;
use signing::Keys;
use well_known::{BOOT_LOADER, DISK_PACKAGE};

/// An image at hand.
#[derive(Debug, Clone, Serialize)]
pub struct ImageResult {
    /// Its root.
    pub root: RootRecord,
    /// The forms asked for.
    pub artifacts: BTreeMap<Format, Artifact>,
    /// All forms there are of the very same root, those asked for among them.
    #[serde(skip)]
    pub recorded: BTreeMap<Format, Artifact>,
    /// What was built for it: every package there was to choose from.
    #[serde(skip)]
    pub results: Results,
}

/// One form of an image.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Artifact {
    /// The file's object.
    pub object: Digest,
    /// Its size, in bytes.
    pub size_bytes: u64,
}

/// Packages every medium is started by, whatever its image holds.
const LIVE_PACKAGES: [&str; 3] = ["kaon-live", BOOT_LOADER, "systemd-boot"];

/// The image in these forms: at hand, or made now with everything it needs.
///
/// # Errors
/// Whatever could not be built, signed, composed or written, or a bound that is not kept.
pub fn build_image(workshop: &mut Workshop<'_>, image: &Image, formats: &BTreeSet<Format>) -> Result<ImageResult, ImageError> {
    if let (None, Some(format)) = (&image.kernel, formats.iter().find(|format| format.needs_kernel())) {
        return Err(ImageError::NoKernel { image: image.name.clone(), format: *format });
    }
    let results = build(workshop, &image_candidates(workshop, image)?)?;
    let keys = Keys::open_or_create(&workshop.keys)?;
    let mut known = Known::find(workshop, image, formats, &keys, &results);
    let root = match known.root.take() {
        Some(root) if known.missing.is_empty() => root,
        _ => {
            let unit = format!("image {}", image.name);
            let begun = Instant::now();
            workshop.reporter.event(Event::Started { unit: unit.clone() });
            let root = make(workshop, image, &keys, &results, &mut known)?;
            let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            workshop.reporter.event(Event::Finished { unit, outcome: Outcome::Built, elapsed_ms });
            root
        }
    };
    let recorded = known::recorded(workshop, image, &known.root_key);
    let result = ImageResult { root, artifacts: known.artifacts, recorded, results };
    budget::check(image, &result)?;
    Ok(result)
}

/// What is in the image: read from the store, or composed now.
///
/// # Errors
/// As [`build_image`].
pub fn image_contents(workshop: &mut Workshop<'_>, image: &Image) -> Result<Contents, ImageError> {
    let result = build_image(workshop, image, &BTreeSet::new())?;
    let path = workshop.store.verified(&result.root.contents)?;
    let bytes = fs::read(&path).map_err(|source| StoreError::io("read", &path, source))?;
    serde_json::from_slice(&bytes).map_err(|source| StoreError::BadResult { path, source }.into())
}

/// The image in these forms, if nothing has changed since they were written.
///
/// # Errors
/// When the image needs a package that no spec makes, or there is no key.
pub fn known_image(workshop: &Workshop<'_>, image: &Image, formats: &BTreeSet<Format>) -> Result<Option<ImageResult>, ImageError> {
    let (plan, results) = plan(workshop.graph, &image_candidates(workshop, image)?, workshop);
    if !plan.is_all_cached() {
        return Ok(None);
    }
    let keys = Keys::open_or_create(&workshop.keys)?;
    let known = Known::find(workshop, image, formats, &keys, &results);
    let recorded = known::recorded(workshop, image, &known.root_key);
    Ok(known.root.filter(|_| known.missing.is_empty()).map(|root| ImageResult { root, artifacts: known.artifacts, recorded, results }))
}

/// The keys under which the image's root and all its forms are or will be recorded, if all its packages are built.
///
/// # Errors
/// As [`known_image`].
pub(super) fn image_keys(workshop: &Workshop<'_>, image: &Image) -> Result<Vec<Digest>, ImageError> {
    let (plan, results) = plan(workshop.graph, &image_candidates(workshop, image)?, workshop);
    if !plan.is_all_cached() {
        return Ok(Vec::new());
    }
    let root = key::root_key(image, &Keys::open_or_create(&workshop.keys)?, &results);
    Ok(Format::all().map(|format| key::format_key(workshop, image, &root, format)).chain([root]).collect())
}

/// The packages the image's are chosen from, and those its medium is started by; with all they need, they make its repository.
///
/// # Errors
/// As [`image_packages`].
pub fn image_candidates(workshop: &Workshop<'_>, image: &Image) -> Result<Vec<PackageName>, ImageError> {
    let starters: &[&str] = if image.kernel.is_some() { &LIVE_PACKAGES } else { &[] };
    let starters = starters.iter().filter_map(|name| name.parse().ok());
    let on_medium = image.iso.iter().flat_map(|iso| iso.live.iter().chain(&iso.install)).cloned().collect();
    let on_medium = known_packages(workshop, image, on_medium)?;
    let toolchain = workshop.graph.toolchain().cloned();
    Ok(image_packages(workshop, image)?.into_iter().chain(on_medium).chain(starters).chain(toolchain).collect())
}

/// These packages, if specs make them all.
fn known_packages(workshop: &Workshop<'_>, image: &Image, names: Vec<PackageName>) -> Result<Vec<PackageName>, ImageError> {
    match names.iter().find(|name| workshop.graph.index().package(name.as_str()).is_none()) {
        Some(unknown) => Err(ImageError::NoPackage { image: image.name.clone(), what: format!("package `{unknown}`") }),
        None => Ok(names),
    }
}

/// The packages the image names, its kernel, and what a kernel's root needs.
///
/// # Errors
/// When no spec makes one of them.
pub fn image_packages(workshop: &Workshop<'_>, image: &Image) -> Result<Vec<PackageName>, ImageError> {
    let mut wanted = known_packages(workshop, image, image.packages.iter().cloned().chain(extra_packages(image)).collect())?;
    wanted.extend(kernel_package(workshop, image)?);
    Ok(wanted)
}

/// The package of the image's kernel, if it has one.
fn kernel_package(workshop: &Workshop<'_>, image: &Image) -> Result<Option<PackageName>, ImageError> {
    let Some(wished) = &image.kernel else { return Ok(None) };
    let is_flavour = |system: &BuildSystem| matches!(system, BuildSystem::Kernel { flavour } if flavour == wished);
    let kernel = workshop.graph.specs().find(|(_, folder)| is_flavour(&folder.spec.build.system)).map(|(name, _)| name.clone());
    let missing = || ImageError::NoPackage { image: image.name.clone(), what: format!("a kernel of flavour `{wished}`") };
    kernel.map(Some).ok_or_else(missing)
}

fn extra_packages(image: &Image) -> Option<PackageName> {
    image.kernel.as_ref().and_then(|_| DISK_PACKAGE.parse().ok())
}

/// Composes the root, writes what is missing, and records both.
fn make(workshop: &mut Workshop<'_>, image: &Image, keys: &Keys, results: &Results, known: &mut Known) -> Result<RootRecord, ImageError> {
    let layer: Vec<LayerName> = "image".parse().into_iter().collect();
    let trees = workshop.sdk.ensure(workshop.store, &workshop.settings, &layer, workshop.reporter, &workshop.cancel);
    let tools: Vec<PathBuf> = trees.map_err(BuildFailure::from)?.into_iter().map(|tree| tree.path).collect();
    let signed = sign_all(workshop.store, keys, results)?;
    let scratch = workshop.store.scratch("image")?;
    let scratch = scratch.path();
    let own: &[PackageName] = image.iso.as_ref().map_or(&[], |iso| &iso.live);
    let is_apart = |format: &Format| format.is_live() && !own.is_empty();
    let composed = |more, name| compose(workshop, image, more, keys, &signed, &scratch.join(name));
    let is_plain_needed = known.root.is_none() || !known.missing.keys().all(is_apart);
    let roots = match (is_plain_needed, known.missing.keys().any(is_apart)) {
        (true, true) => Roots::Two { plain: composed(&[], "plain")?, live: composed(own, "live")? },
        (false, true) => Roots::One(composed(own, "live")?),
        (_, false) => Roots::One(composed(&[], "plain")?),
    };
    let root = match known.root.take() {
        Some(root) => root,
        None => record(workshop, &roots.of(Format::Tar).rootfs)?,
    };
    if !known.missing.is_empty() {
        let starters = live_trees(workshop, results)?;
        let writing = write::Writing {
            workshop,
            image,
            roots: &roots,
            identity: root.contents,
            starters: &starters,
            signed: &signed,
            keys,
            tools: &tools,
            scratch,
        };
        for (format, artifact) in writing.all(&known.missing.keys().copied().collect())? {
            workshop.store.put_result(&known.missing[&format], &artifact)?;
            known.artifacts.insert(format, artifact);
        }
    }
    workshop.store.put_result(&known.root_key, &root)?;
    Ok(root)
}

/// A composed root, and the same as an archive.
struct Composed {
    rootfs: Rootfs,
    tar: PathBuf,
}

/// The roots that forms are made of.
enum Roots {
    /// One for all that are asked for.
    One(Composed),
    /// The live system holds more than what is on disks.
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

/// Keeps what is in a root.
fn record(workshop: &Workshop<'_>, rootfs: &Rootfs) -> Result<RootRecord, ImageError> {
    let contents = serde_json::to_vec(&Contents::of(rootfs)).map_err(|error| StoreError::io("write", &rootfs.dir, error.into()))?;
    let contents = workshop.store.put_bytes(&contents)?;
    Ok(RootRecord { contents, size_bytes: rootfs.size_bytes(), packages: rootfs.packages.clone() })
}

/// Composes the image with `more` packages.
fn compose(
    workshop: &Workshop<'_>,
    image: &Image,
    more: &[PackageName],
    keys: &Keys,
    signed: &[SignedPackage],
    folder: &Path,
) -> Result<Composed, ImageError> {
    let candidates: Vec<PathBuf> = signed.iter().map(|package| package.path.clone()).collect();
    let wanted = image_packages(workshop, image)?.iter().chain(more).map(ToString::to_string).collect();
    let log = workshop.store.log(&format!("image-{}.log", image.name));
    let request = image_request(image, wanted, &candidates, keys, log);
    fs::create_dir(folder).map_err(|source| StoreError::io("make", folder, source))?;
    let rootfs = rootfs::compose(&request, folder, workshop.reporter, &workshop.cancel)?;
    let tar = folder.with_extension("tar");
    write_tar(&rootfs, &tar)?;
    Ok(Composed { rootfs, tar })
}

/// The root file system of an image, made of `packages` out of `candidates`; `log` takes what is said in it.
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
fn live_trees(workshop: &Workshop<'_>, results: &Results) -> Result<Vec<PathBuf>, ImageError> {
    let is_live = |name: &str| LIVE_PACKAGES.contains(&name);
    let packages = results.values().flat_map(|result| &result.packages).filter(|package| is_live(package.name.as_str()));
    let trees = packages.map(|package| super::laid::tree(workshop.store, package, || ())).collect::<Result<Vec<_>, _>>();
    trees.map_err(|error| match error {
        super::laid::LayError::Store(error) => error.into(),
        other => StoreError::io("unpack packages below", workshop.store.root(), io::Error::other(other)).into(),
    })
}
