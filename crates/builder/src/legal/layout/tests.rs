//! What goes where, for a small image.

use std::sync::Arc;

use super::*;
use base::diagnostic::SourceText;
use planning::project::Workspace;
use planning::spec;

/// A spec with these lines below `[package]`, files next to it, and part of the workspace.
fn folder(name: &str, rest: &str, files: &[&str], workspace: &[&str]) -> SpecFolder {
    let text = format!("[package]\nversion = \"1\"\nrelease = 2\nsummary = \"x\"\nlicense = \"MIT AND GPL-2.0-only\"\n{rest}");
    let spec = spec::parse(&name.parse().unwrap(), "package.toml", &text).unwrap_or_else(|problems| panic!("{}", problems[0].message));
    let file = |path: &&str| ((*path).to_owned(), LocalFile { digest: Digest::of_bytes(path), executable: path.ends_with(".sh") });
    SpecFolder {
        spec,
        source: Arc::new(SourceText { path: "package.toml".into(), text }),
        path: "/".into(),
        files: files.iter().map(file).collect(),
        workspace: Workspace {
            files: workspace.iter().map(|path| ((*path).to_owned(), path.as_bytes().to_vec())).collect(),
            sources: Vec::new(),
        },
    }
}

const DEBIAN: &str = "a_1.orig.tar.xz";
const UP: &str = "https://up.test/v1.tar.gz";
const OTHER: &str = "https://other.test/v1.tar.gz";

/// One source that Debian has with other bytes, and two whose addresses end with the same name.
fn sources() -> String {
    let source = |url: &str, rest: &str| format!("[[source]]\nurl = \"{url}\"\nsha256 = \"{}\"\n{rest}\n", Digest::of_bytes(url));
    let debian = format!("debian = {{ file = \"a_1-1:{DEBIAN}\", sha256 = \"{}\" }}", Digest::of_bytes(DEBIAN));
    [source("https://up.test/a-1.tar.gz", &debian), source(UP, "into = \"one\""), source(OTHER, "name = \"two.tar.gz\"\ninto = \"two\"")]
        .concat()
}

struct World {
    a: SpecFolder,
    names: [PackageName; 3],
}

impl World {
    fn new() -> Self {
        let rest = format!(
            "{}[[patch]]\nfile = \"fix.patch\"\n[build.none]\n[subpackage.devel]\nsummary = \"x\"\nfiles = [\"/usr/include/**\"]\n",
            sources()
        );
        let a = folder("a", &rest, &["fix.patch", "run.sh"], &["Cargo.toml", "a/src/main.rs"]);
        Self { a, names: ["a", "a-devel", "a-libs"].map(|name| name.parse().unwrap()) }
    }

    fn facts(&self) -> Facts<'_> {
        let package = |at: usize, texts: &[&str]| PackageFacts {
            name: &self.names[at],
            arch: "x86_64".into(),
            folder: &self.a,
            compiled_from: &self.a,
            object: Digest::of_bytes(self.names[at].as_str()),
            texts: texts.iter().map(|path| ((*path).to_owned(), format!("/usr/share/licenses/by-digest/{path}"))).collect(),
        };
        Facts {
            image: "small",
            packages: vec![package(0, &["COPYING", "MIT, or so"]), package(1, &[]), package(2, &["COPYING"])],
            specs: [(&self.a.spec.name, &self.a)].into(),
            shared: vec!["kernel-config/flavours/esx.toml".into(), "specs/sdk.lock".into()],
        }
    }

    fn all(&self) -> Sources {
        Sources::Included([(self.names[0].clone(), [DEBIAN, UP, OTHER].map(Digest::of_bytes).to_vec())].into())
    }
}

#[test]
fn every_file_has_its_place() {
    let world = World::new();
    let layout = Layout::plan(&world.facts(), &world.all());
    let other = Digest::of_bytes(OTHER);
    let second = format!("sources/a/{other}");
    let mut expected = vec![
        ".kaon-legal-info",
        "README",
        "kernel-config/flavours/esx.toml",
        "licenses/a-libs/COPYING",
        "licenses/a/COPYING",
        "licenses/a/MIT, or so",
        "manifest.csv",
        "manifest.json",
        &second,
        "sources/a/a_1.orig.tar.xz",
        "sources/a/v1.tar.gz",
        "specs/a/fix.patch",
        "specs/a/package.toml",
        "specs/a/run.sh",
        "specs/sdk.lock",
        "workspaces/a/Cargo.toml",
        "workspaces/a/a/src/main.rs",
    ];
    expected.sort_unstable();
    assert_eq!(layout.entries.keys().collect::<Vec<_>>(), expected);

    let text = Entry::Text {
        package: world.names[2].clone(),
        object: Digest::of_bytes("a-libs"),
        path: "/usr/share/licenses/by-digest/COPYING".into(),
    };
    let script = LocalFile { digest: Digest::of_bytes("run.sh"), executable: true };
    for (path, entry) in [
        ("licenses/a-libs/COPYING", text),
        (&*second, Entry::Object(other)),
        ("sources/a/a_1.orig.tar.xz", Entry::Object(Digest::of_bytes(DEBIAN))),
        ("specs/a/run.sh", Entry::Project { path: "specs/a/run.sh".into(), expected: Some(script) }),
        ("specs/a/package.toml", Entry::Bytes(world.a.source.text.clone().into_bytes())),
        ("specs/sdk.lock", Entry::Project { path: "specs/sdk.lock".into(), expected: None }),
        ("workspaces/a/Cargo.toml", Entry::Bytes(b"Cargo.toml".to_vec())),
    ] {
        assert_eq!(layout.entries[path], entry, "{path}");
    }
}

