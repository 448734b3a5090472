//! Several machines of one image on a private network: `cargo xtask qemu --nodes 3`.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::thread;

use serde::Serialize;

use super::files::{keep, numbered, numbered_text, own};
use super::{Medium, Options, ports};
use crate::cli::Context;
use crate::output;
use base::diagnostic::{ExitCode, Report};
use base::file_error::FileError;
use emulator::{Disk, Emulator, Ended, Firmware, Machine, PrivateNetwork, QemuError, Serial};

/// The port of the first machine's SSH server.
const FIRST_SSH_PORT: u16 = 2201;

/// The documents that each machine is given, unless the user gives them.
const META_DATA: &str = "kaon.meta-data";
const NETWORK_CONFIG: &str = "kaon.network-config";
const VENDOR_DATA: &str = "kaon.vendor-data";

/// One of the machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Node {
    /// From 1 on.
    number: u8,
    name: String,
    /// Its address on the private network.
    address: String,
    /// The port of the host's loopback address that is forwarded to its SSH server.
    ssh_port: u16,
    /// The file that its serial line is written to.
    console: PathBuf,
}

impl Node {
    fn new(number: u8, options: &Options) -> Result<Self, QemuError> {
        let serial = options.serial.as_deref().unwrap_or(Path::new("out/node-{node}.console"));
        let first = options.ssh.unwrap_or(FIRST_SSH_PORT);
        Ok(Self {
            number,
            name: format!("node-{number}"),
            address: format!("10.9.0.{number}"),
            ssh_port: first.checked_add(u16::from(number) - 1).ok_or(QemuError::NoPortLeft { first })?,
            console: own(serial, number),
        })
    }

    /// The MAC address of its card on the private network.
    fn mac(&self) -> String {
        format!("52:54:00:09:00:{:02x}", self.number)
    }

