//! What becomes of a file that somebody may have edited: `rpmfilesDecideFate` and `rpmfilesConfigConflict` of librpm, as a table.

use crate::package::{FileKind, PackageFile};

/// What is at the place of a file now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum OnDisk {
    /// Nothing.
    Nothing,
    /// A directory.
    Directory,
    /// A regular file with these checksums, one of each kind that was asked for.
    File { digests: Vec<String> },
    /// A symbolic link.
    Link { target: String },
    /// A device, a pipe, a socket.
    Other,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    /// The new file takes the place.
    Replace,
    /// What is there stays, and the new file is not laid down.
    Keep,
    /// What is there stays, and the new file is laid next to it with `.rpmnew`.
    Aside,
    /// The new file takes the place; what was there is kept with this suffix.
    Save(&'static str),
}

/// What a new file does to what is there. `old` is the same place in the package that goes, if it had content there.
pub(super) fn of_new(new: &PackageFile, old: Option<&PackageFile>, disk: &OnDisk) -> Policy {
    if *disk == OnDisk::Nothing || !(new.flags.config || old.is_some_and(|old| old.flags.config)) {
        return Policy::Replace;
    }
    let differs = |suffix| if new.flags.noreplace { Policy::Aside } else { Policy::Save(suffix) };
    if is(disk, &new.kind) {
        return Policy::Replace;
    }
    let Some(old) = old else { return differs(".rpmorig") };
    if is(disk, &old.kind) {
        // Nobody edited it.
        Policy::Replace
    } else if same(&new.kind, &old.kind) {
        Policy::Keep
    } else {
        differs(".rpmsave")
    }
}

/// Whether a file that goes was edited, or something else put in its place, and that is kept as `.rpmsave`.
pub(super) fn is_saved(old: &PackageFile, disk: &OnDisk) -> bool {
    match disk {
        // A directory stays where it is.
        OnDisk::Nothing | OnDisk::Directory => false,
        OnDisk::File { .. } | OnDisk::Link { .. } | OnDisk::Other => old.flags.config && !old.flags.ghost && !is(disk, &old.kind),
    }
}

fn is(disk: &OnDisk, kind: &FileKind) -> bool {
    match (disk, kind) {
        (OnDisk::File { digests }, FileKind::Regular { digest: Some(expected), .. }) => digests.contains(expected),
        (OnDisk::Link { target }, FileKind::Symlink { target: expected }) => target == expected,
        (OnDisk::Directory, FileKind::Directory) => true,
        _ => false,
    }
}

/// Whether two files have the same content.
pub(super) fn same(a: &FileKind, b: &FileKind) -> bool {
    match (a, b) {
        (FileKind::Directory, FileKind::Directory) => true,
        (FileKind::Symlink { target: a }, FileKind::Symlink { target: b }) => a == b,
        (FileKind::Regular { digest: Some(a), .. }, FileKind::Regular { digest: Some(b), .. }) => a == b,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::FileFlags;

    fn config(content: &str, noreplace: bool) -> PackageFile {
        PackageFile {
            path: "/etc/x".into(),
            kind: FileKind::Regular { size: 1, digest: Some(content.into()), hardlink: None },
            mode: 0o644,
            user: "root".into(),
            group: "root".into(),
            mtime: 0,
            caps: None,
            flags: FileFlags { config: true, noreplace, ..FileFlags::default() },
        }
    }

    #[test]
    fn edited_files() {
        let plain = PackageFile { flags: FileFlags::default(), ..config("new", false) };
        let file = |content: &str| OnDisk::File { digests: vec![content.into()] };
        let link = OnDisk::Link { target: "y".into() };
        // New, old, disk, policy. As `rpm -U` does with the same three.
        let table = [
            (config("new", false), None, OnDisk::Nothing, Policy::Replace),
            (config("new", false), None, file("new"), Policy::Replace),
            (config("new", false), None, file("mine"), Policy::Save(".rpmorig")),
            (config("new", true), None, file("mine"), Policy::Aside),
            (config("new", true), None, link.clone(), Policy::Aside),
            (config("new", true), Some(config("old", true)), OnDisk::Nothing, Policy::Replace),
            (config("new", true), Some(config("old", true)), file("old"), Policy::Replace),
            (config("new", true), Some(config("old", true)), file("mine"), Policy::Aside),
            (config("new", true), Some(config("old", true)), file("new"), Policy::Replace),
            (config("new", false), Some(config("old", false)), file("mine"), Policy::Save(".rpmsave")),
            (config("same", false), Some(config("same", false)), file("mine"), Policy::Keep),
            (config("same", true), Some(config("same", true)), link, Policy::Keep),
            (plain.clone(), Some(config("old", true)), file("mine"), Policy::Save(".rpmsave")),
            (plain.clone(), Some(plain.clone()), file("mine"), Policy::Replace),
            (plain, None, file("mine"), Policy::Replace),
        ];
        for (new, old, disk, expected) in table {
            assert_eq!(of_new(&new, old.as_ref(), &disk), expected, "{new:?} after {old:?} on {disk:?}");
        }
        let saved = [
            (file("mine"), true),
            (OnDisk::Link { target: "y".into() }, true),
            (OnDisk::Other, true),
            (file("old"), false),
            (OnDisk::Nothing, false),
            (OnDisk::Directory, false),
        ];
        for (disk, expected) in saved {
            assert_eq!(is_saved(&config("old", true), &disk), expected, "{disk:?}");
        }
    }
}
