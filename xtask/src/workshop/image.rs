//! From packages to an image: sign, compose, write.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::{BuildFailure, PublishError, SignedPackage, Workshop, build, sign_all};
use crate::action::Results;
use crate::diagnostic::{ExitCode, Failure};
use crate::digest::Digest;
use crate::image::Image;
use crate::iso::{self, IsoError};
use crate::name::PackageName;
use crate::plan::plan;
use crate::progress::{Event, Outcome};
use crate::rootfs::{self, Rootfs, RootfsError};
use crate::sdk::LayerName;
use crate::sign::{Keys, SignError};
use crate::spec::BuildSystem;
use crate::store::StoreError;

/// An image at hand.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImageResult {
    /// The ISO's object.
    pub iso: Digest,
    /// Its size, in bytes.
    pub iso_bytes: u64,
    /// Size of all files of its root, in bytes.
    pub rootfs_bytes: u64,
    /// Its packages as `name-version-release.arch`, and the bytes each takes, in the order of installation.
    pub packages: Vec<(String, u64)>,
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// Its packages could not be built.
    #[error(transparent)]
    Build(#[from] BuildFailure),
    /// They could not be signed.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// There is no key.
    #[error(transparent)]
    Keys(#[from] SignError),
    /// They could not be composed.
    #[error(transparent)]
    Rootfs(#[from] RootfsError),
    /// The medium could not be written.
    #[error(transparent)]
    Iso(#[from] IsoError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A package the image needs is made by no spec.
    #[error("image `{image}` needs {what}, which no spec makes")]
    NoPackage {
        /// The image.
        image: PackageName,
        /// What is missing.
        what: String,
        /// The next step.
        hint: String,
    },
    /// It is larger than it may be.
    #[error("image `{image}` is over its budget: {what} is {found}, and may be {bound}")]
    OverBudget {
        /// The image.
        image: PackageName,
        /// What is too large.
        what: &'static str,
        /// How large it is, with its unit.
        found: String,
        /// How large it may be.
        bound: String,
        /// The largest causes.
        largest: String,
    },
}

impl Failure for ImageError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Build(error) => error.hint(),
            Self::Publish(error) => error.hint(),
            Self::Keys(error) => error.hint(),
            Self::Rootfs(error) => error.hint(),
            Self::Iso(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::NoPackage { hint, .. } => Some(hint.clone()),
            Self::OverBudget { image, largest, .. } => Some(format!("the largest: {largest}; or raise the bound in `images/{image}.toml`")),
        }
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::Build(error) => error.exit(),
            Self::Publish(error) => error.exit(),
            Self::Keys(error) => error.exit(),
            Self::Rootfs(error) => error.exit(),
            Self::Iso(error) => error.exit(),
            Self::Store(error) => error.exit(),
            Self::NoPackage { .. } => ExitCode::Description,
            Self::OverBudget { .. } => ExitCode::Failed,
        }
    }
}

/// Raised when composing or writing changes what comes out and no other field of the key shows it.
const IMAGE_CONTRACT: u32 = 1;

/// Packages every medium is started by, whatever its image holds.
const LIVE_PACKAGES: [&str; 2] = ["kaon-live", "grub"];

/// The image's ISO: at hand, or built now with everything it needs.
///
/// # Errors
/// Whatever could not be built, signed, composed or written, or a bound that is not kept.
pub fn build_image(workshop: &mut Workshop<'_>, image: &Image) -> Result<ImageResult, ImageError> {
    let wanted = image_packages(workshop, image)?;
    let results = build(workshop, &image_candidates(workshop, image)?)?;
    let keys = Keys::open_or_create(&workshop.keys)?;
    let key = image_key(workshop, image, &keys, &results);
    if let Some(known) = workshop.store.result::<ImageResult>(&key).ok().flatten()
        && workshop.store.verified(&known.iso).is_ok()
    {
        return Ok(known);
    }
    let unit = format!("image {}", image.name);
    let begun = Instant::now();
    workshop.reporter.event(Event::Started { unit: unit.clone() });
    let result = make(workshop, image, &wanted, &keys, &results)?;
    workshop.store.put_result(&key, &result)?;
    let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    workshop.reporter.event(Event::Finished { unit, outcome: Outcome::Built, elapsed_ms });
    Ok(result)
}

