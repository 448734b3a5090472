//! Whether this host can make sandboxes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use super::error::SandboxError;
use super::job::{Job, Root};
use super::launch::Launcher;
use crate::cancel::Cancel;

impl Launcher {
    /// Makes a sandbox with its scratch in `folder`, runs nothing in it, and takes it away.
    ///
    /// # Errors
    /// [`SandboxError::Host`] naming what is refused and the command that fixes it; others when `folder` is not writable.
    pub fn probe(&self, folder: &Path) -> Result<(), SandboxError> {
        let setup = |source| SandboxError::Setup { what: format!("making a directory in `{}`", folder.display()), source };
        let scratch = tempfile::Builder::new().prefix("probe-").tempdir_in(folder).map_err(setup)?;
        let [layer, upper, work] = ["layer", "upper", "work"].map(|name| scratch.path().join(name));
        for path in [&layer, &upper, &work] {
            std::fs::create_dir(path).map_err(setup)?;
        }
        let job = Job {
            name: "probe".into(),
            root: Root::Overlay { layers: vec![layer], upper, work: work.clone() },
            build_dir: None,
            inputs: Vec::new(),
            env: BTreeMap::new(),
            steps: Vec::new(),
        };
        let worker = self.start(&self.order(Cow::Owned(job), false), None, Stdio::null())?;
        let ended = worker.follow(&Cancel::new(), &|_| {});
        let _ = crate::store::remove_tree(&work);
        ended.map(|_| ())
    }
}
