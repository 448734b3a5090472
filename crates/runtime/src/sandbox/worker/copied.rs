//! A root that is assembled by copying and entered with chroot, for hosts where namespaces are forbidden.
//!
//! The worker itself stays outside. It changes the root only in a child process that has entered it, so that symbolic links made by a build
//! cannot lead outside.

use std::fs::{self, File, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, chdir, chroot, fork, geteuid, pipe, setgroups};

use super::super::BUILD_DIR;
use super::super::job::{Input, Job, Root};
use super::super::message::{Refusal, Stage};
use super::copy::lay;
use super::devices::{DEVICES, LINKS, NUMBERS};
use super::place::{Kind, Places};

/// The file in an overlay's work directory that marks its root as completely copied.
const LAID: &str = "laid";

/// A prepared root.
pub(super) struct Copied {
    root: PathBuf,
    build: Option<Build>,
    /// What was created in the root and must not stay in it, in order of creation.
    made: Vec<(PathBuf, Kind)>,
}

/// The build's own directory, moved into the root while steps run.
struct Build {
    place: PathBuf,
    identity: (u64, u64),
}

impl Copied {
    /// Assembles the root of `job` by copying.
    pub fn new(job: &Job) -> Result<Self, Refusal> {
        if !geteuid().is_root() {
            return Err(Stage::Chroot.refused("")(Errno::EPERM));
        }
        // In a sandbox with namespaces there are no groups either.
        let _ = setgroups(&[]);
        fs::read_link("/proc/self").map_err(Stage::Chroot.refused("/proc"))?;
        let (root, is_new) = match &job.root {
            Root::Overlay { layers, upper, work } => (upper, stack(layers, upper, work)?),
            Root::Directory(folder) => (folder, true),
        };
        let root = root.canonicalize().map_err(Stage::RootDirectory.refused(root.to_string_lossy()))?;
        let is_lasting = matches!(job.root, Root::Directory(_));
        let made = in_root(&root, || system(is_lasting))?;
        let build = job.build_dir.as_deref().map(|place| Build::enter(place, &root)).transpose()?;
        if is_new {
            for input in &job.inputs {
                show(input, &root)?;
            }
        }
        Ok(Self { root, build, made: if is_lasting { made } else { Vec::new() } })
    }

    /// The directory that steps must enter with chroot.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Removes what a permanent root must not keep, and moves the build's directory back. All processes of steps must have ended.
    pub fn take_apart(self) -> Result<(), Refusal> {
        if let Some(build) = &self.build {
            build.leave(&self.root)?;
        }
        if self.made.is_empty() {
            return Ok(());
        }
        in_root(&self.root, || {
            Places::of(self.made).remove();
            Ok(Places::default())
        })
        .map(drop)
    }
}

/// Copies layers into the empty directory `upper`, unless an earlier sandbox did. Returns whether it copied.
fn stack(layers: &[PathBuf], upper: &Path, work: &Path) -> Result<bool, Refusal> {
    let mark = work.join(LAID);
    if mark.exists() {
        return Ok(false);
    }
    let refused = || Stage::Copy.refused::<io::Error>(upper.to_string_lossy());
    if fs::read_dir(upper).map_err(refused())?.next().is_some() {
        return Err(refused()(Errno::ENOTEMPTY.into()));
    }
    for layer in layers.iter().rev() {
        fs::metadata(layer).map_err(Stage::Layer.refused(layer.to_string_lossy()))?;
        lay(layer, upper).map_err(refused())?;
    }
    File::create(&mark).map_err(refused())?;
    Ok(true)
}

/// Copies an input to its place. No build step has run in the root yet; links of packages that lead out of it are refused.
fn show(input: &Input, root: &Path) -> Result<(), Refusal> {
    let refused = |errno: Errno| Stage::MountPoint.refused::<Errno>(&input.at)(errno);
    let below = Path::new(&input.at).strip_prefix("/").map_err(|_| refused(Errno::EINVAL))?;
    let mut place = root.to_owned();
    for component in below.components() {
        let std::path::Component::Normal(name) = component else { return Err(refused(Errno::EINVAL)) };
        if place != *root && !place.exists() {
            fs::create_dir(&place).map_err(Stage::MountPoint.refused(&input.at))?;
        }
        place.push(name);
        if place.is_symlink() {
            return Err(refused(Errno::ELOOP));
        }
    }
    fs::metadata(&input.host).map_err(Stage::Input.refused(input.host.to_string_lossy()))?;
    lay(&input.host, &place).map_err(Stage::Copy.refused(root.to_string_lossy()))
}