/// The image's ISO, if nothing has changed since it was built.
///
/// # Errors
/// When the image needs a package that no spec makes, or there is no key.
pub fn known_image(workshop: &Workshop<'_>, image: &Image) -> Result<Option<ImageResult>, ImageError> {
    let (plan, results) = plan(workshop.graph, &image_candidates(workshop, image)?, workshop);
    if !plan.is_all_cached() {
        return Ok(None);
    }
    let keys = Keys::open_or_create(&workshop.keys)?;
    let known = workshop.store.result::<ImageResult>(&image_key(workshop, image, &keys, &results)).ok().flatten();
    Ok(known.filter(|known| workshop.store.object(&known.iso).is_some()))
}

/// The packages the image's are chosen from, and those its medium is started by; with all they need, they make its repository.
///
/// # Errors
/// As [`image_packages`].
pub fn image_candidates(workshop: &Workshop<'_>, image: &Image) -> Result<Vec<PackageName>, ImageError> {
    let live = LIVE_PACKAGES.iter().filter_map(|name| name.parse().ok());
    Ok(image_packages(workshop, image)?.into_iter().chain(live).chain(workshop.graph.toolchain().cloned()).collect())
}

/// The packages the image names, and its kernel.
///
/// # Errors
/// When no spec makes one of them.
pub fn image_packages(workshop: &Workshop<'_>, image: &Image) -> Result<Vec<PackageName>, ImageError> {
    let is_flavour = |system: &BuildSystem| matches!(system, BuildSystem::Kernel { flavour } if *flavour == image.kernel);
    let kernel = workshop.graph.specs().find(|(_, folder)| is_flavour(&folder.spec.build.system)).map(|(name, _)| name.clone());
    let missing = |what: String, hint: &str| ImageError::NoPackage { image: image.name.clone(), what, hint: hint.to_owned() };
    let kernel =
        kernel.ok_or_else(|| missing(format!("a kernel of flavour `{}`", image.kernel), "`cargo xtask list` names all packages"))?;
    let known = |name: &PackageName| workshop.graph.index().package(name.as_str()).is_some();
    if let Some(unknown) = image.packages.iter().find(|name| !known(name)) {
        return Err(missing(format!("package `{unknown}`"), "`cargo xtask list` names all packages"));
    }
    Ok(image.packages.iter().cloned().chain([kernel]).collect())
}

fn image_key(workshop: &Workshop<'_>, image: &Image, keys: &Keys, results: &Results) -> Digest {
    let packages: Vec<(&PackageName, &Digest)> =
        results.values().flat_map(|result| &result.packages).map(|package| (&package.name, &package.object)).collect();
    let layers: Vec<Option<Digest>> =
        workshop.layer_names(&["image".into()]).iter().map(|name| workshop.sdk.lock.layer_digest(name)).collect();
    Digest::of_json(&("image", IMAGE_CONTRACT, iso::CONTRACT, image, keys.fingerprint(), packages, layers))
}

