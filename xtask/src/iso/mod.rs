//! Live media: one ISO that starts by BIOS and UEFI, from a disc or a USB stick.
//!
//! ```text
//! boot/vmlinuz, boot/initramfs     what the boot loader starts
//! boot/grub/                       GRUB for BIOS, its menu
//! boot/id-<digest>                 by which GRUB tells this medium from another
//! live/root.img, live/root.sha256  the root file system, squashed, and its identity
//! (appended partition)             a FAT file system with GRUB for UEFI
//! ```
//!
//! All tools come from the SDK's `image` layer and run in the sandbox. Equal inputs give equal bytes.

mod error;
mod script;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cancel::Cancel;
use crate::digest::Digest;
use crate::image::Image;
use crate::initramfs::{self, IDENTITY_PATH, InitramfsRequest, RootIdentity};
use crate::progress::Reporter;
use crate::rootfs::Rootfs;
use crate::sandbox::{self, Input, Job, Root, Step, StepsEnded};
use crate::spec::SOURCE_DATE_EPOCH;
use crate::store::StoreError;

pub use error::IsoError;

/// Raised when what is written changes and the image's description does not.
pub const CONTRACT: u32 = 1;

/// Where the live system's first program lies in its package.
const LIVE_INIT: &str = "usr/lib/kaon/live-init";

/// What a medium is made of.
pub struct Request<'a> {
    /// Its description.
    pub image: &'a Image,
    /// The composed root.
    pub rootfs: &'a Rootfs,
    /// The root as one archive.
    pub rootfs_tar: &'a Path,
    /// Unpacked packages that start a medium: GRUB and the live system's first program.
    pub live: &'a [PathBuf],
    /// The layers with the tools, lowest first.
    pub tools: &'a [PathBuf],
    /// An existing directory for work in progress.
    pub scratch: &'a Path,
    /// The file that takes the tools' output.
    pub log: PathBuf,
}

/// Writes the medium to `out`.
///
/// # Errors
/// When a part is missing or a tool fails.
pub fn write(request: &Request<'_>, out: &Path, reporter: &dyn Reporter, cancel: &Cancel) -> Result<(), IsoError> {
    let writer = Writer { request, reporter, cancel, unit: format!("image {}", request.image.name), build: request.scratch.join("iso") };
    writer.prepare()?;
    writer.run("squash", script::SQUASH, &[(request.rootfs_tar, "rootfs.tar")])?;
    let identity = writer.identify()?;
    writer.lay_kernel(&identity)?;
    writer.lay_menu(&identity)?;
    writer.run("master", &script::master(request.image), &[])?;
    let made = writer.build.join("image.iso");
    fs::rename(&made, out).map_err(|source| StoreError::io("move", &made, source).into())
}

struct Writer<'a> {
    request: &'a Request<'a>,
    reporter: &'a dyn Reporter,
    cancel: &'a Cancel,
    unit: String,
    /// Seen as `/build` by the tools.
    build: PathBuf,
}

impl Writer<'_> {
    fn prepare(&self) -> Result<(), IsoError> {
        for folder in ["tree/boot/grub", "tree/live", "in"] {
            let path = self.build.join(folder);
            fs::create_dir_all(&path).map_err(|source| StoreError::io("make", &path, source))?;
        }
        Ok(())
    }

    /// Runs a script of tools in a sandbox of its own.
    fn run(&self, phase: &'static str, text: &str, inputs: &[(&Path, &str)]) -> Result<(), IsoError> {
        let scratch = self.request.scratch.join(format!("iso-{phase}"));
        for folder in ["upper", "work"] {
            let path = scratch.join(folder);
            fs::create_dir_all(&path).map_err(|source| StoreError::io("make", &path, source))?;
        }
        let layers = self.request.live.iter().rev().chain(self.request.tools.iter().rev()).cloned().collect();
        let argv = ["/bin/bash", "-euo", "pipefail", "-c", text].map(str::to_owned).to_vec();
        let job = Job {
            name: self.unit.clone(),
            root: Root::Overlay { layers, upper: scratch.join("upper"), work: scratch.join("work") },
            build_dir: Some(self.build.clone()),
            inputs: inputs.iter().map(|(host, name)| Input { host: (*host).to_owned(), at: format!("/build/in/{name}") }).collect(),
            env: environment(),
            steps: vec![Step { phase: phase.into(), argv, cwd: "/build".into() }],
        };
        let log = &self.request.log;
        let outcome = sandbox::run(&job, None, log, self.cancel, &|phase| self.reporter.phase(&self.unit, phase))?;
        match outcome.status {
            StepsEnded::Done => Ok(()),
            StepsEnded::Failed { phase, end } => Err(IsoError::Tool { phase, end: end.to_string(), log: log.clone() }),
        }
    }

    fn identify(&self) -> Result<RootIdentity, IsoError> {
        let path = self.build.join("tree/live/root.img");
        let read = || Ok::<_, std::io::Error>(RootIdentity { sha256: Digest::of_file(&path)?, size_bytes: fs::metadata(&path)?.len() });
        Ok(read().map_err(|source| StoreError::io("read", &path, source))?)
    }

    /// The kernel, and the initramfs that takes this root and no other.
    fn lay_kernel(&self, identity: &RootIdentity) -> Result<(), IsoError> {
        let release = self.request.rootfs.kernel_release.as_ref().ok_or(IsoError::NoKernel)?;
        let modules = self.request.rootfs.on_disk(&format!("/usr/lib/modules/{release}"));
        let init = self.request.live.iter().map(|tree| tree.join(LIVE_INIT)).find(|path| path.is_file()).ok_or(IsoError::NoLiveInit)?;
        let initramfs = initramfs::assemble(&InitramfsRequest { init: &init, modules: &modules, root_image: *identity })?;
        self.lay("boot/initramfs", &initramfs)?;
        let kernel = modules.join("vmlinuz");
        let target = self.build.join("tree/boot/vmlinuz");
        fs::copy(&kernel, &target).map_err(|source| StoreError::io("copy", &kernel, source))?;
        Ok(())
    }

    fn lay_menu(&self, identity: &RootIdentity) -> Result<(), IsoError> {
        let mark = script::mark(identity);
        self.lay(IDENTITY_PATH, identity.line().as_bytes())?;
        self.lay(&mark, b"")?;
        self.lay("boot/grub/grub.cfg", script::menu(self.request.image).as_bytes())?;
        let embedded = self.build.join("embedded.cfg");
        fs::write(&embedded, script::embedded(&mark)).map_err(|source| StoreError::io("write", &embedded, source).into())
    }

    fn lay(&self, path: &str, bytes: &[u8]) -> Result<(), IsoError> {
        let target = self.build.join("tree").join(path);
        fs::write(&target, bytes).map_err(|source| StoreError::io("write", &target, source).into())
    }
}

fn environment() -> BTreeMap<String, String> {
    let epoch = SOURCE_DATE_EPOCH.to_string();
    let fixed = [("PATH", "/usr/bin:/usr/sbin"), ("HOME", "/build"), ("LC_ALL", "C.UTF-8"), ("TZ", "UTC"), ("SOURCE_DATE_EPOCH", &epoch)];
    fixed.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
