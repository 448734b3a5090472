//! Unpacks Debian packages without running anything that they contain.

use std::fs::{self, File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tar::{Archive, Entry, EntryType};

use super::deb::files;
use super::error::UnpackError;
use base::glob::Glob;
use runtime::cancel::Cancel;

/// Top folders that are links into `/usr` on a merged system.
pub(super) const MERGED: [&str; 4] = ["bin", "lib", "lib64", "sbin"];

/// Which files of packages a layer contains.
#[derive(Debug, Default)]
pub struct Selection {
    /// Files that are left out.
    pub drop: Vec<Glob>,
    /// Exceptions from `drop`.
    pub keep: Vec<Glob>,
}

impl Selection {
    fn contains(&self, path: &Path) -> bool {
        let path = format!("/{}", path.display());
        let any = |globs: &[Glob]| globs.iter().any(|glob| glob.matches(&path));
        !any(&self.drop) || any(&self.keep)
    }
}

/// Unpacks the selected files of a `.deb` below `root`. Everything belongs to the caller, set-id bits are dropped, and `/bin` and the like
/// are merged into `/usr`. Packages of one layer may be unpacked in parallel.
///
/// # Errors
/// When the package is damaged, contains a file that is already in the tree, or the user asked to stop.
pub fn unpack(deb: &Path, root: &Path, selection: &Selection, cancel: &Cancel) -> Result<(), UnpackError> {
    unpack_stream(files(deb)?, root, selection, cancel)
}

fn unpack_stream(stream: impl Read, root: &Path, selection: &Selection, cancel: &Cancel) -> Result<(), UnpackError> {
    let mut archive = Archive::new(stream);
    for entry in archive.entries()? {
        if cancel.is_raised() {
            return Err(UnpackError::Interrupted);
        }
        let mut entry = entry?;
        let path = merged(&entry.path()?)?;
        let is_kept = !path.as_os_str().is_empty() && selection.contains(&path);
        if is_kept && !is_merging_link(&entry, &path) {
            place(&mut entry, &path, root)?;
        }
    }
    // Reads everything after the end mark, because checksums of compressed streams are at their end.
    io::copy(&mut archive.into_inner(), &mut io::sink())?;
    Ok(())
}

/// The path relative to the tree's root, with merged `/usr`.
fn merged(path: &Path) -> Result<PathBuf, UnpackError> {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => plain.push(part),
            Component::CurDir | Component::RootDir => {}
            Component::ParentDir | Component::Prefix(_) => return Err(UnpackError::Outside { path: path.display().to_string() }),
        }
    }
    let is_merged = MERGED.iter().any(|top| plain.starts_with(top));
    Ok(if is_merged { Path::new("usr").join(plain) } else { plain })
}

/// Whether an entry is itself one of the links such as `/bin` → `usr/bin`, which after merging would point to itself.
fn is_merging_link(entry: &Entry<'_, impl Read>, path: &Path) -> bool {
    entry.header().entry_type() == EntryType::Symlink && MERGED.iter().any(|top| path == Path::new("usr").join(top))
}

fn place(entry: &mut Entry<'_, impl Read>, path: &Path, root: &Path) -> Result<(), UnpackError> {
    let target = root.join(path);
    let conflict = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => UnpackError::Conflict { path: format!("/{}", path.display()) },
        _ => UnpackError::Content(error),
    };
    let mode = entry.header().mode()?;
    match entry.header().entry_type() {
        EntryType::Directory => {
            make_folders(&target)?;
            let _alone = FOLDERS.lock().unwrap_or_else(PoisonError::into_inner);
            fs::set_permissions(&target, Permissions::from_mode(mode & 0o1777 | 0o700))?;
        }
        EntryType::Symlink => {
            let link = link_name(entry)?;
            in_its_folder(&target)?;
            symlink(link, &target).map_err(conflict)?;
        }
        EntryType::Link => {
            let original = root.join(merged(&link_name(entry)?)?);
            in_its_folder(&target)?;
            fs::hard_link(original, &target).map_err(conflict)?;
        }
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
            in_its_folder(&target)?;
            let mut file = File::create_new(&target).map_err(conflict)?;
            io::copy(entry, &mut file)?;
            file.set_permissions(Permissions::from_mode(mode & 0o777 | 0o400))?;
        }
        // Ordinary users cannot create devices, and no build needs those of a package.
        _ => {}
    }
    Ok(())
}

