//! Kickstart files of Photon OS, as people have them: what stands in them in another way than here is put into this installer's terms before
//! the file is read. What has no counterpart is taken with a note, or stays and is refused with a reason.

mod keys;
pub(crate) mod lists;
mod names;
mod network;
mod parameters;
mod partitions;
mod variables;

pub use keys::{Key, Treatment, all as keys};
pub use names::{Taken, is_kernel, taken};
pub use variables::Variables;

pub(crate) use keys::reason;
pub(crate) use parameters::with_defaults;

use crate::document::{Entry, Node, Place, Problem, Value, is_within};

/// What a translation has to say.
#[derive(Default)]
pub(crate) struct Told {
    /// What is done otherwise than written, or not at all because nothing is lost by it.
    pub notes: Vec<Problem>,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// Names of variables whose values only the scripts of `preinstall` know.
    pub pending: Vec<String>,
    /// Whether one of them is the disk that the system starts from.
    pub awaits_disk: bool,
}

impl Told {
    /// Whether a key is missing only because what it was is wrong.
    pub fn explains(&self, missing: &Problem) -> bool {
        missing.message.ends_with("is missing") && self.problems.iter().any(|known| is_within(&known.path, &missing.path))
    }

    fn note(&mut self, path: impl Into<String>, place: Place, message: impl Into<String>) {
        self.notes.push(Problem { path: path.into(), place, message: message.into(), hint: None });
    }

    fn wrong(&mut self, path: impl Into<String>, place: Place, message: impl Into<String>, hint: &str) {
        let hint = Some(hint.to_owned()).filter(|hint| !hint.is_empty());
        self.problems.push(Problem { path: path.into(), place, message: message.into(), hint });
    }
}

/// Puts a whole file into this installer's terms.
pub(crate) fn translate(node: &mut Node, variables: &Variables, told: &mut Told) {
    variables::fill(node, variables, told);
    without_nulls(node, "", told);
    for (of, key, words) in keys::noted_keys() {
        if of == "Kickstart"
            && let Some(entry) = node.take(key)
        {
            told.note(key, entry.place, words);
        }
    }
    packages(node, told);
    kernel(node, told);
    layout(node, told);
    if node.text_of("hostname") == Some("") {
        node.take("hostname");
    }
    if node.text_of("public_key") == Some("")
        && let Some(key) = node.take("public_key")
    {
        told.note("public_key", key.place, "it is empty, so nobody is let in by it");
    }
    if let Some(key) = node.get_mut("public_key") {
        public_key(key);
    }
    // Whoever sets it to true wants an identity of its own, which every system gets.
    if node.entry("firstboot").is_some_and(|entry| entry.node.flag().is_some()) {
        node.take("firstboot");
    }
    security(node, told);
    partitions::translate(node, told);
    let has_name = node.entry("hostname").is_some();
    if let Some(network) = node.get_mut("network") {
        network::translate(network, has_name, told);
    }
}

/// Puts a list of packages into this installer's terms.
pub(crate) fn list(node: &mut Node) {
    node.take("packages_aarch64");
    packages(node, &mut Told::default());
}

/// A key without a value is one that is not there: templates leave them so.
fn without_nulls(node: &mut Node, path: &str, told: &mut Told) {
    match &mut node.value {
        Value::Map(entries) => {
            // Where keys are names of interfaces, it is the name that counts.
            let is_named = path.strip_prefix("network.").is_some_and(|kind| !kind.contains('.'));
            entries.retain(|entry| {
                let is_there = is_named || entry.node.value != Value::Null;
                if !is_there {
                    told.note(joined(path, &entry.key), entry.place, "it has no value, so it is as if the key were not there");
                }
                is_there
            });
            entries.iter_mut().for_each(|entry| without_nulls(&mut entry.node, &joined(path, &entry.key), told));
        }
        Value::List(nodes) => {
            nodes.iter_mut().enumerate().for_each(|(index, node)| without_nulls(node, &format!("{path}[{index}]"), told));
        }
        _ => {}
    }
}

/// Whether a key that is read here alone is true; what is neither true nor false is reported.
fn flag(path: &str, entry: &Entry, told: &mut Told) -> Option<bool> {
    let flag = entry.node.flag();
    if flag.is_none() {
        told.wrong(path, entry.node.place, format!("write true or false, not {}", entry.node.kind()), "");
    }
    flag
}

