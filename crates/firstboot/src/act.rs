//! Doing what a platform asks for. What cannot be done is reported and stops nothing: a system without the file can still be repaired.

use std::fmt::Write as _;
use std::path::Path;

use base64::Engine as _;

use super::cloud::{CloudUser, Encoding, PasswordKind, Proxy, WriteFile};
use super::{Wishes, late, load};
use kickstart::networkd;
use kickstart::{is_account_name, is_hash, is_hostname, is_ssh_key};
use system::account::{self, Accounts};
use system::account::{Credential, UserAccount};
use system::guestinfo;
use system::{SystemError, Target};

/// All that can be done before the network is up; gives what could not be.
pub(super) fn early(wishes: &mut Wishes, target: &Target) -> Result<Vec<String>, SystemError> {
    let mut complaints = std::mem::take(&mut wishes.complaints);
    let mut try_to = |what: &str, result: Result<(), SystemError>| {
        if let Err(error) = result {
            complaints.push(format!("{what}: {}", text::with_causes(&error)));
        }
    };
    let cloud = &wishes.cloud;
    if let Some(name) = cloud.fqdn.as_ref().or(cloud.hostname.as_ref()) {
        try_to("hostname", hostname(name, target));
    }
    for file in wishes.network.iter().flat_map(networkd::files) {
        try_to("network", target.write(&file.path, 0o644, file.content.as_bytes()));
    }
    for wanted in &cloud.users {
        try_to(&format!("users: {}", wanted.name), user(wanted, target));
    }
    try_to("ssh_authorized_keys", root_keys(&cloud.ssh_authorized_keys, target));
    for wanted in &cloud.chpasswd.users {
        let age = if cloud.chpasswd.expire == Some(false) { None } else { Some(0) };
        let credential = Credential { text: wanted.password.clone(), crypted: wanted.kind == PasswordKind::Hash, age };
        try_to(&format!("chpasswd: {}", wanted.name), account::set_password(&wanted.name, &credential, target));
    }
    for (index, certificate) in cloud.ca_certs.trusted.iter().enumerate() {
        let path = format!("/etc/pki/anchors/firstboot-{}.pem", index + 1);
        try_to("ca_certs", target.write(&path, 0o644, (certificate.trim().to_owned() + "\n").as_bytes()));
    }
    if !cloud.ca_certs.trusted.is_empty() && target.has("update-ca-trust") {
        try_to("ca_certs", target.run("update-ca-trust", system::NO_ARGUMENTS, None).map(drop));
    }
    try_to("proxy", proxy(&cloud.proxy, target));
    if let Some(zone) = &cloud.timezone {
        try_to("timezone", timezone(zone, target));
    }
    for file in &cloud.write_files {
        try_to(&format!("write_files: {}", file.path), write_file(file, target));
    }
    let mut containers = Vec::new();
    for container in &cloud.kaon.containers {
        match container.install(target) {
            Ok(()) => containers.push(container),
            Err(error) => try_to(&format!("containers: {}", container.name), Err(error)),
        }
    }
    try_to("images", load::prepare(&cloud.kaon.images, &containers, target));
    try_to("runcmd", late::prepare(wishes, target));
    Ok(complaints)
}

fn hostname(name: &str, target: &Target) -> Result<(), SystemError> {
    if !is_hostname(name) {
        return Err(SystemError::refused("not a valid host name"));
    }
    target.write("/etc/hostname", 0o644, format!("{name}\n").as_bytes())?;
    if target.root() == Path::new("/") {
        nix::unistd::sethostname(name).map_err(|error| SystemError::io("set", Path::new("host name"))(error.into()))?;
    }
    Ok(())
}