fn link_name(entry: &Entry<'_, impl Read>) -> Result<PathBuf, UnpackError> {
    let name = entry.link_name()?.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a link without a target"))?;
    Ok(name.into_owned())
}

fn in_its_folder(target: &Path) -> io::Result<()> {
    target.parent().map_or(Ok(()), make_folders)
}

/// Held while a folder gets its mode: the one in a package's entry must not be replaced by that of a folder which another package only needs.
static FOLDERS: Mutex<()> = Mutex::new(());

/// Creates a folder and those above it where they are missing, with modes that do not depend on the caller's umask: the entries of folders may
/// have been left out.
fn make_folders(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let _alone = FOLDERS.lock().unwrap_or_else(PoisonError::into_inner);
    let missing: Vec<&Path> = path.ancestors().take_while(|folder| !folder.is_dir()).collect();
    for folder in missing.into_iter().rev() {
        fs::create_dir(folder)?;
        fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;
    use std::process::Command;

    use tar::{Builder, Header};

    use super::*;

    fn archive(entries: &[(&str, EntryType, &str)]) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        for (path, kind, text) in entries {
            let mut header = Header::new_gnu();
            header.set_entry_type(*kind);
            header.set_mode(0o4755);
            header.set_mtime(0);
            header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
            if *kind == EntryType::Regular {
                header.set_size(text.len() as u64);
                header.set_cksum();
                builder.append(&header, text.as_bytes()).unwrap();
            } else {
                header.set_size(0);
                header.set_link_name_literal(text).unwrap();
                header.set_cksum();
                builder.append(&header, io::empty()).unwrap();
            }
        }
        builder.into_inner().unwrap()
    }

    fn unpacked(root: &Path, entries: &[(&str, EntryType, &str)]) -> Result<(), UnpackError> {
        let globs = |text| vec![Glob::new(text).unwrap()];
        let selection = Selection { drop: globs("/usr/share/doc/**"), keep: globs("/usr/share/doc/*/copyright") };
        unpack_stream(&archive(entries)[..], root, &selection, &Cancel::new())
    }

    #[test]
    fn usr_is_merged_and_privileges_are_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let entries = [
            ("./", EntryType::Directory, ""),
            ("./bin", EntryType::Symlink, "usr/bin"),
            ("./bin/su", EntryType::Regular, "text"),
            ("./usr/bin/su2", EntryType::Link, "./bin/su"),
            ("./usr/share/doc/x/copyright", EntryType::Regular, "text"),
            ("./usr/share/doc/x/README", EntryType::Regular, "text"),
            ("./lib64/ld.so", EntryType::Symlink, "/lib/x/ld.so"),
        ];
        unpacked(root, &entries).unwrap();
        let su = fs::metadata(root.join("usr/bin/su")).unwrap();
        assert_eq!((su.mode() & 0o7777, su.nlink()), (0o755, 2));
        assert_eq!(fs::read_link(root.join("usr/lib64/ld.so")).unwrap(), Path::new("/lib/x/ld.so"));
        assert!(!root.join("bin").exists() && !root.join("usr/share/doc/x/README").exists());
        assert!(root.join("usr/share/doc/x/copyright").exists());
        // The entry of its folder is left out, and that of `usr` comes never.
        for folder in ["usr", "usr/share/doc/x"] {
            assert_eq!(fs::metadata(root.join(folder)).unwrap().mode() & 0o7777, 0o755, "{folder}");
        }
    }

    #[test]
    fn trees_do_not_depend_on_the_umask() {
        let test = "unpack::tests::usr_is_merged_and_privileges_are_dropped";
        for umask in ["077", "000"] {
            let script = format!("umask {umask}; exec \"$0\" --exact {test}");
            let output = Command::new("/bin/sh").args(["-c", &script]).arg(std::env::current_exe().unwrap()).output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && said.contains("1 passed"), "{umask}: {said}");
        }
    }

    #[test]
    fn paths_outside_of_the_tree_and_duplicate_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let outside = [("./usr/../../x", EntryType::Regular, "text")];
        assert!(matches!(unpacked(folder.path(), &outside), Err(UnpackError::Outside { .. })));
        let twice = [("./usr/a", EntryType::Regular, "text"), ("./usr/a", EntryType::Symlink, "b")];
        assert!(matches!(unpacked(folder.path(), &twice), Err(UnpackError::Conflict { path }) if path == "/usr/a"));
    }
}
