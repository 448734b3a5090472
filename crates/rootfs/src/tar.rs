//! A tree as one tar stream, the input of every image writer.
//!
//! pax interchange format (POSIX.1-2017, `pax`), sorted, so that equal trees produce equal bytes: ustar headers, extended records
//! only where ustar does not suffice, file capabilities as `SCHILY.xattr.security.capability`, which star, libarchive, GNU tar,
//! mkfs.erofs and container engines read.

use std::fs::File;
use std::io::{self, Read as _, Write};

use ::tar::{Builder, EntryType, Header};
use rpm_engine::filecaps;
use rpm_engine::manifest::{Entry, Kind};

use super::{Rootfs, RootfsError};
use base::file_error::FileError;

/// Longest name and link target of a ustar header, in bytes.
const NAME_LENGTH: usize = 100;

/// The attribute that contains a file's capabilities.
const CAPABILITY: &str = "SCHILY.xattr.security.capability";

/// Writes the whole tree. To leave parts out, pass a tree with a changed copy of the manifest.
///
/// # Errors
/// When a file cannot be read or differs from the manifest, or the stream cannot be written.
pub fn tar(rootfs: &Rootfs, out: &mut dyn Write) -> Result<(), RootfsError> {
    let mut builder = Builder::new(out);
    let broken = |source| RootfsError::Io(FileError::new("write the archive of", &rootfs.dir, source));
    let root = Entry::directory(base::epoch::SOURCE_DATE_EPOCH);
    append(rootfs, &mut builder, "./", &root, io::empty()).map_err(broken)?;
    for (path, entry) in rootfs.manifest.iter() {
        let name = &path[1..];
        match &entry.kind {
            Kind::Directory => append(rootfs, &mut builder, &format!("{name}/"), entry, io::empty()).map_err(broken)?,
            Kind::File { size, .. } => {
                let on_disk = rootfs.on_disk(path);
                let file = File::open(&on_disk).map_err(RootfsError::io("read", &on_disk))?;
                if file.metadata().map_err(RootfsError::io("read", &on_disk))?.len() != *size {
                    return Err(RootfsError::io("read all of", &on_disk)(io::ErrorKind::InvalidData.into()));
                }
                append(rootfs, &mut builder, name, entry, file.take(*size)).map_err(broken)?;
            }
            // Owner, mode and so on are those of the file's own entry.
            Kind::Hardlink { to } => {
                let file = rootfs.manifest.get(to).unwrap_or(entry);
                let link = Entry { kind: entry.kind.clone(), caps: None, ..file.clone() };
                append(rootfs, &mut builder, name, &link, io::empty()).map_err(broken)?;
            }
            Kind::Symlink { .. } => append(rootfs, &mut builder, name, entry, io::empty()).map_err(broken)?,
        }
    }
    builder.into_inner().and_then(|out| out.flush()).map_err(broken)
}

/// Appends one entry: the extended records it needs, its header, its content.
fn append(rootfs: &Rootfs, builder: &mut Builder<impl Write>, name: &str, entry: &Entry, content: impl io::Read) -> io::Result<()> {
    let mut header = Header::new_ustar();
    header.set_size(0);
    let mut records: Vec<(&str, Vec<u8>)> = Vec::new();
    let link = match &entry.kind {
        Kind::Directory => {
            header.set_entry_type(EntryType::Directory);
            None
        }
        Kind::File { size, .. } => {
            header.set_entry_type(EntryType::Regular);
            header.set_size(*size);
            None
        }
        Kind::Hardlink { to } => {
            header.set_entry_type(EntryType::Link);
            Some(&to[1..])
        }
        Kind::Symlink { target } => {
            header.set_entry_type(EntryType::Symlink);
            Some(target.as_str())
        }
    };
    let (uid, gid) = rootfs.owner(entry);
    header.set_uid(uid.into());
    header.set_gid(gid.into());
    header.set_mode(entry.mode.into());
    header.set_mtime(entry.mtime.into());
    let Some(ustar) = header.as_ustar_mut() else { return Err(io::ErrorKind::InvalidInput.into()) };
    fit(&mut ustar.name, name, "path", &mut records);
    if let Some(link) = link {
        fit(&mut ustar.linkname, link, "linkpath", &mut records);
    }
    if let Some(caps) = &entry.caps {
        let value = filecaps::to_xattr(caps).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        records.push((CAPABILITY, value.to_vec()));
    }
    if !records.is_empty() {
        append_records(builder, &records, entry.mtime)?;
    }
    header.set_cksum();
    builder.append(&header, content)
}

/// Puts `text` into a field of the header, and additionally into an extended record if it is too long or not ASCII.
fn fit(field: &mut [u8; NAME_LENGTH], text: &str, record: &'static str, records: &mut Vec<(&str, Vec<u8>)>) {
    let kept = text.len().min(NAME_LENGTH);
    field[..kept].copy_from_slice(&text.as_bytes()[..kept]);
    if text.len() > NAME_LENGTH || !text.is_ascii() {
        records.push((record, text.as_bytes().to_vec()));
    }
}

/// A pax extended header: lines of `length key=value`, where the length includes itself.
fn append_records(builder: &mut Builder<impl Write>, records: &[(&str, Vec<u8>)], mtime: u32) -> io::Result<()> {
    let mut body = Vec::new();
    for (key, value) in records {
        let rest = key.len() + value.len() + 3;
        let mut length = rest + 1;
        while length != rest + length.to_string().len() {
            length = rest + length.to_string().len();
        }
        body.extend(format!("{length} {key}=").bytes());
        body.extend(value);
        body.push(b'\n');
    }
    let mut header = Header::new_ustar();
    header.set_entry_type(EntryType::XHeader);
    header.set_size(body.len() as u64);
    header.set_mode(0o644);
    header.set_mtime(mtime.into());
    header.set_uid(0);
    header.set_gid(0);
    if let Some(ustar) = header.as_ustar_mut() {
        ustar.name[..9].copy_from_slice(b"PaxHeader");
    }
    header.set_cksum();
    builder.append(&header, &body[..])
}