fn user(wanted: &CloudUser, target: &Target) -> Result<(), SystemError> {
    if !is_account_name(&wanted.name) {
        return Err(SystemError::refused("not a valid login name"));
    }
    let hash = wanted.passwd.as_ref().or(wanted.hashed_passwd.as_ref()).map(|text| (text, true));
    let given = hash.or(wanted.plain_text_passwd.as_ref().map(|text| (text, false))).filter(|_| wanted.lock_passwd != Some(true));
    if given.is_some_and(|(text, crypted)| crypted && !is_hash(text.reveal())) {
        return Err(SystemError::refused("the password is not a hash in the format of crypt(5)"));
    }
    let (keys, refusal) = keys(&wanted.ssh_authorized_keys);
    let password = given.map(|(text, crypted)| Credential { text: text.clone(), crypted, age: None });
    if wanted.name == "root" || Accounts::read(target)?.user(&wanted.name).is_some() {
        password.map_or(Ok(()), |password| account::set_password(&wanted.name, &password, target))?;
        return account::add_keys(&wanted.name, &keys, target).and(refusal);
    }
    let account = UserAccount {
        name: wanted.name.clone(),
        gecos: wanted.gecos.replace([':', '\n'], " "),
        uid: wanted.uid,
        groups: wanted.groups.0.clone(),
        shell: wanted.shell.clone().unwrap_or_else(|| "/usr/bin/bash".to_owned()),
        password,
        ssh_keys: keys,
    };
    account::add_user(&account, target)?;
    if wanted.sudo.0.is_empty() {
        return refusal;
    }
    let rules = wanted.sudo.0.iter().fold(String::new(), |text, rule| text + &format!("{} {rule}\n", wanted.name));
    target.write(&format!("/etc/sudoers.d/50-{}", wanted.name), 0o440, rules.as_bytes()).and(refusal)
}

/// Those that are public keys, and whether all are: an invalid one locks out only its owner.
fn keys(given: &[String]) -> (Vec<String>, Result<(), SystemError>) {
    let lines = given.iter().map(|key| key.trim().to_owned()).filter(|key| !key.is_empty());
    let (keys, others): (Vec<String>, Vec<String>) = lines.partition(|key| is_ssh_key(key));
    let refusal = if others.is_empty() { Ok(()) } else { Err(SystemError::refused("one of the keys is not a public key")) };
    (keys, refusal)
}

fn root_keys(given: &[String], target: &Target) -> Result<(), SystemError> {
    let (keys, refusal) = keys(given);
    account::add_keys("root", &keys, target).and(refusal)
}

fn proxy(proxy: &Proxy, target: &Target) -> Result<(), SystemError> {
    let mut pairs = Vec::new();
    for (name, value) in [("http_proxy", &proxy.http), ("https_proxy", &proxy.https), ("no_proxy", &proxy.no_proxy)] {
        let Some(value) = value else { continue };
        if value
            .chars()
            .any(|letter| letter.is_whitespace() || letter.is_control() || matches!(letter, '"' | '\'' | '\\' | '$' | '`' | '%'))
        {
            return Err(SystemError::refused("an address contains a character that addresses cannot contain"));
        }
        pairs.extend([(name.to_owned(), value), (name.to_uppercase(), value)]);
    }
    if pairs.is_empty() {
        return Ok(());
    }
    let (mut manager, mut shell) = (String::from("[Manager]\n"), String::new());
    for (name, value) in pairs {
        let _ = writeln!(manager, "DefaultEnvironment=\"{name}={value}\"");
        let _ = writeln!(shell, "export {name}='{value}'");
    }
    target.write("/etc/systemd/system.conf.d/50-proxy.conf", 0o644, manager.as_bytes())?;
    target.write("/etc/profile.d/proxy.sh", 0o644, shell.as_bytes())?;
    if target.root() == Path::new("/") {
        target.run("systemctl", &["daemon-reexec"], None)?;
    }
    Ok(())
}

fn timezone(zone: &str, target: &Target) -> Result<(), SystemError> {
    let plain = zone.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte));
    if !plain || !target.place(&format!("/usr/share/zoneinfo/{zone}"))?.is_file() {
        return Err(SystemError::refused("unknown time zone"));
    }
    target.symlink("/etc/localtime", &format!("../usr/share/zoneinfo/{zone}"))
}