    /// Its name, its addresses, and the names of all.
    fn documents(&self, all: &[Self]) -> [(&'static str, String); 3] {
        let Self { name, address, .. } = self;
        let hosts = all.iter().fold(String::new(), |mut text, node| {
            let _ = write!(text, "{} {}\\n", node.address, node.name);
            text
        });
        let network = format!(
            "version: 2\nethernets:\n  outer: {{match: {{macaddress: '52:54:00:12:34:56'}}, dhcp4: true}}\n  \
             inner: {{match: {{macaddress: '{}'}}, addresses: [{address}/24]}}\n",
            self.mac()
        );
        [
            (META_DATA, format!("instance-id: {name}\nlocal-hostname: {name}\n")),
            (NETWORK_CONFIG, network),
            (VENDOR_DATA, format!("#cloud-config\nbootcmd: [[sh, -c, \"printf '{hosts}' >>/etc/hosts\"]]\n")),
        ]
    }
}

/// Starts the machines and waits until all have ended. One that fails ends the others.
pub(super) fn run(
    context: &Context<'_>,
    options: &Options,
    count: u8,
    emulator: &Emulator,
    image: &Medium,
    folder: &Path,
) -> Result<ExitCode, Report> {
    let nodes: Vec<Node> = (1..=count).map(|number| Node::new(number, options)).collect::<Result<_, _>>()?;
    for folder in nodes.iter().filter_map(|node| node.console.parent()) {
        output::prepare(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })?;
    }
    let shared = if count > 1 { shared_disk(&options.extra) } else { None };
    if let Some(file) = shared {
        return Err(QemuError::SharedDisk { file }.into());
    }
    ports::check(nodes.iter().map(|node| node.ssh_port))?;
    let port = free_port()?;
    let common = options.machine(emulator, image, folder, context)?;
    let machines = nodes.iter().map(|node| machine(&common, node, &nodes, port, options, emulator, folder));
    let machines = machines.collect::<Result<Vec<_>, _>>()?;
    nodes.iter().try_for_each(|node| keep(Some(&node.console)))?;
    announce(context, &nodes);
    let part = context.cancel.part();
    let limits = options.limits();
    let ended: Vec<Result<Ended, QemuError>> = thread::scope(|scope| {
        let run = |machine, number| {
            let extra: Vec<OsString> = options.extra.iter().map(|word| numbered(Path::new(word), number).into()).collect();
            let ended = emulator.run(machine, &extra, limits, &part);
            if ended.is_err() {
                part.raise();
            }
            ended
        };
        let threads: Vec<_> = machines.iter().zip(&nodes).map(|(machine, node)| scope.spawn(move || run(machine, node.number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    let ended: Vec<Ended> = ended.into_iter().collect::<Result<_, _>>()?;
    Ok(if ended.contains(&Ended::Stopped) { ExitCode::Interrupted } else { ExitCode::Done })
}

/// The machine of one node: `common` with all that is its own.
fn machine(
    common: &Machine,
    node: &Node,
    all: &[Node],
    port: u16,
    options: &Options,
    emulator: &Emulator,
    folder: &Path,
) -> Result<Machine, QemuError> {
    let folder = folder.join(&node.name);
    fs::create_dir(&folder).map_err(|source| QemuError::Io(FileError::new("create", &folder, source)))?;
    let usual = node.documents(all).into_iter().filter(|(name, _)| options.credential.iter().all(|(given, _)| given != name));
    let mut documents: Vec<(String, Vec<u8>)> = usual.map(|(name, text)| (name.to_owned(), text.into_bytes())).collect();
    for (name, file) in &options.credential {
        let file = numbered(file, node.number);
        documents.push((name.clone(), fs::read(&file).map_err(|source| QemuError::Io(FileError::new("read", &file, source)))?));
    }
    let credentials = documents.iter().enumerate();
    let credentials = credentials.map(|(number, (name, content))| emulator::credential(name, content, number, &folder));
    Ok(Machine {
        firmware: match common.firmware {
            Firmware::Bios => Firmware::Bios,
            Firmware::Uefi { .. } => emulator.uefi(&folder)?,
        },
        serial: Serial::File(node.console.clone()),
        credentials: credentials.collect::<Result<_, _>>()?,
        ssh_port: Some(node.ssh_port),
        private: Some(PrivateNetwork { port, mac: node.mac() }),
        ports: common.ports.iter().map(|port| emulator::Port { file: own(&port.file, node.number), ..port.clone() }).collect(),
        disks: common.disks.iter().map(|disk| Disk { file: numbered(&disk.file, node.number), ..disk.clone() }).collect(),
        ..common.clone()
    })
}

/// A disk in the user's arguments for QEMU that all machines would write to, by the same name.
fn shared_disk(extra: &[OsString]) -> Option<String> {
    let words: Vec<&str> = extra.iter().filter_map(|word| word.to_str()).collect();
    let values = words.windows(2).filter(|pair| matches!(pair[0], "-drive" | "-blockdev")).map(|pair| pair[1]);
    let shared = values.filter(|value| {
        let is_own =
            ["snapshot=on", "readonly=on", "read-only=on", "media=cdrom"].iter().any(|word| value.split(',').any(|part| part == *word));
        !is_own && numbered_text(value, 1) == *value
    });
    let file =
        |value: &str| value.split(',').find_map(|part| Some(part.split_once("file=").or(part.split_once("filename="))?.1.to_owned()));
    shared.filter_map(file).next()
}

/// A port that nobody on this machine uses: emulators find each other by it.
fn free_port() -> Result<u16, QemuError> {
    let socket = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    socket.map(|address| address.port()).map_err(|source| QemuError::Io(FileError::new("listen at", "127.0.0.1", source)))
}

fn announce(context: &Context<'_>, nodes: &[Node]) {
    if context.output.is_json() {
        context.output.document(&serde_json::json!({ "nodes": nodes }));
        return;
    }
    for Node { name, address, ssh_port, console, .. } in nodes {
        context.output.text(&format!("{name}  {address}  ssh -p {ssh_port} root@127.0.0.1  console in {}\n", console.display()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(number: u8) -> Node {
        let (name, address) = (format!("node-{number}"), format!("10.9.0.{number}"));
        Node { number, name, address, ssh_port: 2200, console: PathBuf::new() }
    }

    #[test]
    fn each_machine_knows_its_name_its_addresses_and_the_others() {
        let documents = node(2).documents(&[node(1), node(2)]);
        assert_eq!(documents[0].1, "instance-id: node-2\nlocal-hostname: node-2\n");
        assert!(documents[1].1.contains("'52:54:00:09:00:02'}, addresses: [10.9.0.2/24]"), "{}", documents[1].1);
        assert!(documents[2].1.contains("10.9.0.1 node-1\\n10.9.0.2 node-2\\n"), "{}", documents[2].1);
    }

    #[test]
    fn a_disk_that_all_would_write_to_is_refused() {
        for (words, expected) in [
            (&["-drive", "file=data-{node}.qcow2,if=virtio"][..], None),
            (&["-drive", "if=virtio,file=data.qcow2"], Some("data.qcow2")),
            (&["-blockdev", "driver=raw,file.driver=file,file.filename=data.raw,node-name=a"], Some("data.raw")),
            (&["-drive", "file=data.qcow2,snapshot=on"], None),
            (&["-drive", "file=tools.iso,media=cdrom"], None),
            (&["-drive", "if=none,id=empty"], None),
            (&["-device", "virtio-blk-pci,file=x"], None),
        ] {
            let extra: Vec<OsString> = words.iter().map(OsString::from).collect();
            assert_eq!(shared_disk(&extra).as_deref(), expected, "{words:?}");
        }
    }
}
