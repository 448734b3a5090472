//! Repositories as others make them: other checksums, other places, other documents, new keys.

mod support;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::thread::spawn;

use sha2::{Digest as _, Sha256, Sha384, Sha512};
use support::Machine;
use testing::packages::{KEY, OTHER_KEY};

const WORLD: &str = r#"
["app-1.0-1"]
requires = ["/usr/libexec/helper"]
files = ["/usr/bin/app"]
["other-1.0-1"]
files = ["/usr/libexec/helper"]
["other-2.0-1"]
files = ["/usr/libexec/helper", "/usr/share/other"]
"#;

/// A path in the repository.
fn offered(machine: &Machine, path: &str) -> PathBuf {
    machine.path("good").join(path)
}

/// The text of a document.
fn document(machine: &Machine, kind: &str) -> String {
    let paths = fs::read_dir(offered(machine, "repodata")).unwrap().map(|entry| entry.unwrap().path());
    let path = paths.into_iter().find(|path| path.to_string_lossy().contains(&format!("-{kind}.xml"))).unwrap();
    String::from_utf8(zstd::decode_all(&fs::read(path).unwrap()[..]).unwrap()).unwrap()
}

/// Writes an index of its own, nobody's signature, of documents by kind: the checksum's name and text, the location's attributes.
fn index(machine: &Machine, documents: &[(&str, &str, String, &str)]) {
    let one = |(kind, name, checksum, location): &(&str, &str, String, &str)| {
        format!("<data type=\"{kind}\"><checksum type=\"{name}\">{checksum}</checksum><location {location}/></data>")
    };
    let data: String = documents.iter().map(one).collect();
    let text = format!("<repomd xmlns:xml=\"x\"><revision>101</revision>{data}</repomd>");
    fs::write(offered(machine, "repodata/repomd.xml"), text).unwrap();
}

#[test]
fn requirements_on_any_path_are_met() {
    let machine = Machine::new(WORLD, "");
    machine.accepts(&["install", "app"]);
    assert!(machine.path("root").join("usr/libexec/helper").exists());
    // What holds it may be replaced by what holds it, too, which the short list does not say.
    let machine = Machine::new(WORLD, "");
    machine.accepts(&["install", "other-1.0", "app"]);
    machine.accepts(&["update"]);
    assert_eq!(machine.installed(), ["app-1.0", "other-2.0"]);
}

#[test]
fn other_checksums_and_places() {
    let machine = Machine::new(WORLD, "");
    let (primary, elsewhere) = (document(&machine, "primary"), tempfile::tempdir().unwrap());
    fs::rename(offered(&machine, "Packages/app-1.0-1.noarch.rpm"), elsewhere.path().join("app.rpm")).unwrap();
    let base = format!("xml:base=\"file://{}/\" href=\"./app.rpm\"", elsewhere.path().display());
    let primary =
        primary.replace("href=\"Packages/app-1.0-1.noarch.rpm\"", &base).replace("href=\"Packages/other", "href=\"./x/../Packages/other");
    assert!(primary.contains("./app.rpm") && primary.contains("./x/../"), "{primary}");
    let filelists = document(&machine, "filelists");
    fs::write(offered(&machine, "repodata/p.xml"), &primary).unwrap();
    fs::write(elsewhere.path().join("f.xml"), &filelists).unwrap();
    let weak = ("productid", "sha", "a".repeat(40), "href=\"repodata/none\"");
    let lists = format!("xml:base=\"file://{}\" href=\"f.xml\"", elsewhere.path().display());
    index(
        &machine,
        &[
            ("primary", "sha512", hex::encode(Sha512::digest(&primary)), "href=\"./repodata/p.xml\""),
            ("filelists", "sha384", hex::encode(Sha384::digest(&filelists)), &lists),
            weak.clone(),
        ],
    );
    machine.accepts(&["--setopt=base.repo_gpgcheck=0", "install", "app"]);
    assert!(machine.path("root").join("usr/bin/app").exists());
    // What was cached is found again.
    machine.accepts(&["-C", "--setopt=base.repo_gpgcheck=0", "reinstall", "other"]);
    // A weak checksum of what is needed is one too little; so is a wrong one.
    for (name, checksum, reason) in [
        ("sha1", "b".repeat(40), "no checksum of `primary` that counts"),
        ("sha512", "b".repeat(128), "its checksum differs"),
        ("sha512", "b".repeat(64), "is not the SHA-512 of a file"),
    ] {
        index(&machine, &[("primary", name, checksum, "href=\"repodata/p.xml\""), weak.clone()]);
        machine.refuses(&["--setopt=base.repo_gpgcheck=0", "--refresh", "count"], reason);
    }
}

#[test]
fn a_copy_is_a_repository() {
    let machine = Machine::new(WORLD, "");
    let comps = "<comps/>";
    fs::write(offered(&machine, "repodata/comps.xml"), comps).unwrap();
    let primary = document(&machine, "primary");
    fs::write(offered(&machine, "repodata/p.xml"), &primary).unwrap();
    index(
        &machine,
        &[
            ("primary", "sha256", hex::encode(Sha256::digest(&primary)), "href=\"repodata/p.xml\""),
            ("group", "sha256", hex::encode(Sha256::digest(comps)), "href=\"repodata/comps.xml\""),
        ],
    );
    let copy: PathBuf = machine.path("root").join("copy");
    let unsigned = "--setopt=base.repo_gpgcheck=0";
    machine.accepts(&[unsigned, "--download-metadata", "reposync", "-p", &copy.to_string_lossy()]);
    for file in ["repodata/repomd.xml", "repodata/p.xml", "repodata/comps.xml", "Packages/other-2.0-1.noarch.rpm"] {
        assert!(copy.join("base").join(file).is_file(), "{file}");
    }
    machine.configure(&format!("baseurl=file://{}/base\ngpgkey=file:///etc/pki/key.asc\n", copy.display()), "");
    machine.accepts(&[unsigned, "install", "other"]);
}

/// Serves one key at `/key`, which may change, to whoever asks.
fn serve(key: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/key", listener.local_addr().unwrap());
    spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            lines.map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
            let text = fs::read(&key).unwrap();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", text.len());
            let _ = stream.write_all(&[head.as_bytes(), &text].concat());
        }
    });
    address
}

#[test]
fn a_new_key_at_the_old_place_is_asked_about() {
    let machine = Machine::new(WORLD, "");
    let key = offered(&machine, "key");
    fs::write(&key, OTHER_KEY).unwrap();
    let address = serve(key.clone());
    machine.configure(&format!("baseurl=file://{}\ngpgkey={address}\n", machine.place("good")), "");
    // The wrong key is accepted, kept, and of no use, however often it is fetched.
    machine.refuses(&["install", "other"], "is not trusted");
    machine.refuses(&["install", "other"], "is not trusted");
    fs::write(&key, KEY).unwrap();
    let said = machine.accepts(&["install", "other"]);
    assert!(said.contains("Fingerprint"), "{said}");
    assert!(!machine.accepts(&["reinstall", "other"]).contains("Fingerprint"), "it is asked about once");
}
