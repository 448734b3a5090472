//! `cargo xtask qemu [IMAGE]`

mod files;
mod nodes;
mod ports;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::cli::Context;
use base::diagnostic::{ExitCode, Report};
use base::file_error::FileError;
use builder::project;
use emulator::{
    self, Accelerator, Boot, Bus, Card, Credential, Disk, DiskLayout, Emulator, Ended, Firmware, Limits, Machine, Port, QemuError, Serial,
};
use runtime::store::Store;
use sdk::{LayerName, Sdk};

/// Options of `qemu`.
#[derive(Args, Debug)]
pub struct Options {
    /// The image: a file of `images/` without its `.toml`, whose ISO is already built, or the path of an ISO, a disk (.raw, .qcow2,
    /// .vmdk, .vhd), an OVA or a network boot archive (.pxe.tar). Changes that the guest makes to a disk are discarded
    #[arg(default_value = well_known::MINIMAL)]
    image: String,
    /// Start with UEFI instead of BIOS
    #[arg(long)]
    uefi: bool,
    /// Attach the image as a USB stick instead of an optical disc
    #[arg(long, conflicts_with = "direct")]
    stick: bool,
    /// Controller of the disk [default: virtio; pvscsi for an OVA]
    #[arg(long, value_enum)]
    bus: Option<Bus>,
    /// Network card [default: virtio; vmxnet3 for an OVA]
    #[arg(long, value_enum)]
    card: Option<Card>,
    /// Start the kernel directly, without firmware and boot loader
    #[arg(long, conflicts_with = "uefi")]
    direct: bool,
    /// Additional kernel arguments
    #[arg(long, value_name = "ARGUMENTS", requires = "direct", default_value = "", hide_default_value = true)]
    append: String,
    /// Memory in MiB
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(u32).range(128..=1 << 20))]
    memory: u32,
    /// Processors
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    cpus: u32,
    /// How instructions are executed; `auto` uses KVM where it can run the kernel of an ISO
    #[arg(long, value_enum, default_value_t = Accel::Auto)]
    accel: Accel,
    /// Show the screen in a window
    #[arg(long)]
    display: bool,
    /// Write the serial line to a file instead of the terminal, with `--nodes` to one for each guest. One that is there is kept as FILE.1
    #[arg(long, value_name = "FILE")]
    serial: Option<PathBuf>,
    /// Forward this port of the host's loopback address to the guest's SSH server
    #[arg(long, value_name = "PORT")]
    ssh: Option<u16>,
    /// Attach a file as a read-only disk; may be given several times
    #[arg(long, value_name = "FILE")]
    disk: Vec<PathBuf>,
    /// Start this many guests, with a private network, names and addresses `node-1` at 10.9.0.1 and so on. Their serial lines are written
    /// to files, their SSH servers get ports from 2201 or `--ssh` on, and `{node}` in names of files and in arguments for QEMU stands for a
    /// guest's number
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(1..=100))]
    nodes: Option<u8>,
    /// Write what the guest sends to /dev/virtio-ports/NAME to a file; may be given several times
    #[arg(long, value_name = "NAME=FILE", value_parser = named_file)]
    port: Vec<(String, PathBuf)>,
    /// Pass a file to the guest as a systemd credential; may be given several times
    #[arg(long, value_name = "NAME=FILE", value_parser = named_file)]
    credential: Vec<(String, PathBuf)>,
    /// Stop the guest and fail after this many seconds
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
    /// Stop the guest and fail with the state of its processors when it has been idle and silent for this many seconds
    #[arg(long, value_name = "SECONDS", requires = "serial")]
    standstill: Option<u64>,
    /// Additional arguments for QEMU
    #[arg(last = true)]
    extra: Vec<OsString>,
}

/// How instructions are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Accel {
    /// KVM where it works.
    Auto,
    /// KVM or nothing.
    Kvm,
    /// Emulation.
    Tcg,
}

fn named_file(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, file)) if !name.is_empty() && !file.is_empty() && !name.contains([',', ' ']) => Ok((name.to_owned(), file.into())),
        _ => Err("must be written as NAME=FILE".into()),
    }
}

/// Starts an image in the emulator and waits for its end.
///
/// # Errors
/// When there is no such image or it is not built, the SDK is not available, or the emulator fails.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let image = options.image(&context.root)?;
    let store = context.store()?;
    let emulator = emulator(context, &store)?;
    let scratch = store.scratch("qemu")?;
    if let Some(count) = options.nodes {
        return nodes::run(context, options, count, &emulator, &image, scratch.path());
    }
    let credentials = options.credential.iter().enumerate().map(|(number, (name, file))| credential(name, file, number, scratch.path()));
    let credentials = credentials.collect::<Result<_, _>>()?;
    let machine = Machine { credentials, ..options.machine(&emulator, &image, scratch.path(), context)? };
    ports::check(machine.ssh_port)?;
    files::keep(options.serial.as_deref())?;
    Ok(match emulator.run(&machine, &options.extra, options.limits(), &context.cancel)? {
        Ended::ByItself => ExitCode::Done,
        Ended::Stopped => ExitCode::Interrupted,
    })
}

