//! The packages that an image and its media contain: those of the root, what a live system adds, boot loaders, what can be installed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rpm_engine::rpmfile::RpmFile;

use super::{ImageError, ImageResult, LIVE_PACKAGES, image_packages, kernel_package};
use crate::Builder;
use image::description::{Image, Iso};
use planning::action::BuiltPackage;
use rootfs::{InstalledPackage, RootfsError};
use runtime::store::StoreError;
use well_known::ON_EVERY_DISK;

/// All packages that some form of the image contains, by name. Who hands out a form hands out these at most.
///
/// # Errors
/// When a package is lost, or packages do not fit together.
pub fn shipped(builder: &Builder<'_>, image: &Image, result: &ImageResult) -> Result<Vec<InstalledPackage>, ImageError> {
    let mut packages: BTreeMap<String, InstalledPackage> =
        result.root.packages.iter().map(|package| (package.name.clone(), package.clone())).collect();
    for file in beyond_root(builder, image, result)? {
        let nevra = &file.package.nevra;
        let package = InstalledPackage { name: nevra.name.clone(), nevra: nevra.to_string(), installed_bytes: 0 };
        packages.entry(nevra.name.clone()).or_insert(package);
    }
    Ok(packages.into_values().collect())
}

/// What media and disks contain besides the root, and packages of the root.
fn beyond_root(builder: &Builder<'_>, image: &Image, result: &ImageResult) -> Result<Vec<RpmFile>, ImageError> {
    if image.kernel.is_none() {
        return Ok(Vec::new());
    }
    let path = |package: &BuiltPackage| builder.store.object(&package.object).ok_or(StoreError::Missing { digest: package.object });
    let built = || result.results.values().flat_map(|result| &result.packages);
    let starters = built().filter(|package| LIVE_PACKAGES.contains(&package.name.as_str()));
    let mut files = Vec::new();
    for starter in starters {
        files.push(RpmFile::open(&path(starter)?).map_err(RootfsError::from)?);
    }
    if let Some(iso) = &image.iso {
        let candidates: Vec<PathBuf> = built().map(path).collect::<Result<_, _>>()?;
        for packages in on_medium(builder, image, iso)? {
            files.extend(rootfs::choose(&rootfs::Request { packages, candidates: &candidates, weak: true, ..Default::default() })?);
        }
    }
    Ok(files)
}

/// What is asked for on a medium, each to be solved by itself: the live system, and what can be installed.
fn on_medium(builder: &Builder<'_>, image: &Image, iso: &Iso) -> Result<Vec<Vec<String>>, ImageError> {
    let mut wanted = Vec::new();
    if !iso.live.is_empty() {
        wanted.push(image_packages(builder, image)?.iter().chain(&iso.live).map(ToString::to_string).collect());
    }
    if !iso.install.is_empty() {
        let kernel = kernel_package(builder, image)?;
        let packages = iso.install.iter().chain(&kernel).map(ToString::to_string);
        wanted.push(packages.chain(ON_EVERY_DISK.map(str::to_owned)).collect());
    }
    Ok(wanted)
}