fn joined(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Lists of packages for one architecture.
fn packages(node: &mut Node, told: &mut Told) {
    if let Some(mut own) = node.take("packages_x86_64") {
        let is_set = node.entry("packages").is_some();
        let all = node.get_mut("packages").and_then(Node::items_mut);
        match (all, own.node.items_mut()) {
            (Some(all), Some(names)) => all.append(names),
            _ if !is_set => node.put("packages", own.place, own.node),
            _ => told.wrong(
                "packages_x86_64",
                own.place,
                "it is added to `packages`, and one of both is not a list",
                "write a list of names",
            ),
        }
    }
    // What a set of packages was once called.
    let Some(Entry { place, node: kind, .. }) = node.take("type") else { return };
    let names: &[&str] = match kind.text() {
        Some("minimal" | "micro") => &["minimal"],
        Some("developer" | "full") => &["minimal", "developer"],
        _ => {
            told.wrong(
                "type",
                place,
                "this set of packages does not exist here",
                "write `packages`: `[\"minimal\"]`, `[\"minimal\", \"developer\"]`",
            );
            return;
        }
    };
    let has_packages = ["packages", "packagelist_file", "packagelist_files"].iter().any(|key| node.entry(key).is_some());
    if !has_packages {
        let list = names.iter().map(|name| Node::new(Value::String((*name).to_owned()), place)).collect();
        node.put("packages", place, Node::new(Value::List(list), place));
    }
    told.note("type", place, if has_packages { "the list of packages counts" } else { "read as `packages`" });
}

/// The kernel: also by the names of one architecture's keys and of old ones, and by what is among the packages.
fn kernel(node: &mut Node, told: &mut Told) {
    if let Some(own) = node.take("linux_flavor_x86_64") {
        node.take("linux_flavor");
        node.put("linux_flavor", own.place, own.node);
    }
    if let Some(esx) = node.take("install_linux_esx")
        && flag("install_linux_esx", &esx, told) == Some(true)
        && node.entry("linux_flavor").is_none()
    {
        node.put("linux_flavor", esx.place, Node::new(Value::String("linux-esx".into()), esx.place));
    }
    for key in ["packages", "additional_packages"] {
        let names = node.get_mut(key).and_then(Node::items_mut).into_iter().flatten();
        let first = names.filter_map(|name| Some((name.place, name.text()?.to_owned()))).find(|(_, name)| is_kernel(name));
        if let Some((place, name)) = first.filter(|_| node.entry("linux_flavor").is_none()) {
            node.put("linux_flavor", place, Node::new(Value::String(name), place));
        }
    }
}

/// How disks record partitions, and whether they are given at all.
fn layout(node: &mut Node, told: &mut Told) {
    if let Some(entry) = node.take("autopartition") {
        match (flag("autopartition", &entry, told), node.entry("partitions").is_some()) {
            (Some(true), true) => told.note("autopartition", entry.place, "`partitions` count"),
            (Some(false), false) => told.note("autopartition", entry.place, "without `partitions`, the root fills the disk"),
            _ => {}
        }
    }
    if node.text_of("partition_type") == Some("msdos")
        && let Some(entry) = node.take("partition_type")
    {
        told.note("partition_type", entry.place, keys::MSDOS);
    }
}

/// What the system cannot be, rather than words that are not known.
fn security(node: &mut Node, told: &mut Told) {
    if node.text_of("arch") == Some("aarch64")
        && let Some(arch) = node.take("arch")
    {
        told.wrong("arch", arch.node.place, "there is one architecture, x86_64", "write `x86_64`, or leave the key out");
    }
    let Some(security) = node.get_mut("security") else { return };
    if let Some(fips) = security.take("fips")
        && flag("security.fips", &fips, told) == Some(true)
    {
        told.wrong("security.fips", fips.place, keys::FIPS, "leave the key out, or install a system with a validated provider");
    }
    if matches!(security.text_of("selinux"), Some("permissive" | "enforcing"))
        && let Some(mode) = security.take("selinux")
    {
        told.wrong("security.selinux", mode.node.place, "the system has no policy for SELinux", "write `disabled`, or leave the key out");
    }
}

/// A key alone, and the end of the line it was on in its file.
fn public_key(node: &mut Node) {
    let place = node.place;
    let trimmed = |text: &str| Node::new(Value::String(text.trim().to_owned()), place);
    if let Some(key) = node.text().map(trimmed) {
        *node = Node::new(Value::Map(vec![Entry { key: "key".into(), place, node: key }]), place);
    } else if let Some(key) = node.get_mut("key")
        && let Value::String(text) = &mut key.value
    {
        *text = text.trim().to_owned();
    }
}