/// QEMU from the SDK.
fn emulator(context: &Context<'_>, store: &Store) -> Result<Emulator, Report> {
    let mut sdk = Sdk::load(&context.root)?;
    let layers: Vec<LayerName> = "test".parse().into_iter().collect();
    let trees = sdk.ensure(store, &context.settings(), &layers, &*context.reporter, &context.cancel)?;
    let trees: Vec<PathBuf> = trees.into_iter().map(|tree| tree.path).collect();
    Ok(Emulator::new(&trees)?)
}

/// The kind of an image's file.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Medium {
    Iso(PathBuf),
    Disk(PathBuf, DiskLayout),
    Ova(PathBuf),
    Network(PathBuf),
}

impl Options {
    fn limits(&self) -> Limits {
        Limits { total: self.timeout.map(Duration::from_secs), standstill: self.standstill.map(Duration::from_secs) }
    }

    fn image(&self, root: &Path) -> Result<Medium, Report> {
        let path = PathBuf::from(&self.image);
        let medium = match DiskLayout::of_name(&path) {
            Some(layout) => Medium::Disk(path.clone(), layout),
            None if self.image.ends_with(".ova") => Medium::Ova(path.clone()),
            None if self.image.ends_with(".pxe.tar") => Medium::Network(path.clone()),
            None if self.image.contains('/') || self.image.ends_with(".iso") => Medium::Iso(path.clone()),
            None => return self.built_iso(root),
        };
        match fs::metadata(&path) {
            Ok(_) => Ok(medium),
            Err(source) => Err(QemuError::Io(FileError::new("read", path, source)).into()),
        }
    }

    /// The ISO of an image that is given by name and not as a file.
    fn built_iso(&self, root: &Path) -> Result<Medium, Report> {
        let path = Path::new("out").join(format!("kaon-{}.iso", self.image));
        let iso = root.join(&path);
        if iso.is_file() {
            return Ok(Medium::Iso(iso));
        }
        let image = project::load_image(root, &self.image)?;
        Err(QemuError::NotBuilt { image: image.name.to_string(), path }.into())
    }

    fn boot(&self, image: &Medium, folder: &Path) -> Result<Boot, QemuError> {
        Ok(match image {
            Medium::Iso(iso) if self.direct => emulator::direct(iso, folder, &self.append)?,
            Medium::Iso(iso) if self.stick => Boot::Stick(iso.clone()),
            Medium::Iso(iso) => Boot::Disc(iso.clone()),
            Medium::Disk(..) | Medium::Ova(_) | Medium::Network(_) if self.direct || self.stick => return Err(QemuError::NoLiveMedium),
            Medium::Network(archive) => emulator::network_start(archive, folder)?,
            Medium::Disk(file, layout) => Boot::Disk(Disk::scratch(file.clone(), *layout, self.bus.unwrap_or_default())),
            Medium::Ova(file) => {
                let disk = emulator::disk_of(file, folder)?;
                Boot::Disk(Disk { bus: self.bus.unwrap_or(disk.bus), ..disk })
            }
        })
    }

    /// The machine, without credentials.
    fn machine(&self, emulator: &Emulator, image: &Medium, folder: &Path, context: &Context<'_>) -> Result<Machine, QemuError> {
        let usual_card = if matches!(image, Medium::Ova(_)) { Card::Vmxnet3 } else { Card::Virtio };
        Ok(Machine {
            firmware: if self.uefi { emulator.uefi(folder)? } else { Firmware::Bios },
            memory_mib: self.memory,
            cpus: self.cpus,
            accelerator: self.accelerator(emulator, image, folder, context)?,
            serial: self.serial.clone().map_or(Serial::Terminal, Serial::File),
            card: self.card.unwrap_or(usual_card),
            disks: self.disk.iter().cloned().map(Disk::read_only).collect(),
            ports: self.port.iter().map(|(name, file)| Port { name: name.clone(), file: file.clone() }).collect(),
            ssh_port: self.ssh,
            display: self.display,
            ..Machine::new(self.boot(image, folder)?)
        })
    }

    /// KVM is tried with the kernel of an ISO, which is easily extracted. For a disk, the user decides.
    fn accelerator(&self, emulator: &Emulator, image: &Medium, folder: &Path, context: &Context<'_>) -> Result<Accelerator, QemuError> {
        let Medium::Iso(iso) = image else {
            return Ok(if self.accel == Accel::Kvm { Accelerator::Kvm } else { Accelerator::Tcg });
        };
        let works = || Ok::<_, QemuError>(emulator::kvm_works(emulator, &emulator::kernel_of(iso, folder)?, folder, &context.cancel));
        match self.accel {
            Accel::Tcg => Ok(Accelerator::Tcg),
            Accel::Kvm if works()? => Ok(Accelerator::Kvm),
            Accel::Kvm => Err(QemuError::NoKvm),
            Accel::Auto => Ok(if works()? { Accelerator::Kvm } else { Accelerator::Tcg }),
        }
    }
}

/// A file as a credential.
fn credential(name: &str, file: &Path, number: usize, folder: &Path) -> Result<Credential, QemuError> {
    let content = fs::read(file).map_err(|source| QemuError::Io(FileError::new("read", file, source)))?;
    emulator::credential(name, &content, number, folder)
}
