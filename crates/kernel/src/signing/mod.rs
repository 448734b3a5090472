//! Signing kernel modules, after they are built and outside of the sandbox they are built in.
//!
//! The kernel is built with [`ModuleKey::certificate_pem`]; the private key never leaves the builder's directory of keys. A signature is a
//! CMS message after the module's own bytes, as in the kernel's scripts/sign-file.c. RSA with PKCS #1 v1.5 is deterministic, so signing a
//! module again gives the same file.

mod certificate;
mod key;
mod message;

use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use base::diagnostic::Failure;
use runtime::beneath::FileKind;
use runtime::install_root::{InstallRoot, InstallRootError};
use signing::SignError;

pub use key::ModuleKey;

/// Why modules were not signed.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// The key's file cannot be used.
    #[error(transparent)]
    Key(#[from] SignError),
    /// A key could not be generated.
    #[error("cannot make a key for kernel modules")]
    Generate(#[source] rsa::Error),
    /// Signing failed.
    #[error("cannot sign with the key of kernel modules")]
    Sign(#[source] rsa::Error),
    /// The public key cannot be encoded.
    #[error("cannot encode the public key of kernel modules")]
    PublicKey(#[source] rsa::pkcs8::spki::Error),
    /// A certificate or signature cannot be encoded.
    #[error("cannot encode a signature")]
    Encode(#[from] x509_cert::der::Error),
    /// The build left no install root.
    #[error(transparent)]
    InstallRoot(#[from] InstallRootError),
    /// A module cannot be read or written.
    #[error("cannot sign the kernel modules: `/{}`", path.display())]
    Module {
        /// The module, or a directory of modules, relative to the install root.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Failure for SigningError {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Key(error) => Some(error),
            Self::InstallRoot(error) => Some(error),
            Self::Generate(_) | Self::Sign(_) | Self::PublicKey(_) | Self::Encode(_) | Self::Module { .. } => None,
        }
    }
}

/// The end of a signed module (include/linux/module_signature.h and scripts/sign-file.c).
const MAGIC: &[u8] = b"~Module signature appended~\n";

/// `PKEY_ID_PKCS7`
const ID_PKCS7: u8 = 2;

/// The compression level of modules. The kernel decompresses each of them once, so only size matters.
const ZSTD_LEVEL: i32 = 19;

/// Signs every module below `tree`, compressed (`.ko.zst`) or not, in place, and returns their number. One that is signed already is
/// signed again.
///
/// # Errors
/// When a module cannot be read or written; some may be signed by then.
pub fn sign_modules(tree: &Path, key: &ModuleKey) -> Result<usize, SigningError> {
    let root = InstallRoot::open(tree)?;
    let modules = modules(&root)?;
    modules.par_iter().try_for_each(|path| sign_file(&root, path, key))?;
    Ok(modules.len())
}

/// The paths of all modules below `root`, relative to it. Links to modules are not included, and links to directories are not followed.
fn modules(root: &InstallRoot) -> Result<Vec<PathBuf>, SigningError> {
    let mut modules = Vec::new();
    let mut left = vec![PathBuf::new()];
    while let Some(folder) = left.pop() {
        let failed = |source| SigningError::Module { path: folder.clone(), source };
        let opened = if folder.as_os_str().is_empty() { None } else { Some(root.directory().open_directory(&folder).map_err(failed)?) };
        let directory = opened.as_ref().unwrap_or(root.directory());
        for name in directory.names().map_err(failed)? {
            let kind = directory.entry(&name).map_err(failed)?.kind();
            let bytes = name.as_bytes();
            if kind == FileKind::Directory {
                left.push(folder.join(&name));
            } else if kind == FileKind::Regular && (bytes.ends_with(b".ko") || bytes.ends_with(b".ko.zst")) {
                modules.push(folder.join(&name));
            }
        }
    }
    modules.sort();
    Ok(modules)
}

fn sign_file(root: &InstallRoot, path: &Path, key: &ModuleKey) -> Result<(), SigningError> {
    let failed = |source| SigningError::Module { path: path.to_owned(), source };
    let compressed = path.extension().is_some_and(|extension| extension == "zst");
    let mut file = root.directory().entry(path).and_then(|handle| handle.open_file_for_writing()).map_err(failed)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(failed)?;
    let module = if compressed { zstd::decode_all(&bytes[..]).map_err(failed)? } else { bytes };
    let signed = sign(&module, key)?;
    let bytes = if compressed { zstd::bulk::compress(&signed, ZSTD_LEVEL).map_err(failed)? } else { signed };
    let mut replace = || {
        file.rewind()?;
        file.set_len(0)?;
        file.write_all(&bytes)
    };
    replace().map_err(failed)
}

/// A module with its signature appended.
///
/// # Errors
/// When the key fails to sign.
pub fn sign(module: &[u8], key: &ModuleKey) -> Result<Vec<u8>, SigningError> {
    let module = unsigned(module);
    let signature = message::detached(module, key)?;
    let length = u32::try_from(signature.len()).unwrap_or(u32::MAX);
    let mut signed = Vec::with_capacity(module.len() + signature.len() + 12 + MAGIC.len());
    signed.extend_from_slice(module);
    signed.extend_from_slice(&signature);
    // struct module_signature: algo, hash, id_type, signer_len, key_id_len, three bytes of padding, sig_len (big-endian).
    signed.extend_from_slice(&[0, 0, ID_PKCS7, 0, 0, 0, 0, 0]);
    signed.extend_from_slice(&length.to_be_bytes());
    signed.extend_from_slice(MAGIC);
    Ok(signed)
}

/// A module without its signature, if it has one.
fn unsigned(module: &[u8]) -> &[u8] {
    let without = || {
        let rest = module.strip_suffix(MAGIC)?;
        let (rest, length) = rest.split_last_chunk::<4>()?;
        let (rest, _) = rest.split_last_chunk::<8>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        rest.get(..rest.len().checked_sub(length)?)
    };
    without().unwrap_or(module)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn key() -> ModuleKey {
        ModuleKey::generate_for_tests()
    }

    #[test]
    fn signatures_repeat_and_replace_each_other() {
        let key = key();
        let once = sign(b"\x7fELF module", &key).unwrap();
        assert!(once.starts_with(b"\x7fELF module") && once.ends_with(MAGIC));
        assert_eq!(sign(&once, &key).unwrap(), once);
        assert_eq!(unsigned(&once), b"\x7fELF module");
        assert_eq!(unsigned(MAGIC), MAGIC);
    }

    #[test]
    fn compressed_modules_stay_compressed() {
        let key = key();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/x.ko.zst");
        fs::create_dir(path.parent().unwrap()).unwrap();
        fs::write(&path, zstd::bulk::compress(b"module", 1).unwrap()).unwrap();
        fs::write(folder.path().join("modules.dep"), "a/x.ko.zst:\n").unwrap();
        assert_eq!(sign_modules(folder.path(), &key).unwrap(), 1);
        let plain = zstd::decode_all(&fs::read(&path).unwrap()[..]).unwrap();
        assert_eq!(plain, sign(b"module", &key).unwrap());
    }
    #[test]
    fn targets_of_links_of_a_build_are_not_changed() {
        let key = key();
        let folder = tempfile::tempdir().unwrap();
        let [out, outside] = ["out", "outside"].map(|name| folder.path().join(name));
        fs::create_dir_all(out.join("lib")).unwrap();
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("host.ko"), "host").unwrap();
        symlink(outside.join("host.ko"), out.join("lib/a.ko")).unwrap();
        symlink(&outside, out.join("lib/more")).unwrap();
        nix::unistd::mkfifo(&out.join("lib/pipe.ko"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        fs::write(out.join("lib/own.ko"), "own").unwrap();
        assert_eq!(sign_modules(&out, &key).unwrap(), 1);
        assert_eq!(fs::read(outside.join("host.ko")).unwrap(), b"host");
        assert_eq!(fs::read(out.join("lib/own.ko")).unwrap(), sign(b"own", &key).unwrap());
        fs::remove_dir_all(&out).unwrap();
        symlink(&outside, &out).unwrap();
        assert!(matches!(sign_modules(&out, &key).unwrap_err(), SigningError::InstallRoot(_)));
        assert_eq!(fs::read(outside.join("host.ko")).unwrap(), b"host");
    }
}
