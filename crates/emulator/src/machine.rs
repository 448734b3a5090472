//! The emulated machine and its command line.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use super::disk::{Bus, Disk};

/// A machine to emulate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// What runs before the boot loader.
    pub firmware: Firmware,
    /// What it starts.
    pub boot: Boot,
    /// Memory, in MiB.
    pub memory_mib: u32,
    /// Processors.
    pub cpus: u32,
    /// How instructions are run.
    pub accelerator: Accelerator,
    /// Where the first serial line goes.
    pub serial: Serial,
    /// The network card.
    pub card: Card,
    /// Further disks, in the order the guest numbers them.
    pub disks: Vec<Disk>,
    /// Ports of the guest that write to files of the host.
    pub ports: Vec<Port>,
    /// Credentials for the guest's systemd (systemd.system-credentials(7)).
    pub credentials: Vec<Credential>,
    /// The host's port on the loopback address that is forwarded to the guest's SSH.
    pub ssh_port: Option<u16>,
    /// A second card, on a network of this host's guests.
    pub private: Option<PrivateNetwork>,
    /// Whether the screen is shown in a window.
    pub display: bool,
}

/// A card on a network that guests share whose emulators run on the same host. Nobody else hears them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivateNetwork {
    /// The UDP port of the host that all guests of the network have in common.
    pub port: u16,
    /// The card's address, which no other guest has.
    pub mac: String,
}

/// What runs before the boot loader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Firmware {
    /// SeaBIOS.
    Bios,
    /// OVMF, with the file that contains its variables.
    Uefi {
        /// A private copy: the firmware writes to it.
        variables: PathBuf,
    },
}

/// What is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Boot {
    /// An ISO in a SATA drive.
    Disc(PathBuf),
    /// An ISO on a USB stick.
    Stick(PathBuf),
    /// A kernel passed directly, with the root as the first disk.
    Direct {
        /// The kernel.
        kernel: PathBuf,
        /// Its initramfs, if it needs one.
        initramfs: Option<PathBuf>,
        /// The kernel's command line.
        arguments: String,
        /// The root, or the disk with the root; may be part of a larger file.
        root: Disk,
    },
    /// The network, over TFTP from this folder: a BIOS starts `boot.ipxe` with the iPXE of QEMU's cards, UEFI starts `kaon.efi`.
    Network(PathBuf),
    /// A disk with a boot loader.
    Disk(Disk),
    /// A kernel alone, or with an initramfs.
    Kernel {
        /// The kernel.
        kernel: PathBuf,
        /// Its initramfs.
        initramfs: Option<PathBuf>,
        /// The kernel's command line.
        arguments: String,
    },
}

/// How instructions are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accelerator {
    /// By the host's processor.
    Kvm,
    /// Translated; works everywhere.
    Tcg,
    /// Translated, at one instruction per nanosecond, so that the guest's time depends on what it does and not on the host.
    Counted(Idle),
}

/// What happens while a counted guest is idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idle {
    /// Time passes as on the host, for guests that wait for disks.
    Passes,
    /// Time is skipped: the guest's next timer fires at once.
    Skipped,
}

/// A network card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Card {
    /// Virtio's.
    #[default]
    Virtio,
    /// VMware's.
    Vmxnet3,
    /// Intel's 82574L, which VMware and others offer, too.
    E1000e,
}

/// Where the first serial line goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Serial {
    /// To the terminal, with QEMU's own monitor behind Ctrl-A C.
    Terminal,
    /// To a file.
    File(PathBuf),
}

/// A virtio port (`/dev/virtio-ports/<name>` in the guest) that writes to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name in the guest.
    pub name: String,
    /// The file that the guest's output is written to.
    pub file: PathBuf,
}

/// A credential passed as an SMBIOS string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// A file with the whole string: `io.systemd.credential.binary:NAME=BASE64`.
    pub string_file: PathBuf,
}

impl Machine {
    /// A machine of the reference size that starts `boot`, with its serial line on the terminal.
    pub fn new(boot: Boot) -> Self {
        Self {
            firmware: Firmware::Bios,
            boot,
            memory_mib: 1024,
            cpus: 2,
            accelerator: Accelerator::Tcg,
            serial: Serial::Terminal,
            card: Card::Virtio,
            disks: Vec::new(),
            ports: Vec::new(),
            credentials: Vec::new(),
            ssh_port: None,
            private: None,
            display: false,
        }
    }

