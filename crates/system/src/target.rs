//! The installed system as a directory. Its own links never lead out of it.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use rpm_engine::{links, owned};

use super::inside::Surroundings;
use super::program::Where;
use super::script::Executable;
use super::{SystemError, inside, program};

/// The root of an installed system.
#[derive(Clone, Debug)]
pub struct Target {
    root: PathBuf,
    surroundings: Surroundings,
}

impl Target {
    /// The directory, made where it is not there. It must be empty.
    ///
    /// # Errors
    /// When it contains something or cannot be made.
    pub fn prepare(root: &Path) -> Result<Self, SystemError> {
        fs::create_dir_all(root).map_err(SystemError::io("make", root))?;
        let root = fs::canonicalize(root).map_err(SystemError::io("use", root))?;
        match fs::read_dir(&root).map_err(SystemError::io("read", &root))?.next() {
            None => Ok(Self { root, surroundings: Surroundings::Shared }),
            Some(_) => Err(SystemError::NotEmpty { path: root }),
        }
    }

    /// A system that is there: `/`, or another root.
    pub fn existing(root: &Path) -> Self {
        Self { root: root.to_owned(), surroundings: Surroundings::Shared }
    }

    /// The same system on a machine that is not its own: its programs see neither that machine's network nor its name, and cannot change its
    /// kernel's settings.
    #[must_use]
    pub fn apart(self) -> Self {
        Self { surroundings: Surroundings::Apart, ..self }
    }

    /// Where it is in this system.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where a path of it is in this system. Links on the way are followed within it; the last component is not.
    ///
    /// # Errors
    /// When links lead in circles.
    pub fn place(&self, path: &str) -> Result<PathBuf, SystemError> {
        let place = links::place(path, |here| self.link_at(here))?;
        place.map(|place| self.below(&place)).ok_or_else(|| SystemError::Links { path: path.to_owned() })
    }

    /// As [`Self::place`], with the last component followed too.
    ///
    /// # Errors
    /// When links lead in circles.
    pub fn folder(&self, path: &str) -> Result<PathBuf, SystemError> {
        let place = links::follow(path, |here| self.link_at(here))?;
        place.map(|place| self.below(&place)).ok_or_else(|| SystemError::Links { path: path.to_owned() })
    }

    /// The target of a link of it, whose path begins with `/`.
    fn link_at(&self, path: &str) -> Result<Option<String>, SystemError> {
        let here = self.below(path);
        match fs::read_link(&here) {
            Ok(target) => target
                .into_os_string()
                .into_string()
                .map(Some)
                .map_err(|_| SystemError::io("follow", &here)(io::ErrorKind::InvalidFilename.into())),
            // Not a link, or not there.
            Err(_) => Ok(None),
        }
    }

    fn below(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// A directory of it, made with its parents where it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn directory(&self, path: &str, mode: u32) -> Result<PathBuf, SystemError> {
        let place = self.folder(path)?;
        make_directory(&place, mode).map_err(SystemError::io("make", &place))?;
        Ok(place)
    }

    /// Writes a file of it, in place of what was there, so that at no moment half of it is there.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &str, mode: u32, content: &[u8]) -> Result<(), SystemError> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let folder = if folder.is_empty() { self.root.clone() } else { self.directory(folder, 0o755)? };
        let (place, fresh) = (folder.join(name), folder.join(format!(".{name}.kaon-new")));
        let result = write_as(&fresh, mode, None, content).and_then(|()| fs::rename(&fresh, &place));
        result.map_err(SystemError::io("write", &place))
    }

    /// As [`Self::write`], with the owner, group and mode of the file that was there; `mode` is for one that was not.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn replace(&self, path: &str, mode: u32, content: &[u8]) -> Result<(), SystemError> {
        let place = self.place(path)?;
        let before = match fs::symlink_metadata(&place) {
            Ok(metadata) if metadata.is_file() => metadata,
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(SystemError::io("read", &place)(error)),
            _ => return self.write(path, mode, content),
        };
        let fresh = place.with_file_name(format!(".{}.kaon-new", place.file_name().unwrap_or_default().to_string_lossy()));
        let result = write_as(&fresh, before.mode() & 0o7777, Some((before.uid(), before.gid())), content);
        result.and_then(|()| fs::rename(&fresh, &place)).map_err(SystemError::io("write", &place))
    }

    /// The text of a file of it, also of one whose mode forbids its owner to read it; empty where it is not there.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self, path: &str) -> Result<String, SystemError> {
        let place = self.folder(path)?;
        match owned::open(&place).and_then(io::read_to_string) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            other => other.map_err(SystemError::io("read", &place)),
        }
    }

    /// The bytes of a file of it; none where it is not there.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read_bytes(&self, path: &str) -> Result<Vec<u8>, SystemError> {
        let place = self.folder(path)?;
        let read = |mut file: fs::File| {
            let mut bytes = Vec::new();
            io::Read::read_to_end(&mut file, &mut bytes).map(|_| bytes)
        };
        match owned::open(&place).and_then(read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            other => other.map_err(SystemError::io("read", &place)),
        }
    }

    /// Removes a file of it, if it is there.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self, path: &str) -> Result<(), SystemError> {
        let place = self.place(path)?;
        match fs::remove_file(&place) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(SystemError::io("remove", &place)(error)),
            _ => Ok(()),
        }
    }

    /// Makes a link in it, in place of what was there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn symlink(&self, path: &str, to: &str) -> Result<(), SystemError> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let place = self.directory(folder, 0o755)?.join(name);
        match fs::remove_file(&place) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(SystemError::io("replace", &place)(error)),
            _ => symlink(to, &place).map_err(SystemError::io("make", &place)),
        }
    }

    /// Whether it holds a program.
    pub fn has(&self, program: &str) -> bool {
        ["usr/bin", "usr/sbin"].iter().any(|folder| self.root.join(folder).join(program).is_file())
    }

    /// Runs a program of it in it. Who is not root is root of a user namespace for that.
    ///
    /// # Errors
    /// When it cannot be run or fails.
    pub fn run(&self, program: &str, arguments: &[impl AsRef<str>], input: Option<&str>) -> Result<String, SystemError> {
        if self.root == Path::new("/") {
            return Ok(program::run(program, arguments, input)?);
        }
        let mut command = self.command(program)?;
        command.args(arguments.iter().map(AsRef::as_ref));
        Ok(program::wait(program, &mut command, Where::Inside, input)?)
    }

    /// Runs a script, given as text, in it, and returns what it says. The text never touches a disk.
    ///
    /// # Errors
    /// When it cannot be run or fails.
    pub fn run_text(&self, name: &str, text: &[u8]) -> Result<String, SystemError> {
        self.run_script(name, &Executable::new(text).map_err(SystemError::io("keep", Path::new(name)))?)
    }

    /// Runs a script in it.
    pub fn run_script(&self, name: &str, script: &Executable) -> Result<String, SystemError> {
        if self.root == Path::new("/") {
            return Ok(program::run_script(name, script)?);
        }
        Ok(program::wait(name, self.command(&script.path())?.envs(script.environment()), Where::Inside, None)?)
    }

    fn command(&self, program: &str) -> Result<Command, SystemError> {
        for path in ["/proc", "/sys", "/dev", "/run", "/tmp"] {
            self.directory(path, 0o755)?;
        }
        inside::command(&self.root, program, self.surroundings).map_err(SystemError::io("enter", &self.root))
    }
}

