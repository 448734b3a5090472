use super::*;
use crate::{Bundle, understand};

/// A system without users, and what is done with it.
fn done(user_data: &str) -> (tempfile::TempDir, Target, Vec<String>) {
    let network = "version: 2\nethernets: {eth0: {addresses: [192.0.2.7/24]}}\n";
    let user_data = Some(format!("#cloud-config\n{user_data}"));
    done_with(&Bundle { user_data, network_config: Some(network.into()), ..Bundle::default() })
}

fn done_with(bundle: &Bundle) -> (tempfile::TempDir, Target, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let target = Target::prepare(folder.path()).unwrap();
    target.write("/etc/passwd", 0o644, b"root:x:0:0:root:/root:/bin/sh\n").unwrap();
    target.write("/etc/group", 0o644, b"root:x:0:\nusers:x:100:\ndocker:x:975:\nwheel:x:10:\n").unwrap();
    target.write("/etc/shadow", 0o600, b"root:!*:1::::::\n").unwrap();
    target.write("/etc/gshadow", 0o600, b"root:!*::\nusers:!*::\ndocker:!*::\nwheel:!*::\n").unwrap();
    let mut wishes = understand(bundle);
    let complaints = early(&mut wishes, &target).unwrap();
    (folder, target, complaints)
}

#[test]
fn everything_that_is_asked_for() {
    let (_folder, target, complaints) = done(
        "hostname: node\nssh_authorized_keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPB3ZUf/t9vf9lorU76ObjtWE8WL0bnFRFO4YT43pIB root]\n\
         users:\n  - {name: dev, groups: docker, sudo: 'ALL=(ALL) NOPASSWD:ALL', ssh_authorized_keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPB3ZUf/t9vf9lorU76ObjtWE8WL0bnFRFO4YT43pIB dev]}\n\
         chpasswd: {expire: false, users: [{name: root, password: sesame, type: text}]}\n\
         write_files:\n  - {path: /etc/a, content: hi, permissions: '0600'}\n  - {path: /etc/a, content: aGk=, encoding: b64, append: true}\n\
         ca_certs: {trusted: [\"-----BEGIN CERTIFICATE-----\\nMAA=\\n-----END CERTIFICATE-----\"]}\n\
         kaon: {images: [{path: /a.tar}], containers: [{name: web, image: 'a:1'}, {name: '-', image: a}]}\n\
         proxy: {http: 'http://proxy:3128'}\npackages: [vim]\nruncmd:\n  - echo $HOME\n  - [echo, \"it's\", 5, 0.50]\n",
    );
    assert_eq!(complaints.len(), 1, "{complaints:?}");
    assert!(complaints[0].contains("kaon.containers[1]: the name must have"), "{complaints:?}");
    assert_eq!(target.read("/etc/pki/anchors/firstboot-1.pem").unwrap(), "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n");
    let networks = std::fs::read_dir(target.root().join("etc/systemd/network")).unwrap();
    let network = std::fs::read_to_string(networks.flatten().next().unwrap().path()).unwrap();
    assert!(network.contains("Address=192.0.2.7/24"), "{network}");
    let left = target.read("/var/lib/kaon/containers.json").unwrap();
    assert_eq!(left, "{\"images\":[{\"path\":\"/a.tar\"}],\"units\":[\"kaon-container-web.service\"]}");
    assert_eq!(target.read("/etc/hostname").unwrap(), "node\n");
    assert_eq!(
        target.read("/root/.ssh/authorized_keys").unwrap(),
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPB3ZUf/t9vf9lorU76ObjtWE8WL0bnFRFO4YT43pIB root\n"
    );
    assert_eq!(
        target.read("/home/dev/.ssh/authorized_keys").unwrap(),
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPB3ZUf/t9vf9lorU76ObjtWE8WL0bnFRFO4YT43pIB dev\n"
    );
    assert_eq!(target.read("/etc/sudoers.d/50-dev").unwrap(), "dev ALL=(ALL) NOPASSWD:ALL\n");
    assert!(target.read("/etc/shadow").unwrap().starts_with("root:$6$"));
    assert_eq!(target.read("/etc/a").unwrap(), "hihi");
    assert!(target.read("/etc/profile.d/proxy.sh").unwrap().contains("export http_proxy='http://proxy:3128'\n"));
    assert!(late::is_left(&target).unwrap());
    assert_eq!(target.read("/run/kaon/firstboot-late/20-packages").unwrap(), "#!/bin/sh\ntdnf -y install vim\n");
    assert_eq!(target.read("/run/kaon/firstboot-late/40-runcmd").unwrap(), "#!/bin/sh\necho $HOME\necho 'it'\\''s' 5 0.50\n");
}

