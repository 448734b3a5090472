//! The SDK of a small project, fetched from a small archive with every client of this machine.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{Sdk, SdkError};
use crate::apt::testing::TestArchive;
use crate::apt::{Client, ClientChoice, Settings};
use base::digest::Digest;
use runtime::cancel::Cancel;
use runtime::progress::Silent;
use runtime::store::Store;

const DESCRIPTION: &str = "suite = \"trixie\"\n\n[layer.base]\nsummary = \"A tool\"\npackages = [\"tool\"]\n";

/// The files that a base layer is completed from.
const SKELETON: [(&str, &str); 4] = [
    ("usr/share/base-passwd/passwd.master", "root:*:0:0::/root:/bin/sh\n"),
    ("usr/share/base-passwd/group.master", "root:*:0:\n"),
    ("usr/share/libc-bin/nsswitch.conf", "passwd: files\n"),
    ("usr/share/ca-certificates/mozilla/one.crt", "a certificate\n"),
];

/// A Debian package with these files, all of them set-uid.
fn deb(files: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o4755);
        header.set_size(text.len() as u64);
        tar.append_data(&mut header, format!("./{path}"), text.as_bytes()).unwrap();
    }
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&tar.into_inner().unwrap()).unwrap();
    let mut archive = b"!<arch>\n".to_vec();
    for (name, content) in [("debian-binary", b"2.0\n".to_vec()), ("control.tar", Vec::new()), ("data.tar.gz", gzip.finish().unwrap())] {
        archive.extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 100_644, content.len()).as_bytes());
        archive.extend(&content);
        archive.extend(if content.len() % 2 == 1 { &b"\n"[..] } else { b"" });
    }
    archive
}

/// A project, an archive, and what they are in.
struct World {
    folder: TempDir,
    archive: TestArchive,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let archive = TestArchive::new(&folder.path().join("debian"));
        fs::create_dir_all(folder.path().join("project/specs")).unwrap();
        fs::write(folder.path().join("project/specs/sdk.toml"), DESCRIPTION).unwrap();
        let world = Self { folder, archive };
        world.publish("1.0-1");
        world
    }

    /// Puts the packages into the archive, `tool` with this version, and signs the index.
    fn publish(&self, version: &str) {
        let skeleton = self.package("skeleton", "1", "", &deb(&SKELETON));
        let tool = self.package("tool", version, "Depends: skeleton\n", &deb(&[("usr/bin/tool", version)]));
        let tight = self.package("tight", version, &format!("Depends: tool (= {version})\n"), &deb(&[("usr/bin/tight", version)]));
        let loose = self.package("loose", version, "Depends: tool\n", &deb(&[("usr/bin/loose", version)]));
        self.archive.add("trixie", "", &format!("{skeleton}{tool}{tight}{loose}"));
    }

    /// Puts a package into the pool and returns its stanza.
    fn package(&self, name: &str, version: &str, depends: &str, deb: &[u8]) -> String {
        let path = format!("pool/main/{name}_{version}_amd64.deb");
        let file = self.archive.folder.join(&path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, deb).unwrap();
        let (size, hash) = (deb.len(), Digest::of_bytes(deb));
        format!(
            "Package: {name}\nVersion: {version}\nArchitecture: amd64\nMaintainer: Test <test@example.invalid>\n{depends}\
             Filename: {path}\nSize: {size}\nSHA256: {hash}\nDescription: a test\n\n"
        )
    }

    fn pool(&self, file: &str) -> PathBuf {
        self.archive.folder.join("pool/main").join(file)
    }

    fn sdk(&self) -> Sdk {
        Sdk::load(&self.folder.path().join("project")).unwrap()
    }

    fn settings(&self, client: Client) -> Settings {
        Settings {
            debian_mirror: Some(format!("file:{}", self.archive.folder.display())),
            client,
            source_mirrors: Vec::new(),
            caches: Vec::new(),
            apt_folder: "/nonexistent".into(),
            keyring: self.archive.keyring(),
            project: "/nonexistent".into(),
            locked: false,
        }
    }

    /// Prepares the layer in a new store and returns its digest and tree.
    fn ensure(&self, settings: &Settings, store: &str) -> Result<(Digest, PathBuf), SdkError> {
        let store = Store::open(&self.folder.path().join(store)).unwrap();
        let trees = self.sdk().ensure(&store, settings, &["base".parse().unwrap()], &Silent, &Cancel::new())?;
        Ok((trees[0].digest, trees[0].path.clone()))
    }
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o7777
}

#[test]
fn every_client_gives_the_same_lock_and_the_same_tree() {
    let mut found = Vec::new();
    let world = World::new();
    for (client, store) in [(ClientChoice::Auto.client(), "auto"), (Client::Builtin, "builtin")] {
        let settings = world.settings(client);
        let (digest, tree) = world.ensure(&settings, store).unwrap();
        assert_eq!(fs::read_to_string(tree.join("usr/bin/tool")).unwrap(), "1.0-1");
        assert_eq!(mode(&tree.join("usr/bin/tool")), 0o755);
        assert_eq!(fs::read_to_string(tree.join("etc/passwd")).unwrap(), SKELETON[0].1);
        let lock = world.folder.path().join("project/specs/sdk.lock");
        found.push((digest, fs::read_to_string(&lock).unwrap()));
        fs::remove_file(lock).unwrap();
    }
    assert_eq!(found[0], found[1]);
}

