//! From a recipe to a sandbox job.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::recipe::{Phase, Recipe, SOURCE_FILES};
use crate::sandbox::{Input, Job, Root, Step};
use crate::spec::Spec;

/// The job that runs `recipe` in `folder`, whose `build`, `upper` and `work` directories it uses.
///
/// `layers` has the lowest first; `sources` gives each source's file by its name in the sandbox.
pub fn sandbox_job(
    spec: &Spec,
    recipe: &Recipe,
    layers: &[PathBuf],
    sources: &BTreeMap<String, PathBuf>,
    folder: &Path,
    jobs: usize,
) -> Job {
    let mut env = recipe.env.clone();
    env.insert("JOBS".into(), jobs.to_string());
    let inputs: Vec<Input> =
        sources.iter().map(|(name, host)| Input { host: host.clone(), at: format!("{SOURCE_FILES}/{name}") }).collect();
    Job {
        name: spec.name.to_string(),
        root: Root::Overlay { layers: layers.iter().rev().cloned().collect(), upper: folder.join("upper"), work: folder.join("work") },
        build_dir: Some(folder.join("build")),
        inputs,
        env,
        steps: recipe.phases.iter().map(step).collect(),
    }
}

/// The same job with its directories in `folder`.
pub fn moved(job: &Job, folder: &Path) -> Job {
    let root = match &job.root {
        Root::Overlay { layers, .. } => Root::Overlay { layers: layers.clone(), upper: folder.join("upper"), work: folder.join("work") },
        Root::Directory(path) => Root::Directory(path.clone()),
    };
    Job { root, build_dir: Some(folder.join("build")), ..job.clone() }
}

fn step(phase: &Phase) -> Step {
    let argv = ["/bin/bash", "-euo", "pipefail", "-c", &phase.script].map(str::to_owned).to_vec();
    Step { phase: phase.name.to_owned(), argv, cwd: phase.cwd.clone() }
}
