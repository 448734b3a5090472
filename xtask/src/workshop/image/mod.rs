//! From packages to an image: build, sign, compose, and write it in all forms asked for, at once.

mod budget;
mod error;
mod key;
mod record;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};

pub use error::ImageError;
pub use record::{Contents, RootRecord};

use super::{BuildFailure, SignedPackage, Workshop, build, sign_all};
use crate::action::Results;
use crate::digest::Digest;
use crate::image::{Format, Image};
use crate::name::PackageName;
use crate::progress::{Event, Outcome};
use crate::rootfs::{self, Rootfs};
use crate::sdk::LayerName;
use crate::sign::Keys;
use crate::spec::BuildSystem;
use crate::store::StoreError;

/// An image at hand.
#[derive(Debug, Clone, Serialize)]
pub struct ImageResult {
    /// Its root.
    pub root: RootRecord,
    /// The forms asked for.
    pub artifacts: BTreeMap<Format, Artifact>,
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
const LIVE_PACKAGES: [&str; 2] = ["kaon-live", "grub"];

/// The package in every image with a kernel that lets it start from a disk of its own.
const DISK_PACKAGE: &str = "kaon-disk";

/// The image in these forms: at hand, or made now with everything it needs.
///
/// # Errors
/// Whatever could not be built, signed, composed or written, or a bound that is not kept.
pub fn build_image(workshop: &mut Workshop<'_>, image: &Image, formats: &BTreeSet<Format>) -> Result<ImageResult, ImageError> {
    let (wanted, results) = build_packages(workshop, image, formats)?;
    let keys = Keys::open_or_create(&workshop.keys)?;
    let root_key = key::root_key(image, &keys, &results);
    let format_keys: BTreeMap<Format, Digest> =
        formats.iter().map(|format| (*format, key::format_key(workshop, image, &root_key, *format))).collect();
    let mut known: BTreeMap<Format, Artifact> = BTreeMap::new();
    for (format, key) in &format_keys {
        let artifact: Option<Artifact> = workshop.store.result(key).ok().flatten();
        known.extend(artifact.filter(|artifact| workshop.store.verified(&artifact.object).is_ok()).map(|artifact| (*format, artifact)));
    }
    let missing: BTreeSet<Format> = formats.iter().filter(|format| !known.contains_key(format)).copied().collect();
    let root: Option<RootRecord> = workshop.store.result(&root_key).ok().flatten();
    let root = root.filter(|root| workshop.store.object(&root.contents).is_some());
    let result = match root {
        Some(root) if missing.is_empty() => ImageResult { root, artifacts: known, results },
        _ => {
            let unit = format!("image {}", image.name);
            let begun = Instant::now();
            workshop.reporter.event(Event::Started { unit: unit.clone() });
            let (root, made) = make(workshop, image, &missing, &wanted, &keys, &results)?;
            workshop.store.put_result(&root_key, &root)?;
            for (format, artifact) in &made {
                workshop.store.put_result(&format_keys[format], artifact)?;
            }
            known.extend(made);
            let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            workshop.reporter.event(Event::Finished { unit, outcome: Outcome::Built, elapsed_ms });
            ImageResult { root, artifacts: known, results }
        }
    };
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

/// Builds all the image may need; gives what it names itself, and all results.
fn build_packages(
    workshop: &mut Workshop<'_>,
    image: &Image,
    formats: &BTreeSet<Format>,
) -> Result<(Vec<PackageName>, Results), ImageError> {
    let needs_kernel = |format: &&Format| format.is_disk() || **format == Format::Iso;
    if let (None, Some(format)) = (&image.kernel, formats.iter().find(needs_kernel)) {
        return Err(ImageError::NoKernel { image: image.name.clone(), format: *format });
    }
    let wanted = wanted_packages(workshop, image)?;
    let starters: &[&str] = if image.kernel.is_some() { &LIVE_PACKAGES } else { &[] };
    let starters: Vec<PackageName> = starters.iter().filter_map(|name| name.parse().ok()).collect();
    let everything: Vec<PackageName> = wanted.iter().chain(&starters).chain(workshop.graph.toolchain()).cloned().collect();
    let results = build(workshop, &everything)?;
    Ok((wanted, results))
}

/// The packages the image names, its kernel, and what a kernel's root needs.
fn wanted_packages(workshop: &Workshop<'_>, image: &Image) -> Result<Vec<PackageName>, ImageError> {
    let missing = |what: String| ImageError::NoPackage { image: image.name.clone(), what };
    let known = |name: &PackageName| workshop.graph.index().package(name.as_str()).is_some();
    let mut wanted: Vec<PackageName> = image.packages.iter().cloned().chain(extra_packages(image)).collect();
    if let Some(unknown) = wanted.iter().find(|name| !known(name)) {
        return Err(missing(format!("package `{unknown}`")));
    }
    if let Some(wished) = &image.kernel {
        let is_flavour = |system: &BuildSystem| matches!(system, BuildSystem::Kernel { flavour } if flavour == wished);
        let kernel = workshop.graph.specs().find(|(_, folder)| is_flavour(&folder.spec.build.system)).map(|(name, _)| name.clone());
        wanted.push(kernel.ok_or_else(|| missing(format!("a kernel of flavour `{wished}`")))?);
    }
    Ok(wanted)
}

fn extra_packages(image: &Image) -> Option<PackageName> {
    image.kernel.as_ref().and_then(|_| DISK_PACKAGE.parse().ok())
}

/// Composes the root and writes what is missing.
fn make(
    workshop: &mut Workshop<'_>,
    image: &Image,
    missing: &BTreeSet<Format>,
    wanted: &[PackageName],
    keys: &Keys,
    results: &Results,
) -> Result<(RootRecord, BTreeMap<Format, Artifact>), ImageError> {
    let layer: Vec<LayerName> = "image".parse().into_iter().collect();
    let trees = workshop.sdk.ensure(workshop.store, &workshop.settings, &layer, workshop.reporter, &workshop.cancel);
    let tools: Vec<PathBuf> = trees.map_err(BuildFailure::from)?.into_iter().map(|tree| tree.path).collect();
    let signed = sign_all(workshop.store, keys, results)?;
    let scratch = workshop.store.scratch("image")?;
    let rootfs = compose(workshop, image, wanted, keys, &signed, scratch.path())?;
    let contents = serde_json::to_vec(&Contents::of(&rootfs)).map_err(|error| StoreError::io("write", scratch.path(), error.into()))?;
    let contents = workshop.store.put_bytes(&contents)?;
    let root = RootRecord { contents, size_bytes: rootfs.size_bytes(), packages: rootfs.packages.clone() };
    if missing.is_empty() {
        return Ok((root, BTreeMap::new()));
    }
    let tar = scratch.path().join("rootfs.tar");
    write_tar(&rootfs, &tar)?;
    let starters = live_trees(workshop, results)?;
    let writing = write::Writing {
        workshop,
        image,
        rootfs: &rootfs,
        tar: &tar,
        identity: root.contents,
        starters: &starters,
        tools: &tools,
        scratch: scratch.path(),
    };
    Ok((root, writing.all(missing)?))
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
    let request = rootfs::Request {
        packages: wanted.iter().map(ToString::to_string).collect(),
        candidates: &candidates,
        public_key: keys.public(),
        weak: true,
        enable: image.enable.clone(),
        disable: image.disable.clone(),
        files: Vec::new(),
        password_hash: image.access.password_hash.clone(),
        ssh_keys: image.access.ssh_keys.clone(),
        log: workshop.store.log(&format!("image-{}.log", image.name)),
    };
    let folder = scratch.join("rootfs");
    fs::create_dir(&folder).map_err(|source| StoreError::io("make", &folder, source))?;
    Ok(rootfs::compose(&request, &folder, workshop.reporter, &workshop.cancel)?)
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
