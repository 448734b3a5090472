//! From nothing to the ISO.

use std::process::Stdio;

use super::child::program;
use super::usage::measure;
use super::{Bench, BenchError, Figure, Goal};

/// Builds everything into an empty store; progress is shown, because this takes long.
pub fn run(bench: &Bench<'_>) -> Result<Vec<Figure>, BenchError> {
    let scratch = bench.builder.store.scratch("bench-cold").map_err(BenchError::around)?;
    let iso = scratch.path().join("image.iso");
    let arguments = ["build-iso".as_ref(), bench.image.name.as_str().as_ref(), "--output".as_ref(), iso.as_os_str()];
    let mut command = program(bench, bench.root, &scratch.path().join("store"), arguments).into_command();
    let (status, usage) = measure(|| command.stdout(Stdio::null()).status());
    let status = status.map_err(BenchError::io("start", &bench.program))?;
    if bench.builder.cancel.is_raised() {
        return Err(BenchError::Interrupted);
    }
    if !status.success() {
        return Err(BenchError::Broken { what: format!("build-iso ended with {status}"), next: None });
    }
    let busy = usage.cpu_s / usage.wall_s / bench.builder.jobs as f64 * 100.0;
    Ok(vec![
        Figure::with_goal("cold: from an empty store to the ISO", usage.wall_s, "s", Goal::AtMost(3600.0)),
        Figure::plain("cold: processor time", usage.cpu_s, "s"),
        Figure::with_goal(format!("cold: share of {} processors kept busy", bench.builder.jobs), busy, "%", Goal::AtLeast(90.0)),
    ])
}
