//! Doing what a platform asks for. What cannot be done is reported and stops nothing: a system without the file can still be repaired.

mod cards;
mod fstab;
mod people;
mod settings;
mod storage;
#[cfg(test)]
mod tests;

use std::path::Path;

use super::cloud::{CaCerts, CloudConfig, Command, WriteFile};
use super::{Kaon, Wishes, include, late, load};
use kickstart::networkd::{self, File};
use system::{NO_ARGUMENTS, SystemError, Target};

/// What could not be done.
struct Report(Vec<String>);

impl Report {
    /// Does something, and reports it if that fails.
    fn take(&mut self, what: &str, result: Result<(), SystemError>) {
        if let Err(error) = result {
            self.0.push(format!("{what}: {}", text::with_causes(&error)));
        }
    }
}

/// All that can be done before the network is up; gives what could not be.
pub(super) fn early(wishes: &mut Wishes, target: &Target) -> Result<Vec<String>, SystemError> {
    let mut report = Report(std::mem::take(&mut wishes.complaints));
    let is_running = target.root() == Path::new("/");
    if let Some(network) = wishes.network.as_mut().filter(|_| is_running) {
        report.0.extend(cards::resolve(network, &cards::all()));
    }
    let cloud = &wishes.cloud;
    // A key that nobody uses does not compile: what is not bound here belongs to who is named before it.
    let CloudConfig {
        write_files,
        ca_certs: CaCerts { trusted },
        kaon: Kaon { images, containers, ssh, swarm },
        bootcmd,
        // `name`:
        hostname: _,
        fqdn: _,
        prefer_fqdn_over_hostname: _,
        preserve_hostname: _,
        // `people`:
        groups: _,
        users: _,
        ssh_authorized_keys: _,
        chpasswd: _,
        ssh_pwauth: _,
        disable_root: _,
        ssh_keys: _,
        // `CloudConfig::settle`, which makes others of them:
        user: _,
        password: _,
        older_ca_certs: _,
        // `settings`:
        timezone: _,
        locale: _,
        keyboard: _,
        ntp: _,
        resolv_conf: _,
        yum_repos: _,
        proxy: _,
        // `storage`:
        disk_setup: _,
        fs_setup: _,
        mounts: _,
        mount_default_fields: _,
        swap: _,
        // `late`:
        runcmd: _,
        packages: _,
        package_update: _,
        package_upgrade: _,
        phone_home: _,
        final_message: _,
        power_state: _,
    } = cloud;
    boot_commands(bootcmd, &wishes.boothooks, target, &mut report);
    if let Some(name) = name(cloud) {
        report.take("hostname", hostname(name, target));
    }
    let files: Vec<File> = wishes.network.iter().flat_map(networkd::files).collect();
    for file in &files {
        report.take("network", network_file(file, target));
    }
    if files.iter().any(|file| file.path.ends_with(".link")) && is_running {
        report.take("network", rename_cards(target));
    }
    storage::prepare(cloud, &wishes.places, wishes.is_added, target, &mut report);
    people::make(cloud, target, &mut report);
    for file in ssh.files() {
        report.take("kaon.ssh", target.write(&file.path, kickstart::SSH_FILE_MODE.into(), file.content.as_bytes()));
    }
    let added = if wishes.is_added { "-included" } else { "" };
    for (index, certificate) in trusted.iter().enumerate() {
        let path = format!("/etc/pki/anchors/firstboot{added}-{}.pem", index + 1);
        report.take("ca_certs", target.write(&path, 0o644, (certificate.trim().to_owned() + "\n").as_bytes()));
    }
    if !trusted.is_empty() && target.has("update-ca-trust") {
        report.take("ca_certs", target.run("update-ca-trust", NO_ARGUMENTS, None).map(drop));
    }
    settings::apply(cloud, target, &mut report);
    for file in write_files.iter().filter(|file| file.source.is_none()) {
        report.take(&format!("write_files: {}", file.path), write_file(file, target));
    }
    let mut units = Vec::new();
    for container in containers.iter().map(|checked| &checked.0) {
        match container.install(target) {
            Ok(()) => units.push(container.unit()),
            Err(error) => report.take(&format!("containers: {}", container.name), Err(error)),
        }
    }
    match swarm.as_ref().map(|swarm| swarm.install(target)) {
        Some(Ok(unit)) => units.push(unit),
        Some(Err(error)) => report.take("kaon.swarm", Err(error)),
        None => {}
    }
    let images: Vec<_> = images.iter().map(|checked| checked.0.clone()).collect();
    report.take("images", load::prepare(&images, units, wishes.is_added, target));
    report.take("include", include::prepare(&wishes.includes, target));
    report.take("runcmd", late::prepare(wishes, target));
    Ok(report.0)
}

/// The machine's name, if it gets one.
fn name(cloud: &CloudConfig) -> Option<&str> {
    let (fqdn, hostname) = (cloud.fqdn.as_ref(), cloud.hostname.as_ref());
    let chosen = if cloud.prefer_fqdn_over_hostname == Some(false) { hostname.or(fqdn) } else { fqdn.or(hostname) };
    chosen.map(|name| name.0.as_str()).filter(|_| !cloud.preserve_hostname)
}

/// Commands that run before anything else is done.
fn boot_commands(bootcmd: &[Command], hooks: &[String], target: &Target, report: &mut Report) {
    let lines: Vec<String> = bootcmd.iter().map(|command| command.line() + "\n").collect();
    let commands = (!lines.is_empty()).then(|| ("bootcmd", format!("#!/bin/sh\n{}", lines.concat())));
    let hooks = hooks.iter().map(|script| ("cloud-boothook", script.clone()));
    for (what, script) in hooks.chain(commands) {
        report.take(what, target.run_text(what, script.as_bytes()).map(drop));
    }
}

fn hostname(name: &str, target: &Target) -> Result<(), SystemError> {
    target.write("/etc/hostname", 0o644, format!("{name}\n").as_bytes())?;
    if target.root() == Path::new("/") {
        nix::unistd::sethostname(name).map_err(|error| SystemError::io("set", Path::new("host name"))(error.into()))?;
    }
    Ok(())
}

fn network_file(file: &File, target: &Target) -> Result<(), SystemError> {
    target.write(&file.path, file.mode(), file.content.as_bytes())?;
    if file.is_secret && target.root() == Path::new("/") {
        target.run("chgrp", &[networkd::READERS, &file.path], None)?;
    }
    Ok(())
}

/// Has udev look at the cards again: it saw them before there were files that name them.
fn rename_cards(target: &Target) -> Result<(), SystemError> {
    target.run("udevadm", &["control", "--reload"], None)?;
    target.run("udevadm", &["trigger", "--action=add", "--subsystem-match=net", "--settle"], None).map(drop)
}

fn write_file(file: &WriteFile, target: &Target) -> Result<(), SystemError> {
    // Files with a `source` are written when the network is up.
    let WriteFile { path, content, source: _, permissions, owner, append } = file;
    let before = if *append { target.read_bytes(path)? } else { Vec::new() };
    target.write(path, permissions.map_or(0o644, |permissions| permissions.bits), &[&before[..], content].concat())?;
    owner.as_ref().map_or(Ok(()), |owner| target.run("chown", &["-h", "--", owner, path], None).map(drop))
}
