//! The forms of an image, written side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::thread;

use rayon::prelude::*;

use super::{Artifact, ImageError};
use crate::digest::Digest;
use crate::formats::{self, FormatError, VirtualDisk};
use crate::image::{Format, Image};
use crate::iso::IsoError;
use crate::rootfs::Rootfs;
use crate::store::StoreError;
use crate::workshop::Workshop;
use crate::{disk, iso, oci, ova};

const GIB: u64 = 1 << 30;

/// What all forms are made of.
pub(super) struct Writing<'a, 'w> {
    pub workshop: &'a Workshop<'w>,
    pub image: &'a Image,
    pub rootfs: &'a Rootfs,
    /// The root as an archive.
    pub tar: &'a Path,
    /// Names what is in the root.
    pub identity: Digest,
    /// The unpacked packages that start a medium.
    pub starters: &'a [PathBuf],
    /// The SDK's layers, lowest first.
    pub tools: &'a [PathBuf],
    pub scratch: &'a Path,
}

impl Writing<'_, '_> {
    /// Writes these forms: the live medium in a thread of its own, since other programs do its work, the others on all processors.
    pub fn all(&self, formats: &BTreeSet<Format>) -> Result<BTreeMap<Format, Artifact>, ImageError> {
        let (disks, others): (BTreeSet<Format>, BTreeSet<Format>) = formats.iter().partition(|format| format.is_disk());
        thread::scope(|scope| {
            let medium = others.contains(&Format::Iso).then(|| scope.spawn(|| self.iso()));
            let mut made = self.disks(&disks)?;
            for format in others.into_iter().filter(|format| *format != Format::Iso) {
                made.insert(format, self.archive(format)?);
            }
            if let Some(medium) = medium {
                made.insert(Format::Iso, medium.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
            }
            Ok(made)
        })
    }

    fn iso(&self) -> Result<Artifact, ImageError> {
        let Some(iso) = &self.image.iso else { return Err(IsoError::NoKernel.into()) };
        let out = self.path(Format::Iso);
        let request = iso::Request {
            name: self.image.name.as_str(),
            summary: &self.image.summary,
            iso,
            rootfs: self.rootfs,
            rootfs_tar: self.tar,
            live: self.starters,
            tools: self.tools,
            scratch: self.scratch,
            log: self.workshop.store.log(&format!("iso-{}.log", self.image.name)),
        };
        iso::write(&request, &out, self.workshop.reporter, &self.workshop.cancel)?;
        self.keep(&out)
    }

    fn disks(&self, wanted: &BTreeSet<Format>) -> Result<BTreeMap<Format, Artifact>, ImageError> {
        if wanted.is_empty() {
            return Ok(BTreeMap::new());
        }
        let unit = format!("image {}", self.image.name);
        let request = disk::Request {
            rootfs: self.rootfs,
            rootfs_tar: self.tar,
            packages: self.starters,
            identity: self.identity,
            tools: self.tools,
            scratch: self.scratch,
            log: self.workshop.store.log(&format!("disk-{}.log", self.image.name)),
            unit: &unit,
        };
        let parts = disk::make(&request, self.workshop.reporter, &self.workshop.cancel)?;
        self.workshop.reporter.phase(&unit, "disk formats");
        // The OVA holds the VMDK as it is.
        let shares_vmdk = |format: Format| matches!(format, Format::Vmdk | Format::Ova);
        let mut plain: Vec<Format> = wanted.iter().copied().filter(|format| !shares_vmdk(*format)).collect();
        plain.extend(wanted.iter().any(|format| shares_vmdk(*format)).then_some(Format::Vmdk));
        let written = plain.par_iter().map(|format| {
            let path = self.path(*format);
            write_disk(*format, &self.sized(&parts, *format)?, &path)?;
            Ok((*format, path))
        });
        let mut files: BTreeMap<Format, PathBuf> = written.collect::<Result<_, ImageError>>()?;
        if let (true, Some(vmdk)) = (wanted.contains(&Format::Ova), files.get(&Format::Vmdk)) {
            let ova = self.ova(vmdk)?;
            files.insert(Format::Ova, ova);
        }
        files.into_iter().filter(|(format, _)| wanted.contains(format)).map(|(format, path)| Ok((format, self.keep(&path)?))).collect()
    }

    /// The disk as large as the form wants it: no larger than it must be where every byte counts, else as large as the image says.
    fn sized(&self, parts: &disk::Parts, format: Format) -> Result<VirtualDisk, ImageError> {
        let size_bytes = match format {
            Format::Gce => Some(parts.least_bytes().next_multiple_of(GIB)),
            Format::Raw | Format::Azure => None,
            _ => Some(self.image.disk.size_gib * GIB),
        };
        Ok(parts.disk(size_bytes)?)
    }

    fn ova(&self, vmdk: &Path) -> Result<PathBuf, ImageError> {
        let out = self.path(Format::Ova);
        let name = format!("kaon-{}", self.image.name);
        let descriptor = ova::Descriptor {
            name: &name,
            summary: &self.image.summary,
            version: env!("CARGO_PKG_VERSION"),
            machine: self.image.ova,
            disk_gib: self.image.disk.size_gib,
            populated_bytes: self.rootfs.size_bytes(),
        };
        ova::write(&name, &descriptor, vmdk, &out)?;
        Ok(out)
    }

    fn archive(&self, format: Format) -> Result<Artifact, ImageError> {
        let out = self.path(format);
        let container = oci::Request {
            name: self.image.name.as_str(),
            summary: &self.image.summary,
            command: &self.image.container.command,
            layer: self.tar,
        };
        match format {
            Format::Oci => oci::write_layout(&container, &out)?,
            Format::Docker => oci::write_docker(&container, &out)?,
            _ => gzip(self.tar, &out)?,
        }
        self.keep(&out)
    }

    fn path(&self, format: Format) -> PathBuf {
        self.scratch.join(format.file_name(self.image.name.as_str()))
    }

    /// Moves a written file into the store.
    fn keep(&self, path: &Path) -> Result<Artifact, ImageError> {
        let size_bytes = fs::metadata(path).map_err(|source| StoreError::io("read", path, source))?.len();
        Ok(Artifact { object: self.workshop.store.adopt(path)?, size_bytes })
    }
}

fn write_disk(format: Format, disk: &VirtualDisk, path: &Path) -> Result<(), FormatError> {
    match format {
        Format::Qcow2 => formats::write_qcow2(disk, path),
        Format::Vmdk => formats::write_vmdk(disk, path),
        Format::Vhd => formats::write_vhd_dynamic(disk, path),
        Format::Azure => formats::write_vhd_fixed(disk, path),
        Format::Gce => formats::write_gce(disk, path),
        _ => formats::write_raw(disk, path),
    }
}

fn gzip(from: &Path, to: &Path) -> Result<(), ImageError> {
    let input = File::open(from).map_err(|source| StoreError::io("read", from, source))?;
    let write = || {
        let mut out = BufWriter::with_capacity(1 << 20, File::create(to)?);
        formats::gzip(input, &mut out)?;
        out.flush()
    };
    write().map_err(|source| StoreError::io("write", to, source).into())
}
