//! Users, groups, passwords, keys, and who may come in over SSH.

use super::Report;
use crate::cloud::{AccountName, CloudConfig, CloudUser, GroupNames, Part, PasswordKind, SudoRules, Uid, host_key_named};
use system::account::{self, Accounts, Credential, Details, UserAccount};
use system::{SystemError, Target};

/// A group of other distributions, whose members may do what those of `wheel` may here.
const SUDO: &str = "sudo";

/// What `wheel` may.
const SUDO_RULE: &str = "%sudo ALL=(ALL:ALL) ALL\n";

pub(super) fn make(cloud: &CloudConfig, target: &Target, report: &mut Report) {
    for name in cloud.groups.0.keys() {
        report.take(&format!("groups: {name}"), make_group(name, target));
    }
    for wanted in &cloud.users {
        let what = format!("users: {}", wanted.name.0);
        match user(wanted, target) {
            Ok(notes) => report.0.extend(notes.into_iter().map(|note| format!("{what}: {note}"))),
            Err(error) => report.take(&what, Err(error)),
        }
    }
    for (name, members) in &cloud.groups.0 {
        for member in members {
            let joined = match Accounts::read(target) {
                Ok(accounts) if accounts.user(member).is_none() => {
                    Err(SystemError::refused(&format!("there is no user `{member}`: it is not made a member")))
                }
                _ => account::join_group(member, name, target),
            };
            report.take(&format!("groups: {name}"), joined);
        }
    }
    let keys: Vec<String> = cloud.ssh_authorized_keys.iter().map(|key| key.0.clone()).collect();
    report.take("ssh_authorized_keys", add_keys("root", &keys, target));
    for wanted in &cloud.chpasswd.users {
        let is_final = wanted.expire.or(cloud.chpasswd.expire) == Some(false);
        let age = if is_final { None } else { Some(0) };
        let credential = Credential { text: wanted.password.clone(), crypted: wanted.kind == PasswordKind::Hash, age };
        report.take(&format!("chpasswd: {}", wanted.name), account::set_password(&wanted.name, &credential, target));
    }
    report.take("ssh_keys", host_keys(cloud, target));
    report.take("sshd", sshd(cloud, target));
}

/// Makes a group that is not there; `sudo` with what it may elsewhere.
fn make_group(name: &str, target: &Target) -> Result<(), SystemError> {
    let is_new = Accounts::read(target)?.group(name).is_none();
    account::make_group(name, target)?;
    if is_new && name == SUDO { target.write("/etc/sudoers.d/40-group-sudo", 0o440, SUDO_RULE.as_bytes()) } else { Ok(()) }
}

/// Makes a user; what is done otherwise than it is written.
fn user(wanted: &CloudUser, target: &Target) -> Result<Option<String>, SystemError> {
    // The three kinds of passwords are `password`'s, and rules of sudo a file's.
    let CloudUser {
        name: AccountName(name),
        gecos,
        uid,
        groups: GroupNames { names: groups, refused: _ },
        primary_group,
        homedir,
        system,
        expiredate,
        inactive,
        no_create_home,
        no_user_group,
        create_groups,
        shell,
        sudo: _,
        passwd: _,
        hashed_passwd: _,
        plain_text_passwd: _,
        lock_passwd,
        ssh_authorized_keys,
    } = wanted;
    let given = wanted.password().filter(|_| *lock_passwd != Some(true));
    let password = given.map(|(text, crypted)| Credential { text: text.clone(), crypted, age: None });
    let keys: Vec<String> = ssh_authorized_keys.iter().map(|key| key.0.clone()).collect();
    let primary = primary_group.as_ref().map(|group| group.0.clone());
    let primary = primary.or_else(|| no_user_group.then(|| "users".to_owned()));
    if *create_groups != Some(false) {
        let own = primary.iter().filter(|group| *group != name);
        groups.iter().chain(own).try_for_each(|group| make_group(group, target))?;
    }
    let accounts = Accounts::read(target)?;
    let mut note = None;
    if accounts.user(name).is_some() {
        existing(wanted, password.as_ref(), target)?;
        add_keys(name, &keys, target)?;
    } else {
        let mut uid = uid.as_ref().map(|Uid(uid)| *uid);
        if let Some((number, owner)) = uid.and_then(|uid| Some((uid, accounts.owner(uid)?))) {
            note = Some(format!("the number {number} is that of `{owner}`: the next free one is given"));
            uid = None;
        }
        let account = UserAccount {
            name: name.clone(),
            gecos: gecos.replace([':', '\n'], " "),
            uid,
            groups: groups.clone(),
            shell: shell.as_ref().map_or_else(|| "/usr/bin/bash".to_owned(), |shell| shell.0.clone()),
            password,
            ssh_keys: keys,
        };
        let details = Details {
            primary_group: primary,
            home: homedir.as_ref().map(|home| home.0.clone()),
            is_system: *system,
            expires: expiredate.map(|day| day.0),
            inactive: *inactive,
            is_homeless: *no_create_home || *system && homedir.is_none(),
            // As cloud-init does where nothing else is said.
            is_locked: *lock_passwd != Some(false),
        };
        account::add_detailed_user(&account, &details, target)?;
    }
    sudo(wanted, target).map(|()| note)
}

