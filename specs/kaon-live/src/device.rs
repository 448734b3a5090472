//! Block devices, and what lies on them.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

/// Where an ISO 9660 file system's primary volume descriptor lies (ECMA-119, 6.7.1 and 8.4: sector 16 of 2048 bytes).
const DESCRIPTOR_AT: u64 = 16 * 2048;

/// All block devices that could be a medium, whole disks before partitions of the same disk, in the order of their names.
pub fn all() -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir("/sys/class/block") else { return Vec::new() };
    let mut names: Vec<String> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| !["loop", "ram", "zram", "dm-"].iter().any(|prefix| name.starts_with(prefix)));
    names.sort();
    names.into_iter().map(|name| PathBuf::from("/dev").join(name.replace('!', "/"))).collect()
}

/// The volume label of the ISO 9660 file system on a device; `None` where there is no such file system.
///
/// # Errors
/// When the device cannot be read; a drive without a disc is such a case.
pub fn iso_label(device: &PathBuf) -> io::Result<Option<String>> {
    let mut descriptor = [0; 72];
    File::open(device)?.read_exact_at(&mut descriptor, DESCRIPTOR_AT)?;
    Ok(label_of(&descriptor))
}

/// The label in a primary volume descriptor: bytes 40 to 71, filled up with spaces.
fn label_of(descriptor: &[u8; 72]) -> Option<String> {
    let label = descriptor.starts_with(b"\x01CD001\x01").then_some(&descriptor[40..])?;
    Some(String::from_utf8_lossy(label).trim_end_matches([' ', '\0']).to_owned())
}

/// One line for people about each block device: name, size and label.
pub fn describe_all() -> Vec<String> {
    all()
        .iter()
        .map(|device| {
            let name = device.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let sectors = fs::read_to_string(format!("/sys/class/block/{name}/size")).ok();
            let mib = sectors.and_then(|text| text.trim().parse::<u64>().ok()).unwrap_or_default() / 2048;
            let content = match iso_label(device) {
                Ok(Some(label)) => format!("ISO 9660 `{label}`"),
                Ok(None) => "no ISO 9660 file system".into(),
                Err(error) => format!("cannot be read: {error}"),
            };
            format!("{}: {mib} MiB, {content}", device.display())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::label_of;

    #[test]
    fn labels() {
        let mut descriptor = [b' '; 72];
        descriptor[..7].copy_from_slice(b"\x01CD001\x01");
        descriptor[40..44].copy_from_slice(b"KAON");
        assert_eq!(label_of(&descriptor).as_deref(), Some("KAON"));
        descriptor[1] = b'X';
        assert_eq!(label_of(&descriptor), None);
    }
}
