use super::*;

const ZLIB: &str = r#"
[package]
version = "1.3.1"
release = 1
summary = "Lossless data compression library"
license = "Zlib"

[[source]]
url = "https://zlib.net/fossils/zlib-{version}.tar.gz"
sha256 = "9a93b2b7dfdac77ceba5a558a580e74667dd6fede4585b91eefb60f03b72df23"
debian = "zlib_1.3.dfsg+really1.3.1-1:zlib_1.3.dfsg+really1.3.1.orig.tar.gz"

[build.autotools]
configure = ["--shared"]

[subpackage.devel]
summary = "Headers and link files of zlib"
files = ["/usr/include/**", "/usr/lib/*.so"]
"#;

fn zlib(text: &str) -> Result<Spec, Vec<String>> {
    parse(&"zlib".parse().unwrap(), "specs/zlib/package.toml", text)
        .map_err(|problems| problems.into_iter().map(|problem| problem.message).collect())
}

#[test]
fn a_good_spec() {
    let spec = zlib(ZLIB).unwrap();
    assert_eq!(spec.evr(), "1.3.1-1.kn1");
    assert_eq!(spec.sources[0].file_name(), "zlib-1.3.1.tar.gz");
    assert_eq!(spec.sources[0].origins.len(), 2);
    let names: Vec<_> = spec.packages().map(|content| content.name.as_str()).collect();
    assert_eq!(names, ["zlib", "zlib-devel"]);
    assert!(spec.subpackages[0].is_devel);
}

#[test]
fn comments_and_layout_are_not_part_of_a_spec() {
    let reordered = ZLIB.replace("release = 1\n", "").replace("license", "release = 1 # first\nlicense");
    assert_eq!(zlib(ZLIB), zlib(&reordered));
}

#[test]
fn every_mistake_is_named() {
    let cases = [
        ("version = \"1.3.1\"", "version = \"1.3-1\"", "`1.3-1` is not a version"),
        ("release = 1", "release = 0", "`release` takes an integer from 1 to 4294967295"),
        ("release = 1", "", "`[package]` lacks `release`"),
        ("license", "licence", "unknown key `licence` in `[package]`"),
        ("autotools", "autotool", "there is no build system `autotool`"),
        ("configure =", "configur =", "unknown key `configur` in `[build.autotools]`"),
        ("9a93", "9x93", "is not a SHA-256 digest"),
        ("sha256 = ", "# ", "this source lacks `sha256`"),
        ("{version}.tar.gz", "{versoin}.tar.gz", "`{versoin}` stands for nothing"),
        ("\"/usr/include/**\"", "\"usr/include/**\"", "`usr/include/**` is not a path of the image"),
        ("\"/usr/include/**\"", "\"/usr/[\"", "this glob cannot be read"),
        ("zlib_1.3.dfsg+really1.3.1-1:", "", "names no file of a Debian source package"),
        ("library\"", "library.\"", "a summary is one line without a final full stop"),
        ("[subpackage.devel]", "[subpackage.'a b']", "`zlib-a b` is not a package name"),
    ];
    for (from, to, expected) in cases {
        assert!(ZLIB.contains(from), "{from}");
        let problems = zlib(&ZLIB.replacen(from, to, 1)).expect_err(to);
        assert!(problems.iter().any(|message| message.contains(expected)), "{to}: {problems:?}");
    }
}

#[test]
fn paths_cannot_leave_their_place() {
    for addition in ["[install]\n\"../x\" = \"/usr/x\"\n", "[install]\n\"x\" = \"/usr/../etc/x\"\n", "[[patch]]\nfile = \"/etc/passwd\"\n"]
    {
        assert!(zlib(&format!("{ZLIB}\n{addition}")).is_err(), "{addition}");
    }
}
