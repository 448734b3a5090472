//! The packages that an image and its media contain: those of the root, what a live system adds, boot loaders, what can be installed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use rpm_engine::package::Package;
use rpm_engine::rpmfile::RpmFile;
use rpm_engine::solver;

use super::{ImageError, ImageResult, LIVE_PACKAGES, image_packages, kernel_package};
use crate::Builder;
use image::description::{Image, Iso};
use image::sbom::Member;
use rootfs::{InstalledPackage, RootfsError};
use runtime::store::StoreError;
use well_known::ON_EVERY_DISK;

/// All packages that some form of the image contains, by name, and what they need of each other. Who hands out a form hands out these at
/// most.
///
/// # Errors
/// When a package is lost or damaged, or packages do not fit together.
pub fn shipped(builder: &Builder<'_>, image: &Image, result: &ImageResult) -> Result<Vec<Member>, ImageError> {
    let candidates: BTreeMap<&str, PathBuf> = result
        .results
        .values()
        .flat_map(|result| &result.packages)
        .map(|package| {
            let path = builder.store.object(&package.object).ok_or(StoreError::Missing { digest: package.object })?;
            Ok((package.name.as_str(), path))
        })
        .collect::<Result<_, StoreError>>()?;
    let in_root: BTreeSet<&str> = result.root.packages.iter().map(|package| package.name.as_str()).collect();
    let mut files: Vec<RpmFile> =
        on_media(builder, image, &candidates)?.into_iter().filter(|file| !in_root.contains(file.package.nevra.name.as_str())).collect();
    let in_root = in_root.iter().filter_map(|name| candidates.get(name)).map(|path| RpmFile::open(path));
    files.extend(in_root.collect::<Result<Vec<_>, _>>().map_err(RootfsError::from)?);
    files.sort_by(|a, b| a.package.nevra.cmp(&b.package.nevra));
    files.dedup_by(|a, b| a.package.nevra == b.package.nevra);
    let packages: Vec<Package> = files.into_iter().map(|file| file.package).collect();
    let needs = solver::needs(&packages);
    let name = |index: &usize| packages[*index].nevra.name.clone();
    let member = |(package, needs): (&Package, &BTreeSet<usize>)| Member {
        package: InstalledPackage { name: package.nevra.name.clone(), nevra: package.nevra.to_string(), installed_bytes: 0 },
        needs: needs.iter().map(name).collect(),
    };
    Ok(packages.iter().zip(&needs).map(member).collect())
}

/// The packages of media and disks, of which some are in the root as well.
fn on_media(builder: &Builder<'_>, image: &Image, candidates: &BTreeMap<&str, PathBuf>) -> Result<Vec<RpmFile>, ImageError> {
    if image.kernel.is_none() {
        return Ok(Vec::new());
    }
    let starters = LIVE_PACKAGES.iter().filter_map(|name| candidates.get(name)).map(|path| RpmFile::open(path));
    let mut files = starters.collect::<Result<Vec<_>, _>>().map_err(RootfsError::from)?;
    if let Some(iso) = &image.iso {
        let candidates: Vec<PathBuf> = candidates.values().cloned().collect();
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
