//! Reads files named by a description or on the command line. Only regular files are read: opening a FIFO waits for a writer, and a device may
//! have no end.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

use base::digest::Digest;
use nix::libc::O_NONBLOCK;

/// Opens a regular file for reading; links are followed.
///
/// # Errors
/// When it cannot be opened; [`io::ErrorKind::InvalidInput`] when it is not a regular file.
pub fn open(path: &Path) -> io::Result<File> {
    // Opening some devices has effects, so the kind is checked both before and after.
    check(&fs::metadata(path)?)?;
    let file = OpenOptions::new().read(true).custom_flags(O_NONBLOCK).open(path)?;
    check(&file.metadata()?)?;
    Ok(file)
}

/// The content of a regular file of at most `largest_bytes`.
///
/// # Errors
/// As for [`open`]; [`io::ErrorKind::FileTooLarge`] when it is larger.
pub fn read(path: &Path, largest_bytes: u64) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let too_large = || io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {} MiB", largest_bytes >> 20));
    if file.metadata()?.len() > largest_bytes {
        return Err(too_large());
    }
    let mut content = Vec::new();
    // Files in /proc have size 0, and other files may grow.
    file.take(largest_bytes.saturating_add(1)).read_to_end(&mut content)?;
    if content.len() as u64 > largest_bytes { Err(too_large()) } else { Ok(content) }
}

/// The digest of a regular file's content.
///
/// # Errors
/// As for [`open`].
pub fn digest(path: &Path) -> io::Result<Digest> {
    Digest::of_reader(open(path)?)
}

fn check(metadata: &Metadata) -> io::Result<()> {
    let kind = metadata.file_type();
    let found = match () {
        () if kind.is_file() => return Ok(()),
        () if kind.is_dir() => "a directory",
        () if kind.is_fifo() => "a FIFO",
        () if kind.is_socket() => "a socket",
        () => "a device",
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it is {found}, not a regular file")))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;
    use nix::sys::stat::Mode;

    #[test]
    fn only_regular_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        nix::unistd::mkfifo(&at("fifo"), Mode::S_IRWXU).unwrap();
        let _socket = UnixListener::bind(at("socket")).unwrap();
        fs::write(at("file"), "text").unwrap();
        symlink("fifo", at("link")).unwrap();
        symlink("file", at("good")).unwrap();
        assert_eq!(read(&at("good"), 4).unwrap(), b"text");
        assert_eq!(digest(&at("good")).unwrap(), Digest::of_bytes("text"));
        for (path, found) in [
            (at("fifo"), "a FIFO"),
            (at("link"), "a FIFO"),
            (at("socket"), "a socket"),
            (folder.path().to_owned(), "a directory"),
            ("/dev/zero".into(), "a device"),
        ] {
            for error in [read(&path, 4).unwrap_err(), digest(&path).unwrap_err()] {
                assert_eq!(error.to_string(), format!("it is {found}, not a regular file"));
            }
        }
    }

    #[test]
    fn a_file_is_read_up_to_its_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large");
        File::create(&path).unwrap().set_len((1 << 20) + 1).unwrap();
        let error = read(&path, 1 << 20).unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (io::ErrorKind::FileTooLarge, "it is larger than 1 MiB"));
        assert_eq!(read(Path::new("/proc/self/status"), 4).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
