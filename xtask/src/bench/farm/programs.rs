//! This program and those that it starts for remote builds, in one folder, where it finds them from any project.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::super::{Bench, BenchError, child};
use super::project::Project;
use runtime::remote::{REMOTE, WORKER};
use runtime::tool::Measured;

/// The folder.
pub struct Programs {
    program: PathBuf,
    log: PathBuf,
}

impl Programs {
    /// Compiles what is not compiled yet, and copies everything to `folder`.
    pub fn beside(bench: &Bench<'_>, folder: &Path) -> Result<Self, BenchError> {
        fs::create_dir_all(folder).map_err(BenchError::io("make", folder))?;
        let mut found = vec![("xtask", bench.program.clone())];
        for program in [REMOTE, WORKER] {
            let path = program.find(bench.root, bench.builder.reporter, &bench.builder.cancel);
            found.push((program.name, path.map_err(BenchError::around)?));
        }
        for (name, path) in &found {
            fs::copy(path, folder.join(name)).map_err(BenchError::io("copy", path))?;
        }
        Ok(Self { program: folder.join("xtask"), log: bench.builder.store.log("bench-farm.log") })
    }

    /// Builds packages of a project, or all, on the workers of its server alone. Returns what this machine spent on it.
    pub fn build(
        &self,
        bench: &Bench<'_>,
        project: &Project,
        store: &Path,
        jobs: usize,
        packages: &[&str],
    ) -> Result<Measured, BenchError> {
        let jobs = jobs.to_string();
        let arguments = ["--json", "--remote-only", "--remote-jobs", &jobs, "build"];
        let tool = child::program_at(bench, &self.program, &project.root, store, arguments).args(packages);
        let log = File::create(&self.log).map_err(BenchError::io("write", &self.log))?;
        let measured = tool.measured(&log).map_err(BenchError::around)?;
        if bench.builder.cancel.is_raised() {
            return Err(BenchError::Interrupted);
        }
        if !measured.status.success() {
            let what = format!("build ended with {}", measured.status);
            return Err(BenchError::Broken { what, next: Some(format!("its output is `{}`", self.log.display())) });
        }
        Ok(measured)
    }
}
