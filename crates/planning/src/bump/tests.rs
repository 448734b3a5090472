use super::*;
use crate::spec::parse;

const SPEC: &str = r##"# A comment with 1.2.3
[package]
version  = '1.2.3'   # keep me
release  = 7
summary = "Demo"
license = "MIT"

[[source]]
sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
url    = "https://a.test/demo-{version}.tar.gz"
debian = { file = "demo_1.2.3-1:demo_1.2.3.orig.tar.gz", sha256 = "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" }

[[source]]
url    = "https://a.test/data.tar.gz"
sha256 = "2123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
into = "data"

[build.make]

[symlinks]
"/usr/lib/libdemo.so" = "libdemo.so.1.2.3"
"/usr/lib/x" = "x.11.2.34"
"##;

fn digest(text: &str) -> SourceChange {
    SourceChange { sha256: Some(Digest::of_bytes(text)), archive: None }
}

fn bumped(text: &str) -> Bumped {
    let places = read(text).unwrap();
    bump(text, &places, "1.3", ReleaseChange::First, &[digest("new"), SourceChange::default()])
}

#[test]
fn versions_and_digests_are_replaced_and_nothing_else() {
    let expected = SPEC
        .replace("'1.2.3'", "'1.3'")
        .replace("release  = 7", "release  = 1")
        .replace("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"\nurl", &format!("{}\"\nurl", Digest::of_bytes("new")))
        .replace("1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", &"0".repeat(64));
    let bumped = bumped(SPEC);
    assert_eq!(bumped.text, expected);
    let stale: Vec<_> = bumped.stale.iter().map(|debian| (debian.line, &*debian.text)).collect();
    assert_eq!(stale, [(11, "demo_1.2.3-1:demo_1.2.3.orig.tar.gz")]);
    assert_eq!(bumped.kept.iter().map(|source| (source.line, source.label())).collect::<Vec<_>>(), [(13, "https://a.test/data.tar.gz")]);
    assert_eq!(bumped.old_version_in, [21]);
    let spec = parse(&"demo".parse().unwrap(), "x", &bumped.text).unwrap();
    assert_eq!((&*spec.version, spec.release), ("1.3", 1));
}

#[test]
fn line_ends_and_a_byte_order_mark_are_kept() {
    let plain = bumped(SPEC).text;
    for form in [
        |text: &str| text.replace('\n', "\r\n"),
        |text: &str| format!("\u{feff}{text}"),
        |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n")),
    ] {
        assert_eq!(bumped(&form(SPEC)).text, form(&plain));
    }
}

#[test]
fn a_debian_origin_with_the_digest_of_the_address_keeps_its_text() {
    let text = "[package]\nversion = \"1.0\"\nrelease = 2\n[[source]]\nurl = \"https://a.test/x-{version}.tar\"\n\
        debian = \"x_1.0-1:x_1.0.orig.tar\"\nsha256 = \"\"\"a\"\"\"\n";
    let bumped = bump(text, &read(text).unwrap(), "1.1", ReleaseChange::First, &[digest("new")]);
    assert_eq!(
        bumped.text,
        text.replace("= \"1.0\"", "= \"1.1\"").replace("= 2", "= 1").replace("\"a\"", &format!("\"{}\"", Digest::of_bytes("new")))
    );
    assert_eq!(bumped.stale.len(), 1);
    assert!(bumped.old_version_in.is_empty());
}

#[test]
fn addresses_of_another_version() {
    let source = |url: &str| SourcePlaces { url: Some(url.into()), ..SourcePlaces::default() };
    assert_eq!(source("https://a.test/{version}/x-{version}.tar").url_of("2").as_deref(), Some("https://a.test/2/x-2.tar"));
    assert_eq!(source("https://a.test/x-1.tar").url_of("2"), None);
    assert_eq!(SourcePlaces::default().url_of("2"), None);
}

/// A spec with a source package, a binary one, and a source package with a digest of its own beside an address.
const ARCHIVE: &str = r##"[package]
version = "1.2"
release = 3

[[source]]
debian = 'demo_1.2-1:demo_1.2.orig.tar.xz' # upstream's
sha256 = "a"

[[source]]
deb    = "demo-source-1_{version}-1_all.deb"
path   = "usr/src/demo-1.2.tar"
sha256 = "b"

[[source]]
url    = "https://a.test/demo-{version}.tar.gz"
sha256 = "c"
debian = { sha256 = "d", file = "demo_1.2-1:demo_1.2.orig-doc.tar.xz" }
"##;

fn from_archive(text: &str, sha256: &str) -> SourceChange {
    let archive = Some(ArchiveChange { text: text.into(), sha256: Digest::of_bytes(sha256) });
    SourceChange { sha256: Some(Digest::of_bytes(sha256)), archive }
}

#[test]
fn origins_in_the_archive_are_replaced_with_their_digests() {
    let doc = SourceChange { sha256: Some(Digest::of_bytes("url")), ..from_archive("demo_1.3-1:demo_1.3.orig-doc.tar.gz", "doc") };
    let changes = [from_archive("demo_1.3-1:demo_1.3.orig.tar.gz", "new"), from_archive("demo-source-1_{version}-1_all.deb", "deb"), doc];
    let bumped = bump(ARCHIVE, &read(ARCHIVE).unwrap(), "1.3", ReleaseChange::First, &changes);
    let [new, deb, url, doc] = ["new", "deb", "url", "doc"].map(|text| Digest::of_bytes(text).hex());
    let expected = ARCHIVE
        .replace("\"1.2\"", "\"1.3\"")
        .replace("release = 3", "release = 1")
        .replace("demo_1.2-1:demo_1.2.orig.tar.xz", "demo_1.3-1:demo_1.3.orig.tar.gz")
        .replace("demo_1.2-1:demo_1.2.orig-doc.tar.xz", "demo_1.3-1:demo_1.3.orig-doc.tar.gz")
        .replace("\"a\"", &format!("\"{new}\""))
        .replace("\"b\"", &format!("\"{deb}\""))
        .replace("\"c\"", &format!("\"{url}\""))
        .replace("\"d\"", &format!("\"{doc}\""));
    assert_eq!(bumped.text, expected);
    assert_eq!((bumped.stale.len(), bumped.kept.len(), bumped.old_version_in), (0, 0, vec![11]));
}

#[test]
fn a_version_may_stay_with_other_sources() {
    let change = from_archive("demo_1.2-2:demo_1.2.orig.tar.xz", "same");
    let changes = [change, SourceChange::default(), SourceChange::default()];
    let digest = Digest::of_bytes("same").hex();
    for (release, expected) in [(ReleaseChange::Next, "release = 4"), (ReleaseChange::Same, "release = 3")] {
        let bumped = bump(ARCHIVE, &read(ARCHIVE).unwrap(), "1.2", release, &changes);
        let text = ARCHIVE.replace("release = 3", expected).replace("demo_1.2-1:demo_1.2.orig.tar", "demo_1.2-2:demo_1.2.orig.tar");
        assert_eq!(bumped.text, text.replace("\"a\"", &format!("\"{digest}\"")));
        assert_eq!((bumped.stale.len(), bumped.kept.len(), bumped.old_version_in.len()), (0, 0, 0), "nothing is of an old version");
    }
}
