//! Checks an image against its size limits.

use super::{ImageError, ImageResult};
use image::description::{Format, Image};

/// Fails if the image exceeds a limit, and names the largest causes.
pub(super) fn check(image: &Image, result: &ImageResult) -> Result<(), ImageError> {
    const MIB: u64 = 1 << 20;
    let iso = result.artifacts.get(&Format::Iso).map_or(0, |iso| iso.size_bytes);
    let bounds = [
        ("the ISO", iso.div_ceil(MIB), image.budget.iso_mib, " MiB"),
        ("the root", result.root.size_bytes.div_ceil(MIB), image.budget.rootfs_mib, " MiB"),
        ("the number of packages", result.root.packages.len() as u64, image.budget.packages, ""),
    ];
    let broken = bounds.into_iter().find_map(|(what, found, bound, unit)| {
        let bound = bound.filter(|bound| found > *bound)?;
        Some((what, format!("{found}{unit}"), format!("{bound}{unit}")))
    });
    match broken {
        Some((what, found, bound)) => {
            Err(ImageError::OverBudget { image: image.name.clone(), what, found, bound, largest: largest(result) })
        }
        None => Ok(()),
    }
}

fn largest(result: &ImageResult) -> String {
    let mut packages: Vec<_> = result.root.packages.iter().collect();
    packages.sort_by(|a, b| b.installed_bytes.cmp(&a.installed_bytes).then_with(|| a.nevra.cmp(&b.nevra)));
    let texts = packages.iter().take(5).map(|package| format!("{} {} MiB", package.nevra, package.installed_bytes >> 20));
    texts.collect::<Vec<_>>().join(", ")
}
