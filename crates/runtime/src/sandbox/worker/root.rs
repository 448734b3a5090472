//! The root file system of the steps.

use std::fs::{self, File, Permissions};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::libc;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::stat::Mode;
use nix::unistd::{chdir, fchdir, pivot_root};

use super::super::BUILD_DIR;
use super::super::job::{Job, Root};
use super::super::message::{Refusal, Stage};
use super::devices::{DEVICES, LINKS};
use super::place::{Kind, Places};

const NOTHING: Option<&str> = None;

/// Files of `/proc` that affect the host. When root builds, user 0 of the sandbox is the host's root, and the checks of these files are for
/// that user, not for a capability.
const HOST_PROC: [&str; 5] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// The kernel's limit of directories in one overlay (`OVL_MAX_STACK`); more are merged in a read-only overlay below.
const MOST_LAYERS: usize = 500;

/// A file or directory of the host, opened while its path is still reachable.
struct Source {
    fd: OwnedFd,
    kind: Kind,
}

/// A prepared root, with everything mounted in it.
pub(super) struct Assembled {
    places: Places,
    mounted: Vec<String>,
    /// Whether the root outlives the sandbox, so that nothing of the sandbox may stay in it.
    lasting: bool,
    /// Whether `/proc` is that of the surrounding process namespace.
    shares_proc: bool,
}

impl Assembled {
    /// Makes the root of `job` this process's root and detaches the host's.
    pub fn new(job: &Job) -> Result<Self, Refusal> {
        let build = job.build_dir.as_deref().map(|path| Source::open(path, Stage::BuildDirectory)).transpose()?;
        let inputs = job.inputs.iter().map(|input| Source::open(&input.host, Stage::Input)).collect::<Result<Vec<_>, _>>()?;
        let devices = DEVICES.map(|name| Source::open(&Path::new("/dev").join(name), Stage::Device));
        let host = Source::open(Path::new("/"), Stage::Pivot)?;
        mount_root(&job.root)?;
        pivot_root(".", ".").map_err(Stage::Pivot.refused(""))?;
        chdir("/").map_err(Stage::Pivot.refused(""))?;

        let mut root =
            Self { places: Places::default(), mounted: Vec::new(), lasting: matches!(job.root, Root::Directory(_)), shares_proc: false };
        root.mount_proc(&host)?;
        root.mount_system(devices)?;
        if let Some(build) = &build {
            root.bind(build, BUILD_DIR)?;
            set_mode(BUILD_DIR, 0o755)?;
        }
        for (source, input) in inputs.iter().zip(&job.inputs) {
            root.bind(source, &input.at)?;
            set_read_only(&input.at)?;
        }
        fchdir(&host.fd).map_err(Stage::Pivot.refused(""))?;
        umount2(".", MntFlags::MNT_DETACH).map_err(Stage::Pivot.refused(""))?;
        chdir("/").map_err(Stage::Pivot.refused(""))?;
        Ok(root)
    }

    /// Whether its `/proc` shows processes outside of the sandbox.
    pub fn shares_proc(&self) -> bool {
        self.shares_proc
    }

    /// Removes what a permanent root must not keep. All processes of steps must have ended.
    pub fn take_apart(self) {
        if self.lasting {
            let _ = chdir("/");
            for path in self.mounted.iter().rev() {
                let _ = umount2(path.as_str(), MntFlags::MNT_DETACH);
            }
            self.places.remove();
        }
    }

    /// Mounts a separate `/proc` for the sandbox. The kernel refuses that with EPERM if parts of the existing one are masked, as in most
    /// containers; then the existing one is used, including its masks. Its processes are protected, because they belong to another user
    /// namespace.
    fn mount_proc(&mut self, host: &Source) -> Result<(), Refusal> {
        let hardened = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        match self.mount("proc", "/proc", hardened, NOTHING, Stage::Proc) {
            Err(refusal) if refusal.errno == Errno::EPERM as i32 => {
                fchdir(&host.fd).map_err(Stage::Pivot.refused(""))?;
                let bind = MsFlags::MS_BIND | MsFlags::MS_REC;
                mount(Some("proc"), "/proc", NOTHING, bind, NOTHING).map_err(Stage::Proc.refused("/proc"))?;
                chdir("/").map_err(Stage::Pivot.refused(""))?;
                self.mounted.push("/proc".to_owned());
                self.shares_proc = true;
            }
            other => other?,
        }
        Ok(())
    }