/// Creates the directories and devices of every sandbox, from inside the root.
fn system(is_lasting: bool) -> Result<Places, Refusal> {
    let mut places = Places::default();
    for path in ["/proc", "/dev", "/dev/shm", "/tmp", "/var/tmp"] {
        places.ensure(path, Kind::Directory)?;
    }
    for (name, (major, minor)) in DEVICES.into_iter().zip(NUMBERS) {
        let path = PathBuf::from("/dev").join(name);
        let refused = || Stage::Node.refused::<Errno>(path.to_string_lossy());
        match mknod(&path, SFlag::S_IFCHR, Mode::from_bits_truncate(0o666), makedev(major, minor)) {
            Err(Errno::EEXIST) => {}
            result => {
                result.map_err(refused())?;
                places.note(&path);
            }
        }
        fs::set_permissions(&path, Permissions::from_mode(0o666)).map_err(Stage::Node.refused(path.to_string_lossy()))?;
    }
    // On a file system mounted `nodev`, the file exists but cannot be opened.
    File::open("/dev/null").map_err(Stage::Node.refused("/dev/null"))?;
    for (link, target) in LINKS {
        match symlink(target, link) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            result => {
                result.map_err(Stage::MountPoint.refused(link))?;
                places.note(Path::new(link));
            }
        }
    }
    let modes: &[(&str, u32)] = match is_lasting {
        true => &[("/dev/shm", 0o1777), ("/tmp", 0o1777)],
        false => &[("/dev/shm", 0o1777), ("/tmp", 0o1777), ("/var/tmp", 0o1777), ("/", 0o755)],
    };
    for (path, mode) in modes {
        fs::set_permissions(path, Permissions::from_mode(*mode)).map_err(Stage::MountPoint.refused(*path))?;
    }
    Ok(places)
}

impl Build {
    /// Moves the directory at `place` into the root.
    fn enter(place: &Path, root: &Path) -> Result<Self, Refusal> {
        let refused = || Stage::BuildDirectory.refused::<io::Error>(place.to_string_lossy());
        let identity = identity(place).map_err(refused())?;
        fs::rename(place, inside(root)).map_err(refused())?;
        fs::set_permissions(inside(root), Permissions::from_mode(0o755)).map_err(refused())?;
        Ok(Self { place: place.to_owned(), identity })
    }

    /// Moves it back if it is still the same directory: a build could have replaced it.
    fn leave(&self, root: &Path) -> Result<(), Refusal> {
        let refused = || Stage::BuildDirectory.refused::<io::Error>(self.place.to_string_lossy());
        if identity(&inside(root)).map_err(refused())? != self.identity {
            return Err(refused()(Errno::ESTALE.into()));
        }
        fs::rename(inside(root), &self.place).map_err(refused())
    }
}

/// The path of the build's directory in a root.
fn inside(root: &Path) -> PathBuf {
    root.join(BUILD_DIR.trim_start_matches('/'))
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

/// Runs `act` in a child that has entered the root, and returns what it created there.
fn in_root(root: &Path, act: impl FnOnce() -> Result<Places, Refusal>) -> Result<Vec<(PathBuf, Kind)>, Refusal> {
    let refused = || Stage::Process.refused::<Errno>("");
    let (reader, writer) = pipe().map_err(refused())?;
    // SAFETY: the worker has a single thread, so the child may go on using everything.
    match unsafe { fork() }.map_err(refused())? {
        ForkResult::Child => {
            drop(reader);
            let entered = chroot(root).and_then(|()| chdir("/")).map_err(Stage::Chroot.refused(root.to_string_lossy()));
            let said = entered.and_then(|()| act()).map(Places::into_made);
            let told = serde_json::to_vec(&said).is_ok_and(|text| File::from(writer).write_all(&text).is_ok());
            // SAFETY: nothing of the parent must be run or flushed here.
            unsafe { nix::libc::_exit(i32::from(!told)) }
        }
        ForkResult::Parent { child } => {
            drop(writer);
            let mut text = Vec::new();
            File::from(reader).read_to_end(&mut text).map_err(Stage::Process.refused(""))?;
            while !matches!(waitpid(child, None), Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) | Err(Errno::ECHILD)) {}
            serde_json::from_slice(&text).map_err(|_| refused()(Errno::EIO))?
        }
    }
}
