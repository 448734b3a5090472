use super::*;
use crate::spec::Origin;

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
fn the_main_package_may_have_a_name_of_its_own() {
    let spec = zlib(&ZLIB.replace("release = 1", "release = 1\nname = \"libz\"")).unwrap();
    let names: Vec<_> = spec.packages().map(|content| content.name.as_str()).collect();
    assert_eq!((spec.name.as_str(), &names[..]), ("zlib", &["libz", "libz-devel"][..]));
}

#[test]
fn comments_and_layout_are_not_part_of_a_spec() {
    let reordered = ZLIB.replace("release = 1\n", "").replace("license", "release = 1 # first\nlicense");
    assert_eq!(zlib(ZLIB), zlib(&reordered));
}

#[test]
fn build_paths_change_the_keys_of_specs_that_have_them_only() {
    let json = |text: &str| serde_json::to_value(zlib(text).unwrap()).unwrap();
    assert!(json(ZLIB).get("build_paths").is_none());
    let with = ZLIB.replace("release = 1", "release = 1\nbuild-paths = [\"/usr/share/x/**\"]");
    assert_eq!(json(&with)["build_paths"], serde_json::json!(["/usr/share/x/**"]));
}

#[test]
fn every_mistake_is_named() {
    let cases = [
        ("version = \"1.3.1\"", "version = \"1.3-1\"", "`1.3-1` is not a version"),
        ("release = 1", "release = 0", "`release` must be an integer from 1 to 4294967295"),
        ("release = 1", "", "missing key `release` in `[package]`"),
        ("license = \"Zlib\"", "license = \"zlib license\"", "`zlib license` is not an SPDX expression"),
        ("license = \"Zlib\"", "license = \"GPLv2\"", "`GPLv2` is not an SPDX expression"),
        ("release = 1", "release = 1\nlicense-files = [\"../x\"]", "`../x` must be a path or glob in the sources, without `..`"),
        ("license", "licence", "unknown key `licence` in `[package]`"),
        ("autotools", "autotool", "unknown build system `autotool`"),
        ("configure =", "configur =", "unknown key `configur` in `[build.autotools]`"),
        ("9a93", "9x93", "is not a SHA-256 digest"),
        ("sha256 = ", "# ", "this source lacks `sha256`"),
        ("{version}.tar.gz", "{versoin}.tar.gz", "unknown placeholder `{versoin}`"),
        ("{version}.tar.gz", "${version}.tar.gz", "`${version}` is not replaced here"),
        ("{version}.tar.gz", "%{name}.tar.gz", "`%{name}` is not replaced here"),
        ("{version}.tar.gz", "{Version}.tar.gz", "unknown placeholder `{Version}`"),
        ("{version}.tar.gz", "{version}.{pkg_ver}.gz", "unknown placeholder `{pkg_ver}`"),
        ("\"--shared\"", "\"--shared=${x}\", \"%{y}\", \"{z}\"", "unknown placeholder `{z}`"),
        ("debian =", "unpack = false\nstrip = 0\ndebian =", "`strip` has no meaning together with `unpack = false`"),
        ("debian =", "patches = \"series\"\nname = \"a/b\"\ndebian =", "`a/b` is a path, but a source's `name` must be a file name"),
        ("debian =", "fuzz = 1\ndebian =", "`fuzz` has a meaning only together with `patches`"),
        ("debian =", "patches = []\ndebian =", "`patches` is empty"),
        ("debian =", "patches = [\"a\"]\nfuzz = 3\ndebian =", "`fuzz` must be an integer from 0 to 2"),
        ("[build.autotools]\nconfigure = [\"--shared\"]", "[build.none]\nkeep-symbols = [\"/x\"]", "`keep-symbols` has no meaning"),
        ("configure =", "keep-symbols = [\"/a/**b\"]\nconfigure =", "this glob cannot be read"),
        ("\"/usr/include/**\"", "\"usr/include/**\"", "`usr/include/**` is not a path of the image"),
        ("\"/usr/include/**\"", "\"/usr/[\"", "this glob cannot be read"),
        ("release = 1", "release = 1\nbuild-paths = [\"usr/x\"]", "`usr/x` is not a path of the image"),
        ("zlib_1.3.dfsg+really1.3.1-1:", "", "is not a file of a Debian source package"),
        ("library\"", "library.\"", "a summary must be one line without a final full stop"),
        ("[subpackage.devel]", "[subpackage.'a b']", "`zlib-a b` is not a package name"),
    ];
    for (from, to, expected) in cases {
        assert!(ZLIB.contains(from), "{from}");
        let problems = zlib(&ZLIB.replacen(from, to, 1)).expect_err(to);
        assert!(problems.iter().any(|message| message.contains(expected)), "{to}: {problems:?}");
    }
}

#[test]
fn paths_must_be_plain() {
    for addition in ["[install]\n\"../x\" = \"/usr/x\"\n", "[install]\n\"x\" = \"/usr/../etc/x\"\n", "[[patch]]\nfile = \"/etc/passwd\"\n"]
    {
        assert!(zlib(&format!("{ZLIB}\n{addition}")).is_err(), "{addition}");
    }
}