    /// QEMU's arguments. `share` is the directory of QEMU's data, such as `<share>/OVMF`.
    pub fn arguments(&self, share: &Path) -> Vec<OsString> {
        let mut line = Line::default();
        line.words("-nodefaults -no-user-config -no-reboot -M q35 -vga std -device virtio-rng-pci");
        line.words(match self.accelerator {
            Accelerator::Kvm => "-accel kvm -cpu host",
            Accelerator::Tcg => "-accel tcg,thread=multi -cpu max",
            Accelerator::Counted(Idle::Passes) => "-accel tcg,thread=single -cpu max -icount shift=0",
            Accelerator::Counted(Idle::Skipped) => "-accel tcg,thread=single -cpu max -icount shift=0,sleep=off",
        });
        line.words(&format!("-m {} -smp {}", self.memory_mib, self.cpus));
        if !self.display {
            line.words("-display none");
        }
        match &self.serial {
            Serial::Terminal => line.words("-serial mon:stdio"),
            Serial::File(file) => line.option("-serial", [OsStr::new("file:"), file.as_os_str()]),
        }
        if let Firmware::Uefi { variables } = &self.firmware {
            let code = share.join("OVMF/OVMF_CODE_4M.fd");
            line.drive("if=pflash,format=raw,unit=0,readonly=on", &code);
            line.drive("if=pflash,format=raw,unit=1", variables);
        }
        self.add_boot(&mut line);
        for (number, disk) in self.disks.iter().enumerate() {
            line.disk(&format!("disk{number}"), disk, "");
        }
        self.add_network(&mut line);
        self.add_ports(&mut line);
        for credential in &self.credentials {
            line.option("-smbios", [OsStr::new("type=11,path="), &escaped(&credential.string_file)]);
        }
        line.0
    }

    /// The files that the guest's output is written to.
    pub(super) fn output_files(&self) -> Vec<PathBuf> {
        let serial = match &self.serial {
            Serial::Terminal => None,
            Serial::File(file) => Some(file.clone()),
        };
        serial.into_iter().chain(self.ports.iter().map(|port| port.file.clone())).collect()
    }

    fn add_boot(&self, line: &mut Line) {
        match &self.boot {
            Boot::Disc(iso) => {
                line.drive("if=none,id=medium,media=cdrom,format=raw,readonly=on", iso);
                line.words("-device ide-cd,drive=medium,bootindex=0");
            }
            Boot::Stick(iso) => {
                line.words("-device qemu-xhci");
                line.drive("if=none,id=medium,format=raw,readonly=on", iso);
                line.words("-device usb-storage,drive=medium,removable=on,bootindex=0");
            }
            Boot::Direct { kernel, initramfs, arguments, root } => {
                line.kernel(kernel, initramfs.as_deref(), arguments);
                line.disk("root", root, "");
            }
            Boot::Network(_) => {}
            Boot::Disk(disk) => line.disk("boot", disk, ",bootindex=0"),
            Boot::Kernel { kernel, initramfs, arguments } => line.kernel(kernel, initramfs.as_deref(), arguments),
        }
    }

    fn add_network(&self, line: &mut Line) {
        let forward = self.ssh_port.map(|port| format!(",hostfwd=tcp:127.0.0.1:{port}-:22")).unwrap_or_default();
        let card = match self.card {
            Card::Virtio => "virtio-net-pci",
            Card::Vmxnet3 => "vmxnet3",
            Card::E1000e => "e1000e",
        };
        if let Boot::Network(folder) = &self.boot {
            let (file, driver) = match (&self.firmware, self.card) {
                (Firmware::Bios, _) => ("boot.ipxe", ""),
                // OVMF has its own driver for this card, which iPXE would replace.
                (Firmware::Uefi { .. }, Card::Virtio) => ("kaon.efi", ",romfile="),
                (Firmware::Uefi { .. }, _) => ("kaon.efi", ""),
            };
            line.option("-netdev", [OsStr::new(&format!("user,id=net{forward},bootfile={file},tftp=")), &escaped(folder)]);
            line.words(&format!("-device {card},netdev=net,bootindex=0{driver}"));
        } else {
            line.words(&format!("-netdev user,id=net{forward} -device {card},netdev=net,romfile="));
        }
        if let Some(PrivateNetwork { port, mac }) = &self.private {
            line.words(&format!("-netdev socket,id=private,mcast=239.192.9.0:{port},localaddr=127.0.0.1"));
            line.words(&format!("-device {card},netdev=private,mac={mac},romfile="));
        }
    }

    fn add_ports(&self, line: &mut Line) {
        if self.ports.is_empty() {
            return;
        }
        line.words("-device virtio-serial-pci");
        for (number, port) in self.ports.iter().enumerate() {
            line.option("-chardev", [OsStr::new(&format!("file,id=port{number},path=")), &escaped(&port.file)]);
            line.words(&format!("-device virtserialport,chardev=port{number},name={}", port.name));
        }
    }
}

#[derive(Default)]
struct Line(Vec<OsString>);

impl Line {
    fn words(&mut self, words: &str) {
        self.0.extend(words.split(' ').map(OsString::from));
    }

    fn option<P: AsRef<OsStr>>(&mut self, name: &str, parts: impl IntoIterator<Item = P>) {
        self.0.push(name.into());
        let mut value = OsString::new();
        parts.into_iter().for_each(|part| value.push(part.as_ref()));
        self.0.push(value);
    }

