//! What a worker left: fetched, and checked as what a cache gives.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use base::diagnostic::Failure;
use base::digest::Digest;
use base::file_error::FileError;
use cache::statement::{SharedPackage, named_as};
use planning::action::By;
use planning::spec::Spec;
use runtime::cancel::Cancel;
use runtime::remote::{self, Answer, Blob, Call, Executed, Name, Patience, RemoteError, Server, Wanted};
use worker::action::{LOG, REPORT, Report, output};

use super::FarmError;
use crate::executor::{Unbuilt, Usage};

/// A report is not longer.
const LONGEST_REPORT_BYTES: u64 = 64 << 20;

/// More of a log is not kept.
const LONGEST_LOG_BYTES: u64 = 1 << 30;

/// The failure of packaging on a worker, in its words.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
struct Unpackaged {
    reason: String,
    hint: Option<String>,
}

impl Failure for Unpackaged {
    fn hint(&self) -> Option<String> {
        self.hint.clone()
    }
}

/// What an ended action left on a server.
pub(super) struct Left<'a> {
    pub(super) server: &'a Server,
    pub(super) ended: &'a Executed,
    pub(super) patience: Patience,
    pub(super) cancel: &'a Cancel,
}

impl Left<'_> {
    /// Writes the log to `log`, and the packages of `spec` to the directory `at`.
    pub(super) fn take(&self, spec: &Spec, at: &Path, log: &Path, by: &By) -> Result<(Vec<packaging::Built>, Usage), Unbuilt> {
        let report = self.report(at).map_err(FarmError::unbuilt)?;
        self.log(at, log).map_err(FarmError::unbuilt)?;
        match report {
            Report::Failed { phase, end } => Err(Unbuilt::Phase { phase, end, by: by.clone() }),
            Report::Unpackaged { reason, hint } => Err(Unbuilt::Unpackaged(Box::new(Unpackaged { reason, hint }))),
            Report::Built { packages, elapsed_ms, cpu_ms, peak_memory_bytes } => {
                let shared = packages.into_iter().map(|package| {
                    let size_bytes = self.blob(&output(&package.file_name)).map(|blob| blob.size_bytes).unwrap_or(0);
                    SharedPackage { package, size_bytes }
                });
                let packages = self.packages(spec, shared.collect(), at).map_err(FarmError::unbuilt)?;
                Ok((packages, Usage { elapsed_ms, cpu_ms, peak_memory_bytes }))
            }
        }
    }

    fn report(&self, at: &Path) -> Result<Report, FarmError> {
        let path = at.join("report");
        let blob = self.blob(REPORT)?;
        if blob.size_bytes > LONGEST_REPORT_BYTES {
            return Err(self.wrong(REPORT));
        }
        self.fetch(REPORT, blob, &path)?;
        let text = fs::read(&path).map_err(FileError::of("read", &path))?;
        serde_json::from_slice(&text).map_err(|_| self.wrong(REPORT))
    }

    fn log(&self, at: &Path, log: &Path) -> Result<(), FarmError> {
        let path = at.join("log");
        self.fetch(LOG, self.blob(LOG)?, &path)?;
        let unpack = || -> io::Result<()> {
            let text = zstd::Decoder::new(File::open(&path)?)?;
            io::copy(&mut text.take(LONGEST_LOG_BYTES), &mut File::create(log)?).map(drop)
        };
        Ok(unpack().map_err(FileError::of("write", log))?)
    }

    fn packages(&self, spec: &Spec, shared: Vec<SharedPackage>, at: &Path) -> Result<Vec<packaging::Built>, FarmError> {
        // Only now are the file names safe to be used in paths.
        named_as(spec, &shared).map_err(|source| FarmError::Unfit { worker: self.ended.worker.clone(), source })?;
        let mut built = Vec::new();
        for SharedPackage { package, .. } in shared {
            let name = output(&package.file_name);
            let blob = self.blob(&name)?;
            if blob.sha256 != package.object {
                return Err(self.wrong(&name));
            }
            let file = at.join(&package.file_name);
            self.fetch(&name, blob, &file)?;
            built.push(packaging::Built {
                name: package.name,
                file,
                file_name: package.file_name,
                provides: package.provides,
                requires: package.requires,
                files: package.files,
                installed_bytes: package.installed_bytes,
            });
        }
        Ok(built)
    }

    fn blob(&self, path: &str) -> Result<Blob, FarmError> {
        let none = || FarmError::NoOutput { worker: self.ended.worker.clone(), path: path.to_owned() };
        self.ended.outputs.get(path).copied().ok_or_else(none)
    }

    /// Fetches a file, and compares its digest.
    fn fetch(&self, path: &str, blob: Blob, target: &Path) -> Result<(), FarmError> {
        let wanted = Wanted { name: Name::Blob(blob), target: target.to_owned(), most_bytes: blob.size_bytes };
        let call = Call::Fetch { server: self.server.clone(), files: vec![wanted], patience: self.patience };
        let failed = |source| FarmError::Fetch { server: self.server.to_string(), path: path.to_owned(), source };
        match remote::connection()?.call(call, self.cancel, &|_| {})? {
            Answer::Fetched(ends) => ends.into_iter().next().unwrap_or(Ok(())).map_err(failed)?,
            Answer::Failed(trouble) => return Err(failed(trouble)),
            Answer::Missing(_) | Answer::Stored | Answer::Runs(_) | Answer::Executed(_) => return Err(RemoteError::Ended.into()),
        }
        let found = Digest::of_file(target).map_err(FileError::of("read", target))?;
        if found == blob.sha256 { Ok(()) } else { Err(self.wrong(path)) }
    }

    fn wrong(&self, path: &str) -> FarmError {
        FarmError::Wrong { worker: self.ended.worker.clone(), path: path.to_owned() }
    }
}
