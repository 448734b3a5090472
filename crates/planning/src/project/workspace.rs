//! The part of the project's cargo workspace that a spec needs: the crates it names and their dependencies. The rest is left out, so that
//! only a change in what is compiled rebuilds the package.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use toml::{Table, Value};
use walkdir::WalkDir;

use super::crates::{Locked, LockedCrate};
use super::{LocalFile, ProjectError};
use crate::draft::is_licence_file;
use crate::spec::Source;
use base::digest::Digest;

/// The part of the workspace that a spec is built from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Workspace {
    /// Contents by path relative to the workspace's top. `Cargo.toml` and `Cargo.lock` are reduced to the included members.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Third-party crates, as in cargo's lock.
    pub sources: Vec<Source>,
}

impl Workspace {
    /// The files, for a key.
    pub fn keyed(&self) -> impl Iterator<Item = (&str, LocalFile)> {
        self.files.iter().map(|(path, content)| (path.as_str(), LocalFile { digest: Digest::of_bytes(content), executable: false }))
    }

    /// Writes it to the folder `into`, which must exist.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, into: &Path) -> io::Result<()> {
        for (path, content) in &self.files {
            let path = into.join(path);
            fs::create_dir_all(path.parent().unwrap_or(into))?;
            fs::write(path, content)?;
        }
        Ok(())
    }
}

/// Reads the members named `wanted` of the workspace at `root`, and the members they depend on.
///
/// # Errors
/// When a file cannot be read or parsed. A member that does not exist is `Ok(Err(name))`.
pub fn read(root: &Path, wanted: &[String]) -> Result<Result<Workspace, String>, ProjectError> {
    let mut manifests: BTreeMap<String, Table> = BTreeMap::new();
    let mut open: Vec<String> = wanted.to_vec();
    while let Some(member) = open.pop() {
        if manifests.contains_key(&member) {
            continue;
        }
        let path = root.join(&member).join("Cargo.toml");
        if !path.is_file() {
            return Ok(Err(member));
        }
        let manifest = without_tests(table(&path)?);
        open.extend(dependencies(&manifest).filter_map(|(_, wish)| neighbour(&member, wish.get("path")?.as_str()?)));
        manifests.insert(member, manifest);
    }
    let mut workspace = Workspace::default();
    for (member, manifest) in &manifests {
        add_member(root, member, &mut workspace.files)?;
        workspace.files.insert(format!("{member}/Cargo.toml"), manifest.to_string().into_bytes());
    }
    add_licences(root, &mut workspace.files)?;
    let top = reduced(table(&root.join("Cargo.toml"))?, &manifests);
    workspace.files.insert("Cargo.toml".into(), top.to_string().into_bytes());
    let shared = shared_dependencies(&table(&root.join("Cargo.toml"))?);
    let members: BTreeMap<&str, BTreeSet<&str>> =
        manifests.values().filter_map(|manifest| Some((package_name(manifest)?, needed_crates(manifest, &shared)))).collect();
    let lock = Locked::read(&root.join("Cargo.lock"))?.reduced(&members);
    workspace.sources = lock.crates.iter().filter_map(LockedCrate::source).collect();
    workspace.files.insert("Cargo.lock".into(), lock.to_string().into_bytes());
    Ok(Ok(workspace))
}

fn table(path: &Path) -> Result<Table, ProjectError> {
    let text = fs::read_to_string(path).map_err(|source| ProjectError::Io { path: path.to_owned(), source })?;
    text.parse().map_err(|error: toml::de::Error| ProjectError::Cargo { path: path.to_owned(), reason: error.message().to_owned() })
}

/// A manifest without test dependencies, which cargo would resolve even if it does not build them.
fn without_tests(mut manifest: Table) -> Table {
    manifest.remove("dev-dependencies");
    manifest
}

/// All dependencies of a manifest.
fn dependencies(manifest: &Table) -> impl Iterator<Item = (&String, &Value)> {
    ["dependencies", "build-dependencies"].into_iter().filter_map(|kind| manifest.get(kind)?.as_table()).flatten()
}

fn package_name(manifest: &Table) -> Option<&str> {
    manifest.get("package")?.get("name")?.as_str()
}

/// The dependencies that members inherit with `workspace = true`.
fn shared_dependencies(top: &Table) -> Table {
    let shared = top.get("workspace").and_then(|workspace| workspace.get("dependencies")?.as_table());
    shared.cloned().unwrap_or_default()
}

/// The names of the crates that a member needs; for a renamed dependency, the name in `package`.
fn needed_crates<'a>(manifest: &'a Table, shared: &'a Table) -> BTreeSet<&'a str> {
    let renamed = |wish: &'a Value| wish.get("package")?.as_str();
    dependencies(manifest).map(|(name, wish)| renamed(wish).or_else(|| renamed(shared.get(name)?)).unwrap_or(name)).collect()
}