#[test]
fn packages_other_than_locked_are_refused() {
    let world = World::new();
    let settings = world.settings(Client::Builtin);
    world.ensure(&settings, "first").unwrap();
    let good = fs::read(world.pool("tool_1.0-1_amd64.deb")).unwrap();
    let changed = deb(&[("usr/bin/tool", "other")]);
    fs::write(world.pool("tool_1.0-1_amd64.deb"), &changed).unwrap();
    let error = world.ensure(&settings, "changed").unwrap_err();
    let SdkError::WrongBytes { expected, found, .. } = error else { panic!("{error}") };
    assert_eq!((expected, found), (Digest::of_bytes(&good), Digest::of_bytes(&changed)));

    fs::write(world.pool("tool_1.0-1_amd64.deb"), &good[..good.len() / 2]).unwrap();
    let error = world.ensure(&settings, "truncated").unwrap_err();
    assert!(error.to_string().contains(&format!("it sent {} of {} bytes", good.len() / 2, good.len())), "{error}");
}

#[test]
fn packages_gone_from_the_archive_are_resolved_anew_unless_locked() {
    let world = World::new();
    let settings = world.settings(Client::Builtin);
    world.ensure(&settings, "first").unwrap();
    world.publish("1.0-2");
    fs::remove_file(world.pool("tool_1.0-1_amd64.deb")).unwrap();
    let error = world.ensure(&Settings { locked: true, ..settings.clone() }, "locked").unwrap_err();
    assert!(matches!(&error, SdkError::PackagesGone { paths } if paths == &["pool/main/tool_1.0-1_amd64.deb"]), "{error}");
    let (_, tree) = world.ensure(&settings, "second").unwrap();
    assert_eq!(fs::read_to_string(tree.join("usr/bin/tool")).unwrap(), "1.0-2");
    // The index has a package that the pool lacks, as while a mirror is being updated.
    fs::remove_file(world.pool("tool_1.0-2_amd64.deb")).unwrap();
    let error = world.ensure(&settings, "third").unwrap_err();
    assert!(matches!(&error, SdkError::Fetch { path, .. } if path == "pool/main/tool_1.0-2_amd64.deb"), "{error}");
}

#[test]
fn a_layer_is_updated_alone_unless_it_needs_another_one_below_it() {
    for client in [ClientChoice::Auto.client(), Client::Builtin] {
        let world = World::new();
        let (settings, cancel) = (world.settings(client), Cancel::new());
        let store = Store::open(&world.folder.path().join("store")).unwrap();
        let describe = |text: &str| fs::write(world.folder.path().join("project/specs/sdk.toml"), format!("{DESCRIPTION}{text}")).unwrap();
        let above = |name: &str, key: &str| format!("[layer.{name}]\nsummary = \"s\"\nneeds = [\"base\"]\n{key} = [\"{name}\"]\n");
        let (tight, loose) = (above("tight", "packages"), above("loose", "packages"));
        describe(&format!("{tight}{loose}"));
        let layer = |name: &str| -> super::LayerName { name.parse().unwrap() };
        let update = |name: &str| world.sdk().update(&store, &settings, &[layer(name)], &cancel);
        world.sdk().update(&store, &settings, &[], &cancel).unwrap();
        let first = world.sdk().lock;
        assert_eq!(update("tight").unwrap(), [""; 0]);

        world.publish("1.0-2");
        assert_eq!(update("loose").unwrap(), ["loose 1.0-1 → 1.0-2"]);
        let second = world.sdk().lock;
        assert_eq!(
            (&second.layers[&layer("base")], &second.layers[&layer("tight")]),
            (&first.layers[&layer("base")], &first.layers[&layer("tight")])
        );
        let error = update("tight").unwrap_err();
        assert_eq!(error.to_string(), "this layer needs the layer `base` below it to be another one than locked: tool 1.0-1 → 1.0-2");
        assert_eq!(world.sdk().lock, second);

        // A changed description moves that layer alone, too.
        describe(&format!("{tight}{}", loose.replace("packages", "links = { \"/usr/bin/t\" = \"loose\" }\npackages")));
        world.sdk().ensure(&store, &settings, &[layer("loose")], &Silent, &cancel).unwrap();
        assert_eq!(world.sdk().lock.layers[&layer("base")], first.layers[&layer("base")]);

        // With a layer, all that stand on it.
        update("base").unwrap();
        let third = world.sdk().lock;
        assert_eq!(third.layers[&layer("base")].packages[1].version, "1.0-2");
        assert_eq!(third.layers[&layer("tight")].packages[0].version, "1.0-2");
        let unknown = update("nosuch").unwrap_err();
        assert!(matches!(unknown, SdkError::UnknownLayer { .. }), "{unknown}");
    }
}