    fn mount_system(&mut self, devices: [Result<Source, Refusal>; DEVICES.len()]) -> Result<(), Refusal> {
        for path in HOST_PROC.into_iter().filter(|path| Path::new(path).exists()) {
            let bind = MsFlags::MS_BIND | MsFlags::MS_REC;
            mount(Some(path), path, NOTHING, bind, NOTHING).map_err(Stage::Mount.refused(path))?;
            set_read_only(path)?;
        }
        let quiet = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
        self.mount("tmpfs", "/dev", quiet, Some("mode=755,size=1m"), Stage::Mount)?;
        for (name, device) in DEVICES.into_iter().zip(devices) {
            self.bind(&device?, &format!("/dev/{name}"))?;
        }
        self.mount("devpts", "/dev/pts", quiet, Some("newinstance,ptmxmode=0666,mode=0620"), Stage::Mount)?;
        self.mount("tmpfs", "/dev/shm", MsFlags::MS_NOSUID | MsFlags::MS_NODEV, Some("mode=1777"), Stage::Mount)?;
        for (link, target) in LINKS.into_iter().chain([("/dev/ptmx", "pts/ptmx")]) {
            symlink(target, link).map_err(Stage::MountPoint.refused(link))?;
        }
        self.scratch()
    }

    /// `/tmp`: on disk with the other changes, or in memory for a root that must not keep it.
    fn scratch(&mut self) -> Result<(), Refusal> {
        if self.lasting {
            return self.mount("tmpfs", "/tmp", MsFlags::MS_NOSUID | MsFlags::MS_NODEV, Some("mode=1777"), Stage::Mount);
        }
        for path in ["/tmp", "/var/tmp"] {
            self.places.ensure(path, Kind::Directory)?;
            set_mode(path, 0o1777)?;
        }
        // The upper directory's mode depends on the umask of its creator.
        set_mode("/", 0o755)
    }

    fn mount(&mut self, kind: &str, at: &str, flags: MsFlags, options: Option<&str>, stage: Stage) -> Result<(), Refusal> {
        self.places.ensure(at, Kind::Directory)?;
        mount(Some(kind), at, Some(kind), flags, options).map_err(stage.refused(at))?;
        self.mounted.push(at.to_owned());
        Ok(())
    }

    fn bind(&mut self, source: &Source, at: &str) -> Result<(), Refusal> {
        self.places.ensure(at, source.kind)?;
        let from = format!("/proc/self/fd/{}", source.fd.as_raw_fd());
        let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
        mount(Some(from.as_str()), at, NOTHING, flags, NOTHING).map_err(Stage::Mount.refused(at))?;
        self.mounted.push(at.to_owned());
        Ok(())
    }
}

impl Source {
    fn open(path: &Path, stage: Stage) -> Result<Self, Refusal> {
        let refused = || stage.refused::<Errno>(path.to_string_lossy());
        let fd = open(path, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty()).map_err(refused())?;
        let file = File::from(fd);
        let kind = match file.metadata().map_err(stage.refused(path.to_string_lossy()))?.is_dir() {
            true => Kind::Directory,
            false => Kind::File,
        };
        Ok(Self { fd: file.into(), kind })
    }
}

fn set_mode(path: &str, mode: u32) -> Result<(), Refusal> {
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(Stage::MountPoint.refused(path))
}

