//! Running builds on several threads.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

use super::queue::Queue;
use super::{BuildError, Executed, PACKAGE, RunError, Step, Stop};
use base::diagnostic::{ExitCode, Explanation, Failure as _};
use base::name::PackageName;
use planning::action::Results;
use planning::graph::Graph;
use runtime::cancel::Cancel;
use runtime::progress::{Event, Outcome, Reporter};
use runtime::workers::together;

/// What is known of a build in advance, from its last run.
#[derive(Clone, Copy, Debug)]
pub struct Weight {
    /// Wall time, in milliseconds.
    pub elapsed_ms: u64,
    /// Peak memory, in bytes.
    pub memory_bytes: u64,
}

/// How much may run at the same time.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Builds at the same time.
    pub builds: usize,
    /// Memory that all builds together may use, in bytes.
    pub memory_bytes: u64,
}

struct State {
    queue: Queue,
    results: Results,
    built: usize,
    cpu_ms: u64,
    failures: Vec<BuildError>,
    interrupted: Vec<PackageName>,
    /// Specs that build on an interrupted one.
    not_begun: usize,
    skipped: Vec<PackageName>,
}

/// Builds all specs of `order`, a build order. A failed build stops only those that build on it. Specs that are left to another plan have no
/// results.
///
/// # Errors
/// All failures, after everything that could be built was built.
pub fn run(
    graph: &Graph,
    order: &[&PackageName],
    weight: impl Fn(&PackageName) -> Weight,
    limits: Limits,
    step: &dyn Step,
    reporter: &dyn Reporter,
    cancel: &Cancel,
) -> Result<Results, RunError> {
    let begun = Instant::now();
    let queue = Queue::new(graph, order, weight, limits.memory_bytes);
    let state = Mutex::new(State {
        queue,
        results: Results::new(),
        built: 0,
        cpu_ms: 0,
        failures: Vec::new(),
        interrupted: Vec::new(),
        not_begun: 0,
        skipped: Vec::new(),
    });
    let changed = Condvar::new();
    together(limits.builds.max(1), || work(graph, &state, &changed, step, reporter, cancel));
    let state = state.into_inner().unwrap_or_else(PoisonError::into_inner);
    reporter.event(Event::Ended {
        built: state.built,
        cached: state.results.len() - state.built,
        failed: state.failures.len(),
        skipped: state.skipped.len(),
        cpu_ms: state.cpu_ms,
        elapsed_ms: milliseconds(begun),
    });
    state.ended()
}

impl State {
    fn ended(self) -> Result<Results, RunError> {
        let Self { results, mut failures, mut interrupted, not_begun, mut skipped, queue, built: _, cpu_ms: _ } = self;
        interrupted.sort();
        let is_stopped = !interrupted.is_empty() || !queue.is_over();
        let stop = is_stopped.then(|| Stop { interrupted, left: queue.left() + not_begun });
        if failures.is_empty() && stop.is_none() {
            return Ok(results);
        }
        failures.sort_by(|a, b| a.spec().cmp(b.spec()));
        skipped.sort();
        Err(RunError { failures, skipped, stop })
    }

    /// Records the outcome of a spec, and returns the specs that are skipped because of it.
    fn take(&mut self, spec: PackageName, outcome: Result<Option<Executed>, BuildError>) -> Vec<PackageName> {
        match outcome {
            Ok(None) => {
                self.queue.fail(&spec);
                Vec::new()
            }
            Ok(Some(executed)) => {
                self.queue.finish(&spec);
                if !executed.was_cached {
                    self.built += 1;
                    self.cpu_ms += executed.result.cpu_ms;
                }
                self.results.insert(spec, Arc::new(executed.result));
                Vec::new()
            }
            Err(error) if is_interrupted(&error) => {
                self.not_begun += self.queue.fail(&spec).len();
                self.interrupted.push(spec);
                Vec::new()
            }
            Err(error) => {
                self.failures.push(error);
                let lost = self.queue.fail(&spec);
                self.skipped.extend(lost.iter().cloned());
                lost
            }
        }
    }
}

fn work(graph: &Graph, state: &Mutex<State>, changed: &Condvar, step: &dyn Step, reporter: &dyn Reporter, cancel: &Cancel) {
    let mut guard = state.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        if cancel.is_raised() || guard.queue.is_over() {
            changed.notify_all();
            return;
        }
        let Some(spec) = guard.queue.take() else {
            guard = changed.wait(guard).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        let below = graph.build_closure(&spec);
        let results = below.filter_map(|name| Some((name.clone(), Arc::clone(guard.results.get(name)?)))).collect();
        drop(guard);
        let outcome = execute(&spec, &results, step, reporter);
        guard = state.lock().unwrap_or_else(PoisonError::into_inner);
        for lost in guard.take(spec.clone(), outcome) {
            reporter.event(Event::Skipped { unit: format!("package {lost}"), because: format!("package {spec}") });
        }
        changed.notify_all();
    }
}

fn execute(spec: &PackageName, results: &Results, step: &dyn Step, reporter: &dyn Reporter) -> Result<Option<Executed>, BuildError> {
    let unit = format!("package {spec}");
    let begun = Instant::now();
    let outcome = step.execute(spec, results);
    match &outcome {
        Ok(None) => {}
        Ok(Some(executed)) if executed.was_cached => {
            reporter.event(Event::Finished { unit, outcome: Outcome::Cached, elapsed_ms: milliseconds(begun) });
        }
        // The build's own time, without the time it waited for a processor.
        Ok(Some(executed)) => reporter.event(Event::Finished { unit, outcome: Outcome::Built, elapsed_ms: executed.result.elapsed_ms }),
        Err(error) => reporter.event(failed(unit, error)),
    }
    outcome
}

fn failed(unit: String, error: &BuildError) -> Event {
    let (phase, log) = match error {
        BuildError::Failed { phase, log, .. } => (Some(phase.clone()), Some(log.display().to_string())),
        BuildError::Unpackaged { log, .. } => (Some(PACKAGE.to_owned()), Some(log.display().to_string())),
        BuildError::Around { .. } | BuildError::Cancelled { .. } => (None, None),
    };
    // An interrupt needs no explanation.
    let failure = (!is_interrupted(error)).then(|| Box::new(Explanation::of(error)));
    Event::Failed { unit, message: text::with_causes(error), phase, log, failure }
}

/// Whether the build was ended because the user asked to stop, wherever that was detected.
fn is_interrupted(error: &BuildError) -> bool {
    error.exit() == ExitCode::Interrupted
}

fn milliseconds(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
