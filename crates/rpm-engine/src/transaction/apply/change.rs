//! Doing and undoing single changes. Each may have been interrupted anywhere, and may be done or undone again.

use std::io;

use nix::sys::stat::SFlag;

use super::error::ApplyError;
use super::op::Op;
use super::plan::kind_of;
use super::stage::{Stager, lacks_links};
use crate::transaction::beneath::Beneath;

fn change(op: &Op) -> impl FnOnce(io::Error) -> ApplyError {
    let path = op.path().to_owned();
    move |source| ApplyError::Change { path, source }
}

/// Does one.
pub(super) fn perform(op: &Op, disk: &mut Beneath<'_>, stager: &Stager<'_>) -> Result<(), ApplyError> {
    match op {
        Op::Displace { path, aside } | Op::Remove { path, aside } => put_aside(disk, path, aside).map_err(change(op)),
        Op::MakeDirectory { path, attributes } => {
            disk.directory(path).map_err(change(op))?;
            stager.dress(disk, path, attributes)
        }
        Op::Adjust { path, attributes, .. } => stager.dress(disk, path, attributes),
        Op::Put { path, new, aside } => put(disk, path, new, aside.as_deref()).map_err(change(op)),
        Op::RemoveDirectory { .. } => Ok(()),
    }
}

/// Gives what will be replaced its second name, long before: the disk has it then, whatever becomes of the first.
pub(super) fn hold(op: &Op, disk: &mut Beneath<'_>) -> Result<(), ApplyError> {
    let Op::Put { path, aside: Some(aside), .. } = op else { return Ok(()) };
    match disk.hardlink(aside, path) {
        Err(error) if lacks_links(&error) => Ok(()),
        result => absent_is_fine(result).map_err(change(op)),
    }
}

/// At no moment is there nothing by that name, but on file systems without hard links.
fn put(disk: &mut Beneath<'_>, path: &str, new: &str, aside: Option<&str>) -> io::Result<()> {
    if let Some(aside) = aside
        && disk.stat(aside)?.is_none()
    {
        put_aside(disk, path, aside)?;
    }
    disk.rename(new, path)
}

/// A directory that came since the check stays where it is: nobody expects it under a temporary name.
fn put_aside(disk: &mut Beneath<'_>, path: &str, aside: &str) -> io::Result<()> {
    match is_directory(disk, path)? {
        true => Err(nix::Error::EISDIR.into()),
        false => absent_is_fine(disk.rename(path, aside)),
    }
}

fn is_directory(disk: &mut Beneath<'_>, path: &str) -> io::Result<bool> {
    Ok(disk.stat(path)?.is_some_and(|stat| kind_of(&stat) == SFlag::S_IFDIR))
}

/// Takes one back, once names were being changed; before that, only what [`hold`] did.
pub(super) fn undo(op: &Op, disk: &mut Beneath<'_>, privileged: bool) -> Result<(), ApplyError> {
    let mut undo = || -> io::Result<()> {
        match op {
            Op::MakeDirectory { path, .. } => disk.remove_directory(path),
            Op::Adjust { path, was, .. } => {
                if privileged {
                    disk.own(path, was.user, was.group)?;
                }
                disk.permit(path, was.mode)
            }
            Op::Put { path, new, aside: Some(aside) } => {
                // A directory takes no file's place, so what was put there goes first; it is ours if it came from `new`.
                if is_directory(disk, aside)? && disk.stat(new)?.is_none() {
                    disk.unlink(path)?;
                }
                back(disk, path, aside)
            }
            Op::Displace { path, aside } | Op::Remove { path, aside } => back(disk, path, aside),
            // What was there before had no name, so whatever has it now came from `new`.
            Op::Put { path, new, aside: None } => match disk.stat(new)? {
                None => disk.unlink(path),
                Some(_) => Ok(()),
            },
            Op::RemoveDirectory { .. } => Ok(()),
        }
    };
    undo().map_err(change(op))
}

/// Renaming one of two names of a file to the other does nothing, so the second name may be left over.
fn back(disk: &mut Beneath<'_>, path: &str, aside: &str) -> io::Result<()> {
    if disk.stat(aside)?.is_some() {
        disk.rename(aside, path)?;
        disk.unlink(aside)?;
    }
    Ok(())
}

/// Lets the old state go, once the new one is certain.
pub(super) fn settle(op: &Op, disk: &mut Beneath<'_>) -> Result<(), ApplyError> {
    let settled = match op {
        Op::Displace { path, aside } | Op::Remove { path, aside } | Op::Put { path, aside: Some(aside), .. } => {
            if is_directory(disk, aside).map_err(change(op))? {
                return Err(ApplyError::DirectoryReplaced { path: path.clone(), directory: aside.clone() });
            }
            disk.unlink(aside)
        }
        Op::RemoveDirectory { path } => disk.remove_directory(path),
        Op::MakeDirectory { .. } | Op::Adjust { .. } | Op::Put { aside: None, .. } => Ok(()),
    };
    settled.map_err(change(op))
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
