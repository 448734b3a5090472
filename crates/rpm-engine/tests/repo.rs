//! Reading a repository: what it offers, and what is refused.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use base64::Engine as _;
use rpm::signature::Signing as _;
use rpm_engine::dependency::Capability;
use rpm_engine::keyring::Keyring;
use rpm_engine::repo::{Index, Metadata, RepoError, digest_of};
use rpm_engine::solver::{Request, solve};
use sha2::{Digest as _, Sha256};
use testing::packages::{OTHER_KEY, TIME, keys, signer};

const PRIMARY: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm" packages="2">
<package type="rpm">
  <name>gcc-c++</name><arch>x86_64</arch><version epoch="1" ver="12.2" rel="3.kn1"/>
  <checksum type="sha256" pkgid="YES">PACKAGE</checksum>
  <summary>C &amp; C&#43;&#x2B; &lt;compiler&gt;</summary><description/>
  <size package="100" installed="300" archive="0"/>
  <location href="Packages/g.rpm"/>
  <format>
    <rpm:license>GPL</rpm:license>
    <rpm:provides><rpm:entry name="gcc-c++" flags="EQ" epoch="1" ver="12.2" rel="3.kn1"/></rpm:provides>
    <rpm:requires><rpm:entry name="libc.so.6()(64bit)"/><rpm:entry name="(bash if docs)"/><rpm:entry name="glibc" flags="GE" epoch="0" ver="2.41"/></rpm:requires>
    <rpm:obsoletes><rpm:entry name="egcs" flags="LT" epoch="0" ver="2"/></rpm:obsoletes>
    <file>/usr/bin/g++</file><file type="dir">/etc/g</file>
  </format>
</package>
<package type="rpm">
  <name>glibc</name><arch>x86_64</arch><version epoch="0" ver="2.41" rel="1"/>
  <checksum type="sha256" pkgid="YES">bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb</checksum>
  <location href="Packages/glibc.rpm"/>
  <format><rpm:provides><rpm:entry name="glibc" flags="EQ" epoch="0" ver="2.41" rel="1"/><rpm:entry name="libc.so.6()(64bit)"/></rpm:provides></format>
</package>
</metadata>"#;

const FILELISTS: &str = r#"<filelists packages="1"><package pkgid="PACKAGE" name="gcc-c++" arch="x86_64">
<version epoch="1" ver="12.2" rel="3.kn1"/><file>/usr/share/doc/g</file><file>/usr/bin/g++</file></package></filelists>"#;

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes a repository whose primary list is `primary`, compressed as zstd, and whose file list is gzip.
fn write(folder: &Path, primary: &str) {
    fs::create_dir_all(folder.join("repodata")).unwrap();
    fs::create_dir_all(folder.join("Packages")).unwrap();
    fs::write(folder.join("Packages/g.rpm"), "the package").unwrap();
    let id = hex(b"the package");
    let (primary, filelists) = (primary.replace("PACKAGE", &id), FILELISTS.replace("PACKAGE", &id));
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(filelists.as_bytes()).unwrap();
    let documents = [
        ("primary", "repodata/primary.xml.zst", zstd::encode_all(primary.as_bytes(), 1).unwrap(), primary),
        ("filelists", "repodata/filelists.xml.gz", gzip.finish().unwrap(), filelists),
    ];
    let mut index = "<repomd>".to_owned();
    for (kind, location, packed, open) in documents {
        index += &format!(
            "<data type=\"{kind}\"><checksum type=\"sha256\">{}</checksum><open-checksum type=\"sha256\">{}</open-checksum>\
             <location href=\"{location}\"/><open-size>{}</open-size></data>",
            hex(&packed),
            hex(open.as_bytes()),
            open.len()
        );
        fs::write(folder.join(location), packed).unwrap();
    }
    sign(folder, &(index + "</repomd>"));
}

fn sign(folder: &Path, index: &str) {
    fs::write(folder.join("repodata/repomd.xml"), index).unwrap();
    let signature = signer().sign(index.as_bytes(), rpm::Timestamp::now()).unwrap();
    let body = base64::engine::general_purpose::STANDARD.encode(signature);
    let armour = format!("-----BEGIN PGP SIGNATURE-----\nComment: x\n\n{body}\n=abcd\n-----END PGP SIGNATURE-----\n");
    fs::write(folder.join("repodata/repomd.xml.asc"), armour).unwrap();
}

#[test]
fn what_it_offers() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), PRIMARY);
    let metadata = Metadata::open(folder.path(), Some(keys().at(TIME.into()))).unwrap();
    let mut offers = metadata.offers().unwrap();
    let offer = &offers[0];
    assert_eq!(offer.package.nevra.to_string(), "gcc-c++-1:12.2-3.kn1.x86_64");
    assert_eq!((offer.details.summary.as_str(), offer.location.as_str()), ("C & C++ <compiler>", "Packages/g.rpm"));
    assert_eq!(offer.details.license, "GPL");
    let requires: Vec<_> = offer.package.requires.iter().map(ToString::to_string).collect();
    assert_eq!(requires, ["libc.so.6()(64bit)", "(bash if docs)", "glibc >= 2.41"]);
    assert_eq!(offer.package.obsoletes[0].to_string(), "egcs < 2");
    assert_eq!(offer.package.paths, ["/etc/g", "/usr/bin/g++"]);
    assert_eq!((offer.package.package_size_bytes, offer.package.installed_size_bytes), (100, 300));
    assert_eq!(digest_of(&folder.path().join(&offer.location)).unwrap(), offer.checksum);
    let packages: Vec<_> = offers.iter().map(|offer| offer.package.clone()).collect();
    let install = vec![Capability::any("/usr/bin/g++")];
    assert_eq!(solve(&packages, &Request { install, weak: true, arch: "x86_64".into() }).unwrap(), [1, 0]);
    assert_eq!(format!("{:?}", Index::of(&offers).unwrap().offer(0).unwrap()), format!("{:?}", offers[0]));
    metadata.read_filelists(&mut offers).unwrap();
    assert_eq!(offers[0].package.paths, ["/usr/bin/g++", "/usr/share/doc/g"]);
    assert!(metadata.advisories().unwrap().is_empty());
    assert!(matches!(metadata.changes(), Err(RepoError::Lacks { kind: "other" })));
}