#[test]
fn what_cannot_be_done_is_told_and_the_rest_is_done() {
    let (_folder, target, complaints) = done(
        "hostname: a_b\nusers: [{name: d@v}, {name: x, passwd: sesame}]\nssh_authorized_keys: [x]\ntimezone: ../../etc/shadow\n\
         write_files: [{path: ../a}, {path: /b, content: '!', encoding: b64}, {path: /etc/c, content: c}]\nproxy: {http: 'a b'}\n",
    );
    assert_eq!(complaints.len(), 1, "one text of several lines: {complaints:?}");
    assert_eq!(complaints[0].lines().filter(|line| !line.starts_with("  ")).count(), 8, "{complaints:?}");
    assert!(complaints.iter().all(|line| !line.contains("sesame")));
    assert_eq!(target.read("/etc/c").unwrap(), "c");
    assert!(target.read("/etc/passwd").unwrap().contains("\nx:x:1000:"));
}

#[test]
fn passwords_from_a_form_let_in() {
    let shadow = |bundle: &Bundle| done_with(bundle).1.read("/etc/shadow").unwrap();
    let xml = r#"<Environment xmlns:oe="e"><Property oe:key="password" oe:value="sesame"/></Environment>"#;
    let ovf = crate::Environment::parse(xml).ok();
    // Field 3 is the day of the last change; 0 stands for a password that must be changed before anything else is done.
    for user_data in [None, Some("#cloud-config\nhostname: a\n"), Some("#cloud-config\nchpasswd: {expire: true}\n")] {
        let text = shadow(&Bundle { ovf: ovf.clone(), user_data: user_data.map(str::to_owned), ..Bundle::default() });
        let fields: Vec<&str> = text.lines().next().unwrap().split(':').collect();
        assert!(fields[1].starts_with("$6$") && fields[2] != "0", "{user_data:?}: {text}");
    }
    let text = shadow(&Bundle { user_data: Some("#cloud-config\npassword: sesame\n".into()), ..Bundle::default() });
    assert_eq!(text.lines().next().unwrap().split(':').nth(2), Some("0"), "cloud-init's default");
}

#[test]
fn groups_that_are_missing_are_made() {
    let (_folder, target, complaints) = done(
        "groups: [admins, {ops: [dev, none]}]\nusers:\n  - {name: dev, groups: 'sudo, adm', primary_group: staff, homedir: /srv/dev}\n  \
         - {name: svc, system: true, no_user_group: true, expiredate: 2032-09-01}\n  - {name: no, groups: [nowhere], create_groups: false}\n",
    );
    assert_eq!(complaints.len(), 2, "{complaints:?}");
    let group = target.read("/etc/group").unwrap();
    for line in ["admins:x:999:", "ops:x:998:dev", "sudo:x:997:dev", "adm:x:996:dev", "staff:x:995:", "wheel:x:10:"] {
        assert!(group.lines().any(|found| found == line), "{line}\n{group}");
    }
    let passwd = target.read("/etc/passwd").unwrap();
    assert!(passwd.contains("dev:x:1000:995::/srv/dev:") && passwd.contains("svc:x:999:100:"), "{passwd}");
    assert!(target.read("/etc/shadow").unwrap().contains("svc:!*:") && target.read("/etc/shadow").unwrap().contains("::22889:\n"));
    assert_eq!(target.read("/etc/sudoers.d/40-group-sudo").unwrap(), "%sudo ALL=(ALL:ALL) ALL\n");
    assert!(!target.root().join("home/svc").exists());
}
