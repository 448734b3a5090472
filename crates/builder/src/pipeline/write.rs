//! Writes the formats of an image in parallel.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::layers;
use super::names::kernel_package;
use super::repository::MediumRepository;
use super::{Artifact, ImageError, Roots};
use crate::{Builder, SignedPackage};
use base::digest::Digest;
use base::name::PackageName;
use image::description::{ContainerKind, DiskKind, Family, Format, Image};
use image::disk;
use image::disk_format::{self, VirtualDisk};
use image::iso;
use image::iso::IsoError;
use image::oci;
use image::ova;
use runtime::store::StoreError;
use runtime::workers::beside;
use signing::Keys;

const GIB: u64 = 1 << 30;

/// The inputs of all formats.
pub(super) struct Writing<'a, 'w> {
    pub builder: &'a Builder<'w>,
    pub image: &'a Image,
    pub roots: &'a Roots,
    /// Identifies the root file system of disks.
    pub identity: Digest,
    /// The trees of the packages that start a medium.
    pub starters: &'a [PathBuf],
    /// All packages, and the keys they are signed with.
    pub signed: &'a [SignedPackage],
    pub keys: &'a Keys,
    /// The SDK's layers, lowest first.
    pub tools: &'a [PathBuf],
    pub scratch: &'a Path,
}

impl Writing<'_, '_> {
    /// Writes these formats: the live medium in a separate thread, since other programs do its work, the others on all processors.
    pub fn all(&self, formats: &BTreeSet<Format>) -> Result<BTreeMap<Format, Artifact>, ImageError> {
        let (mut media, mut disks, mut archives) = (BTreeSet::new(), BTreeMap::new(), Vec::new());
        for format in formats.iter().copied() {
            match format.family() {
                Family::Medium => drop(media.insert(format)),
                Family::Disk(kind) => drop(disks.insert(format, kind)),
                // A virtual machine (OVA) contains a VMDK disk.
                Family::Machine => drop(disks.insert(Format::Vmdk, DiskKind::Vmdk)),
                Family::Tree => archives.push((format, None)),
                Family::Container(kind) => archives.push((format, Some(kind))),
            }
        }
        let rest = || self.disks_and_archives(formats, &disks, &archives);
        if media.is_empty() {
            return rest();
        }
        let (media, made) = beside(|| self.media(&media), rest);
        let mut made = made?;
        made.extend(media?);
        Ok(made)
    }

    fn disks_and_archives(
        &self,
        wanted: &BTreeSet<Format>,
        disks: &BTreeMap<Format, DiskKind>,
        archives: &[(Format, Option<ContainerKind>)],
    ) -> Result<BTreeMap<Format, Artifact>, ImageError> {
        let mut files = self.disks(disks)?;
        if let (true, Some(vmdk)) = (wanted.contains(&Format::Ova), files.get(&Format::Vmdk)) {
            let ova = self.ova(vmdk)?;
            files.insert(Format::Ova, ova);
        }
        let files = files.into_iter().filter(|(format, _)| wanted.contains(format));
        let mut made: BTreeMap<Format, Artifact> =
            files.map(|(format, path)| Ok((format, self.keep(&path)?))).collect::<Result<_, ImageError>>()?;
        for (format, container) in archives {
            made.insert(*format, container.map_or_else(|| self.tree(*format), |kind| self.container(*format, kind))?);
        }
        Ok(made)
    }

    /// What starts the live system.
    fn media(&self, wanted: &BTreeSet<Format>) -> Result<BTreeMap<Format, Artifact>, ImageError> {
        let Some(iso) = &self.image.iso else { return Err(IsoError::NoKernel.into()) };
        let root = self.roots.of(Format::Iso);
        let repository = self.scratch.join("repository");
        let has_repository = !iso.install.is_empty();
        if has_repository {
            self.builder.reporter.phase(&format!("image {}", self.image.name), "repository");
            let packages: Vec<PackageName> = iso.install.iter().cloned().chain(kernel_package(self.builder.graph, self.image)).collect();
            let live = &root.rootfs.manifest;
            let medium = MediumRepository { wanted: &packages, signed: self.signed, keys: self.keys, live };
            medium.write(&repository, &self.scratch.join("hollow"))?;
        }
        let request = iso::Request {
            name: self.image.name.as_str(),
            summary: &self.image.summary,
            iso,
            rootfs: &root.rootfs,
            rootfs_tar: &root.tar,
            repository: has_repository.then_some(&*repository),
            live: self.starters,
            tools: self.tools,
            scratch: self.scratch,
            log: self.builder.store.log(&format!("iso-{}.log", self.image.name)),
        };
        let path = |format| wanted.contains(&format).then(|| self.path(format));
        let (disc, net) = (path(Format::Iso), path(Format::Pxe));
        let out = iso::Outputs { disc: disc.as_deref(), net: net.as_deref() };
        iso::write(&request, &out, self.builder.reporter, &self.builder.cancel)?;
        wanted.iter().map(|format| Ok((*format, self.keep(&self.path(*format))?))).collect()
    }

