//! OpenStack's config drive: a disk labelled `config-2` with documents of names and forms of their own. `meta_data.json` and
//! `network_data.json` are read where their NoCloud counterparts are.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::source::{Bundle, META_DATA, NETWORK_CONFIG, USER_DATA, file};

/// For messages.
pub(super) const CONFIG_DRIVE: &str = "config drive";

/// Where the documents are. Beside it are those of earlier versions of OpenStack.
const FOLDER: &str = "openstack/latest";

/// Vendor data of all machines, and of this one, which counts more.
const VENDOR_DATA: [&str; 2] = ["vendor_data.json", "vendor_data2.json"];

/// What a disk labelled so says.
pub(super) fn read(disk: &Path) -> Bundle {
    let mut bundle = Bundle { origin: CONFIG_DRIVE.to_owned(), ..Bundle::default() };
    let folder = disk.join(FOLDER);
    if !folder.is_dir() {
        let found: Vec<String> =
            fs::read_dir(disk).into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
        let what = if found.is_empty() { "it is empty".to_owned() } else { format!("it contains {}", found.join(", ")) };
        bundle
            .complaints
            .push(format!("{CONFIG_DRIVE}: the disk has no directory {FOLDER}: {what}; write the documents onto a disk labelled `cidata`"));
        return bundle;
    }
    let mut take = |name: &'static str| match file(&folder.join(name))? {
        Ok(text) => Some(text),
        Err(reason) => {
            bundle.complaints.push(format!("{CONFIG_DRIVE}: {name}: {reason}"));
            None
        }
    };
    let [user_data, meta_data, network_config] = ["user_data", "meta_data.json", "network_data.json"].map(&mut take);
    let vendor = VENDOR_DATA.map(|name| (name, take(name)));
    let vendor_data = vendor_data(&vendor, &mut bundle.complaints);
    for (document, name) in [(USER_DATA, "user_data"), (META_DATA, "meta_data.json"), (NETWORK_CONFIG, "network_data.json")] {
        bundle.names.insert(document, format!("{CONFIG_DRIVE}: {name}"));
    }
    Bundle { user_data, meta_data, network_config, vendor_data, ..bundle }
}

/// What is for cloud-init in vendor data: the text, or the texts, below its key.
fn vendor_data(documents: &[(&str, Option<String>)], complaints: &mut Vec<String>) -> Option<String> {
    let mut parts = Vec::new();
    for (name, text) in documents.iter().filter_map(|(name, text)| Some((name, text.as_ref()?))) {
        let value: Value = match serde_json::from_str(text) {
            Ok(value) => value,
            Err(error) => {
                complaints.push(format!("{CONFIG_DRIVE}: {name}: {error}"));
                continue;
            }
        };
        // Other keys are for other programs.
        let value = if value.is_object() { value.get("cloud-init").cloned().unwrap_or(Value::Null) } else { value };
        let values = if let Value::Array(values) = value { values } else { vec![value] };
        for value in values {
            match value {
                Value::Null => {}
                Value::String(text) => parts.push(text),
                Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                    complaints.push(format!("{CONFIG_DRIVE}: {name}: `cloud-init` must be text, or a list of texts"));
                }
            }
        }
    }
    match &parts[..] {
        [] => None,
        [part] => Some(part.clone()),
        _ => Some(format!("#cloud-config-archive\n{}\n", json!(parts))),
    }
}

/// The text of a single file of vendor data, as OpenStack writes it.
pub(super) fn vendor_file(name: &str, text: &str, complaints: &mut Vec<String>) -> Option<String> {
    vendor_data(&[(name, Some(text.to_owned()))], complaints)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::understand;
    use kickstart::networkd;

    fn disk(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn a_machine_of_openstack_gets_its_name_keys_network_and_user_data() {
        let folder = disk(&[
            (
                "openstack/latest/meta_data.json",
                r#"{"uuid": "83679162-1378-4288-a2d4-70e13ec132aa", "hostname": "node.novalocal", "name": "node", "launch_index": 0,
                    "public_keys": {"mine": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPB3ZUf/t9vf9lorU76ObjtWE8WL0bnFRFO4YT43pIB me"}, "keys": [{"name": "mine", "type": "ssh", "data": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPB3ZUf/t9vf9lorU76ObjtWE8WL0bnFRFO4YT43pIB me"}],
                    "availability_zone": "nova", "random_seed": "c2VzYW1l", "project_id": "f7ac731cc11f40efbc03a9f9e1d1d21f", "devices": []}"#,
            ),
            (
                "openstack/latest/network_data.json",
                r#"{"links": [{"id": "tap1", "vif_id": "x", "type": "ovs", "mtu": 1450, "ethernet_mac_address": "FA:16:3e:00:00:01"}],
                    "networks": [{"id": "network0", "type": "ipv4", "link": "tap1", "ip_address": "192.0.2.7", "netmask": "255.255.255.0",
                                  "routes": [{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "192.0.2.1"}], "network_id": "y"}],
                    "services": [{"type": "dns", "address": "192.0.2.53"}]}"#,
            ),
            ("openstack/latest/user_data", "#cloud-config\ntimezone: UTC\nflux: 1\n"),
            ("openstack/latest/vendor_data.json", r##"{"cloud-init": "#cloud-config\npackages: [vim]\n", "other": 1}"##),
            ("openstack/latest/vendor_data2.json", r##"{"static": {}, "cloud-init": ["#cloud-config\nruncmd: [ls]\n"]}"##),
            ("ec2/latest/meta-data.json", "{}"),
        ]);
        let wishes = understand(&read(folder.path()));
        assert_eq!(wishes.complaints.len(), 1, "{:?}", wishes.complaints);
        assert!(wishes.complaints[0].starts_with("config drive: user_data:3:1: flux: unknown key"), "{:?}", wishes.complaints);
        assert_eq!(wishes.instance, "83679162-1378-4288-a2d4-70e13ec132aa");
        let cloud = &wishes.cloud;
        assert_eq!(cloud.hostname.as_ref().map(|name| name.0.as_str()), Some("node.novalocal"));
        assert_eq!((cloud.ssh_authorized_keys.len(), cloud.packages.len(), cloud.runcmd.len()), (1, 1, 1));
        let files = networkd::files(&wishes.network.unwrap());
        assert_eq!(
            files.iter().map(|file| file.content.as_str()).collect::<Vec<_>>(),
            ["[Match]\nPermanentMACAddress=fa:16:3e:00:00:01\n\n[Link]\nMTUBytes=1450\n\n[Network]\nDHCP=no\nAddress=192.0.2.7/24\n\
              DNS=192.0.2.53\n\n[Route]\nDestination=0.0.0.0/0\nGateway=192.0.2.1\n"]
        );
    }

    #[test]
    fn a_disk_without_documents_is_told() {
        let told = |files| read(disk(files).path()).complaints;
        assert_eq!(told(&[("cloudstack/metadata/vm-id.txt", "1")]).len(), 1);
        assert!(told(&[("openstack/latest/vendor_data.json", "{")])[0].starts_with("config drive: vendor_data.json: EOF"));
        assert_eq!(told(&[("openstack/latest/vendor_data.json", r#"{"cloud-init": {"a": 1}}"#)]).len(), 1);
        assert!(told(&[("openstack/latest/vendor_data.json", "{}")]).is_empty());
    }
}
