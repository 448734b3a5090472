//! Partitions as Photon's files describe them.

use super::{Told, flag};
use crate::document::{Entry, Node, Place, Value};

pub(super) fn translate(node: &mut Node, told: &mut Told) {
    let devices = devices(node);
    let first = if devices.is_empty() && !told.awaits_disk { first_disk(node) } else { None };
    let mut new: Vec<(String, String)> = first.into_iter().map(|name| ("default".to_owned(), name)).collect();
    for (index, partition) in node.get_mut("partitions").and_then(Node::items_mut).into_iter().flatten().enumerate() {
        let path = format!("partitions[{index}]");
        options(partition, &path, told);
        whole_disk(partition, &path, told);
        // What is false asks for nothing.
        if partition.entry("ab").is_some_and(|entry| entry.node.flag() == Some(false)) {
            partition.take("ab");
        }
        if let Some(entry) = partition.take("disk") {
            let name = entry.node.text().unwrap_or_default().to_owned();
            let known = devices.iter().chain(&new).find(|(id, device)| *id == name || *device == name).map(|(id, _)| id.clone());
            let id = known.unwrap_or_else(|| {
                let id = name.trim_start_matches('/').replace('/', "_");
                new.push((id.clone(), name));
                id
            });
            partition.put("disk_id", entry.place, Node::new(Value::String(id), entry.node.place));
        }
    }
    if !new.is_empty() {
        with_disks(node, new);
    }
}

/// The disk that the system starts from, where only partitions name disks: that of `/boot`, or of the root.
fn first_disk(node: &Node) -> Option<String> {
    let Value::List(partitions) = &node.entry("partitions")?.node.value else { return None };
    let at = |place: &str| partitions.iter().find(|partition| partition.text_of("mountpoint") == Some(place));
    at("/boot").or_else(|| at("/"))?.text_of("disk").map(str::to_owned)
}

/// The disks by name, and their devices.
fn devices(node: &Node) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    all.extend(node.text_of("disk").map(|device| ("default".to_owned(), device.to_owned())));
    let disks = node.entry("disks").map_or(&[][..], |disks| disks.node.entries());
    all.extend(disks.iter().map(|disk| (disk.key.clone(), disk.node.text_of("device").unwrap_or_default().to_owned())));
    all
}

/// Adds the disks that only partitions name.
fn with_disks(node: &mut Node, new: Vec<(String, String)>) {
    let place = node.place;
    let disk = |place: Place, device: Node| Node::new(Value::Map(vec![Entry { key: "device".into(), place, node: device }]), place);
    if node.entry("disks").is_none() {
        node.put("disks", place, Node::new(Value::Map(Vec::new()), place));
    }
    if let Some(entry) = node.take("disk")
        && let Some(disks) = node.get_mut("disks")
    {
        disks.put("default", entry.place, disk(entry.place, entry.node));
    }
    for (id, device) in new {
        if let Some(disks) = node.get_mut("disks") {
            disks.put(&id, place, disk(place, Node::new(Value::String(device), place)));
        }
    }
}

/// Options that are lists of words, and those of mkfs that stand where mount options do.
fn options(partition: &mut Node, path: &str, told: &mut Told) {
    for (key, between) in [("mkfs_options", " "), ("fs_options", ",")] {
        if let Some(node) = partition.get_mut(key)
            && let Value::List(words) = &node.value
            && let Some(words) = words.iter().map(|word| word.text().map(str::to_owned)).collect::<Option<Vec<_>>>()
        {
            node.value = Value::String(words.join(between));
        }
    }
    let is_for_mkfs = partition.text_of("fs_options").is_some_and(|text| text.starts_with('-'));
    if is_for_mkfs
        && partition.entry("mkfs_options").is_none()
        && let Some(entry) = partition.take("fs_options")
    {
        told.note(format!("{path}.fs_options"), entry.place, "these are options of mkfs, and read as `mkfs_options`");
        partition.put("mkfs_options", entry.place, entry.node);
    }
}

/// A disk without a partition table.
fn whole_disk(partition: &mut Node, path: &str, told: &mut Told) {
    let Some(entry) = partition.take("all_disk") else { return };
    if flag(&format!("{path}.all_disk"), &entry, told) != Some(true) {
        return;
    }
    partition.take("sizepercent");
    partition.take("size");
    partition.put("size", entry.place, Node::new(Value::Integer(0), entry.place));
    told.note(format!("{path}.all_disk"), entry.place, "one partition fills the disk");
}

#[cfg(test)]
mod tests {
    use crate::Kickstart;

    fn disks(text: &str) -> Result<Vec<(String, String)>, String> {
        let parsed = Kickstart::parse("x.json", text).map_err(|problems| problems.to_string())?;
        let disks = parsed.document.value.disks.into_iter();
        Ok(disks.map(|(name, disk)| (name, disk.device.unwrap_or_default())).collect())
    }

    #[test]
    fn the_disk_to_start_from_may_be_known_later_or_from_the_partitions() {
        let pair = |name: &str, device: &str| (name.to_owned(), device.to_owned());
        let root = |disk: &str| format!(r#"{{{disk}"mountpoint": "/", "size": 0}}"#);
        let data = r#"{"disk": "/dev/sdb", "mountpoint": "/data", "size": 0}"#;
        let awaited = format!(r#"{{"disk": "$DISK", "preinstall": ["export DISK=/dev/sda"], "partitions": [{}, {data}]}}"#, root(""));
        assert_eq!(disks(&awaited).unwrap(), [pair("dev_sdb", "/dev/sdb")]);
        let named = format!(r#"{{"partitions": [{data}, {}]}}"#, root(r#""disk": "/dev/sda", "#));
        assert_eq!(disks(&named).unwrap(), [pair("default", "/dev/sda"), pair("dev_sdb", "/dev/sdb")]);
        let missing = disks(&format!(r#"{{"partitions": [{}, {data}]}}"#, root(""))).unwrap_err();
        assert!(missing.starts_with("x.json:1:17: partitions[0]: the disk that the system starts from is not given"), "{missing}");
    }
}
