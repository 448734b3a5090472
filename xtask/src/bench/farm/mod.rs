//! Builds on workers: how busy they are kept, and what that costs the machine that asks.

mod casd;
mod client;
mod programs;
mod project;

use super::usage::median;
use super::{Bench, BenchError, Figure, Goal};
use casd::Casd;
use programs::Programs;
use project::{Project, Step};

pub use client::run as run_client;

/// How many builds there are.
const STEPS: usize = 400;

/// Workers of the server.
const WORKERS: usize = 4;

/// What a build takes, in seconds. It sleeps, so it needs no processor of the machine on which everything runs here.
const STEP_S: usize = 5;

/// Builds at the same time: while some are sent and others fetched, each worker has one.
const JOBS: usize = WORKERS * 2;

/// Has a server build steps that depend on each other, and compares with the least time that its workers need.
pub fn run(bench: &Bench<'_>) -> Result<Vec<Figure>, BenchError> {
    let scratch = bench.builder.store.scratch("bench-farm").map_err(BenchError::around)?;
    let programs = Programs::beside(bench, &scratch.path().join("programs"))?;
    let casd = Casd::start(&scratch.path().join("server"), WORKERS)?;
    let steps = bench.steps.unwrap_or(STEPS);
    // The first one is built before the clock runs: the server gets the SDK with it, and its workers unpack it.
    let least_s = least_s(steps - 1);
    let (mut busy, mut walls) = (Vec::new(), Vec::new());
    for number in 0..bench.runs {
        let step = Step::Sleeps { seconds: STEP_S, unique: format!("{} {number}", scratch.path().display()) };
        let project = Project::write(&scratch.path().join(format!("project-{number}")), steps, &step)?;
        project.copy_sdk(bench.root)?;
        project.use_server(&casd.address)?;
        programs.build(bench, &project, bench.builder.store.root(), JOBS, &["spec-00000"])?;
        let wall_s = programs.build(bench, &project, bench.builder.store.root(), JOBS, &[])?.wall_s;
        busy.push(least_s / wall_s * 100.0);
        walls.push(wall_s);
    }
    let goal = format!("farm: {steps} steps of {STEP_S} s on {WORKERS} workers, of the least time");
    Ok(vec![
        Figure::with_goal(goal, median(busy), "%", Goal::AtLeast(85.0)),
        Figure::plain("farm: the least time", least_s, "s"),
        Figure::plain("farm: the time it took", median(walls), "s"),
    ])
}

/// The time that as many steps need at least: that of a chain of dependencies, or that of all steps, shared by all workers.
fn least_s(steps: usize) -> f64 {
    (STEP_S * project::LONGEST_CHAIN).max(STEP_S * steps / WORKERS) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_steps_take_as_long_as_a_chain() {
        assert_eq!((least_s(4), least_s(400)), (30.0, 500.0));
    }
}
