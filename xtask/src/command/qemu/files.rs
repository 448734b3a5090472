//! Files that guests write to.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base::file_error::FileError;
use emulator::QemuError;

/// What stands in names for the number of a machine.
const NUMBER: &str = "{node}";

/// A text with the number of a machine.
pub(super) fn numbered_text(text: &str, number: u8) -> String {
    text.replace(NUMBER, &number.to_string())
}

/// A path with the number of a machine.
pub(super) fn numbered(path: &Path, number: u8) -> PathBuf {
    path.to_str().map_or_else(|| path.to_owned(), |text| numbered_text(text, number).into())
}

/// The file that one machine writes to: each has its own, also where the name does not say so. `a.console` becomes `a-1.console`.
pub(super) fn own(path: &Path, number: u8) -> PathBuf {
    let has_number = path.to_str().is_some_and(|text| text.contains(NUMBER));
    let (Some(stem), false) = (path.file_stem(), has_number) else { return numbered(path, number) };
    let mut name = stem.to_owned();
    name.push(format!("-{number}"));
    if let Some(ending) = path.extension() {
        name.push(".");
        name.push(ending);
    }
    path.with_file_name(name)
}

/// Keeps the file that an earlier run wrote, as FILE.1: it may say why that run failed. What is not a file, such as /dev/null, stays.
///
/// # Errors
/// When it cannot be renamed.
pub(super) fn keep(file: Option<&Path>) -> Result<(), QemuError> {
    let Some(file) = file.filter(|file| fs::symlink_metadata(file).is_ok_and(|kind| kind.is_file() && kind.len() > 0)) else {
        return Ok(());
    };
    let mut earlier = file.as_os_str().to_owned();
    earlier.push(".1");
    match fs::rename(file, &earlier) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(QemuError::Io(FileError::new("rename", file, source))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_contain_the_number() {
        assert_eq!(numbered(Path::new("a{node}/user-{node}.yaml"), 3), Path::new("a3/user-3.yaml"));
        assert_eq!(numbered(Path::new("user.yaml"), 3), Path::new("user.yaml"));
        for (name, expected) in [
            ("out/{node}.console", "out/3.console"),
            ("out/a.console", "out/a-3.console"),
            ("console", "console-3"),
            ("a.b/c", "a.b/c-3"),
            ("a{node}/c.txt", "a3/c.txt"),
        ] {
            assert_eq!(own(Path::new(name), 3), Path::new(expected), "{name}");
        }
    }

    #[test]
    fn an_earlier_console_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("node-1.console");
        let earlier = folder.path().join("node-1.console.1");
        keep(Some(&file)).unwrap();
        for text in ["one", "two"] {
            fs::write(&file, text).unwrap();
            keep(Some(&file)).unwrap();
            assert_eq!((fs::read_to_string(&earlier).unwrap().as_str(), file.exists()), (text, false));
        }
        // An empty one says nothing.
        fs::write(&file, "").unwrap();
        keep(Some(&file)).unwrap();
        assert_eq!(fs::read_to_string(&earlier).unwrap(), "two");
        keep(Some(Path::new("/dev/null"))).unwrap();
    }
}
