//! Jobs of failed builds, changed so that `cargo xtask shell` can run them again.

use std::path::Path;

use runtime::sandbox::{Job, Root};

/// The same job with its steps up to and including that phase.
pub fn until(job: &Job, phase: &str) -> Job {
    let count = job.steps.iter().position(|step| step.phase == phase).map_or(job.steps.len(), |at| at + 1);
    Job { steps: job.steps[..count].to_vec(), ..job.clone() }
}

/// The same job without steps.
pub fn without_steps(job: &Job) -> Job {
    Job { steps: Vec::new(), ..job.clone() }
}

/// The same job with its directories in `folder`.
pub fn moved(job: &Job, folder: &Path) -> Job {
    let root = match &job.root {
        Root::Overlay { layers, .. } => Root::Overlay { layers: layers.clone(), upper: folder.join("upper"), work: folder.join("work") },
        Root::Directory(path) => Root::Directory(path.clone()),
    };
    Job { root, build_dir: Some(folder.join("build")), ..job.clone() }
}
