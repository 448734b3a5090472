//! The root file system: the image read-only below, memory above.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chroot};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use crate::args::Arguments;
use crate::console::Console;
use crate::failure::{Failure, context};
use crate::medium::{CARRIED, RootImage};
use crate::modules::Loader;
use crate::sys::{self, flag};

/// Where the new root is put together.
pub const NEW_ROOT: &str = "/root";
const IMAGE: &str = "/run/kaon/root";
const CHANGES: &str = "/run/kaon/changes";

/// Directories that are not part of the overlay: container engines put overlays of their own there, which the kernel refuses on top of
/// another overlay.
const PLAIN: [&str; 3] = ["var/lib/docker", "var/lib/containerd", "var/lib/kubelet"];

/// Mounts the file systems of the kernel that everything here reads.
///
/// # Errors
/// When one cannot be mounted.
pub fn mount_kernel_file_systems() -> Result<(), Failure> {
    let common = flag::NO_SUID | flag::NO_EXEC;
    for (kind, target, flags, options) in [
        ("proc", "/proc", common | flag::NO_DEV, ""),
        ("sysfs", "/sys", common | flag::NO_DEV, ""),
        ("devtmpfs", "/dev", common, "mode=0755"),
        // systemd takes this mount over, so it is made as systemd would make it.
        ("tmpfs", "/run", flag::NO_SUID | flag::NO_DEV, "mode=0755,size=20%,nr_inodes=800k"),
    ] {
        fs::create_dir_all(target).map_err(context(format!("cannot make {target}")))?;
        sys::mount(Path::new(kind), Path::new(target), kind, flags, options).map_err(context(format!("cannot mount {target}")))?;
    }
    Ok(())
}

/// Puts the root file system together at [`NEW_ROOT`].
///
/// # Errors
/// When the image is no file system the kernel knows, or a mount fails.
pub fn assemble(image: RootImage, arguments: &Arguments, loader: &mut Loader, console: &Console) -> Result<(), Failure> {
    let kind = image_kind(&image.device).map_err(context(format!("cannot read {}", image.device.display())))?;
    let kind = kind.ok_or_else(|| Failure::new(format!("{} holds neither an EROFS nor a SquashFS image", image.device.display())))?;
    for module in [kind, "overlay"] {
        loader.load(module, console);
    }
    for folder in [IMAGE, CHANGES, NEW_ROOT] {
        fs::create_dir_all(folder).map_err(context(format!("cannot make {folder}")))?;
    }
    sys::mount(&image.device, Path::new(IMAGE), kind, flag::READ_ONLY, "").map_err(context("cannot mount the root image"))?;
    drop(image.held);
    let options = format!("mode=0755,size={}", arguments.overlay_size);
    sys::mount(Path::new("tmpfs"), Path::new(CHANGES), "tmpfs", 0, &options).map_err(context("cannot mount memory for changes"))?;
    mount_overlay().map_err(context("cannot lay memory over the root image"))?;
    for folder in PLAIN {
        mount_plain(folder).map_err(context(format!("cannot mount memory at /{folder}")))?;
    }
    Ok(())
}

fn mount_overlay() -> io::Result<()> {
    let (upper, work) = (format!("{CHANGES}/upper"), format!("{CHANGES}/work"));
    for folder in [&upper, &work] {
        fs::create_dir(folder)?;
    }
    // The topmost directory of an overlay has the attributes of its upper one.
    fs::set_permissions(&upper, fs::metadata(IMAGE)?.permissions())?;
    let options = format!("lowerdir={IMAGE},upperdir={upper},workdir={work},redirect_dir=on");
    sys::mount(Path::new("kaon"), Path::new(NEW_ROOT), "overlay", 0, &options)
}

fn mount_plain(folder: &str) -> io::Result<()> {
    let target = Path::new(NEW_ROOT).join(folder);
    let Ok(there) = fs::metadata(&target) else { return Ok(()) };
    let name = folder.replace('/', "-");
    let source = Path::new(CHANGES).join(name);
    fs::create_dir(&source)?;
    fs::set_permissions(&source, fs::Permissions::from_mode(there.permissions().mode() & 0o7777))?;
    sys::mount(&source, &target, "", flag::BIND, "")
}

/// The file system in an image, by its magic number.
fn image_kind(device: &Path) -> io::Result<Option<&'static str>> {
    let mut head = [0; 1028];
    fs::File::open(device)?.read_exact(&mut head)?;
    Ok(match head {
        head if head.starts_with(b"hsqs") => Some("squashfs"),
        head if head[1024..] == 0xE0F5_E1E2_u32.to_le_bytes() => Some("erofs"),
        _ => None,
    })
}

/// Makes [`NEW_ROOT`] the root, frees the memory of the initramfs, and becomes `init`. Returns only where that fails.
pub fn switch(init: &str) -> Failure {
    let enter = || -> io::Result<()> {
        for folder in ["/dev", "/proc", "/sys", "/run"] {
            let target = format!("{NEW_ROOT}{folder}");
            sys::mount(Path::new(folder), Path::new(&target), "", flag::MOVE, "")?;
        }
        empty_initramfs()?;
        std::env::set_current_dir(NEW_ROOT)?;
        sys::mount(Path::new("."), Path::new("/"), "", flag::MOVE, "")?;
        chroot(".")?;
        std::env::set_current_dir("/")
    };
    if let Err(error) = fs::symlink_metadata(Path::new(NEW_ROOT).join(init.trim_start_matches('/'))) {
        return context(format!("the root image has no {init}"))(error);
    }
    match enter() {
        Ok(()) => context(format!("cannot start {init}"))(Command::new(init).exec()),
        Err(error) => context("cannot enter the root file system")(error),
    }
}

/// Removes every file of the initramfs, which lies in memory, and nothing that is mounted on it or is still seen elsewhere.
fn empty_initramfs() -> io::Result<()> {
    let own = fs::metadata("/")?.dev();
    remove_on(own, Path::new("/"));
    Ok(())
}

fn remove_on(device: u64, folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        match fs::symlink_metadata(&path) {
            Ok(about) if about.dev() != device || path == Path::new(CARRIED) => {}
            Ok(about) if about.is_dir() => {
                remove_on(device, &path);
                let _ = fs::remove_dir(&path);
            }
            _ => drop(fs::remove_file(&path)),
        }
    }
}
