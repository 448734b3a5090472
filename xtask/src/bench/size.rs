//! How large an image is.

use super::{Bench, BenchError, Figure, Goal};
use builder::cached_image;
use image::description::Format;

const MIB: f64 = (1 << 20) as f64;

/// Reads the sizes of the built image.
pub fn run(bench: &Bench<'_>) -> Result<Vec<Figure>, BenchError> {
    let name = bench.image.name.as_str();
    let known = cached_image(&bench.builder, bench.image, &[Format::Iso].into()).map_err(BenchError::around)?;
    let image =
        known.ok_or_else(|| BenchError::NotBuilt { what: format!("image `{name}`"), next: format!("cargo xtask build-iso {name}") })?;
    let iso = image.artifacts.get(&Format::Iso).map_or(0, |artifact| artifact.size_bytes);
    Ok(vec![
        Figure::with_goal("size: ISO", iso as f64 / MIB, "MiB", Goal::AtMost(160.0)),
        Figure::with_goal("size: installed root", image.root.size_bytes as f64 / MIB, "MiB", Goal::AtMost(290.0)),
        Figure::plain("size: packages", image.root.packages.len() as f64, "packages"),
    ])
}
