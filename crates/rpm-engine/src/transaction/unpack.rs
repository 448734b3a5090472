//! Writing one package's content to where the layout wants it.

use std::collections::{BTreeSet, HashMap};
use std::fs::{File, FileTimes};
use std::io::{self, Read, Write};
use std::time::{Duration, SystemTime};

use super::TransactionError;
use super::beneath::Beneath;
use super::cpio::{Member, read_member, skip_padding};
use crate::checksum::Hasher;
use crate::names;
use crate::package::{FileKind, PackageFile};
use crate::rpmfile::{RpmFile, Unpacker, stripped_size};

/// Content is read so many bytes at a time.
const PIECE_BYTES: usize = 64 << 10;

/// Where content goes, one file after the other. Paths and facts of files live as long as `'p`.
pub(super) trait Sink<'p> {
    /// A file begins: its content is to be at `path`.
    fn begin(&mut self, path: &'p str, file: &'p PackageFile) -> io::Result<()>;
    /// Takes its content: all of `from`.
    fn content(&mut self, from: &mut dyn Read) -> io::Result<()>;
    /// The file is complete. Whether its content is what the header says, where that is known already.
    fn end(&mut self) -> io::Result<bool>;
}

/// Unpacks the payload of `rpm`; `contents` says for each file where its content goes. Every digest of the header is checked.
pub(super) fn unpack<'p>(
    rpm: &'p RpmFile,
    contents: &[Option<&'p str>],
    unpacker: &mut Unpacker,
    sink: &mut impl Sink<'p>,
) -> Result<(), TransactionError> {
    let name = || rpm.package.nevra.to_string();
    let io = |path: &str| {
        let path = path.to_owned();
        move |source| TransactionError::Unpack { package: name(), path, source }
    };
    let by_path: HashMap<&str, usize> = rpm.files.iter().enumerate().map(|(index, file)| (file.path.as_str(), index)).collect();
    let mut missing: BTreeSet<&str> = contents.iter().flatten().copied().collect();
    let mut seen = vec![false; rpm.files.len()];
    let mut archive = rpm.payload(unpacker)?;
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
        match (&file.kind, contents.get(index).copied().flatten()) {
            (FileKind::Regular { size: expected, .. }, Some(path)) if *expected == size && missing.contains(path) => {
                sink.begin(path, file).map_err(io(path))?;
                sink.content(&mut content).map_err(io(path))?;
                if content.limit() != 0 || !sink.end().map_err(io(path))? {
                    return Err(TransactionError::WrongDigest { package: name(), path: file.path.clone() });
                }
                missing.remove(path);
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

/// The most bytes an archive may contain for a file.
fn announced(file: &PackageFile) -> u64 {
    match &file.kind {
        FileKind::Regular { size, .. } => *size,
        FileKind::Symlink { target } => names::raw(target).len() as u64,
        FileKind::Directory => 0,
    }
}

/// `./usr/bin/sh`, `usr/bin/sh` and `/usr/bin/sh` all name the header's `/usr/bin/sh`; nothing else does, so `..` finds nothing.
fn absolute(name: &str) -> String {
    format!("/{}", name.trim_start_matches('.').trim_start_matches('/'))
}

/// Reads until `room` is full or nothing is left.
pub(super) fn fill(from: &mut dyn Read, room: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < room.len() {
        match from.read(&mut room[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

/// A file that is being written. Nothing is synced: a tree is published whole or not at all, and a transaction syncs once.
pub(super) struct Writing<'p> {
    target: File,
    file: &'p PackageFile,
    hasher: Hasher,
}

impl<'p> Writing<'p> {
    /// Makes the file.
    pub(super) fn begin(root: &mut Beneath<'_>, path: &str, file: &'p PackageFile) -> io::Result<Self> {
        Ok(Self { target: root.file(path, file.mode)?, file, hasher: Hasher::like(file.kind.digest().unwrap_or_default()) })
    }

    /// The file as the header has it.
    pub(super) fn file(&self) -> &'p PackageFile {
        self.file
    }

    /// Writes more of it.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.target.write_all(bytes)
    }

    /// Sets its time, and says whether its content is what the header says.
    pub(super) fn end(self) -> io::Result<bool> {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(self.file.mtime));
        self.target.set_times(FileTimes::new().set_modified(time).set_accessed(time))?;
        Ok(self.file.kind.digest() == Some(&*self.hasher.hex()))
    }
}

/// Writes files where they belong, by the thread that unpacks them.
pub(super) struct Direct<'a, 'g, 'p> {
    root: &'a mut Beneath<'g>,
    progress: super::Progress<'a>,
    writing: Option<Writing<'p>>,
    piece: Box<[u8]>,
}

impl<'a, 'g> Direct<'a, 'g, '_> {
    /// Files beneath `root`; `progress` receives the number of bytes written.
    pub(super) fn new(root: &'a mut Beneath<'g>, progress: super::Progress<'a>) -> Self {
        Self { root, progress, writing: None, piece: vec![0; PIECE_BYTES].into() }
    }
}

impl<'p> Sink<'p> for Direct<'_, '_, 'p> {
    fn begin(&mut self, path: &'p str, file: &'p PackageFile) -> io::Result<()> {
        self.writing = Some(Writing::begin(self.root, path, file)?);
        Ok(())
    }

    fn content(&mut self, from: &mut dyn Read) -> io::Result<()> {
        loop {
            let length = fill(from, &mut self.piece)?;
            if let Some(writing) = &mut self.writing {
                writing.write(&self.piece[..length])?;
            }
            (self.progress)(length as u64);
            if length < self.piece.len() {
                return Ok(());
            }
        }
    }

    fn end(&mut self) -> io::Result<bool> {
        self.writing.take().map_or(Ok(false), Writing::end)
    }
}