/// Mounts the root somewhere on the host, in this namespace only, and makes it the working directory.
fn mount_root(root: &Root) -> Result<(), Refusal> {
    match root {
        Root::Overlay { layers, upper, work } => mount_overlay(layers, upper, work),
        Root::Directory(folder) => {
            let refused = || Stage::RootDirectory.refused::<Errno>(folder.to_string_lossy());
            mount(Some(folder), folder, NOTHING, MsFlags::MS_BIND | MsFlags::MS_REC, NOTHING).map_err(refused())?;
            chdir(folder).map_err(refused())
        }
    }
}

/// The options of a mount must fit into a page, which paths of hundreds of layers do not. So the layers are opened, and named by number
/// relative to the directory of open files, which also avoids quoting colons and commas.
///
/// `volatile`: no sandbox outlives a crash of the machine, and without it the whole file system that contains the changes would be synced
/// to disk when the sandbox ends (overlayfs in the kernel's documentation).
fn mount_overlay(layers: &[impl AsRef<Path>], upper: &Path, work: &Path) -> Result<(), Refusal> {
    let mut layers = layers.iter().map(|path| Source::open(path.as_ref(), Stage::Layer)).collect::<Result<Vec<_>, _>>()?;
    let top = Source::open(upper, Stage::Layer)?;
    let own = Source::open(work, Stage::Layer)?;
    // The marker of an earlier sandbox with this upper directory would prevent the mount.
    let _ = fs::remove_dir_all(work.join("work/incompat"));
    let absolute = |path: &Path| std::path::absolute(path).map_err(Stage::Layer.refused(path.to_string_lossy()));
    let (target, work) = (absolute(upper)?, absolute(work)?);
    let refused = || Stage::Overlay.refused::<Errno>(upper.to_string_lossy());
    chdir("/proc/self/fd").map_err(refused())?;
    if layers.len() > MOST_LAYERS {
        layers = merged(layers, &work).map_err(refused())?;
    }
    let (top, own) = (top.fd.as_raw_fd(), own.fd.as_raw_fd());
    let options = format!("lowerdir={},upperdir={top},workdir={own},userxattr,volatile", numbers(&layers));
    mount(Some("overlay"), &target, Some("overlay"), MsFlags::empty(), Some(options.as_str())).map_err(refused())?;
    chdir(&target).map_err(refused())
}

/// Fewer layers with the same content: each merges up to [`MOST_LAYERS`] others. They are not nested further, because overlays nest only once.
///
/// All can be mounted at the same `place`, since everything is accessed by descriptors.
fn merged(layers: Vec<Source>, place: &Path) -> Result<Vec<Source>, Errno> {
    let mut rest = layers.into_iter().peekable();
    let mut merged = Vec::new();
    while rest.peek().is_some() {
        let mut group: Vec<Source> = rest.by_ref().take(MOST_LAYERS).collect();
        // An overlay that takes no changes must have two layers.
        if group.len() > 1 {
            let options = format!("lowerdir={},userxattr", numbers(&group));
            mount(Some("overlay"), place, Some("overlay"), MsFlags::MS_RDONLY, Some(options.as_str()))?;
            let fd = open(place, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())?;
            group = vec![Source { fd, kind: Kind::Directory }];
        }
        merged.append(&mut group);
    }
    Ok(merged)
}

/// The descriptors of layers in the form of an overlay's option.
fn numbers(layers: &[Source]) -> String {
    let names: Vec<String> = layers.iter().map(|layer| layer.fd.as_raw_fd().to_string()).collect();
    names.join(":")
}

/// Makes a mount and all below it read-only, without changing its other flags, which the kernel would not let it clear.
fn set_read_only(at: &str) -> Result<(), Refusal> {
    let path = std::ffi::CString::new(at).map_err(Stage::MountPoint.refused(at))?;
    let attributes = libc::mount_attr { attr_set: libc::MOUNT_ATTR_RDONLY, attr_clr: 0, propagation: 0, userns_fd: 0 };
    // SAFETY: path and attributes outlive the call, and the size is that of the attributes.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            libc::AT_RECURSIVE,
            &raw const attributes,
            size_of_val(&attributes),
        )
    };
    Errno::result(result).map(drop).map_err(Stage::Mount.refused(at))
}