    /// Writes the disks, not yet into the store.
    fn disks(&self, wanted: &BTreeMap<Format, DiskKind>) -> Result<BTreeMap<Format, PathBuf>, ImageError> {
        if wanted.is_empty() {
            return Ok(BTreeMap::new());
        }
        let unit = format!("image {}", self.image.name);
        let root = self.roots.of(Format::Raw);
        let request = disk::Request {
            rootfs: &root.rootfs,
            rootfs_tar: &root.tar,
            packages: self.starters,
            identity: self.identity,
            tools: self.tools,
            scratch: self.scratch,
            log: self.builder.store.log(&format!("disk-{}.log", self.image.name)),
            unit: &unit,
        };
        let parts = disk::make(&request, self.builder.reporter, &self.builder.cancel)?;
        self.builder.reporter.phase(&unit, "disk formats");
        let written = wanted.par_iter().map(|(format, kind)| {
            let path = self.path(*format);
            disk_format::write(*kind, &self.sized(&parts, *kind)?, &path)?;
            Ok((*format, path))
        });
        written.collect()
    }

    /// The disk in the size for its format: as small as possible for formats where every byte is transferred, else as large as the image
    /// says.
    fn sized(&self, parts: &disk::Parts, kind: DiskKind) -> Result<VirtualDisk, ImageError> {
        let size_bytes = match kind {
            DiskKind::GceArchive => Some(parts.least_bytes().next_multiple_of(GIB)),
            DiskKind::Raw | DiskKind::FixedVhd => None,
            DiskKind::Qcow2 | DiskKind::Vmdk | DiskKind::DynamicVhd => Some(self.image.disk.size_gib * GIB),
        };
        Ok(parts.disk(size_bytes)?)
    }

    fn ova(&self, vmdk: &Path) -> Result<PathBuf, ImageError> {
        let out = self.path(Format::Ova);
        let name = format!("kaon-{}", self.image.name);
        let descriptor = ova::Descriptor {
            name: &name,
            summary: &self.image.summary,
            version: super::key::VERSION,
            machine: self.image.ova,
            disk_gib: self.image.disk.size_gib,
            populated_bytes: self.roots.of(Format::Ova).rootfs.size_bytes(),
        };
        ova::write(&name, &descriptor, vmdk, &out)?;
        Ok(out)
    }

    fn tree(&self, format: Format) -> Result<Artifact, ImageError> {
        let out = self.path(format);
        gzip(&self.roots.of(format).tar, &out)?;
        self.keep(&out)
    }

    fn container(&self, format: Format, kind: ContainerKind) -> Result<Artifact, ImageError> {
        let out = self.path(format);
        let root = self.roots.of(format);
        let layers = layers::write(self.builder.graph, self.image, root, &self.scratch.join(format!("{format}-layers")))?;
        let container = oci::Request {
            tag: self.image.container.tag.as_deref().unwrap_or(self.image.name.as_str()),
            name: self.image.name.as_str(),
            summary: &self.image.summary,
            command: &self.image.container.command,
            layers: &layers,
        };
        match kind {
            ContainerKind::OciLayout => oci::write_layout(&container, &out)?,
            ContainerKind::DockerArchive => oci::write_docker(&container, &out)?,
        }
        self.keep(&out)
    }

    fn path(&self, format: Format) -> PathBuf {
        self.scratch.join(format.file_name(self.image.name.as_str()))
    }

    /// Moves a written file into the store.
    fn keep(&self, path: &Path) -> Result<Artifact, ImageError> {
        let size_bytes = fs::metadata(path).map_err(|source| StoreError::io("read", path, source))?.len();
        Ok(Artifact { object: self.builder.store.adopt(path)?, size_bytes })
    }
}

fn gzip(from: &Path, to: &Path) -> Result<(), ImageError> {
    let input = File::open(from).map_err(|source| StoreError::io("read", from, source))?;
    let write = || {
        let mut out = BufWriter::with_capacity(1 << 20, File::create(to)?);
        disk_format::gzip(input, &mut out)?;
        out.flush()
    };
    write().map_err(|source| StoreError::io("write", to, source).into())
}