/// Makes a directory and those above it that are not there; what is made has this mode whatever the caller's umask is.
fn make_directory(path: &Path, mode: u32) -> io::Result<()> {
    match DirBuilder::new().mode(mode).create(path) {
        Ok(()) => fs::set_permissions(path, Permissions::from_mode(mode)),
        Err(error) => match (error.kind(), path.parent()) {
            (io::ErrorKind::AlreadyExists, _) if path.is_dir() => Ok(()),
            (io::ErrorKind::NotFound, Some(above)) => make_directory(above, mode).and_then(|()| make_directory(path, mode)),
            _ => Err(error),
        },
    }
}

/// Writes a new file. `owner` is its owner and group where they must be those of another file.
fn write_as(path: &Path, mode: u32, owner: Option<(u32, u32)>, content: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    let own = file.metadata()?;
    if let Some((uid, gid)) = owner.filter(|owner| *owner != (own.uid(), own.gid())) {
        fchown(&file, Some(uid), Some(gid))?;
    }
    file.set_permissions(Permissions::from_mode(mode))?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tells a process that it is in a tree.
    const PLAYS: &str = "KAON_TEST_APART";

    /// The test's own program in a tree, which is this system's root seen at another place.
    #[test]
    fn apart_there_is_neither_network_nor_name_of_the_machine() {
        let words = ["net", "uts", "ipc"].map(|kind| fs::read_link(format!("/proc/self/ns/{kind}")).unwrap().display().to_string());
        let program = std::env::current_exe().unwrap();
        let mut command = inside::command(Path::new("/"), program.to_str().unwrap(), Surroundings::Apart).unwrap();
        command.args(["--exact", "target::tests::plays_a_program_apart"]).env(PLAYS, words.join(","));
        let output = command.output();
        if output.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied) {
            // In a container that forbids namespaces, the program does not run at all.
            return;
        }
        let output = output.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }

    /// Not a test by itself: what the one above starts.
    #[test]
    fn plays_a_program_apart() {
        let Ok(outside) = std::env::var(PLAYS) else { return };
        for kind in ["net", "uts", "ipc"] {
            let here = fs::read_link(format!("/proc/self/ns/{kind}")).unwrap().display().to_string();
            assert!(!outside.contains(&here), "{here} is shared");
        }
        let routes: Vec<_> = fs::read_to_string("/proc/self/net/route").unwrap().lines().skip(1).map(str::to_owned).collect();
        assert!(routes.is_empty(), "{routes:?}");
    }

    #[test]
    fn links_stay_within() {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::prepare(folder.path()).unwrap();
        target.symlink("/etc", "/../../usr/etc").unwrap();
        target.symlink("/loop", "loop/x").unwrap();
        target.write("/etc/a", 0o600, b"x").unwrap();
        assert_eq!(fs::read(target.root().join("usr/etc/a")).unwrap(), b"x");
        assert_eq!(target.read("/etc/a").unwrap(), "x");
        assert_eq!(target.read("/etc/none").unwrap(), "");
        for (path, mode) in [("usr", 0o755), ("usr/etc", 0o755), ("usr/etc/a", 0o600)] {
            assert_eq!(fs::metadata(target.root().join(path)).unwrap().mode() & 0o7777, mode, "{path}, whatever the umask is");
        }
        target.symlink("/etc/out", "/proc/self/environ").unwrap();
        assert_eq!(target.read("/etc/out").unwrap(), "", "a link is followed in the target");
        target.write("/etc/out", 0o644, b"y").unwrap();
        assert_eq!(target.read("/etc/out").unwrap(), "y");
        assert!(matches!(target.place("/loop/y"), Err(SystemError::Links { .. })));
        assert!(matches!(Target::prepare(folder.path()), Err(SystemError::NotEmpty { .. })));
    }
}