#[test]
fn sources_of_one_name_need_another() {
    let second = |keys: &str| format!("{ZLIB}\n[[source]]\nurl = \"https://example.org/two/zlib-1.3.1.tar.gz\"\n{keys}\n");
    let other = "sha256 = \"0000000000000000000000000000000000000000000000000000000000000000\"";
    let same = "sha256 = \"9a93b2b7dfdac77ceba5a558a580e74667dd6fede4585b91eefb60f03b72df23\"";
    let problems = zlib(&second(other)).unwrap_err();
    assert_eq!(problems, ["`zlib-1.3.1.tar.gz` is also the name of the source in line 9, which has different content"]);
    let spec = zlib(&second(&format!("{other}\nname = \"two-{{version}}.tar.gz\""))).unwrap();
    assert_eq!(spec.sources[1].file_name(), "two-1.3.1.tar.gz");
    assert!(zlib(&second(same)).is_ok(), "one file that is used twice");
}

#[test]
fn the_version_is_substituted_in_paths() {
    let text = ZLIB.replace("configure =", "subdir = \"zlib-{version}\"\nconfigure =")
        + "\n[[patch]]\nfile = \"fix-{version}.patch\"\nfuzz = 2\nstrip = 0\n";
    let spec = zlib(&text).unwrap();
    assert_eq!(spec.build.subdir, "zlib-1.3.1");
    assert_eq!((&*spec.patches[0].file, spec.patches[0].strip, spec.patches[0].fuzz), ("fix-1.3.1.patch", 0, 2));
}

#[test]
fn passwords_are_used_and_not_written() {
    let spec = zlib(&ZLIB.replace("https://zlib.net", "https://user:s3cret@zlib.net")).unwrap();
    let Origin::Url { url, .. } = &spec.sources[0].origins[0] else { panic!("the first origin is an address") };
    assert_eq!(url, "https://user:s3cret@zlib.net/fossils/zlib-1.3.1.tar.gz");
    let written = serde_json::to_string(&spec).unwrap();
    assert!(written.contains("https://zlib.net/fossils/zlib-1.3.1.tar.gz") && !written.contains("s3cret"), "{written}");
}

/// A spec whose source is in a binary package, with these keys.
fn from_deb(keys: &str) -> Result<Spec, Vec<String>> {
    let sha256 = "9a93b2b7dfdac77ceba5a558a580e74667dd6fede4585b91eefb60f03b72df23";
    let head = "[package]\nversion = \"1.3.1\"\nrelease = 1\nsummary = \"A library\"\nlicense = \"Zlib\"\n[build.none]\n";
    zlib(&format!("{head}[[source]]\nsha256 = \"{sha256}\"\n{keys}\n"))
}

#[test]
fn a_source_may_be_in_a_binary_package() {
    let spec = from_deb("deb = \"zlib-source_{version}-1_all.deb\"\nfrom = \"zlib\"\npath = \"usr/src/zlib.tar.xz\"").unwrap();
    let Origin::Deb { source, package, version, arch, file, .. } = &spec.sources[0].origins[0] else { panic!("a binary package") };
    let found = [source, package, version, arch, file].map(String::as_str);
    assert_eq!(found, ["zlib", "zlib-source", "1.3.1-1", "all", "zlib-source_1.3.1-1_all.deb"]);
    assert_eq!(spec.sources[0].path.as_deref(), Some("usr/src/zlib.tar.xz"));
    let own = from_deb("deb = \"a_1_all.deb\"\npath = \"usr\"").unwrap();
    assert!(matches!(&own.sources[0].origins[0], Origin::Deb { source, .. } if source == "a"));
}

#[test]
fn keys_of_binary_packages_that_make_no_sense_are_named() {
    for (keys, message) in [
        ("deb = \"a_1_all.deb\"", "this binary package lacks `path`"),
        ("deb = \"a_1.deb\"\npath = \"usr\"", "`a_1.deb` is not a binary package of the Debian archive"),
        ("deb = \"a_../x_all.deb\"\npath = \"usr\"", "`a_../x_all.deb` is not a binary package of the Debian archive"),
        ("deb = \"a_1_all.deb\"\npath = \"../x\"", "`../x` is not a path below this directory"),
        ("deb = \"a_1_all.deb\"\nfrom = \"x/y\"\npath = \"usr\"", "`x/y` is not the name of a source package"),
        ("deb = \"a_1_all.deb\"\npath = \"usr\"\nunpack = false", "a binary package is always unpacked"),
        ("deb = \"a_1_all.deb\"\npath = \"usr\"\npatches = [\"x\"]", "`patches` has no meaning together with `deb`"),
        ("deb = \"a_1_all.deb\"\npath = \"usr\"\nurl = \"https://x.test/y\"", "`url` cannot be an origin beside `deb`"),
        ("url = \"https://x.test/y\"\npath = \"usr\"", "`path` has a meaning only together with `deb`"),
    ] {
        let problems = from_deb(keys).unwrap_err();
        assert!(problems.iter().any(|problem| problem.starts_with(message)), "{keys}: {problems:?}");
    }
}
