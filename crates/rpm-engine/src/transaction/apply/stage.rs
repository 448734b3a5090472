//! Writing everything that is new under temporary names, next to where it will be: nothing of the old state is touched.

use std::io;
use std::path::Path;

use nix::sys::stat::SFlag;

use super::accounts::Accounts;
use super::error::ApplyError;
use super::op::{Attributes, Stage};
use super::pipeline;
use super::plan::{FilePlan, PackagePlan, kind_of};
use crate::filecaps;
use crate::package::{FileKind, PackageFile};
use crate::rpmfile::RpmFile;
use crate::transaction::beneath::Beneath;
use crate::transaction::step::{Event, Settings};

/// What is needed to write files as they ought to be.
pub(super) struct Stager<'a> {
    pub(super) root: &'a Path,
    pub(super) settings: &'a Settings<'a>,
    pub(super) accounts: Accounts,
    /// Whether files can be given away: an ordinary user may compose a tree of his own.
    pub(super) privileged: bool,
}

fn change(path: &str) -> impl FnOnce(io::Error) -> ApplyError {
    let path = path.to_owned();
    move |source| ApplyError::Change { path, source }
}

impl<'a> Stager<'a> {
    pub(super) fn open(&self) -> Result<Beneath<'a>, ApplyError> {
        Beneath::of_system(self.root, self.settings.gate).map_err(change("/"))
    }

    /// Writes the files of all packages.
    pub(super) fn stage(&self, packages: &[&RpmFile], plan: &FilePlan) -> Result<(), ApplyError> {
        pipeline::run(self, packages, plan)?;
        let mut disk = self.open()?;
        plan.outgoing.iter().try_for_each(|package| self.stages(package, &[], &mut disk))
    }

    /// Everything of a package but its content; `files` are those of the package.
    pub(super) fn stages(&self, plan: &PackagePlan, files: &[PackageFile], disk: &mut Beneath<'_>) -> Result<(), ApplyError> {
        for (new, stage) in plan.stages() {
            match stage {
                Stage::Content(file) => self.dress(disk, new, &Attributes::of(&files[*file]))?,
                Stage::Hardlink { to } => disk.hardlink(new, plan.temporary(*to)).map_err(change(new))?,
                Stage::Symlink(file) => self.link(disk, new, &files[*file]).map_err(change(new))?,
                Stage::Keep { path } => keep(disk, path, new).map_err(change(path))?,
            }
        }
        Ok(())
    }

    /// Makes a symbolic link.
    fn link(&self, disk: &mut Beneath<'_>, new: &str, file: &PackageFile) -> io::Result<()> {
        let FileKind::Symlink { target } = &file.kind else { return Ok(()) };
        disk.symlink(new, target)?;
        if self.privileged {
            let (user, group) = self.accounts.find_or_root(&Attributes::of(file));
            disk.own(new, user, group)?;
        }
        disk.date(new, file.mtime)
    }

    /// Gives a file or directory its owner, permissions and capabilities; in this order, since each step takes away what follows.
    pub(super) fn dress(&self, disk: &mut Beneath<'_>, path: &str, attributes: &Attributes) -> Result<(), ApplyError> {
        if self.privileged {
            let (user, group) = self.accounts.find_or_root(attributes);
            disk.own(path, user, group).map_err(change(path))?;
        }
        disk.permit(path, attributes.mode).map_err(change(path))?;
        let Some(caps) = attributes.caps.as_deref().filter(|_| self.privileged) else { return Ok(()) };
        let value = filecaps::to_xattr(caps).map_err(|error| change(path)(io::Error::new(io::ErrorKind::InvalidData, error)))?;
        match disk.allow(path, &value) {
            Err(error) if error.kind() == io::ErrorKind::Unsupported || error.kind() == io::ErrorKind::PermissionDenied => {
                let text = format!("cannot set the capabilities ({caps}) of `{path}`: {error}");
                self.settings.observer.report(Event::Warning { text: &text });
                Ok(())
            }
            result => result.map_err(change(path)),
        }
    }
}

/// Gives a file or link another name; on file systems without hard links, a copy.
fn keep(disk: &mut Beneath<'_>, path: &str, new: &str) -> io::Result<()> {
    match disk.hardlink(new, path) {
        Err(error) if lacks_links(&error) => {
            if let Some(target) = disk.read_link(path)? {
                return disk.symlink(new, &target);
            }
            // A pipe would be waited for.
            if disk.stat(path)?.is_none_or(|stat| kind_of(&stat) != SFlag::S_IFREG) {
                return Err(error);
            }
            let mut from = disk.read(path)?;
            let mut to = disk.file(new, 0o600)?;
            io::copy(&mut from, &mut to)?;
            to.set_permissions(from.metadata()?.permissions())
        }
        result => result,
    }
}

/// Whether an error says that the file system has no hard links, or not one more for this file.
pub(super) fn lacks_links(error: &io::Error) -> bool {
    use nix::Error as E;
    [E::EPERM, E::EOPNOTSUPP, E::EMLINK, E::ENOSYS].iter().any(|one| error.raw_os_error() == Some(*one as i32))
}
