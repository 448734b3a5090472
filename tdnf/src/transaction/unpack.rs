//! Writing one package's content to where the layout wants it.

use std::collections::{BTreeSet, HashMap};
use std::fs::{File, FileTimes};
use std::io::{self, BufRead, Read, Write};
use std::time::{Duration, SystemTime};

use sha2::{Digest as _, Sha256};

use super::beneath::Beneath;
use super::cpio::{Member, read_member, skip_padding};
use super::{Progress, TransactionError};
use crate::package::{FileKind, PackageFile};
use crate::rpmfile::{RpmFile, stripped_size};

/// Unpacks the payload of `rpm`; `contents` says for each file where its content goes. Every digest of the header is checked.
pub(super) fn unpack(
    rpm: &RpmFile,
    contents: &[Option<String>],
    root: &mut Beneath<'_>,
    progress: Progress<'_>,
) -> Result<(), TransactionError> {
    let name = || rpm.package.nevra.to_string();
    let io = |path: &str| {
        let path = path.to_owned();
        move |source| TransactionError::Unpack { package: name(), path, source }
    };
    let by_path: HashMap<&str, usize> = rpm.files.iter().enumerate().map(|(index, file)| (file.path.as_str(), index)).collect();
    let mut missing: BTreeSet<&str> = contents.iter().flatten().map(String::as_str).collect();
    let mut seen = vec![false; rpm.files.len()];
    let mut archive = rpm.payload()?;
    loop {
        let member = read_member(&mut archive).map_err(io("its payload"))?;
        let (index, size) = match member {
            Member::Trailer => break,
            Member::Indexed(index) => (index, rpm.files.get(index).map_or(0, |_| stripped_size(&rpm.files, index))),
            Member::Named { name, size } => (by_path.get(absolute(&name).as_str()).copied().unwrap_or(usize::MAX), size),
        };
        let Some(file) = rpm.files.get(index) else { return Err(TransactionError::NotInHeader { package: name() }) };
        // What the header does not announce is not even passed over: it may be without end.
        if std::mem::replace(&mut seen[index], true) || size > announced(file) {
            return Err(TransactionError::Unannounced { package: name(), path: file.path.clone() });
        }
        let mut content = archive.by_ref().take(size);
        match (&file.kind, contents.get(index).and_then(Option::as_ref)) {
            (FileKind::Regular { size: expected, sha256, .. }, Some(path)) if *expected == size && missing.contains(path.as_str()) => {
                let target = root.file(path, file.mode).map_err(io(path))?;
                let digest = write(&mut content, target, file.mtime).map_err(io(path))?;
                if content.limit() != 0 || sha256.as_deref() != Some(&digest) {
                    return Err(TransactionError::WrongDigest { package: name(), path: file.path.clone() });
                }
                missing.remove(path.as_str());
                progress(size);
            }
            // Links carry their target, and all but one name of a file nothing; what another package writes is passed over.
            _ => {
                io::copy(&mut content, &mut io::sink()).map_err(io(&file.path))?;
                if content.limit() != 0 {
                    return Err(io(&file.path)(io::ErrorKind::UnexpectedEof.into()));
                }
            }
        }
        skip_padding(&mut archive, size).map_err(io("its payload"))?;
    }
    match missing.first() {
        Some(path) => Err(TransactionError::MissingContent { package: name(), path: (*path).to_owned() }),
        None => Ok(()),
    }
}

/// The most bytes an archive may hold for a file.
fn announced(file: &PackageFile) -> u64 {
    match &file.kind {
        FileKind::Regular { size, .. } => *size,
        FileKind::Symlink { target } => target.len() as u64,
        FileKind::Directory => 0,
    }
}

/// `./usr/bin/sh`, `usr/bin/sh` and `/usr/bin/sh` all name the header's `/usr/bin/sh`; nothing else does, so `..` finds nothing.
fn absolute(name: &str) -> String {
    format!("/{}", name.trim_start_matches('.').trim_start_matches('/'))
}

/// Copies the content, sets the time and gives the SHA-256. Nothing is synced: a tree is published whole or not at all.
fn write(content: &mut impl BufRead, mut target: File, mtime: u32) -> io::Result<String> {
    let mut hasher = Sha256::new();
    loop {
        let piece = content.fill_buf()?;
        if piece.is_empty() {
            break;
        }
        hasher.update(piece);
        target.write_all(piece)?;
        let length = piece.len();
        content.consume(length);
    }
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(mtime));
    target.set_times(FileTimes::new().set_modified(time).set_accessed(time))?;
    Ok(hex::encode(hasher.finalize()))
}
