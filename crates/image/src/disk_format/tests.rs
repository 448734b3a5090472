//! What holds for every format: the same disk produces the same bytes on any number of processors.

use std::fs;
use std::path::Path;

use super::*;
use base::digest::Digest;

type Write = fn(&VirtualDisk, &Path) -> Result<(), FormatError>;

const FORMATS: [(&str, Write); 6] = [
    ("raw", write_raw),
    ("qcow2", write_qcow2),
    ("vmdk", write_vmdk),
    ("vhd", write_vhd_dynamic),
    ("azure", write_vhd_fixed),
    ("gce", write_gce),
];

/// A disk with text, noise that does not compress, runs across pieces, and nothing at the end.
fn sample() -> VirtualDisk {
    let mut disk = VirtualDisk::new(96 << 20, Digest::of_bytes("sample"));
    let noise: Vec<u8> = (0_u32..100_000).flat_map(|number| number.wrapping_mul(number).wrapping_mul(0x9e37_79b1).to_le_bytes()).collect();
    disk.put(0, b"start".repeat(1000)).unwrap();
    disk.put((1 << 20) - 77, noise).unwrap();
    disk.put(40 << 20, vec![0; 1 << 20]).unwrap();
    disk.put((64 << 20) + 4096, b"x".to_vec()).unwrap();
    disk
}

#[test]
fn bytes_depend_on_the_disk_alone() {
    let folder = tempfile::tempdir().unwrap();
    for (name, write) in FORMATS {
        let paths = [1, 3].map(|threads| {
            let path = folder.path().join(format!("{name}-{threads}"));
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| write(&sample(), &path)).unwrap();
            path
        });
        assert_eq!(Digest::of_file(&paths[0]).unwrap(), Digest::of_file(&paths[1]).unwrap(), "{name}");
        assert!(fs::metadata(&paths[0]).unwrap().len() > 0);
    }
}

#[test]
fn raw_is_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("raw");
    let disk = sample();
    write_raw(&disk, &path).unwrap();
    let mut expected = vec![0; 96 << 20];
    disk.read_at(0, &mut expected).unwrap();
    assert!(fs::read(&path).unwrap() == expected);
}
