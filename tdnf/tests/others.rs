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

/// createrepo_c writes locations as they are; in an address they are encoded, `+` and `^` too.
#[test]
fn places_with_any_characters() {
    let machine = Machine::new(WORLD, "");
    let (old, new) = ("Packages/other-2.0-1.noarch.rpm", "x y/o#1?+^%31ö.rpm");
    let primary = document(&machine, "primary").replace(old, new);
    fs::write(offered(&machine, "repodata/p.xml"), &primary).unwrap();
    index(&machine, &[("primary", "sha256", hex::encode(Sha256::digest(&primary)), "href=\"repodata/p.xml\"")]);
    fs::create_dir(offered(&machine, "x y")).unwrap();
    fs::rename(offered(&machine, old), offered(&machine, new)).unwrap();
    let unsigned = "--setopt=base.repo_gpgcheck=0";
    machine.accepts(&[unsigned, "install", "other"]);
    machine.accepts(&["erase", "other"]);
    fs::create_dir(offered(&machine, "x%20y")).unwrap();
    fs::rename(offered(&machine, new), offered(&machine, "x%20y/o%231%3F%2B%5E%2531%C3%B6.rpm")).unwrap();
    let address = serve(machine.path("good"));
    machine.configure(&format!("baseurl={address}\ngpgkey=file:///etc/pki/key.asc\n"), "");
    machine.accepts(&[unsigned, "install", "other"]);
    assert_eq!(machine.installed(), ["other-2.0"]);
    // A copy has the names as they are, also where the metadata names another place.
    let primary = primary.replace("href=\"x y/", &format!("xml:base=\"{address}/x%20y\" href=\""));
    fs::write(offered(&machine, "repodata/p.xml"), &primary).unwrap();
    index(&machine, &[("primary", "sha256", hex::encode(Sha256::digest(&primary)), "href=\"repodata/p.xml\"")]);
    let copy = machine.place("copy");
    machine.accepts(&[unsigned, "--refresh", "--newest-only", "reposync", "-p", &copy]);
    assert!(machine.path("copy/base/o#1?+^%31ö.rpm").is_file());
}

#[test]
fn a_package_that_is_not_what_the_metadata_says() {
    let machine = Machine::new(WORLD, "");
    let primary = document(&machine, "primary").replace("ver=\"2.0\"", "ver=\"2.0-2\"");
    fs::write(offered(&machine, "repodata/p.xml"), &primary).unwrap();
    index(&machine, &[("primary", "sha256", hex::encode(Sha256::digest(&primary)), "href=\"repodata/p.xml\"")]);
    let said = machine.refuses(&["--setopt=base.repo_gpgcheck=0", "install", "other"], "is other-2.0-1.noarch, not other-2.0-2-1.noarch");
    assert!(said.contains("Error(2501)") && said.contains("--exclude=other"), "{said}");
    assert_eq!(machine.installed(), [""; 0]);
}

/// Whatever the metadata contains, terminals only show it.
#[test]
fn metadata_gives_terminals_no_orders() {
    let machine = Machine::new(WORLD, "");
    let evil = "<summary>\n nice&#10;Repo : trusted</summary><description>one\ntwo&#27;]0;owned&#7;&#155;2J&#13;</description>";
    let primary =
        document(&machine, "primary").replace("<summary>A package</summary><description>A package, at length.</description>", evil);
    assert!(primary.contains("owned"), "{primary}");
    fs::write(offered(&machine, "repodata/p.xml"), &primary).unwrap();
    index(&machine, &[("primary", "sha256", hex::encode(Sha256::digest(&primary)), "href=\"repodata/p.xml\"")]);
    let unsigned = "--setopt=base.repo_gpgcheck=0";
    for command in
        [&["info", "app"][..], &["search", "nice"], &["repoquery", "--qf", "%{summary} %{description}", "app"], &["provides", "app"]]
    {
        let said = machine.accepts(&[&[unsigned][..], command].concat());
        assert!(said.contains("nice Repo : trusted"), "{said}");
        assert!(!said.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t')), "{said:?}");
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

/// Serves the files of a folder, which may change, under their names as they are asked for; returns its address.
fn serve(folder: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let head: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            let asked = head[0].split(' ').nth(1).unwrap();
            let (status, text) = fs::read(folder.join(&asked[1..])).map_or(("404 Not Found", Vec::new()), |text| ("200 OK", text));
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", text.len());
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
    let address = format!("{}/key", serve(machine.path("good")));
    machine.configure(&format!("baseurl=file://{}\ngpgkey={address}\n", machine.place("good")), "");
    // The wrong key is accepted, kept, and of no use, however often it is fetched.
    machine.refuses(&["install", "other"], "is not trusted");
    machine.refuses(&["install", "other"], "is not trusted");
    fs::write(&key, KEY).unwrap();
    let said = machine.accepts(&["install", "other"]);
    assert!(said.contains("Fingerprint"), "{said}");
    assert!(!machine.accepts(&["reinstall", "other"]).contains("Fingerprint"), "it is asked about once");
}
