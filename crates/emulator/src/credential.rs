//! Passes files to a guest's systemd.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Credential, QemuError};
use base::file_error::FileError;

/// `content` as the credential `name`, passed in an SMBIOS string, whose file in `folder` is named by `number`
/// (systemd.system-credentials(7)).
///
/// # Errors
/// When the file cannot be written.
pub fn credential(name: &str, content: &[u8], number: usize, folder: &Path) -> Result<Credential, QemuError> {
    let string_file = folder.join(format!("credential-{number}"));
    let text = format!("io.systemd.credential.binary:{name}={}", STANDARD.encode(content));
    fs::write(&string_file, text).map_err(|source| QemuError::Io(FileError::new("write", &string_file, source)))?;
    Ok(Credential { string_file })
}