fn bytes<'l>(layout: &'l Layout, path: &str) -> &'l str {
    let Entry::Bytes(bytes) = &layout.entries[path] else { panic!("{path} is not made here") };
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn the_manifest_lists_licences_sources_patches_and_texts() {
    let world = World::new();
    let layout = Layout::plan(&world.facts(), &world.all());
    let [debian, up, other] = [DEBIAN, UP, OTHER].map(Digest::of_bytes);
    let sources = format!("a_1.orig.tar.xz sha256:{debian}; v1.tar.gz sha256:{up}; {other} sha256:{other}");
    let row = |package: &str, texts: &str| format!("{package},1-2.kn1,a,MIT AND GPL-2.0-only,{sources},specs/a/fix.patch,{texts}\n");
    let own = "\"licenses/a/COPYING; licenses/a/MIT, or so\"";
    let expected = [
        "package,version,spec,license,sources,patches,license-texts\n".to_owned(),
        row("a", own),
        row("a-devel", own),
        row("a-libs", "licenses/a-libs/COPYING"),
    ];
    assert_eq!(bytes(&layout, "manifest.csv"), expected.concat());

    let json: serde_json::Value = serde_json::from_str(bytes(&layout, "manifest.json")).unwrap();
    assert_eq!((&json["image"], json["packages"].as_array().unwrap().len()), (&"small".into(), 3));
    let package = &json["packages"][2];
    for (key, expected) in [
        ("package", serde_json::json!("a-libs")),
        ("version", "1-2.kn1".into()),
        ("arch", "x86_64".into()),
        ("spec", "a".into()),
        ("license", "MIT AND GPL-2.0-only".into()),
        ("patches", serde_json::json!(["specs/a/fix.patch"])),
        ("license-texts", serde_json::json!(["licenses/a-libs/COPYING"])),
    ] {
        assert_eq!(package[key], expected, "{key}");
    }
    let first = serde_json::json!({ "file": "a_1.orig.tar.xz", "sha256": debian, "from": "pkg:deb/debian/a@1-1?arch=source" });
    assert_eq!(package["sources"][0], first);
}

#[test]
fn sources_that_are_left_out_are_named() {
    let world = World::new();
    let layout = Layout::plan(&world.facts(), &Sources::Named);
    assert!(layout.entries.keys().all(|path| !path.starts_with("sources/")), "{layout:?}");
    let first = Digest::of_bytes("https://up.test/a-1.tar.gz");
    assert!(bytes(&layout, "manifest.csv").contains(&format!(",a-1.tar.gz sha256:{first}; ")));
    assert!(bytes(&layout, "README").contains("they were left out") && !bytes(&layout, "README").contains("--source-mirror"));
    let with = Layout::plan(&world.facts(), &world.all());
    assert!(bytes(&with, "README").contains("--source-mirror") && bytes(&with, "README").lines().all(|line| line.len() <= 140));
}

#[test]
fn copies_of_the_sdks_files_are_named() {
    let world = World::new();
    let script = "[build.script]\nrun = \"true\"\n";
    let folders = [folder("copy", script, &[], &[]), folder("data", &format!("noarch = true\n{script}"), &[], &[])];
    let package = |folder| PackageFacts { folder, compiled_from: folder, ..world.facts().packages.remove(0) };
    let named = |packages: &[PackageFacts<'_>]| copies(packages).len();
    for (folder, expected) in [(&folders[0], 1), (&folders[1], 0), (&world.a, 0)] {
        assert_eq!(named(&[package(folder)]), expected, "{}", folder.spec.name);
    }
    assert!(readme("small", &Sources::Named, &["copy"]).contains("copies of files of Debian's packages: copy.\n"));
    assert!(!readme("small", &Sources::Named, &[]).contains("copies"));
}

#[test]
fn names_that_cannot_be_files_are_digests() {
    let source = |url: &str| {
        format!("[[source]]\nurl = \"{url}\"\nsha256 = \"{}\"\nname = \"x\"\nunpack = false\n[build.none]\n", Digest::of_bytes(url))
    };
    for (url, name) in
        [("https://up.test/x?file=a", "x?file=a".to_owned()), ("https://up.test/.x", Digest::of_bytes("https://up.test/.x").hex())]
    {
        let folder = folder("a", &source(url), &[], &[]);
        let names: Vec<String> = chosen(&folder, None).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, [name], "{url}");
    }
}
