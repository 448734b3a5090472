//! The live medium's initramfs: one static program and the modules to access the medium.

mod cpio;
mod modules;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

pub use cpio::Archive;
pub use modules::{DRIVERS, ModuleTree, REQUIRED};

use base::diagnostic::Failure;
use base::digest::Digest;
use runtime::beneath::regular_file;

/// The inputs of a live initramfs.
#[derive(Clone, Copy, Debug)]
pub struct InitramfsRequest<'a> {
    /// `kaon-live-init`, statically linked.
    pub init: &'a Path,
    /// The kernel's `usr/lib/modules/<release>`.
    pub modules: &'a Path,
    /// The root image that this initramfs belongs to; `/init` accepts no other.
    pub root_image: RootIdentity,
}

/// The identity of a root image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RootIdentity {
    /// Digest of the whole image.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size_bytes: u64,
}

impl RootIdentity {
    /// The line stored next to the image on the medium and in the initramfs.
    pub fn line(&self) -> String {
        format!("{} {}\n", self.sha256, self.size_bytes)
    }
}

/// Where [`RootIdentity::line`] is, on the medium and in the initramfs.
pub const IDENTITY_PATH: &str = "live/root.sha256";

/// Why an initramfs could not be made.
#[derive(Debug, thiserror::Error)]
pub enum InitramfsError {
    /// A file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The kernel lacks something that a live medium needs.
    #[error("this kernel has `{module}` neither built in nor as a module, and a live medium needs it to start")]
    Lacks {
        /// The module's name.
        module: &'static str,
    },
    /// Compression failed.
    #[error("cannot compress the initramfs")]
    Compress {
        /// Why.
        source: io::Error,
    },
}

impl Failure for InitramfsError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Lacks { module } => Some(format!("enable the option of `{module}` in a fragment of `kernel-config/`")),
            Self::Read { .. } | Self::Compress { .. } => None,
        }
    }
}

/// The compressed initramfs. Equal inputs produce equal bytes.
///
/// # Errors
/// When a file cannot be read, or the kernel lacks a file system of the live medium.
pub fn assemble(request: &InitramfsRequest<'_>) -> Result<Vec<u8>, InitramfsError> {
    let text = |name: &str| read_module(request.modules, name).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let tree = ModuleTree::parse(&text("modules.dep")?, &text("modules.alias")?, &text("modules.builtin")?);
    if let Some(module) = REQUIRED.into_iter().find(|name| !tree.has(name)) {
        return Err(InitramfsError::Lacks { module });
    }
    let mut archive = Archive::new();
    for folder in ["dev", "proc", "sys", "run", "root"] {
        archive.directory(folder);
    }
    // The kernel opens this device for /init before anything is mounted.
    archive.character_device("dev/console", 0o600, 5, 1);
    archive.file("init", 0o755, read(request.init)?);
    archive.file(IDENTITY_PATH, 0o644, request.root_image.line().into_bytes());
    let mut held = BTreeMap::new();
    for (name, file) in tree.closure(REQUIRED.into_iter().chain(DRIVERS)) {
        let (suffix, data) =
            plain_module(file, read_module(request.modules, file)?).map_err(|source| InitramfsError::Compress { source })?;
        let own_name = format!("{name}{suffix}");
        archive.file(&format!("modules/{own_name}"), 0o644, data);
        held.insert(name, own_name);
    }
    archive.file("modules/index", 0o644, tree.index(&held).into_bytes());
    zstd::bulk::compress(&archive.finish(), ZSTD_LEVEL).map_err(|source| InitramfsError::Compress { source })
}

/// The highest level whose window (8 MiB) is sure to fit into the memory of the kernel's decompressor.
const ZSTD_LEVEL: i32 = 19;

/// A module without its own compression: the archive's compression is better, since it covers all modules.
fn plain_module(file: &str, data: Vec<u8>) -> io::Result<(&'static str, Vec<u8>)> {
    if file.ends_with(".zst") {
        return Ok((".ko", zstd::decode_all(&data[..])?));
    }
    if file.ends_with(".gz") {
        let mut plain = Vec::new();
        GzDecoder::new(&data[..]).read_to_end(&mut plain)?;
        return Ok((".ko", plain));
    }
    Ok((if file.ends_with(".xz") { ".ko.xz" } else { ".ko" }, data))
}

/// Reads a file of the modules' directory, such as a module by its path in `modules.dep`. Both come from a package, so neither a link nor a
/// path may lead out of the directory.
fn read_module(modules: &Path, file: &str) -> Result<Vec<u8>, InitramfsError> {
    let failed = |source| InitramfsError::Read { path: modules.join(file), source };
    fs::read(regular_file(modules, file).map_err(failed)?).map_err(failed)
}

fn read(path: &Path) -> Result<Vec<u8>, InitramfsError> {
    fs::read(path).map_err(|source| InitramfsError::Read { path: path.to_owned(), source })
}