#[test]
fn what_is_changed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let open = || Metadata::open(root, Some(keys().at(TIME.into()))).and_then(|metadata| metadata.offers());
    write(root, PRIMARY);
    assert!(matches!(
        Metadata::open(root, Some(Keyring::from_armoured([OTHER_KEY]).unwrap().at(TIME.into()))),
        Err(RepoError::Untrusted { .. })
    ));

    let index = fs::read_to_string(root.join("repodata/repomd.xml")).unwrap();
    fs::write(root.join("repodata/repomd.xml"), index.replace("open-size", "Open-size")).unwrap();
    assert!(matches!(open(), Err(RepoError::Untrusted { .. })));
    fs::remove_file(root.join("repodata/repomd.xml.asc")).unwrap();
    assert!(matches!(open(), Err(RepoError::Io { .. })));
    assert!(Metadata::open(root, None).is_ok(), "only where no keys are asked for");

    write(root, PRIMARY);
    fs::write(root.join("repodata/primary.xml.zst"), zstd::encode_all(&b"<metadata/>"[..], 1).unwrap()).unwrap();
    assert!(matches!(open(), Err(RepoError::Digest { .. })));
}

/// What one package says wrongly of itself costs that package.
#[test]
fn a_package_that_makes_no_sense_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        ("Packages/g.rpm", "a/../../g.rpm", "its location is outside of the repository"),
        ("(bash if docs)", "(bash if", "the metadata of gcc-c++-1:12.2-3.kn1.x86_64 is malformed: "),
        ("/etc/g", "etc/g", "`etc/g` is not absolute and normalised"),
    ];
    for (good, bad, reason) in cases {
        write(folder.path(), &PRIMARY.replace(good, bad));
        let metadata = Metadata::open(folder.path(), Some(keys().at(TIME.into()))).unwrap();
        let mut names = Vec::new();
        let left_out = metadata.each_offer(|offer| {
            names.push(offer.package.nevra.name);
            Ok(())
        });
        assert_eq!(names, ["glibc"], "{bad}");
        let left_out = left_out.unwrap();
        assert!(left_out.len() == 1 && left_out[0].starts_with("the package `gcc-c++` is left out: "), "{left_out:?}");
        assert!(left_out[0].contains(reason), "{left_out:?}");
    }
}

/// Whoever wrote the document must find what is wrong.
#[test]
fn broken_documents_are_refused_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let table = [
        ("&amp;", "&unknown;", "`primary.xml` is malformed in line 6, in the description of the package `gcc-c++`: `&unknown;` is unknown"),
        ("<description/>", "</description>", "`primary.xml` is malformed in line 6, in the description of the package `gcc-c++`: "),
        ("<name>glibc</name>", "<name>glibc</nam>", "`primary.xml` is malformed in line 18: "),
        ("</metadata>", "", "`primary.xml` is malformed in line 23: it ends early"),
    ];
    for (good, bad, reason) in table {
        write(folder.path(), &PRIMARY.replacen(good, bad, 1));
        let error = Metadata::open(folder.path(), Some(keys().at(TIME.into()))).unwrap().offers().unwrap_err();
        assert!(matches!(error, RepoError::Xml { .. }), "{error:?}");
        assert!(error.to_string().starts_with(reason), "{error} should be {reason}");
    }
}

/// What is one line is read as one, whatever its author put into it.
#[test]
fn single_lines_are_read_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let summary = "<summary>\n one&#27;[2J\n Repo : trusted</summary>";
    write(folder.path(), &PRIMARY.replace("<summary>C &amp; C&#43;&#x2B; &lt;compiler&gt;</summary>", summary));
    let offers = Metadata::open(folder.path(), Some(keys().at(TIME.into()))).unwrap().offers().unwrap();
    assert_eq!(offers[0].details.summary, "one [2J Repo : trusted");
}

#[test]
fn hostile_documents_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    let cases = [
        PRIMARY.replace("Packages/g.rpm", "../../etc/passwd"),
        PRIMARY.replace("Packages/g.rpm", "/etc/passwd"),
        PRIMARY.replace("&amp;", "&unknown;"),
        PRIMARY.replace("(bash if docs)", "(bash if"),
        PRIMARY.replace("</metadata>", ""),
        PRIMARY.replace("<name>glibc</name>", ""),
        deep,
    ];
    for primary in cases {
        write(folder.path(), &primary);
        let read = Metadata::open(folder.path(), Some(keys().at(TIME.into()))).unwrap().offers();
        assert!(read.is_err(), "{}", &primary[..200]);
    }
    // An index that says the list unpacks to less than it does.
    write(folder.path(), PRIMARY);
    let index = fs::read_to_string(folder.path().join("repodata/repomd.xml")).unwrap();
    let (before, after) = index.split_once("<open-size>").unwrap();
    sign(folder.path(), &format!("{before}<open-size>1{after}", after = &after[after.find('<').unwrap()..]));
    let read = Metadata::open(folder.path(), Some(keys().at(TIME.into()))).unwrap().offers();
    assert!(matches!(read, Err(RepoError::Io { .. })));
}
