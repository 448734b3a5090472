//! Checks whether this host can create sandboxes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use nix::unistd::{AccessFlags, access};

use super::error::{HostLack, SandboxError};
use super::job::{Job, Root};
use super::launch::Launcher;
use crate::cancel::Cancel;

impl Launcher {
    /// Creates a sandbox with its scratch directory in `folder`, runs nothing in it, and removes it.
    ///
    /// # Errors
    /// [`SandboxError::Host`] naming what is refused and the command that fixes it; others when `folder` is not writable.
    pub fn probe(&self, folder: &Path) -> Result<(), SandboxError> {
        check_programs(folder)?;
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

/// Checks that programs in `folder` can be started, as builds do with programs they have just compiled. A folder that cannot be written to
/// is reported when something is written there.
///
/// # Errors
/// [`HostLack::NoExec`] when its file system is mounted `noexec`.
pub fn check_programs(folder: &Path) -> Result<(), SandboxError> {
    let executable = Permissions::from_mode(0o700);
    let Ok(file) = tempfile::Builder::new().prefix("probe-").permissions(executable).tempfile_in(folder) else { return Ok(()) };
    // The file is executable, so the kernel's answer concerns the mount: access(2), EACCES.
    let allowed = access(file.path(), AccessFlags::X_OK);
    allowed.map_err(|_| SandboxError::Host(HostLack::NoExec { folder: folder.to_owned() }))
}
