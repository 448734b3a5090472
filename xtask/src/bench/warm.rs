//! The whole command when nothing has changed.

use super::child::{output, program};
use super::usage::{measure, median};
use super::{Bench, BenchError, Figure, Goal};
use builder::cached_image;
use image::description::Format;

/// Measures `build-iso` of a built image.
pub fn run(bench: &Bench<'_>) -> Result<Vec<Figure>, BenchError> {
    let image = bench.image.name.as_str();
    let known = cached_image(&bench.builder, bench.image, &[Format::Iso].into()).map_err(BenchError::around)?;
    if known.is_none() {
        return Err(BenchError::NotBuilt { what: format!("image `{image}`"), next: format!("cargo xtask build-iso {image}") });
    }
    let folder = bench.builder.store.scratch("bench-warm").map_err(BenchError::around)?;
    let iso = folder.path().join("image.iso");
    let mut walls = Vec::new();
    for _ in 0..bench.runs {
        let arguments = ["--quiet".as_ref(), "build-iso".as_ref(), image.as_ref(), "--output".as_ref(), iso.as_os_str()];
        let command = program(bench, bench.root, bench.builder.store.root(), arguments);
        let (printed, usage) = measure(|| output(command, "build-iso"));
        printed?;
        walls.push(usage.wall_s);
    }
    Ok(vec![Figure::with_goal("warm: build-iso with nothing changed", median(walls), "s", Goal::AtMost(1.0))])
}
