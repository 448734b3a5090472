//! Mount points inside the new root.

use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use super::super::message::{Refusal, Stage};

/// The kind of a mount point.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    Directory,
    File,
}

/// The mount points that had to be created, so that they can be removed again.
#[derive(Default)]
pub(super) struct Places {
    made: Vec<(PathBuf, Kind)>,
}

impl Places {
    /// The mount points that another process created.
    pub fn of(made: Vec<(PathBuf, Kind)>) -> Self {
        Self { made }
    }

    /// What was created, in order.
    pub fn into_made(self) -> Vec<(PathBuf, Kind)> {
        self.made
    }

    /// Records a file created elsewhere.
    pub fn note(&mut self, path: &Path) {
        self.made.push((path.to_owned(), Kind::File));
    }

    /// Ensures that there is a `kind` at `path`, which must be absolute and without `..`.
    pub fn ensure(&mut self, path: &str, kind: Kind) -> Result<(), Refusal> {
        self.make(Path::new(path), kind).map_err(Stage::MountPoint.refused(path))
    }

    fn make(&mut self, path: &Path, kind: Kind) -> io::Result<()> {
        let sound = path.components().skip(1).all(|component| matches!(component, Component::Normal(_)));
        if !path.is_absolute() || !sound || path.parent().is_none() {
            return Err(Errno::EINVAL.into());
        }
        if fs::metadata(path).is_ok_and(|there| there.is_dir() == (kind == Kind::Directory)) {
            return Ok(());
        }
        if let Some(parent) = path.parent().filter(|parent| parent.parent().is_some()) {
            self.make(parent, Kind::Directory)?;
        }
        match kind {
            Kind::Directory => fs::create_dir(path)?,
            Kind::File => drop(File::create_new(path)?),
        }
        self.made.push((path.to_owned(), kind));
        Ok(())
    }

    /// Removes what was created, unless it is not empty.
    pub fn remove(self) {
        for (path, kind) in self.made.into_iter().rev() {
            let _ = match kind {
                Kind::Directory => fs::remove_dir(&path),
                Kind::File => fs::remove_file(&path),
            };
        }
    }
}
