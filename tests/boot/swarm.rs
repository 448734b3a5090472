//! Machines that become a swarm by their user data: a service on all, an encrypted network between them, and one that goes away.

use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::container;
use super::guest::{Guest, Start, TIMEOUT_S, file, root};
use super::server::Server;

/// Parts of both scripts.
const COMMON: &str = "wait_for() { for _ in {1..300}; do \"$@\" && return; sleep 1; done; fact late \"$* $(journalctl -b -o cat --no-pager -u kaon-swarm -u kaon-firstboot-late | tail -n 5 | tr '\\n' '|')\"; }
is_active() { [ \"$(docker info -f '{{.Swarm.LocalNodeState}}')\" = active ]; }
wait_for is_active
";

/// What the manager does and sees. The token leaves it by the other card. `$workers` are the names of the others.
const MANAGER: &str = "curl -sS --data \"$(docker swarm join-token -q worker)\" http://10.0.2.2:$port/
nodes() { docker node ls -f role=worker --format '{{.Hostname}} {{.Status}}' | sort | tr '\n' ' '; }
are_ready() { [ \"$(nodes)\" = \"$(printf '%s Ready\n' $workers | sort | tr '\n' ' ')\" ]; }
wait_for are_ready
set -- one $workers
docker network create --driver overlay --attachable --opt encrypted inner >/dev/null
docker service create --quiet --detach --no-resolve-image --name web --replicas $# --network inner --publish 8080:8080 --hostname '{{.Node.Hostname}}' kaon-test greet 8080 >/dev/null
tasks() { docker service ps -f desired-state=running --format '{{.Node}} {{.CurrentState}}' web | cut -d ' ' -f 1,2 | sort | tr '\n' ' '; }
is_everywhere() { [ \"$(tasks)\" = \"$(printf '%s Running\n' \"$@\" | sort | tr '\n' ' ')\" ]; }
wait_for is_everywhere \"$@\"
fact mesh \"$(for _ in {1..9}; do { exec 4<>/dev/tcp/10.9.0.1/8080; } && cat <&4; done 2>&1 | sort -u | tr '\n' ' ')\"
address=$(docker service inspect -f \"{{range .Endpoint.VirtualIPs}}{{if eq .NetworkID \\\"$(docker network inspect -f '{{.ID}}' inner)\\\"}}{{.Addr}}{{end}}{{end}}\" web)
fact inner \"$(docker run --rm --network inner kaon-test ask \"${address%/*}:8080\" 9 2>&1 | sort -u | tr '\n' ' ')\"
fact encrypted \"$(ip xfrm state | grep -c 'rfc4106(gcm(aes))')\"
# A worker acts once a container with its name has run there.
call() { docker service create --quiet --detach --no-resolve-image --name $1 --constraint node.hostname==$1 --restart-condition none kaon-test say $1 >/dev/null; }
call two
is_down() { [[ $(nodes) = *\"$1 Down \"* ]]; }
wait_for is_down two
has_moved() { [[ $(tasks) != *two* ]] && [ \"$(tasks | grep -o Running | wc -l)\" = $# ]; }
wait_for has_moved \"$@\"
fact moved \"$(tasks)\"
for name in ${workers#two}; do call $name; wait_for is_down $name; done
fact left \"$(ls /var/lib/kaon/swarm.json 2>/dev/null)\"
";

/// What a worker does: it waits for a container with its name.
const WORKER: &str = "fact active yes
is_called() { [ -n \"$(docker ps -aq --filter label=com.docker.swarm.service.name=$(</proc/sys/kernel/hostname))\" ]; }
wait_for is_called
";

/// How one loses its power.
const POWER_LOSS: &str = "trap - EXIT
fact end
exec 3>&-
sleep 1
systemctl poweroff -ff
";

/// A machine of the swarm.
struct Node<'a> {
    name: &'a str,
    /// The last number of its address.
    number: u8,
    /// The rest of `kaon.swarm`.
    role: String,
    script: String,
    /// The port of the network between the machines.
    cable: u16,
}

impl Node<'_> {
    fn run(&self, folder: &Path, image: &Path) -> Guest {
        let Self { name, number, role, script, cable } = self;
        let user_data = format!(
            "#cloud-config\nhostname: {name}\nkaon:\n  images: [{{path: /dev/disk/by-id/virtio-disk0}}]\n  swarm: {{{role}, advertise_addr: 10.9.0.{number}}}\n"
        );
        let network = format!(
            "version: 2\nethernets:\n  outer: {{match: {{macaddress: '52:54:00:12:34:56'}}, dhcp4: true}}\n  \
             inner: {{match: {{macaddress: '52:54:00:aa:00:0{number}'}}, addresses: [10.9.0.{number}/24]}}\n"
        );
        let given = [("kaon.user-data", user_data), ("kaon.network-config", network)];
        let given = given.map(|(key, text)| format!("{key}={}", file(folder, &format!("{name}-{key}"), text.as_bytes()).display()));
        let cable = format!("socket,id=cable,mcast=239.192.9.1:{cable},localaddr=127.0.0.1");
        let card = format!("virtio-net-pci,netdev=cable,mac=52:54:00:aa:00:0{number}");
        let disk = root().join("out/kaon-minimal.qcow2");
        let start = Start {
            options: &["--credential", &given[0], "--credential", &given[1]],
            disks: &[image.to_owned()],
            arguments: &["-netdev", &cable, "-device", &card],
            ..Start::of(name, disk.to_str().expect("a path in UTF-8"), script)
        };
        start.run()
    }
}

/// The token that the manager sends.
fn token(server: &Server, manager: &thread::ScopedJoinHandle<'_, Guest>) -> String {
    let begun = Instant::now();
    loop {
        if let Some(token) = server.requests().into_iter().find(|body| body.starts_with("SWMTKN-")) {
            return token;
        }
        assert!(!manager.is_finished() && begun.elapsed() < Duration::from_secs(TIMEOUT_S), "the manager sent no token");
        thread::sleep(Duration::from_secs(1));
    }
}

/// The names of the workers.
const WORKERS: [&str; 2] = ["two", "three"];

/// Starts as many machines; the workers' user data contains the token of the manager. The second one loses its power.
pub fn check(machines: u8) {
    let folder = tempfile::tempdir().unwrap();
    let image = container::write(folder.path(), &["say", "hello"]);
    let server = Server::start(String::new());
    // Nobody else is told this number while the socket is open.
    let reserved = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let cable = reserved.local_addr().unwrap().port();
    let names = &WORKERS[..usize::from(machines) - 1];
    let script = format!("port={} workers='{}'\n{COMMON}{MANAGER}", server.port, names.join(" "));
    let one = Node { name: "one", number: 1, role: "init: true".into(), script, cable };
    let (manager, workers) = thread::scope(|scope| {
        let manager = scope.spawn(|| one.run(folder.path(), &image));
        let token = token(&server, &manager);
        let join = |(number, name): (u8, &'static str)| {
            let role = format!("join: 10.9.0.1, token: {token}");
            let end = if name == "two" { POWER_LOSS } else { "" };
            let node = Node { name, number, role, script: format!("{COMMON}{WORKER}{end}"), cable };
            let (folder, image) = (folder.path(), &image);
            scope.spawn(move || node.run(folder, image))
        };
        let workers: Vec<_> = (2..).zip(names.iter().copied()).map(join).collect();
        let workers: Vec<Guest> = workers.into_iter().map(|worker| worker.join().expect("a worker")).collect();
        (manager.join().expect("the manager"), workers)
    });
    for worker in workers {
        assert_eq!(worker.one("active"), "yes", "{}", worker.text("late"));
    }
    assert_eq!(manager.all("failed-unit"), [""; 0]);
    let mut all = [&["one"], names].concat();
    all.sort_unstable();
    for network in ["mesh", "inner"] {
        assert_eq!(manager.one(network), format!("{} ", all.join(" ")), "{network}: {}", manager.text("late"));
    }
    assert_ne!(manager.one("encrypted"), "0");
    let moved = manager.one("moved");
    assert!(!moved.contains("two") && moved.matches("Running").count() == all.len(), "{moved}: {}", manager.text("late"));
    assert_eq!((manager.one("left"), manager.all("late")), ("", &[][..]));
}
