//! Several machines of one image on a private network: `cargo xtask qemu --nodes 3`.

use std::fmt::Write as _;
use std::fs;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::thread;

use serde::Serialize;

use super::{Medium, Options};
use crate::cli::Context;
use crate::output;
use base::diagnostic::{ExitCode, Report};
use base::file_error::FileError;
use emulator::{Emulator, Ended, Firmware, Machine, PrivateNetwork, QemuError, Serial};

/// What stands in file names for the number of a machine.
const NUMBER: &str = "{node}";

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
        let serial = options.serial.clone().unwrap_or_else(|| format!("out/node-{NUMBER}.console").into());
        let first = options.ssh.unwrap_or(FIRST_SSH_PORT);
        Ok(Self {
            number,
            name: format!("node-{number}"),
            address: format!("10.9.0.{number}"),
            ssh_port: first.checked_add(u16::from(number) - 1).ok_or(QemuError::NoPortLeft { first })?,
            console: numbered(&serial, number),
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

/// A path with the number of a machine.
fn numbered(path: &Path, number: u8) -> PathBuf {
    path.to_str().map_or_else(|| path.to_owned(), |text| text.replace(NUMBER, &number.to_string()).into())
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
    let port = free_port()?;
    let common = options.machine(emulator, image, folder, context)?;
    let machines = nodes.iter().map(|node| machine(&common, node, &nodes, port, options, emulator, folder));
    let machines = machines.collect::<Result<Vec<_>, _>>()?;
    announce(context, &nodes);
    let part = context.cancel.part();
    let limits = options.limits();
    let ended: Vec<Result<Ended, QemuError>> = thread::scope(|scope| {
        let run = |machine| {
            let ended = emulator.run(machine, &options.extra, limits, &part);
            if ended.is_err() {
                part.raise();
            }
            ended
        };
        let threads: Vec<_> = machines.iter().map(|machine| scope.spawn(move || run(machine))).collect();
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
    let own = node.documents(all).into_iter().filter(|(name, _)| options.credential.iter().all(|(given, _)| given != name));
    let mut documents: Vec<(String, Vec<u8>)> = own.map(|(name, text)| (name.to_owned(), text.into_bytes())).collect();
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
        ports: common.ports.iter().map(|port| emulator::Port { file: numbered(&port.file, node.number), ..port.clone() }).collect(),
        ..common.clone()
    })
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
    fn file_names_contain_the_number() {
        assert_eq!(numbered(Path::new("a{node}/user-{node}.yaml"), 3), Path::new("a3/user-3.yaml"));
        assert_eq!(numbered(Path::new("user.yaml"), 3), Path::new("user.yaml"));
    }
}