/// The member at `path` relative to `member`.
fn neighbour(member: &str, path: &str) -> Option<String> {
    let mut parts: Vec<String> = Vec::new();
    for part in PathBuf::from(member).join(path).components() {
        match part {
            Component::ParentDir => drop(parts.pop()?),
            Component::Normal(name) => parts.push(name.to_str()?.to_owned()),
            _ => {}
        }
    }
    Some(parts.join("/"))
}

/// Adds everything that a member is compiled from, without its tests.
fn add_member(root: &Path, member: &str, files: &mut BTreeMap<String, Vec<u8>>) -> Result<(), ProjectError> {
    let folder = root.join(member);
    let parts = ["build.rs", "src"].map(|part| folder.join(part));
    for part in parts.iter().filter(|part| part.exists()) {
        for entry in WalkDir::new(part).sort_by_file_name() {
            let entry = entry.map_err(|error| ProjectError::Io { path: part.clone(), source: error.into() })?;
            let name = entry.file_name().to_string_lossy();
            if !entry.file_type().is_file() || name.starts_with('.') || name.ends_with('~') {
                continue;
            }
            let content = fs::read(entry.path()).map_err(|source| ProjectError::Io { path: entry.path().to_owned(), source })?;
            let relative = entry.path().strip_prefix(root).unwrap_or(entry.path());
            files.insert(relative.to_string_lossy().into_owned(), content);
        }
    }
    Ok(())
}

/// Adds the licence texts at the workspace's top, which every package built from it contains.
fn add_licences(root: &Path, files: &mut BTreeMap<String, Vec<u8>>) -> Result<(), ProjectError> {
    let fail = |path: &Path| {
        let path = path.to_owned();
        move |source| ProjectError::Io { path, source }
    };
    for entry in fs::read_dir(root).map_err(fail(root))? {
        let entry = entry.map_err(fail(root))?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if is_licence_file(&name) && entry.path().is_file() {
            files.insert(name, fs::read(entry.path()).map_err(fail(&entry.path()))?);
        }
    }
    Ok(())
}

/// The workspace's manifest with only these members, and the shared dependencies they use.
fn reduced(mut top: Table, manifests: &BTreeMap<String, Table>) -> Table {
    let used: BTreeSet<&str> = manifests.values().flat_map(dependencies).map(|(name, _)| name.as_str()).collect();
    let Some(workspace) = top.get_mut("workspace").and_then(Value::as_table_mut) else { return top };
    workspace.insert("members".into(), manifests.keys().cloned().map(Value::String).collect::<Vec<_>>().into());
    if let Some(shared) = workspace.get_mut("dependencies").and_then(Value::as_table_mut) {
        shared.retain(|name, _| used.contains(name));
    }
    top
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_include_their_dependencies_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(
            "Cargo.toml",
            "[workspace]\nmembers = [\"a\", \"b\", \"c\"]\n[workspace.dependencies]\nx = \"1\"\ny = \"1\"\n[profile.release]\nlto = true\n",
        );
        write(
            "a/Cargo.toml",
            "[package]\nname = \"a\"\n[dependencies]\nb = { path = \"../b\" }\n[dev-dependencies]\nc = { path = \"../c\" }\n",
        );
        write("a/src/main.rs", "fn main() {}");
        write("a/tests/slow.rs", "");
        write("b/Cargo.toml", "[package]\nname = \"b\"\n[dependencies]\nx.workspace = true\n");
        write("b/src/lib.rs", "");
        write("LICENSE-MIT", "text");
        write("licensed.toml", "");
        write("c/Cargo.toml", "[package]\nname = \"c\"\n[dependencies]\ny.workspace = true\n");
        let checksum = "ab".repeat(32);
        let entry = |name: &str, extra: &str| format!("[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\n{extra}\n");
        let from_registry = format!("source = \"registry+s\"\nchecksum = \"{checksum}\"");
        let lock = [
            "version = 4\n".to_owned(),
            entry("a", "dependencies = [\"b\", \"c\", \"y 1.0.0\"]"),
            entry("b", "dependencies = [\"x\"]"),
            entry("c", "dependencies = [\"y\"]"),
            entry("x", &format!("{from_registry}\ndependencies = [\"z\"]")),
            entry("y", &from_registry),
            entry("z", &from_registry),
        ];
        write("Cargo.lock", &lock.concat());

        let workspace = read(folder.path(), &["a".into()]).unwrap().unwrap();
        let files: Vec<&str> = workspace.files.keys().map(String::as_str).collect();
        assert_eq!(files, ["Cargo.lock", "Cargo.toml", "LICENSE-MIT", "a/Cargo.toml", "a/src/main.rs", "b/Cargo.toml", "b/src/lib.rs"]);
        let sources: Vec<&str> = workspace.sources.iter().map(Source::file_name).collect();
        assert_eq!(sources, ["x-1.0.0.crate", "z-1.0.0.crate"]);
        let top = String::from_utf8(workspace.files["Cargo.toml"].clone()).unwrap();
        assert!(top.contains("members = [\"a\", \"b\"]") && top.contains("lto = true") && !top.contains("y ="), "{top}");

        assert_eq!(read(folder.path(), &["d".into()]).unwrap(), Err("d".to_owned()));
    }
}
