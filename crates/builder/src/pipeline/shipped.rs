//! The packages that an image and its media contain: those of the root, what a live system adds, boot loaders, packages that can be installed.

use std::collections::BTreeSet;

use rayon::prelude::*;
use rpm_engine::package::Package;
use rpm_engine::rpmfile::RpmFile;
use rpm_engine::solver;

use super::names::kernel_package;
use super::{ImageError, ImageResult, LIVE_PACKAGES, image_packages};
use crate::Builder;
use image::description::{Image, Iso};
use image::sbom::Member;
use planning::action::BuiltPackage;
use rootfs::{InstalledPackage, RootfsError};
use runtime::store::StoreError;
use well_known::ON_EVERY_DISK;

/// All packages that some format of the image contains, by name, and their dependencies. Whoever distributes a format distributes at most
/// these.
///
/// # Errors
/// When a package is missing or damaged, or packages cannot be resolved.
pub fn shipped(builder: &Builder<'_>, image: &Image, result: &ImageResult) -> Result<Vec<Member>, ImageError> {
    let built: Vec<&BuiltPackage> = result.results.values().flat_map(|result| &result.packages).collect();
    let read = |package: &&BuiltPackage| -> Result<Package, ImageError> {
        let path = builder.store.object(&package.object).ok_or(StoreError::Missing { digest: package.object })?;
        Ok(RpmFile::open(&path).map_err(RootfsError::from)?.package)
    };
    let mut all = built.par_iter().map(read).collect::<Result<Vec<_>, _>>()?;
    all.sort_by(|a, b| a.nevra.cmp(&b.nevra));
    let in_root: BTreeSet<&str> = result.root.packages.iter().map(|package| package.name.as_str()).collect();
    let on_media = on_media(builder, image, &all)?;
    let is_shipped = |index: usize| in_root.contains(all[index].nevra.name.as_str()) || on_media.contains(&index);
    let packages: Vec<Package> = (0..all.len()).filter(|index| is_shipped(*index)).map(|index| all[index].clone()).collect();
    let needs = solver::needs(&packages);
    let name = |index: &usize| packages[*index].nevra.name.clone();
    let member = |(package, needs): (&Package, &BTreeSet<usize>)| Member {
        package: InstalledPackage { name: package.nevra.name.clone(), nevra: package.nevra.to_string(), installed_bytes: 0 },
        needs: needs.iter().map(name).collect(),
    };
    Ok(packages.iter().zip(&needs).map(member).collect())
}

/// The indexes of the packages of media and disks, some of which are in the root as well.
fn on_media(builder: &Builder<'_>, image: &Image, all: &[Package]) -> Result<BTreeSet<usize>, ImageError> {
    if image.kernel.is_none() {
        return Ok(BTreeSet::new());
    }
    let is_starter = |index: &usize| LIVE_PACKAGES.contains(&all[*index].nevra.name.as_str());
    let mut found: BTreeSet<usize> = (0..all.len()).filter(is_starter).collect();
    if let Some(iso) = &image.iso {
        for wanted in on_medium(builder, image, iso)? {
            found.extend(rootfs::choose_among(all, &wanted, true)?);
        }
    }
    Ok(found)
}

/// The requests for a medium, each to be solved separately: the live system, and what can be installed.
fn on_medium(builder: &Builder<'_>, image: &Image, iso: &Iso) -> Result<Vec<Vec<String>>, ImageError> {
    let mut wanted = Vec::new();
    if !iso.live.is_empty() {
        wanted.push(image_packages(builder, image)?.iter().chain(&iso.live).map(ToString::to_string).collect());
    }
    if !iso.install.is_empty() {
        let kernel = kernel_package(builder.graph, image);
        let packages = iso.install.iter().chain(&kernel).map(ToString::to_string);
        wanted.push(packages.chain(ON_EVERY_DISK.map(str::to_owned)).collect());
    }
    Ok(wanted)
}
