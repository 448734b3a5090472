//! Kickstart files that are given to a machine, without a kernel argument that names them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use system::guestinfo;
use system::program;

use super::{FETCHED, Fetched, LiveError, folder, guest_info, mount};

/// Labels of disks that may have a kickstart file without being named, and how such a file may be called there.
const LABELS: [&str; 4] = ["KICKSTART", "kickstart", "cidata", "CIDATA"];
const NAMES: [&str; 2] = ["ks", "kickstart"];
const ENDINGS: [&str; 5] = ["json", "yaml", "yml", "toml", "cfg"];

/// Where QEMU shows what `-fw_cfg name=opt/org.kaon/kickstart,file=…` gives.
pub(super) const FW_CFG: &str = "/sys/firmware/qemu_fw_cfg/by_name/opt/org.kaon/kickstart/raw";

/// Larger files are not read, in bytes.
const LONGEST_BYTES: usize = 1 << 20;

/// The kickstart file that is given to this machine without being named, if there is one.
pub(super) fn search() -> Result<Fetched, LiveError> {
    let found = |path: PathBuf, origin: &str| Fetched::Found { path, origin: origin.to_owned() };
    if guestinfo::is_there()
        && let Some(path) = guest_info()?
    {
        return Ok(found(path, "in the virtual machine's variables (guestinfo.kickstart)"));
    }
    if let Some(path) = fw_cfg()? {
        return Ok(found(path, "in QEMU's fw_cfg (opt/org.kaon/kickstart)"));
    }
    // Other names of disks are udev's. Without it there are none.
    let _ = program::run("udevadm", &["settle", "--timeout=60"], None);
    for label in LABELS {
        let device = format!("/dev/disk/by-label/{label}");
        if !Path::new(&device).exists() {
            continue;
        }
        let folder = folder()?;
        mount(&device).map_err(|source| LiveError::Mount { device: device.clone(), source })?;
        match kickstart_in(folder) {
            Some(path) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                return Ok(found(path, &format!("on the disk labelled {label} ({name})")));
            }
            None => drop(program::run("umount", &[FETCHED], None)),
        }
    }
    Ok(Fetched::Nothing)
}

/// The kickstart file in a directory; media write names in capitals, perhaps.
fn kickstart_in(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    let wanted = NAMES.iter().flat_map(|name| ENDINGS.iter().map(move |ending| format!("{name}.{ending}")));
    let found = wanted.into_iter().find_map(|wanted| names.iter().find(|name| name.to_ascii_lowercase() == wanted));
    found.map(|name| folder.join(name)).filter(|path| path.is_file())
}

/// What QEMU was given.
pub(super) fn fw_cfg() -> Result<Option<PathBuf>, LiveError> {
    // It is a module, and nothing but us wants it.
    let _ = program::run("modprobe", &["-q", "qemu_fw_cfg"], None);
    let path = Path::new(FW_CFG);
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|source| LiveError::Io { path: path.to_owned(), source })?,
    };
    keep(&bytes).map(Some)
}

/// Keeps a kickstart file in memory.
pub(super) fn keep(bytes: &[u8]) -> Result<PathBuf, LiveError> {
    if bytes.len() > LONGEST_BYTES {
        return Err(LiveError::GuestInfo { reason: format!("the kickstart file is larger than {LONGEST_BYTES} bytes") });
    }
    let path = folder()?.join("kickstart");
    fs::write(&path, bytes).map_err(|source| LiveError::Io { path: path.clone(), source })?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kickstart_files_on_a_disk() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(kickstart_in(folder.path()), None);
        fs::write(folder.path().join("user-data"), "").unwrap();
        fs::create_dir(folder.path().join("ks.json")).unwrap();
        assert_eq!(kickstart_in(folder.path()), None);
        fs::remove_dir(folder.path().join("ks.json")).unwrap();
        for name in ["KICKSTART.JSON", "ks.cfg", "KS.YAML"] {
            fs::write(folder.path().join(name), "").unwrap();
            assert_eq!(kickstart_in(folder.path()), Some(folder.path().join(name)));
        }
    }
}
