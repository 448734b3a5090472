//! The `newc` cpio archive that the kernel unpacks as its first root file system (`Documentation/driver-api/early-userspace/buffer-format.rst`).

use std::collections::BTreeMap;

/// An archive being written: entries by path, independent of the order in which they were added.
#[derive(Debug, Default)]
pub struct Archive {
    entries: BTreeMap<String, Entry>,
}

#[derive(Debug)]
struct Entry {
    mode: u32,
    device: (u32, u32),
    data: Vec<u8>,
}

const DIRECTORY: u32 = 0o040_000;
const REGULAR: u32 = 0o100_000;
const CHARACTER_DEVICE: u32 = 0o020_000;

impl Archive {
    /// An archive without entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file, and its parent directories. `path` is relative.
    pub fn file(&mut self, path: &str, mode: u32, data: Vec<u8>) {
        self.parents(path);
        self.entries.insert(path.into(), Entry { mode: REGULAR | mode, device: (0, 0), data });
    }

    /// Adds an empty directory, and its parent directories.
    pub fn directory(&mut self, path: &str) {
        self.parents(path);
        self.entries.insert(path.into(), Entry { mode: DIRECTORY | 0o755, device: (0, 0), data: Vec::new() });
    }

    /// Adds a character device, and its parent directories.
    pub fn character_device(&mut self, path: &str, mode: u32, major: u32, minor: u32) {
        self.parents(path);
        self.entries.insert(path.into(), Entry { mode: CHARACTER_DEVICE | mode, device: (major, minor), data: Vec::new() });
    }

    /// The archive's bytes. Owners are root, times are 0, and inode numbers are the entries' positions.
    pub fn finish(self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (number, (path, entry)) in self.entries.iter().enumerate() {
            write_entry(&mut bytes, number + 1, path, entry);
        }
        write_entry(&mut bytes, 0, "TRAILER!!!", &Entry { mode: 0, device: (0, 0), data: Vec::new() });
        bytes
    }

    fn parents(&mut self, path: &str) {
        for (end, _) in path.match_indices('/') {
            let parent = || Entry { mode: DIRECTORY | 0o755, device: (0, 0), data: Vec::new() };
            self.entries.entry(path[..end].into()).or_insert_with(parent);
        }
    }
}

fn write_entry(bytes: &mut Vec<u8>, number: usize, path: &str, entry: &Entry) {
    let links = if entry.mode & DIRECTORY != 0 { 2 } else { 1 };
    let (major, minor) = entry.device;
    bytes.extend_from_slice(b"070701");
    let fields = [number, entry.mode as usize, 0, 0, links, 0, entry.data.len(), 0, 0, major as usize, minor as usize, path.len() + 1, 0];
    for field in fields {
        bytes.extend_from_slice(format!("{field:08x}").as_bytes());
    }
    bytes.extend_from_slice(path.as_bytes());
    bytes.push(0);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes.extend_from_slice(&entry.data);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use super::Archive;

    #[test]
    fn the_order_of_adding_does_not_matter_and_parents_come_first() {
        let (mut one, mut other) = (Archive::new(), Archive::new());
        one.file("a/b", 0o644, b"x".to_vec());
        one.directory("proc");
        other.directory("proc");
        other.file("a/b", 0o644, b"x".to_vec());
        let bytes = one.finish();
        assert_eq!(bytes, other.finish());
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.find("a\0").unwrap() < text.find("a/b\0").unwrap());
        assert_eq!(bytes.len() % 4, 0);
    }
}