/// What is done with a user who is there.
fn existing(wanted: &CloudUser, password: Option<&Credential>, target: &Target) -> Result<(), SystemError> {
    let name = &wanted.name.0;
    match (password, wanted.lock_passwd) {
        (Some(password), Some(false)) => account::set_password(name, password, target)?,
        // A password that is locked is not set in place of one that may fit.
        (Some(_), _) | (None, Some(false) | None) => {}
        (None, Some(true)) => account::lock(name, target)?,
    }
    wanted.groups.names.iter().try_for_each(|group| account::join_group(name, group, target))
}

fn sudo(wanted: &CloudUser, target: &Target) -> Result<(), SystemError> {
    let (AccountName(name), SudoRules(rules)) = (&wanted.name, &wanted.sudo);
    if rules.is_empty() {
        return Ok(());
    }
    let user = kickstart::sudoers_name(name);
    let text = rules.iter().fold(String::new(), |text, rule| text + &format!("{user} {}\n", rule.0));
    // A rule that makes no sense would take sudo from everybody.
    if target.has("visudo") && target.run("visudo", &["-c", "-q", "-f", "-"], Some(&text)).is_err() {
        return Err(SystemError::refused("sudo does not understand its rules: it may do nothing with sudo"));
    }
    target.write(&kickstart::sudoers_file(name), 0o440, text.as_bytes())
}

fn add_keys(name: &str, keys: &[String], target: &Target) -> Result<(), SystemError> {
    if keys.is_empty() { Ok(()) } else { account::add_keys(name, keys, target) }
}

/// Writes the server's own keys.
fn host_keys(cloud: &CloudConfig, target: &Target) -> Result<(), SystemError> {
    for (name, key) in &cloud.ssh_keys {
        // What is none was reported where it was read.
        let Ok((kind, part)) = host_key_named(name) else { continue };
        let (ending, mode) = match part {
            Part::Private => ("", 0o600),
            Part::Public => (".pub", 0o644),
            Part::Certificate => ("-cert.pub", 0o644),
        };
        target.write(&format!("/etc/ssh/ssh_host_{kind}_key{ending}"), mode, (key.reveal().trim().to_owned() + "\n").as_bytes())?;
    }
    Ok(())
}

/// What the server lets in.
fn sshd(cloud: &CloudConfig, target: &Target) -> Result<(), SystemError> {
    let mut text = String::new();
    if let Some(takes) = cloud.ssh_pwauth {
        let word = if takes { "yes" } else { "no" };
        text.push_str(&format!("PasswordAuthentication {word}\nKbdInteractiveAuthentication {word}\n"));
    }
    match (cloud.disable_root, cloud.ssh_pwauth) {
        // Where nobody else can log in, it is not set.
        (Some(true), _) => text.push_str("PermitRootLogin no\n"),
        (Some(false), Some(true)) => text.push_str("PermitRootLogin yes\n"),
        _ => {}
    }
    // The system's own settings name the two kinds that it makes itself; keys of all settings are used.
    if cloud.ssh_keys.contains_key("rsa_private") {
        text.push_str("HostKey /etc/ssh/ssh_host_rsa_key\n");
    }
    let certificates = cloud.ssh_keys.keys().filter_map(|name| name.strip_suffix("_certificate"));
    certificates.for_each(|kind| text.push_str(&format!("HostCertificate /etc/ssh/ssh_host_{kind}_key-cert.pub\n")));
    if !text.is_empty() {
        // The first value counts, so this comes before what the system has.
        target.write("/etc/ssh/sshd_config.d/10-firstboot.conf", 0o600, text.as_bytes())?;
    }
    Ok(())
}
