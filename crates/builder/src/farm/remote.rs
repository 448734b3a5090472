//! Running jobs on the workers of a server.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use base::name::PackageName;
use planning::action::By;
use planning::plan::World as _;
use runtime::progress::Event;
use runtime::remote::{self, Blob, Earlier, Executed, Execution, NotExecuted, Patience, RemoteError, Stage, Trouble};
use runtime::store::StoreError;
use sdk::LayerName;
use worker::action::Exit;

use super::outputs::Left;
use super::sent::{Program, Sent};
use super::{Farm, FarmError, layers};
use crate::Builder;
use crate::executor::{Built, Executor, Job, Permit, Unbuilt};

/// The time after which a silent server counts as unreachable, and further tries after errors that may pass.
const PATIENCE: Patience = Patience { retries: 3, silence_s: 60 };

/// A shorter time for the first question: builds on this machine wait for it.
const REACH: Patience = Patience { retries: 1, silence_s: 10 };

/// How many workers are tried that cannot run a build, or are lost while they do.
const WORKERS: usize = 3;

/// The workers of a server.
pub(crate) struct Remote<'a> {
    builder: &'a Builder<'a>,
    farm: &'a Farm,
    /// Trees of the SDK's layers.
    trees: BTreeMap<LayerName, PathBuf>,
    /// Whether the server answers, once it is needed.
    answers: OnceLock<Result<Result<(), Trouble>, RemoteError>>,
    /// The program for workers, once it is needed.
    program: OnceLock<Result<Program, RemoteError>>,
}

impl<'a> Remote<'a> {
    pub(crate) fn new(builder: &'a Builder<'a>, farm: &'a Farm, trees: BTreeMap<LayerName, PathBuf>) -> Self {
        Self { builder, farm, trees, answers: OnceLock::new(), program: OnceLock::new() }
    }

    /// The server's address, for people.
    pub(super) fn address(&self) -> String {
        self.farm.server.to_string()
    }

    /// Asks the server, once: packing layers and compiling the program for workers would be for nothing if it does not answer.
    ///
    /// # Errors
    /// When it does not answer.
    pub(crate) fn reach(&self) -> Result<(), FarmError> {
        let ask = || remote::reach(&self.farm.server, REACH, &self.builder.cancel);
        let answer = self.answers.get_or_init(ask).clone()?;
        answer.map_err(|trouble| self.not_executed(NotExecuted::Server(trouble)))
    }

    fn not_executed(&self, source: NotExecuted) -> FarmError {
        FarmError::NotExecuted { server: self.address(), properties: self.farm.properties.clone(), source }
    }

    fn program(&self) -> Result<&Program, FarmError> {
        let find = || {
            let path = remote::worker()?;
            let start = |error: FarmError| RemoteError::Start { program: path.display().to_string(), reason: text::with_causes(&error) };
            Program::at(path.clone()).map_err(start)
        };
        Ok(self.program.get_or_init(find).as_ref().map_err(Clone::clone)?)
    }

    fn layers(&self, job: &Job<'_>, waiting: impl Fn() + Copy) -> Result<Vec<Blob>, FarmError> {
        let tree = |name: &LayerName| Some((self.builder.sdk.lock.layer_digest(name)?, self.trees.get(name)?));
        let known = job.layers.iter().filter_map(tree);
        known.map(|(key, tree)| layers::packed(self.builder.store, &key, tree, self.builder.jobs, waiting)).collect()
    }

    /// Runs the action until a worker has got to its end.
    fn run(&self, job: &Job<'_>, sent: &Sent) -> Result<Executed, FarmError> {
        let mut execution = sent.execution(job, self.farm, self.run_s(job));
        let (mut has_layers, mut tried) = (false, 0);
        loop {
            let ended = self.once(job, &execution)?;
            let error = match Exit::of_code(ended.exit_code) {
                Some(Exit::Built | Exit::Failed) => return Ok(ended),
                Some(Exit::NoLayer) if !has_layers => {
                    sent.add_layers(&mut execution);
                    has_layers = true;
                    continue;
                }
                Some(Exit::NoLayer | Exit::Unable) => FarmError::Unable { worker: ended.worker, words: ended.last_words },
                None => FarmError::Interrupted { worker: ended.worker, exit_code: ended.exit_code, words: ended.last_words },
            };
            tried += 1;
            if tried == WORKERS {
                return Err(error);
            }
            execution.earlier = Earlier::Ignored;
        }
    }

    fn once(&self, job: &Job<'_>, execution: &Execution) -> Result<Executed, FarmError> {
        let unit = format!("package {}", job.folder.spec.name);
        let reached = |stage: Stage| {
            let phase = match stage {
                Stage::Sending => "send",
                Stage::Queued => "wait for a worker",
                Stage::Running => "build on a worker",
            };
            self.builder.reporter.phase(&unit, phase);
        };
        let server = self.farm.server.clone();
        let ended = remote::connection()?.execute(server, execution.clone(), PATIENCE, &self.builder.cancel, &reached)?;
        let ended = ended.map_err(|source| self.not_executed(source))?;
        // A server that is its own worker gives it no name.
        let worker = if ended.worker.is_empty() { self.address() } else { ended.worker };
        Ok(Executed { worker, ..ended })
    }

    /// The time that a build may take, in seconds.
    fn run_s(&self, job: &Job<'_>) -> u32 {
        let spec = &job.folder.spec.name;
        let last = self.builder.record(spec).map(|record| record.elapsed_ms);
        run_s(last.or_else(|| self.builder.expected(spec).map(|estimate| estimate.elapsed_ms)))
    }
}

/// The time that a build may take, in seconds, by what is expected.
fn run_s(expected_ms: Option<u64>) -> u32 {
    const LEAST_S: u32 = 30 * 60;
    const UNKNOWN_S: u32 = 6 * 60 * 60;
    expected_ms.map_or(UNKNOWN_S, |ms| u32::try_from(ms.saturating_mul(20) / 1000).unwrap_or(u32::MAX).max(LEAST_S))
}

impl Executor for Remote<'_> {
    fn permit(&self, _: &PackageName) -> Result<Permit, StoreError> {
        Ok(Permit::default())
    }

    fn execute(&self, job: &Job<'_>, log: &Path, _: Permit) -> Result<Built, Unbuilt> {
        let (store, spec) = (self.builder.store, &job.folder.spec);
        let unit = format!("package {}", spec.name);
        self.builder.reporter.event(Event::Started { unit: unit.clone() });
        let scratch = store.scratch(&format!("remote-{}", spec.name)).map_err(|error| FarmError::from(error).unbuilt())?;
        let at = scratch.path();
        let run = || {
            self.reach()?;
            let layers = self.layers(job, || self.builder.reporter.waiting(&unit))?;
            let sent = Sent::collect(store, job, &layers, self.program()?, at)?;
            self.run(job, &sent)
        };
        let ended = run().map_err(FarmError::unbuilt)?;
        let by = By::Remote { server: base::address::public(self.farm.server.address()), worker: ended.worker.clone() };
        let left = Left { server: &self.farm.server, ended: &ended, patience: PATIENCE, cancel: &self.builder.cancel };
        let (packages, usage) = left.take(spec, at, log, &by)?;
        Ok(Built { packages, scratch, usage, by })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_has_time_by_its_last_one() {
        assert_eq!([Some(1), Some(600_000), None, Some(u64::MAX)].map(run_s), [1800, 12_000, 21_600, u32::MAX]);
    }
}
