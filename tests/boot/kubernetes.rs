//! A node of a Kubernetes cluster, without Kubernetes: a client of the Container Runtime Interface runs a pod in it as the kubelet does, and hollow
//! packages that require what upstream's require are installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use testing::packages::KEY;
use testing::packages::repository::{Recipe, World, build, write_metadata};

use super::DISK;
use super::check::check_system;
use super::container;
use super::guest::{Guest, Start, root, xtask};
use super::update::Served;

const SCRIPT: &str = include_str!("kubernetes.sh");

/// The settings that kubeadm and network plugins ask for.
const SYSCTLS: [&str; 3] = ["net.ipv4.ip_forward=1", "net.bridge.bridge-nf-call-iptables=1", "net.bridge.bridge-nf-call-ip6tables=1"];

/// What upstream's packages since 1.32 require, recommend and contain, from their spec files (`cmd/krel/templates/latest` of
/// kubernetes/release). The shell is that of the kubelet's scripts.
fn upstream() -> World {
    let recipe = |requires: &[&str], recommends: &[&str], files: &[&str]| {
        let texts = |list: &[&str]| list.iter().map(ToString::to_string).collect();
        Recipe {
            arch: Some("x86_64".into()),
            requires: texts(requires),
            recommends: texts(recommends),
            files: texts(files),
            ..Recipe::default()
        }
    };
    let kubelet = ["/usr/bin/kubelet", "/usr/lib/systemd/system/kubelet.service", "/etc/sysconfig/kubelet"];
    let kubeadm = ["/usr/bin/kubeadm", "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf"];
    let packages = [
        ("kubelet-1.34.2-150500.1.1", recipe(&["/bin/sh", "kubernetes-cni >= 1.2.0", "util-linux"], &["iptables >= 1.8.4"], &kubelet)),
        ("kubeadm-1.34.2-150500.1.1", recipe(&[], &[], &kubeadm)),
        ("kubectl-1.34.2-150500.1.1", recipe(&[], &[], &["/usr/bin/kubectl"])),
        ("cri-tools-1.34.0-150500.1.1", recipe(&[], &[], &["/usr/bin/crictl"])),
        ("kubernetes-cni-1.7.1-150500.1.1", recipe(&[], &[], &["/opt/cni/bin/bridge", "/opt/cni/bin/loopback"])),
    ];
    packages.into_iter().map(|(id, recipe)| (id.to_owned(), recipe)).collect()
}

/// A signed repository of upstream's packages.
fn repository(folder: &Path) -> PathBuf {
    let folder = folder.join("kubernetes");
    let offers = build(&folder, &upstream());
    write_metadata(&folder, &offers, "", 1);
    fs::write(folder.join("repodata/repomd.xml.key"), KEY).unwrap();
    folder
}

/// Compiles the client, statically linked, so that it runs on another system than this one.
fn client() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["rustc", "--locked", "--quiet", "--package", "remote", "--example", "cri", "--message-format", "json"]);
    command.args(["--", "-C", "target-feature=+crt-static", "-C", "strip=symbols"]).current_dir(root()).stderr(Stdio::inherit());
    let output = command.output().unwrap();
    assert!(output.status.success(), "the client does not compile");
    let messages = String::from_utf8(output.stdout).unwrap();
    let executable = |line| serde_json::from_str::<serde_json::Value>(line).ok()?["executable"].as_str().map(PathBuf::from);
    messages.lines().filter_map(executable).next_back().expect("cargo names the program")
}

/// Boots a node.
pub fn check() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    xtask(&["build-image", "kubernetes", "--format", "raw"]);
    let served = Served::start(&repository(folder.path()));
    // A pod's first container, which keeps its network, is a server here.
    let disks = [container::write(folder.path(), &["serve", "8080"]), client()];
    let script = format!("packages=10.0.2.2:{}\n{SCRIPT}", served.port);
    let guest = Start { disks: &disks, ..Start::of("kubernetes", "out/kaon-kubernetes.raw", &script) }.run();
    check_system(&guest, DISK);
    assert_eq!(guest.all("sysctl"), SYSCTLS);
    assert_eq!(guest.all("missing"), [""; 0], "kubeadm looks for these programs");
    assert_eq!((guest.one("swaps"), guest.one("engine")), ("0", ""));
    check_runtime(&guest);
    check_pod(&guest);
    check_packages(&guest);
}

/// What images were loaded, and what containerd said.
fn said(guest: &Guest) -> String {
    format!("{}\n{}", guest.text("import-said"), guest.text("said"))
}

/// The runtime is there, and has a network once one is described.
fn check_runtime(guest: &Guest) {
    assert!(guest.one("version").starts_with("containerd 2.") && guest.one("version").ends_with(" v1"), "{}", guest.one("version"));
    for (key, network) in [("before", "NetworkReady=false"), ("status", "NetworkReady=true")] {
        let words: Vec<&str> = guest.one(key).split(' ').collect();
        let expected = ["RuntimeReady=true", network, "cgroups=systemd"];
        assert!(expected.iter().all(|word| words.contains(word)), "{key}: {words:?}\n{}", said(guest));
    }
}

/// A pod is reached at its address, its containers share its network and leave logs, and nothing of it stays.
fn check_pod(guest: &Guest) {
    let pod = guest.one("pod");
    assert!(pod.len() == 64 && pod.bytes().all(|byte| byte.is_ascii_hexdigit()), "{pod}\n{}", said(guest));
    assert!(guest.one("address").starts_with("10.88."), "{}\n{}", guest.one("address"), said(guest));
    assert_eq!(guest.one("answer"), "answer", "{}", said(guest));
    assert_eq!(guest.one("cgroup"), format!("/kubepods.slice/cri-containerd-{pod}.scope"));
    for (key, code) in [("say", "0"), ("ask", "0"), ("exit", "7")] {
        assert_eq!(guest.one(key), code, "{}", said(guest));
    }
    // TIME STREAM, whether the line is full, and the line.
    for (key, line) in [("say-log", " stdout F said in a pod"), ("ask-log", " stdout F answer")] {
        assert!(guest.one(key).ends_with(line), "{key}: {}", guest.one(key));
    }
    assert_eq!((guest.one("removed"), guest.one("left")), ("removed", "0 0 0"), "{}", said(guest));
}

/// Upstream's programs are installed without its network plugins, which may be installed beside ours.
fn check_packages(guest: &Guest) {
    for key in ["install", "more", "check"] {
        assert_eq!(guest.one(key), "0", "{key}:\n  {}", guest.text(&format!("{key}-said")));
    }
    let expected = ["kubelet.x86_64", "kubeadm.x86_64", "kubectl.x86_64", "", ""];
    assert_eq!(guest.all("installed"), expected, "{}", guest.text("install-said"));
    assert_eq!(guest.one("plugins"), "/opt/cni/bin/bridge /usr/lib/cni/bridge ");
}
