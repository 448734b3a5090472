//! Finding the medium and the root image on it.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::args::{Arguments, Medium};
use crate::console::Console;
use crate::device;
use crate::failure::{Failure, context};
use crate::loopback;
use crate::modules::Loader;
use crate::sha256::Sha256;
use crate::sys::{self, flag};

/// Where the medium's file system is mounted, in the initramfs and in the running system.
pub const MEDIUM: &str = "/run/kaon/medium";
/// Where a copy of the root image in memory lies.
const MEMORY: &str = "/run/kaon/memory";
/// Where a medium's other files lie in an initramfs that came over the network, if they came, too.
pub const CARRIED: &str = "/medium";
/// The root image on the medium, or in an initramfs that came over the network.
const IMAGE: &str = "live/root.img";
/// The SHA-256 of the root image this initramfs was built with, on the medium and in the initramfs.
const IDENTITY: &str = "live/root.sha256";
/// How long between two looks at the block devices.
const PAUSE: Duration = Duration::from_millis(20);

/// The root image, ready to be mounted. The open device is held until then.
pub struct RootImage {
    /// A block device.
    pub device: PathBuf,
    /// Keeps a loop device attached.
    pub held: Option<File>,
}

/// Waits for the medium, mounts it, and gives the root image on it.
///
/// # Errors
/// When the medium does not appear in time, or is damaged, or is of another build.
pub fn root_image(arguments: &Arguments, loader: &mut Loader, console: &Console) -> Result<RootImage, Failure> {
    match &arguments.medium {
        Medium::Device(path) => {
            let device = PathBuf::from(path);
            wait(arguments.timeout, loader, console, || device.exists().then(|| device.clone()))
                .ok_or_else(|| Failure::new(format!("{path} did not appear within {} s", arguments.timeout.as_secs())))?;
            if arguments.check {
                verify(&device, console)?;
            }
            Ok(RootImage { device, held: None })
        }
        Medium::Label(label) => {
            // Started over the network, there is no medium: the image came with the initramfs.
            let mut image = Path::new("/").join(IMAGE);
            if image.is_file() {
                show_carried()?;
            } else {
                mount_medium(label, arguments.timeout, loader, console)?;
                image = Path::new(MEDIUM).join(IMAGE);
                if arguments.ram {
                    image = copy_to_memory(&image, console)?;
                }
            }
            if arguments.check {
                verify(&image, console)?;
            }
            loader.load("loop", console);
            let (device, held) = loopback::attach(&image).map_err(context(format!("cannot make a device of {}", image.display())))?;
            Ok(RootImage { device, held: Some(held) })
        }
    }
}

/// Shows what came of a medium besides the root image where a medium would be.
fn show_carried() -> Result<(), Failure> {
    if !Path::new(CARRIED).is_dir() {
        return Ok(());
    }
    fs::create_dir_all(MEDIUM).map_err(context(format!("cannot make {MEDIUM}")))?;
    sys::mount(Path::new(CARRIED), Path::new(MEDIUM), "", flag::BIND, "").map_err(context(format!("cannot mount {MEDIUM}")))
}

/// Calls `look` until it finds something, loading modules for what hardware appears meanwhile.
fn wait<T>(timeout: Duration, loader: &mut Loader, console: &Console, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + timeout;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() >= deadline {
            return None;
        }
        loader.load_for_new_devices(console);
        std::thread::sleep(PAUSE);
    }
}

fn mount_medium(label: &str, timeout: Duration, loader: &mut Loader, console: &Console) -> Result<(), Failure> {
    loader.load("isofs", console);
    fs::create_dir_all(MEDIUM).map_err(context(format!("cannot make {MEDIUM}")))?;
    let ours = fs::read_to_string(Path::new("/").join(IDENTITY)).ok();
    let mut stranger = None;
    let found = wait(timeout, loader, console, || {
        for device in device::all() {
            if device::iso_label(&device).ok().flatten().as_deref() != Some(label) {
                continue;
            }
            if sys::mount(&device, Path::new(MEDIUM), "iso9660", flag::READ_ONLY | flag::NO_SUID | flag::NO_DEV, "").is_err() {
                continue;
            }
            // Two media may carry the same label: only the one this kernel and its modules were built with will do.
            let theirs = fs::read_to_string(Path::new(MEDIUM).join(IDENTITY)).ok();
            if theirs.is_some() && theirs == ours {
                return Some(device);
            }
            let _ = sys::unmount(Path::new(MEDIUM));
            stranger = Some(device);
        }
        None
    });
    match (found, stranger) {
        (Some(device), _) => {
            console.debug(&format!("the medium is {}", device.display()));
            Ok(())
        }
        (None, Some(device)) => Err(Failure::new(format!(
            "{} is labelled `{label}`, but holds the root image of another build than this kernel",
            device.display()
        ))),
        (None, None) => Err(Failure::new(format!("no medium labelled `{label}` appeared within {} s", timeout.as_secs()))),
    }
}

/// Copies the root image to a tmpfs of its own size, and lets go of the medium.
fn copy_to_memory(image: &Path, console: &Console) -> Result<PathBuf, Failure> {
    let problem = "cannot copy the root image to memory";
    let size = fs::metadata(image).map_err(context(problem))?.len();
    console.debug(&format!("copying {} MiB to memory", size / (1024 * 1024)));
    fs::create_dir_all(MEMORY).map_err(context(problem))?;
    let options = format!("mode=0700,size={}", size.next_multiple_of(4096) + 4096);
    sys::mount(Path::new("tmpfs"), Path::new(MEMORY), "tmpfs", flag::NO_SUID | flag::NO_DEV | flag::NO_EXEC, &options)
        .map_err(context(problem))?;
    let copy = Path::new(MEMORY).join("root.img");
    fs::copy(image, &copy).map_err(context(problem))?;
    sys::unmount(Path::new(MEDIUM)).map_err(context("cannot let go of the medium"))?;
    Ok(copy)
}

/// Compares the root image with the checksum in the initramfs.
fn verify(image: &Path, console: &Console) -> Result<(), Failure> {
    let wanted = fs::read_to_string(Path::new("/").join(IDENTITY)).map_err(context("this initramfs holds no checksum"))?;
    let (wanted, size) = wanted.trim().split_once(' ').ok_or_else(|| Failure::new("the checksum in this initramfs cannot be read"))?;
    let size: u64 = size.parse().map_err(|_| Failure::new("the checksum in this initramfs cannot be read"))?;
    console.warn("comparing the root image with its checksum");
    let found = digest(image, size).map_err(context("the root image cannot be read"))?;
    if found == wanted {
        console.warn("the root image is intact");
        Ok(())
    } else {
        Err(Failure::new(format!("the root image is damaged: its SHA-256 is {found}, and should be {wanted}")))
    }
}

/// The SHA-256 of a file's first `size` bytes; a device may be longer than the image it holds.
fn digest(path: &Path, size: u64) -> io::Result<String> {
    let mut input = File::open(path)?.take(size);
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match input.read(&mut buffer)? {
            0 => return Ok(hash.finish()),
            length => hash.update(&buffer[..length]),
        }
    }
}
