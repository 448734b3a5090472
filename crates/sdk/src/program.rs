//! Runs programs of the SDK outside of a sandbox.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// The folder of the layers' libraries, including the dynamic loader.
const LIBRARIES: &str = "usr/lib/x86_64-linux-gnu";

/// Writes a script into `folder` for each of the programs `names`, which runs it with the SDK's own dynamic loader and libraries, so that
/// the host needs neither. Later layers hide files of earlier ones.
///
/// # Errors
/// When the layers lack one of the programs, or `folder` cannot be written.
pub fn wrap(layers: &[PathBuf], names: &[&str], folder: &Path) -> io::Result<()> {
    let find = |path: &str| layers.iter().rev().map(|layer| layer.join(path)).find(|file| file.exists());
    let missing = |name: &str| io::Error::new(io::ErrorKind::NotFound, format!("the SDK's layers have no `{name}`"));
    let loader = "ld-linux-x86-64.so.2";
    let loader = find(&format!("{LIBRARIES}/{loader}")).ok_or_else(|| missing(loader))?;
    let libraries: Vec<String> = layers.iter().map(|layer| layer.join(LIBRARIES).display().to_string()).collect();
    for name in names {
        let file = find(&format!("usr/sbin/{name}")).or_else(|| find(&format!("usr/bin/{name}"))).ok_or_else(|| missing(name))?;
        let (loader, libraries, file) = (loader.display(), libraries.join(":"), file.display());
        // Some programs, such as mkfs.ext4 and mcopy, depend on the name that they are called by.
        let script = format!("#!/bin/sh\nexec {loader} --library-path {libraries} --argv0 {name} {file} \"$@\"\n");
        let path = folder.join(name);
        fs::write(&path, script)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_layers_come_first() {
        let folder = tempfile::tempdir().unwrap();
        let layers = ["base", "image"].map(|name| folder.path().join(name)).to_vec();
        for file in ["base/usr/bin/tool", "image/usr/bin/tool", "base/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"] {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        wrap(&layers, &["tool"], folder.path()).unwrap();
        let script = fs::read_to_string(folder.path().join("tool")).unwrap();
        assert!(script.contains(&format!("--argv0 tool {}", layers[1].join("usr/bin/tool").display())), "{script}");
        let error = wrap(&layers, &["other"], folder.path()).unwrap_err();
        assert_eq!(error.to_string(), "the SDK's layers have no `other`");
    }
}
