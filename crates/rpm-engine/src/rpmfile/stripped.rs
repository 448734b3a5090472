//! RPM's stripped archives: entries that name files by their place in the header, which says all else about them.

use crate::names;
use crate::package::{FileKind, PackageFile};

/// The bytes a stripped entry contains: a file with several names has its content with the last of them.
pub(crate) fn stripped_size(files: &[PackageFile], index: usize) -> u64 {
    match &files[index].kind {
        FileKind::Regular { size, .. } if has_content(files, index) => *size,
        FileKind::Regular { .. } | FileKind::Directory => 0,
        FileKind::Symlink { target } => names::raw(target).len() as u64,
    }
}

/// Whether the content of a regular file comes with this entry.
pub(super) fn has_content(files: &[PackageFile], index: usize) -> bool {
    let group_of = |file: &PackageFile| match &file.kind {
        FileKind::Regular { hardlink, .. } => *hardlink,
        _ => None,
    };
    match &files[index].kind {
        FileKind::Regular { hardlink: Some(group), .. } => !files[index + 1..].iter().any(|file| group_of(file) == Some(*group)),
        FileKind::Regular { hardlink: None, .. } => true,
        _ => false,
    }
}