    fn drive(&mut self, options: &str, file: &Path) {
        self.option("-drive", [OsStr::new(&format!("{options},file=")), &escaped(file)]);
    }

    fn kernel(&mut self, kernel: &Path, initramfs: Option<&Path>, arguments: &str) {
        self.option("-kernel", [kernel]);
        if let Some(initramfs) = initramfs {
            self.option("-initrd", [initramfs]);
        }
        self.option("-append", [arguments]);
    }

    /// Adds a disk; `more` are further properties of its device.
    fn disk(&mut self, id: &str, disk: &Disk, more: &str) {
        let part = disk.part.map(|(offset, size)| format!(",offset={offset},size={size}")).unwrap_or_default();
        let access = if disk.is_writable { "snapshot=on" } else { "readonly=on" };
        self.drive(&format!("if=none,id={id},format={},{access}{part}", disk.layout.driver()), &disk.file);
        self.words(&match disk.bus {
            Bus::Virtio => format!("-device virtio-blk-pci,drive={id},serial={id}{more}"),
            Bus::Pvscsi => format!("-device pvscsi,id=scsi-{id} -device scsi-hd,bus=scsi-{id}.0,drive={id}{more}"),
            Bus::Nvme => format!("-device nvme,drive={id},serial={id}{more}"),
            Bus::Sata => format!("-device ide-hd,drive={id},serial={id}{more}"),
        });
    }
}

/// A path within an option list, with commas doubled.
fn escaped(path: &Path) -> OsString {
    let doubled = path.as_os_str().as_bytes().iter().flat_map(|&byte| std::iter::repeat_n(byte, if byte == b',' { 2 } else { 1 }));
    OsString::from_vec(doubled.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DiskLayout;

    #[test]
    fn a_command_line() {
        let mut machine = Machine::new(Boot::Disc("/a,b.iso".into()));
        machine.firmware = Firmware::Uefi { variables: "/vars".into() };
        machine.ports.push(Port { name: "kaon.result".into(), file: "/r".into() });
        let arguments = machine.arguments(Path::new("/share"));
        let text: Vec<_> = arguments.iter().map(|word| word.to_string_lossy()).collect();
        let text = text.join(" ");
        assert!(text.contains("readonly=on,file=/a,,b.iso -device ide-cd"), "{text}");
        assert!(text.contains("file=/share/OVMF/OVMF_CODE_4M.fd"), "{text}");
        assert!(text.contains("virtio-net-pci,netdev=net"), "{text}");
        assert!(text.contains("-chardev file,id=port0,path=/r -device virtserialport,chardev=port0,name=kaon.result"), "{text}");
    }

    #[test]
    fn networks() {
        let machine = Machine::new(Boot::Network("/srv/a,b".into()));
        let text = machine.arguments(Path::new("/share")).join(OsStr::new(" "));
        let text = text.to_string_lossy();
        assert!(text.ends_with("user,id=net,bootfile=boot.ipxe,tftp=/srv/a,,b -device virtio-net-pci,netdev=net,bootindex=0"), "{text}");
        let text =
            Machine { firmware: Firmware::Uefi { variables: "/v".into() }, ..machine }.arguments(Path::new("/share")).join(OsStr::new(" "));
        let text = text.to_string_lossy();
        assert!(text.ends_with("bootfile=kaon.efi,tftp=/srv/a,,b -device virtio-net-pci,netdev=net,bootindex=0,romfile="), "{text}");
    }

    #[test]
    fn guests_of_one_host_share_a_network() {
        let private = Some(PrivateNetwork { port: 4000, mac: "52:54:00:09:00:01".into() });
        let text = Machine { private, ..Machine::new(Boot::Disc("/a.iso".into())) }.arguments(Path::new("/share")).join(OsStr::new(" "));
        let text = text.to_string_lossy();
        assert!(
            text.contains("mcast=239.192.9.0:4000,localaddr=127.0.0.1 -device virtio-net-pci,netdev=private,mac=52:54:00:09:00:01,"),
            "{text}"
        );
    }

    #[test]
    fn disks() {
        let disk = Disk::scratch("/d.vmdk".into(), DiskLayout::Vmdk, Bus::Pvscsi);
        let mut machine = Machine { card: Card::Vmxnet3, ..Machine::new(Boot::Disk(disk)) };
        machine.disks.push(Disk { part: Some((4, 8)), ..Disk::read_only("/more".into()) });
        let words = machine.arguments(Path::new("/share"));
        let text: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
        let text = text.join(" ");
        for part in [
            "-drive if=none,id=boot,format=vmdk,snapshot=on,file=/d.vmdk -device pvscsi,id=scsi-boot",
            "-device scsi-hd,bus=scsi-boot.0,drive=boot,bootindex=0",
            "-drive if=none,id=disk0,format=raw,readonly=on,offset=4,size=8,file=/more -device virtio-blk-pci,drive=disk0",
            "-device vmxnet3,netdev=net",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
