//! This program as a separate process, as a user starts it.

use std::ffi::OsStr;
use std::path::Path;

use super::{Bench, BenchError};
use runtime::tool::{Tool, ToolError};

/// This program with the store and the keys of this run, in the project at `root`.
pub fn program<A: AsRef<OsStr>>(bench: &Bench<'_>, root: &Path, store: &Path, arguments: impl IntoIterator<Item = A>) -> Tool {
    program_of_another(bench, root, store, &bench.builder.keys, arguments)
}

/// This program with other keys than those of this run.
pub fn program_of_another<A: AsRef<OsStr>>(
    bench: &Bench<'_>,
    root: &Path,
    store: &Path,
    keys: &Path,
    arguments: impl IntoIterator<Item = A>,
) -> Tool {
    with_settings(bench, Tool::new(&bench.program), store, keys).args(arguments).current_dir(root)
}

/// Another copy of this program, with the keys of this run.
pub fn program_at<A: AsRef<OsStr>>(
    bench: &Bench<'_>,
    copy: &Path,
    root: &Path,
    store: &Path,
    arguments: impl IntoIterator<Item = A>,
) -> Tool {
    with_settings(bench, Tool::new(copy), store, &bench.builder.keys).args(arguments).current_dir(root)
}

fn with_settings(bench: &Bench<'_>, tool: Tool, store: &Path, keys: &Path) -> Tool {
    let mut tool = tool.arg("--store").arg(store).arg("--keys").arg(keys);
    tool = tool.arg("--jobs").arg(bench.builder.jobs.to_string());
    if let Some(mirror) = &bench.builder.settings.debian_mirror {
        tool = tool.arg("--debian-mirror").arg(mirror);
    }
    for mirror in &bench.builder.settings.source_mirrors {
        tool = tool.arg("--source-mirror").arg(mirror);
    }
    tool
}

/// Runs it to its end and returns what it wrote to standard output.
pub fn output(tool: Tool, what: &str) -> Result<Vec<u8>, BenchError> {
    tool.output().map_err(|error| {
        let said = match &error {
            ToolError::Failed { last_words, .. } => last_words.clone(),
            other => other.to_string(),
        };
        BenchError::Broken { what: format!("{what}: {said}"), next: Some(format!("run `cargo xtask {what}`")) }
    })
}