fn write_file(file: &WriteFile, target: &Target) -> Result<(), SystemError> {
    if !file.path.starts_with('/') || file.path.ends_with('/') || file.path.split('/').any(|part| part == "..") {
        return Err(SystemError::refused("the path is not absolute"));
    }
    let bytes = match file.encoding {
        Encoding::Plain => file.content.clone().into_bytes(),
        Encoding::Base64 => {
            let text: String = file.content.split_whitespace().collect();
            base64::engine::general_purpose::STANDARD.decode(text).map_err(|_| SystemError::refused("the content is not Base64"))?
        }
        Encoding::GzipBase64 => guestinfo::decode(&file.content, "gz+b64")
            .ok_or_else(|| SystemError::refused("the content is not compressed data in Base64"))?
            .into_bytes(),
    };
    let content = if file.append { [target.read(&file.path)?.into_bytes(), bytes].concat() } else { bytes };
    target.write(&file.path, file.permissions.map_or(0o644, |mode| mode.0), &content)?;
    file.owner.as_ref().map_or(Ok(()), |owner| target.run("chown", &["-h", "--", owner, &file.path], None).map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bundle, understand};

    fn done(user_data: &str) -> (tempfile::TempDir, Target, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::prepare(folder.path()).unwrap();
        target.write("/etc/passwd", 0o644, b"root:x:0:0:root:/root:/bin/sh\n").unwrap();
        target.write("/etc/group", 0o644, b"root:x:0:\ndocker:x:975:\n").unwrap();
        target.write("/etc/shadow", 0o600, b"root:!*:1::::::\n").unwrap();
        target.write("/etc/gshadow", 0o600, b"root:!*::\ndocker:!*::\n").unwrap();
        let network = "version: 2\nethernets: {eth0: {addresses: [192.0.2.7/24]}}\n";
        let user_data = Some(format!("#cloud-config\n{user_data}"));
        let bundle = Bundle { user_data, network_config: Some(network.into()), ..Bundle::default() };
        let mut wishes = understand(&bundle);
        let complaints = early(&mut wishes, &target).unwrap();
        (folder, target, complaints)
    }

    #[test]
    fn everything_that_is_asked_for() {
        let (_folder, target, complaints) = done(
            "hostname: node\nssh_authorized_keys: [ssh-ed25519 AAAA root]\n\
             users:\n  - {name: dev, groups: docker, sudo: 'ALL=(ALL) NOPASSWD:ALL', ssh_authorized_keys: [ssh-ed25519 AAAA dev]}\n\
             chpasswd: {expire: false, users: [{name: root, password: sesame, type: text}]}\n\
             write_files:\n  - {path: /etc/a, content: hi, permissions: '0600'}\n  - {path: /etc/a, content: aGk=, encoding: b64, append: true}\n\
             ca_certs: {trusted: [\"-----BEGIN CERTIFICATE-----\\nAA\\n-----END CERTIFICATE-----\"]}\n\
             kaon: {images: [{path: /a.tar}], containers: [{name: web, image: 'a:1'}, {name: '-', image: a}]}\n\
             proxy: {http: 'http://proxy:3128'}\npackages: [vim]\nruncmd:\n  - echo $HOME\n  - [echo, \"it's\", 5]\n",
        );
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(complaints[0].starts_with("containers: -: the name must have"), "{complaints:?}");
        assert_eq!(
            target.read("/etc/pki/anchors/firstboot-1.pem").unwrap(),
            "-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n"
        );
        let networks = std::fs::read_dir(target.root().join("etc/systemd/network")).unwrap();
        let network = std::fs::read_to_string(networks.flatten().next().unwrap().path()).unwrap();
        assert!(network.contains("Address=192.0.2.7/24"), "{network}");
        let left = target.read("/var/lib/kaon/containers.json").unwrap();
        assert_eq!(left, "{\"images\":[{\"path\":\"/a.tar\"}],\"units\":[\"kaon-container-web.service\"]}");
        assert_eq!(target.read("/etc/hostname").unwrap(), "node\n");
        assert_eq!(target.read("/root/.ssh/authorized_keys").unwrap(), "ssh-ed25519 AAAA root\n");
        assert_eq!(target.read("/home/dev/.ssh/authorized_keys").unwrap(), "ssh-ed25519 AAAA dev\n");
        assert_eq!(target.read("/etc/sudoers.d/50-dev").unwrap(), "dev ALL=(ALL) NOPASSWD:ALL\n");
        assert!(target.read("/etc/shadow").unwrap().starts_with("root:$6$"));
        assert_eq!(target.read("/etc/a").unwrap(), "hihi");
        assert!(target.read("/etc/profile.d/proxy.sh").unwrap().contains("export http_proxy='http://proxy:3128'\n"));
        assert!(late::is_left(&target).unwrap());
        assert_eq!(target.read(late::SCRIPT).unwrap(), "#!/bin/sh\ntdnf -y install vim\necho $HOME\necho 'it'\\''s' 5\n");
    }

    #[test]
    fn what_cannot_be_done_is_told_and_the_rest_is_done() {
        let (_folder, target, complaints) = done(
            "hostname: a_b\nusers: [{name: Dev}, {name: x, passwd: sesame}]\nssh_authorized_keys: [x]\ntimezone: ../../etc/shadow\n\
             write_files: [{path: ../a}, {path: /b, content: '!', encoding: b64}, {path: /etc/c, content: c}]\nproxy: {http: 'a b'}\n",
        );
        assert_eq!(complaints.len(), 8, "{complaints:?}");
        assert!(complaints.iter().all(|line| !line.contains("sesame")));
        assert_eq!(target.read("/etc/c").unwrap(), "c");
    }
}
