//! Two machines that become a swarm by their user data: a service on both, an encrypted network between them, and one that goes away.

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

/// What the manager does and sees. The token leaves it by the other card.
const MANAGER: &str = "curl -sS --data \"$(docker swarm join-token -q worker)\" http://10.0.2.2:$PORT/
worker() { [ \"$(docker node ls -f role=worker --format '{{.Status}}')\" = $1 ]; }
wait_for worker Ready
docker network create --driver overlay --attachable --opt encrypted inner >/dev/null
docker service create --quiet --detach --no-resolve-image --name web --replicas 2 --network inner --publish 8080:8080 --hostname '{{.Node.Hostname}}' kaon-test greet 8080 >/dev/null
tasks() { docker service ps -f desired-state=running --format '{{.Node}} {{.CurrentState}}' web | cut -d ' ' -f 1,2 | sort | tr '\\n' ' '; }
runs() { [ \"$(tasks)\" = \"$1\" ]; }
wait_for runs 'one Running two Running '
fact mesh \"$(for _ in {1..8}; do { exec 4<>/dev/tcp/10.9.0.1/8080; } && cat <&4; done 2>&1 | sort -u | tr '\\n' ' ')\"
address=$(docker service inspect -f \"{{range .Endpoint.VirtualIPs}}{{if eq .NetworkID \\\"$(docker network inspect -f '{{.ID}}' inner)\\\"}}{{.Addr}}{{end}}{{end}}\" web)
fact inner \"$(docker run --rm --network inner kaon-test ask \"${address%/*}:8080\" 8 2>&1 | sort -u | tr '\\n' ' ')\"
fact encrypted \"$(ip xfrm state | grep -c 'rfc4106(gcm(aes))')\"
docker service create --quiet --detach --no-resolve-image --name over --constraint node.hostname==two --restart-condition none kaon-test say over >/dev/null
wait_for worker Down
wait_for runs 'one Running one Running '
fact moved \"$(tasks)\"
fact left \"$(ls /var/lib/kaon/swarm.json 2>/dev/null)\"
";

/// The worker loses its power once the manager has seen everything.
const WORKER: &str = "fact active yes
is_over() { [ -n \"$(docker ps -aq --filter label=com.docker.swarm.service.name=over)\" ]; }
wait_for is_over
trap - EXIT
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
    /// This end of the cable between the machines.
    cable: &'a str,
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
        let cable = format!("stream,id=cable,addr.type=unix,addr.path={},{cable}", folder.join("cable").display());
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

/// Starts both; the worker's user data contains the token of the manager.
pub fn check() {
    let folder = tempfile::tempdir().unwrap();
    let image = container::write(folder.path(), &["say", "hello"]);
    let server = Server::start(String::new());
    let script = format!("PORT={}\n{COMMON}{MANAGER}", server.port);
    let one = Node { name: "one", number: 1, role: "init: true".into(), script, cable: "server=on" };
    let (manager, worker) = thread::scope(|scope| {
        let manager = scope.spawn(|| one.run(folder.path(), &image));
        let role = format!("join: 10.9.0.1, token: {}", token(&server, &manager));
        let two = Node { name: "two", number: 2, role, script: format!("{COMMON}{WORKER}"), cable: "server=off" };
        let worker = two.run(folder.path(), &image);
        (manager.join().expect("the manager"), worker)
    });
    assert_eq!(worker.one("active"), "yes", "{}", worker.text("late"));
    assert_eq!(manager.all("failed-unit"), [""; 0]);
    for network in ["mesh", "inner"] {
        assert_eq!(manager.one(network), "one two ", "{network}: {}", manager.text("late"));
    }
    assert_ne!(manager.one("encrypted"), "0");
    assert_eq!(manager.one("moved"), "one Running one Running ", "{}", manager.text("late"));
    assert_eq!((manager.one("left"), manager.all("late")), ("", &[][..]));
}
