//! Plans a distribution of ten thousand specs.

use serde::Deserialize;

use super::child::{output, program};
use super::usage::{measure, median};
use super::{Bench, BenchError, Figure, Goal, synthetic};

/// How many specs are planned.
const SPECS: usize = 10_000;

#[derive(Deserialize)]
struct Planned {
    steps: Vec<PlannedStep>,
}

#[derive(Deserialize)]
struct PlannedStep {
    state: String,
}

/// Measures the whole command: reading the specs, the graph, every key, looking up results, writing the plan.
pub fn run(bench: &Bench<'_>) -> Result<Vec<Figure>, BenchError> {
    let project = synthetic::project(bench, SPECS)?;
    let mut walls = Vec::new();
    for _ in 0..bench.runs {
        let command = program(bench, &project.root, &project.store, ["--json", "plan"]);
        let (printed, usage) = measure(|| output(command, "plan"));
        project.check(&printed?)?;
        walls.push(usage.wall_s);
    }
    Ok(vec![Figure::with_goal(format!("plan: {SPECS} specs"), median(walls), "s", Goal::AtMost(1.0))])
}

impl synthetic::Project {
    /// Checks that the plan is correct: a fast wrong answer does not count.
    fn check(&self, printed: &[u8]) -> Result<(), BenchError> {
        let broken = |what: String| BenchError::Broken { what: format!("plan: {what}"), next: None };
        let planned: Planned = serde_json::from_slice(printed).map_err(|error| broken(error.to_string()))?;
        let count = |state: &str| planned.steps.iter().filter(|step| step.state == state).count();
        let (cached, build) = (count("cached"), count("build"));
        if planned.steps.len() == self.specs && build == self.changed && cached + build + count("unknown") == self.specs {
            return Ok(());
        }
        Err(broken(format!("{cached} of {} specs are cached and {build} to be built, not {}", planned.steps.len(), self.changed)))
    }
}
