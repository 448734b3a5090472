//! A root as the layers of a container image: what rarely changes is at the bottom.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rpm_engine::manifest::{Entry, Manifest};

use super::{Composed, ImageError, write_tar};
use base::name::PackageName;
use image::description::Image;
use image::oci::Layer;
use planning::graph::Graph;
use rootfs::Rootfs;
use runtime::store::StoreError;

/// Writes each layer as an archive in `folder`, lowest first.
pub(super) fn write(graph: &Graph, image: &Image, root: &Composed, folder: &Path) -> Result<Vec<Layer>, ImageError> {
    let container = &image.container;
    if container.layers.is_empty() && container.only.is_empty() {
        return Ok(vec![Layer { tar: root.tar.clone(), title: image.name.to_string() }]);
    }
    let whole = match container.only.is_empty() {
        true => root.rootfs.manifest.clone(),
        false => part(&root.rootfs.manifest, |path, entry| is_kept(&container.only, path, entry)),
    };
    fs::create_dir_all(folder).map_err(|source| StoreError::io("make", folder, source))?;
    let owners = owners(graph, &container.layers);
    let titles = container.layers.iter().map(ToString::to_string).chain([image.name.to_string()]);
    let mut layers = Vec::new();
    for (number, title) in titles.enumerate() {
        let manifest = part(&whole, |_, entry| owner(&owners, entry, container.layers.len()) == number);
        if !manifest.is_empty() {
            let tar = folder.join(format!("{number}.tar"));
            write_tar(&Rootfs { manifest, ..root.rootfs.clone() }, &tar)?;
            layers.push(Layer { tar, title });
        }
    }
    Ok(layers)
}

/// Where the installed packages are recorded.
const RECORDS: &str = "/usr/lib/sysimage";

/// Whether an entry belongs to one of these packages, or was made from theirs while composing.
fn is_kept(only: &[PackageName], path: &str, entry: &Entry) -> bool {
    match &entry.package {
        Some(package) => only.iter().any(|name| name.as_str() == package),
        None => !path.starts_with(RECORDS),
    }
}

/// The layer of each package, except for packages in the last layer.
fn owners(graph: &Graph, layers: &[PackageName]) -> BTreeMap<PackageName, usize> {
    let mut owners = BTreeMap::new();
    for (number, first) in layers.iter().enumerate() {
        for name in graph.run_closure([first]) {
            owners.entry(name.clone()).or_insert(number);
        }
    }
    owners
}

fn owner(owners: &BTreeMap<PackageName, usize>, entry: &Entry, last: usize) -> usize {
    let name = entry.package.as_deref().and_then(|name| name.parse::<PackageName>().ok());
    name.and_then(|name| owners.get(&name).copied()).unwrap_or(last)
}

/// The entries of a root that belong to a layer, and their parent directories, which every layer contains.
fn part(whole: &Manifest, belongs: impl Fn(&str, &Entry) -> bool) -> Manifest {
    let mut part = Manifest::new();
    for (path, entry) in whole.iter().filter(|(path, entry)| belongs(path, entry)) {
        for (at, _) in path.match_indices('/').skip(1) {
            if let (None, Some(directory)) = (part.get(&path[..at]), whole.get(&path[..at])) {
                part.insert(&path[..at], directory.clone());
            }
        }
        part.insert(path, entry.clone());
    }
    part
}

#[cfg(test)]
mod tests {
    use rpm_engine::manifest::Kind;

    use super::*;

    #[test]
    fn layers_contain_the_parent_directories_of_their_entries() {
        let mut whole = Manifest::new();
        let entry = |kind, package: &str| Entry { package: Some(package.into()), ..Entry::root(kind, 0o755, 0) };
        let file = || Kind::File { size: 0, sha256: String::new() };
        whole.insert("/usr", entry(Kind::Directory, "a"));
        whole.insert("/usr/b", entry(Kind::Directory, "b"));
        whole.insert("/usr/b/file", entry(file(), "c"));
        whole.insert("/usr/file", entry(file(), "a"));
        let paths = |package: &str| {
            let part = part(&whole, |_, entry| entry.package.as_deref() == Some(package));
            part.iter().map(|(path, _)| path.to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(paths("a"), ["/usr", "/usr/file"]);
        assert_eq!(paths("b"), ["/usr", "/usr/b"]);
        assert_eq!(paths("c"), ["/usr", "/usr/b", "/usr/b/file"]);
        let made = Entry::root(file(), 0o644, 0);
        assert!(is_kept(&[], "/etc/passwd", &made) && !is_kept(&[], "/usr/lib/sysimage/rpm/rpmdb.sqlite", &made));
        assert!(is_kept(&["a".parse().unwrap()], "/usr/file", &entry(file(), "a")) && !is_kept(&[], "/usr/file", &entry(file(), "a")));
    }
}