fn make(
    workshop: &mut Workshop<'_>,
    image: &Image,
    wanted: &[PackageName],
    keys: &Keys,
    results: &Results,
) -> Result<ImageResult, ImageError> {
    let layer: Vec<LayerName> = "image".parse().into_iter().collect();
    let trees = workshop.sdk.ensure(workshop.store, &workshop.settings, &layer, workshop.reporter, &workshop.cancel);
    let tools: Vec<PathBuf> = trees.map_err(BuildFailure::from)?.into_iter().map(|tree| tree.path).collect();
    let signed = sign_all(workshop.store, keys, results)?;
    let scratch = workshop.store.scratch("image")?;
    let rootfs = compose(workshop, image, wanted, keys, &signed, scratch.path())?;
    let rootfs_bytes = rootfs.packages.iter().map(|package| package.installed_bytes).sum();
    let packages: Vec<(String, u64)> = rootfs.packages.iter().map(|package| (package.nevra.clone(), package.installed_bytes)).collect();
    let tar = scratch.path().join("rootfs.tar");
    write_tar(&rootfs, &tar)?;
    let iso_path = scratch.path().join("image.iso");
    let live = live_trees(workshop, results)?;
    let log = workshop.store.log(&format!("iso-{}.log", image.name));
    let request = iso::Request { image, rootfs: &rootfs, rootfs_tar: &tar, live: &live, tools: &tools, scratch: scratch.path(), log };
    iso::write(&request, &iso_path, workshop.reporter, &workshop.cancel)?;
    let iso_bytes = fs::metadata(&iso_path).map_err(|source| StoreError::io("read", &iso_path, source))?.len();
    let iso = workshop.store.put_file(&iso_path)?;
    let result = ImageResult { iso, iso_bytes, rootfs_bytes, packages };
    check_budget(image, &result)?;
    Ok(result)
}

fn compose(
    workshop: &Workshop<'_>,
    image: &Image,
    wanted: &[PackageName],
    keys: &Keys,
    signed: &[SignedPackage],
    scratch: &Path,
) -> Result<Rootfs, ImageError> {
    let candidates: Vec<PathBuf> = signed.iter().map(|package| package.path.clone()).collect();
    let log = workshop.store.log(&format!("image-{}.log", image.name));
    let request = image_request(image, wanted.iter().map(ToString::to_string).collect(), &candidates, keys, log);
    let folder = scratch.join("rootfs");
    fs::create_dir(&folder).map_err(|source| StoreError::io("make", &folder, source))?;
    Ok(rootfs::compose(&request, &folder, workshop.reporter, &workshop.cancel)?)
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
        files: Vec::new(),
        password_hash: image.access.password_hash.clone(),
        ssh_keys: image.access.ssh_keys.clone(),
        log,
    }
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
    let trees = packages.map(|package| super::laid::tree(workshop.store, package)).collect::<Result<Vec<_>, _>>();
    trees.map_err(|error| match error {
        super::laid::LayError::Store(error) => error.into(),
        other => StoreError::io("unpack packages below", workshop.store.root(), io::Error::other(other)).into(),
    })
}

/// Holds the image against its bounds.
fn check_budget(image: &Image, result: &ImageResult) -> Result<(), ImageError> {
    const MIB: u64 = 1 << 20;
    let mut largest: Vec<&(String, u64)> = result.packages.iter().collect();
    largest.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let largest = largest.iter().take(5).map(|(name, bytes)| format!("{name} {} MiB", bytes / MIB)).collect::<Vec<_>>().join(", ");
    let over = |what, found: u64, bound: u64, unit: &str| ImageError::OverBudget {
        image: image.name.clone(),
        what,
        found: format!("{found}{unit}"),
        bound: format!("{bound}{unit}"),
        largest: largest.clone(),
    };
    let bounds = [
        ("the ISO", result.iso_bytes.div_ceil(MIB), image.budget.iso_mib, " MiB"),
        ("the root", result.rootfs_bytes.div_ceil(MIB), image.budget.rootfs_mib, " MiB"),
        ("the number of packages", result.packages.len() as u64, image.budget.packages, ""),
    ];
    match bounds
        .into_iter()
        .find_map(|(what, found, bound, unit)| bound.filter(|bound| found > *bound).map(|bound| (what, found, bound, unit)))
    {
        Some((what, found, bound, unit)) => Err(over(what, found, bound, unit)),
        None => Ok(()),
    }
}
