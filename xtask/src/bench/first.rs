//! The first image of somebody who takes all packages from a cache: compiling the builder, then building the image.

use std::path::Path;

use serde_json::Value;

use super::child::{output, program, program_of_another};
use super::usage::{Usage, measure};
use super::{Bench, BenchError, Figure, Goal};
use builder::cached_image;
use image::description::Format;
use runtime::tool::Tool;

/// Units of the build that take less than this are not figures of their own.
const LEAST_MS: f64 = 200.0;

/// Exports what is built here, compiles the builder from nothing, and has it build the image as another user: with an empty store, keys of its
/// own, and nothing but the exported cache.
pub fn run(bench: &Bench<'_>) -> Result<Vec<Figure>, BenchError> {
    let image = bench.image.name.as_str();
    if cached_image(&bench.builder, bench.image, &[Format::Iso].into()).map_err(BenchError::around)?.is_none() {
        return Err(BenchError::NotBuilt { what: format!("image `{image}`"), next: format!("cargo xtask build-iso {image}") });
    }
    let scratch = bench.builder.store.scratch("bench-first").map_err(BenchError::around)?;
    let cache = scratch.path().join("cache");
    let export = ["--quiet".as_ref(), "cache".as_ref(), "export".as_ref(), cache.as_os_str()];
    output(program(bench, bench.root, bench.builder.store.root(), export), "cache export")?;
    let (compiled, compiling) = measure(|| output(compiler(bench.root, &scratch.path().join("target")), "build"));
    compiled?;
    let (printed, building) = build(bench, scratch.path(), &cache)?;
    Ok(figures(&compiling, &building, &printed))
}

/// Compiles this program into an empty directory, from the crates that are at hand.
fn compiler(root: &Path, target: &Path) -> Tool {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let cargo = Tool::new(cargo).args(["build", "--locked", "--offline", "--quiet", "--package", "xtask"]);
    cargo.env("CARGO_TARGET_DIR", target).current_dir(root)
}

/// Trusts the cache and builds the image of it.
fn build(bench: &Bench<'_>, scratch: &Path, cache: &Path) -> Result<(String, Usage), BenchError> {
    let another = |arguments: &[&std::ffi::OsStr]| {
        let tool = program_of_another(bench, bench.root, &scratch.join("store"), &scratch.join("keys"), arguments);
        tool.env("XDG_CONFIG_HOME", scratch.join("config"))
    };
    output(another(&["--quiet".as_ref(), "cache".as_ref(), "trust".as_ref(), cache.as_os_str()]), "cache trust")?;
    let (image, iso) = (bench.image.name.as_str(), scratch.join("image.iso"));
    let arguments = ["--json".as_ref(), "build-iso".as_ref(), image.as_ref(), "--output".as_ref(), iso.as_os_str()];
    let tool = another(&arguments).arg("--cache").arg(cache).arg("--cache-only");
    let (printed, usage) = measure(|| output(tool, "build-iso"));
    Ok((String::from_utf8_lossy(&printed?).into_owned(), usage))
}

fn figures(compiling: &Usage, building: &Usage, printed: &str) -> Vec<Figure> {
    let mut figures = vec![
        Figure::with_goal("first: compiling the builder", compiling.wall_s, "s", Goal::AtMost(75.0)),
        Figure::plain("first: compiling the builder, processor time", compiling.cpu_s, "s"),
        Figure::plain("first: from an empty store and a cache to the ISO", building.wall_s, "s"),
        Figure::with_goal("first: the same, processor time", building.cpu_s, "s", Goal::AtMost(90.0)),
    ];
    figures.extend(units(printed).into_iter().map(|(unit, ms)| Figure::plain(format!("first: {unit}"), ms / 1000.0, "s")));
    figures
}

/// The longest units of a build that printed these events, and the milliseconds that they took.
fn units(printed: &str) -> Vec<(String, f64)> {
    let events = printed.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let finished = events.filter(|event| event["kind"] == "finished");
    let took = |event: Value| Some((event["unit"].as_str()?.to_owned(), event["elapsed_ms"].as_f64()?));
    let mut units: Vec<(String, f64)> = finished.filter_map(took).filter(|(_, ms)| *ms >= LEAST_MS).collect();
    units.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    units.truncate(8);
    units
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_units_are_figures() {
        let printed = concat!(
            "{\"kind\":\"started\",\"unit\":\"sdk image\"}\n",
            "{\"kind\":\"finished\",\"unit\":\"sdk image\",\"outcome\":\"built\",\"elapsed_ms\":2500}\n",
            "{\"kind\":\"finished\",\"unit\":\"image minimal\",\"outcome\":\"built\",\"elapsed_ms\":9000}\n",
            "{\"kind\":\"finished\",\"unit\":\"package zlib\",\"outcome\":\"cached\",\"elapsed_ms\":3}\n",
            "{\"image\":\"minimal\"}\nno JSON\n"
        );
        assert_eq!(units(printed), [("image minimal".to_owned(), 9000.0), ("sdk image".to_owned(), 2500.0)]);
    }
}
