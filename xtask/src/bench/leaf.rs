//! The cost of changing a patch of one leaf package, from the command to the new ISO.

use std::fs;

use super::child::{output, program};
use super::copy::copy_project;
use super::usage::{measure, median};
use super::{Bench, BenchError, Figure, Goal};
use base::name::PackageName;
use builder::cached_image;
use image::description::Format;
use planning::plan::World as _;

/// The package that is patched: nothing builds on it, and the image contains it.
const SPEC: &str = "less";

/// Continues the last section of its spec, that of its build. Without it the patch would not change the package, and the image would stay
/// the same.
const INSTALLED: &str = "finish = \"install -D -m 644 bench $DESTDIR/usr/share/bench\"\n";

/// Builds the image with a patch that no build has had before, and compares with the time of the package's own build.
pub fn run(bench: &Bench<'_>) -> Result<Vec<Figure>, BenchError> {
    let name: PackageName = SPEC.parse().map_err(|_| BenchError::Broken { what: format!("`{SPEC}` is not a name"), next: None })?;
    let image = bench.image.name.as_str();
    let known = cached_image(&bench.builder, bench.image, &[Format::Iso].into()).map_err(BenchError::around)?;
    if known.is_none() {
        return Err(BenchError::NotBuilt { what: format!("image `{image}`"), next: format!("cargo xtask build-iso {image}") });
    }
    let (mut builds, mut rests) = (Vec::new(), Vec::new());
    for _ in 0..bench.runs {
        let scratch = bench.builder.store.scratch("bench-leaf").map_err(BenchError::around)?;
        let copy = scratch.path().join("project");
        fs::create_dir(&copy).map_err(BenchError::io("make", &copy))?;
        copy_project(bench.root, &copy)?;
        let folder = copy.join("specs").join(SPEC);
        // The scratch folder's name is unique, and so is the patch.
        let patch = format!("--- /dev/null\n+++ b/bench\n@@ -0,0 +1 @@\n+{}\n", scratch.path().display());
        fs::write(folder.join("bench.patch"), patch).map_err(BenchError::io("write", &folder))?;
        let spec = folder.join("package.toml");
        let text = fs::read_to_string(&spec).map_err(BenchError::io("read", &spec))?;
        fs::write(&spec, format!("{text}{INSTALLED}\n[[patch]]\nfile = \"bench.patch\"\n")).map_err(BenchError::io("write", &spec))?;
        let iso = scratch.path().join("image.iso");
        let arguments = ["--quiet".as_ref(), "build-iso".as_ref(), image.as_ref(), "--output".as_ref(), iso.as_os_str()];
        let command = program(bench, &copy, bench.builder.store.root(), arguments);
        let (printed, usage) = measure(|| output(command, "build-iso"));
        printed?;
        let build_s = bench.builder.record(&name).map_or(0.0, |record| record.elapsed_ms as f64 / 1000.0);
        builds.push(build_s);
        rests.push(usage.wall_s - build_s);
    }
    Ok(vec![
        Figure::plain(format!("leaf: building `{SPEC}` with a changed patch"), median(builds), "s"),
        Figure::with_goal("leaf: all else until the new ISO", median(rests), "s", Goal::AtMost(10.0)),
    ])
}
