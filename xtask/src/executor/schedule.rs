//! Running builds on several threads.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

use super::queue::Queue;
use super::{BuildError, Executed, Executor, RunError};
use crate::action::Results;
use crate::cancel::Cancel;
use crate::graph::Graph;
use crate::name::PackageName;
use crate::progress::{Event, Outcome, Reporter};

/// What is known beforehand of a build, from its last time.
#[derive(Clone, Copy, Debug)]
pub struct Weight {
    /// Wall time, in milliseconds.
    pub elapsed_ms: u64,
    /// Peak memory, in bytes.
    pub memory_bytes: u64,
}

/// How much may run at once.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Builds at once.
    pub builds: usize,
    /// Memory that all builds together may take, in bytes.
    pub memory_bytes: u64,
}

struct State {
    queue: Queue,
    results: Results,
    failures: Vec<BuildError>,
    skipped: Vec<PackageName>,
}

/// Builds all of `order`, in which each spec comes after those it builds on. A failed build stops only those that build on it.
///
/// # Errors
/// All failures, once everything that could be built is built.
pub fn run(
    graph: &Graph,
    order: &[&PackageName],
    weight: impl Fn(&PackageName) -> Weight,
    limits: Limits,
    executor: &dyn Executor,
    reporter: &dyn Reporter,
    cancel: &Cancel,
) -> Result<Results, RunError> {
    let queue = Queue::new(graph, order, weight, limits.memory_bytes);
    let state = Mutex::new(State { queue, results: Results::new(), failures: Vec::new(), skipped: Vec::new() });
    let changed = Condvar::new();
    std::thread::scope(|scope| {
        for _ in 0..limits.builds.max(1) {
            scope.spawn(|| work(&state, &changed, executor, reporter, cancel));
        }
    });
    let State { results, mut failures, mut skipped, queue } = state.into_inner().unwrap_or_else(PoisonError::into_inner);
    if failures.is_empty() && queue.is_over() {
        return Ok(results);
    }
    failures.sort_by(|a, b| a.spec().cmp(b.spec()));
    skipped.sort();
    Err(RunError { failures, skipped })
}

fn work(state: &Mutex<State>, changed: &Condvar, executor: &dyn Executor, reporter: &dyn Reporter, cancel: &Cancel) {
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
        let results = guard.results.clone();
        drop(guard);
        let outcome = execute(&spec, &results, executor, reporter);
        guard = state.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(executed) => {
                guard.queue.finish(&spec);
                guard.results.insert(spec, executed.result);
            }
            Err(error) => {
                let lost = guard.queue.fail(&spec);
                guard.skipped.extend(lost);
                guard.failures.push(error);
            }
        }
        changed.notify_all();
    }
}

fn execute(spec: &PackageName, results: &Results, executor: &dyn Executor, reporter: &dyn Reporter) -> Result<Executed, BuildError> {
    let unit = format!("package {spec}");
    let begun = Instant::now();
    let outcome = executor.execute(spec, results);
    let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    match &outcome {
        Ok(executed) => {
            let outcome = if executed.was_cached { Outcome::Cached } else { Outcome::Built };
            reporter.event(Event::Finished { unit, outcome, elapsed_ms });
        }
        Err(error) => {
            let log = match error {
                BuildError::Failed { log, .. } => Some(log.display().to_string()),
                _ => None,
            };
            reporter.event(Event::Failed { unit, message: with_causes(error), log });
        }
    }
    outcome
}

/// An error and its causes in one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}

#[cfg(test)]
mod tests;
