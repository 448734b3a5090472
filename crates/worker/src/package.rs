//! Packages of what a build installed.

use std::path::{Path, PathBuf};

use base::diagnostic::{ExitCode, Failure};
use packaging::{Available, Built, LicenceTexts};
use planning::spec::Spec;
use runtime::cancel::Cancel;

use crate::layout::{self, INSTALLED};

/// The user asked to stop before a build was over.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

impl Failure for Interrupted {
    fn exit(&self) -> ExitCode {
        ExitCode::Interrupted
    }
}

/// Makes the packages of `spec`, which was built in `at`. `files` is the directory with the files next to the spec, which the build could not
/// change.
///
/// # Errors
/// When what was installed cannot be packaged, or the user asked to stop.
pub fn package(spec: &Spec, at: &Path, files: PathBuf, available: Available, cancel: &Cancel) -> Result<Vec<Built>, Box<dyn Failure>> {
    let licences = LicenceTexts::read(spec, &layout::licences(at)).map_err(boxed)?;
    let (spec, installed, into) = (spec.clone(), at.join(INSTALLED), layout::packages(at));
    // Packing gigabytes cannot be interrupted; when the user asks to stop, it is left to end with the process.
    let built = cancel.unless_raised(move || packaging::assemble(&spec, &files, &installed, &licences, &available, &into));
    built.ok_or_else(|| boxed(Interrupted))?.map_err(boxed)
}

fn boxed(failure: impl Failure) -> Box<dyn Failure> {
    Box::new(failure)
}
