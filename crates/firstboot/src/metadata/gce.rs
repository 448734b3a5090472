//! Google's metadata server (Compute Engine, "VM metadata").

use std::collections::BTreeMap;

use serde::Deserialize;

use super::CloudMetadata;
use super::service::{MetadataError, Method, Reply, Service};
use crate::cloud::{CloudUser, SshKey, SudoRules, Word};
use system::guestinfo;

/// Without it the server refuses, so that no program asks by being led there; its answers bear it too.
const FLAVOR: (&str, &str) = ("Metadata-Flavor", "Google");

/// Attributes that Google's own guest agent acts on.
const NOT_DONE: [(&str, &str); 5] = [
    ("startup-script", "pass it as `user-data`, which runs once"),
    ("startup-script-url", "pass a script as `user-data`, which runs once"),
    ("shutdown-script", "write a unit with `write_files`"),
    ("shutdown-script-url", "write a unit with `write_files`"),
    ("sshKeys", "name it `ssh-keys`"),
];

/// Of `instance/`, what is of interest.
#[derive(Debug, Deserialize)]
struct Instance {
    id: serde_json::Number,
    #[serde(default)]
    name: String,
    #[serde(default)]
    hostname: String,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

/// Asks all there is to ask.
pub(super) fn ask(service: &Service) -> Result<CloudMetadata, MetadataError> {
    let reply = service.send(Method::Get, "/computeMetadata/v1/instance/?recursive=true&alt=json", &[FLAVOR])?;
    if reply.status != 200 {
        return Err(reply.refusal());
    }
    let instance: Instance = of_google(&reply)?.json()?;
    let mut metadata = CloudMetadata { instance: instance.id.to_string(), hostname: hostname(&instance), ..CloudMetadata::default() };
    let attribute = |name: &str| instance.attributes.get(name).map(String::as_str).unwrap_or_default();
    let mut keys = attribute("ssh-keys").to_owned();
    if !attribute("block-project-ssh-keys").eq_ignore_ascii_case("true")
        && let Some(reply) =
            service.send(Method::Get, "/computeMetadata/v1/project/attributes/?recursive=true&alt=json", &[FLAVOR])?.found()?
    {
        let project: BTreeMap<String, String> = of_google(&reply)?.json()?;
        keys = keys + "\n" + project.get("ssh-keys").map(String::as_str).unwrap_or_default();
    }
    take_keys(&keys, &mut metadata);
    if let Some(text) = instance.attributes.get("user-data") {
        match guestinfo::decode(text, attribute("user-data-encoding")) {
            Some(text) => metadata.take_user_data(text.into_bytes()),
            None => metadata.complaints.push("user-data: it cannot be decoded with the encoding in `user-data-encoding`".into()),
        }
    }
    let left = NOT_DONE.iter().filter(|(name, _)| instance.attributes.contains_key(*name));
    metadata.complaints.extend(left.map(|(name, instead)| format!("attribute `{name}` is not supported: {instead}")));
    Ok(metadata)
}

/// Only what Google says of itself is believed.
fn of_google(reply: &Reply) -> Result<&Reply, MetadataError> {
    let is_google = reply.flavor.as_deref() == Some(FLAVOR.1);
    if is_google { Ok(reply) } else { Err(reply.malformed("it does not identify itself as Google's with the header `Metadata-Flavor`")) }
}

/// The name with its domain, or without it where the kernel could not contain that.
fn hostname(instance: &Instance) -> Option<String> {
    let names = [&instance.hostname, &instance.name];
    names.into_iter().find(|name| kickstart::is_hostname(name)).cloned()
}

/// Lines of `USER:KEY`. As Google's guest agent does, users are made and may do everything with sudo(8).
fn take_keys(lines: &str, metadata: &mut CloudMetadata) {
    let mut users: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match line.split_once(':') {
            Some((user, _)) if user.contains(' ') => metadata.complaints.push("ssh-keys: a line does not begin with a user's name".into()),
            Some((user, key)) if key.contains("expireOn") => {
                metadata.complaints.push(format!("ssh-keys: a key of `{user}` has an expiry time, and is ignored"));
            }
            Some(("root", key)) => metadata.root_keys.push(key.to_owned()),
            Some((user, key)) => users.entry(user).or_default().push(key.to_owned()),
            None => metadata.complaints.push("ssh-keys: a line does not begin with a user's name".into()),
        }
    }
    metadata.users = users.into_iter().map(|(name, keys)| administrator(name, keys, &mut metadata.complaints)).collect();
}

/// Returns the user that a cloud's keys are for: with these keys, without a password, and with all rights by sudo. Invalid keys are reported.
pub(super) fn administrator(name: &str, keys: Vec<String>, complaints: &mut Vec<String>) -> CloudUser {
    let mut ssh_authorized_keys = Vec::new();
    for text in keys {
        let key = SshKey::try_from(Word(text)).map_err(|reason| vec![reason]);
        let refused = key.as_ref().map_or_else(Vec::clone, SshKey::refused);
        complaints.extend(refused.iter().map(|reason| format!("a key of `{name}`: {reason}")));
        ssh_authorized_keys.extend(key);
    }
    CloudUser { sudo: SudoRules::everything(), ssh_authorized_keys, ..CloudUser::named(name) }
}
