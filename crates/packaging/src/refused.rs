//! Tests: private libraries, and files that are refused because they cannot work on the installed system.

use std::fs;
use std::os::unix::fs::symlink;

use super::tests::{Build, paths};
use super::{Available, PackageError};
use base::diagnostic::Failure as _;
use runtime::tool::Tool;

/// A root with the library `libp.so.1` in `directory` and a program linked with it, with these additional arguments for the linker.
fn with_library(directory: &str, arguments: &[&str]) -> Build {
    let build = Build::new(&[]);
    fs::write(build.path("p.map"), "P_1 { global: p; local: *; };").unwrap();
    let library = format!("{directory}/libp.so.1");
    build.cc("int p(void) { return 1; }", &library, &["-shared", "-fPIC", "-Wl,-soname,libp.so.1", "-Wl,--version-script=p.map"]);
    let library = format!("out/{library}");
    build.cc("int p(void); int main(void) { return p(); }", "usr/bin/program", &[&[library.as_str()], arguments].concat());
    build
}

#[test]
fn private_libraries_are_not_provided() {
    for directory in ["usr/lib/x/plugins", "usr/share/x", "usr/lib/glibc-hwcaps/x86-64-v3"] {
        let build = with_library(directory, &[]);
        let error = build.assemble("").unwrap_err();
        assert_eq!(error.to_string(), "`/usr/bin/program` needs `libp.so.1`, which no package in the sandbox provides", "{directory}");
        fs::remove_file(build.path("out/usr/bin/program")).unwrap();
        let built = build.assemble("").unwrap();
        assert!(!built[0].provides.iter().any(|one| one.starts_with("libp")), "{directory}: {:?}", built[0].provides);
    }
}

#[test]
fn the_hint_leads_to_a_private_library() {
    let hint = with_library("usr/lib/x", &[]).assemble("").unwrap_err().hint().unwrap();
    assert_eq!(
        hint,
        "`/usr/bin/program` does not find `/usr/lib/x/libp.so.1`: link it with `-Wl,-rpath,/usr/lib/x`, or install a file \
         /etc/ld.so.conf.d/sample.conf that contains the line `/usr/lib/x`"
    );
    let hint = with_library("usr/share/x", &[]).assemble("").unwrap_err().hint().unwrap();
    assert_eq!(hint, "`/usr/bin/program` does not find `/usr/share/x/libp.so.1`: install the library into /usr/lib");
}

#[test]
fn private_libraries_serve_files_that_lead_to_them() {
    const SPLIT: &str = "[subpackage.libs]\nsummary = \"L\"\nfiles = [\"/usr/lib/x/**\"]";
    for path in ["/usr/lib/x", "$ORIGIN/../lib/x"] {
        let build = with_library("usr/lib/x", &[&format!("-Wl,-rpath,{path}")]);
        let needs_library = |requires: &[String]| requires.iter().any(|one| one.starts_with("libp"));
        let one = build.assemble("").unwrap();
        assert!(!needs_library(&one[0].requires), "{:?}", one[0].requires);
        let built = build.assemble(SPLIT).unwrap();
        assert!(built[0].requires.contains(&"sample-libs = 1.0-2.kn1".to_owned()), "{:?}", built[0].requires);
        assert!(!needs_library(&built[0].requires) && !built[1].provides.iter().any(|one| one.starts_with("libp")), "{built:?}");
    }
}

#[test]
fn a_private_library_without_the_needed_version_is_reported() {
    let build = with_library("usr/lib/x", &["-Wl,-rpath,/usr/lib/x"]);
    fs::remove_file(build.path("out/usr/lib/x/libp.so.1")).unwrap();
    let older = ["-shared", "-fPIC", "-Wl,-soname,libp.so.1"];
    build.cc("int p(void) { return 1; }", "usr/lib/x/libp.so.1", &older);
    build.assemble("").unwrap();
    fs::write(build.path("p.map"), "P_0 { global: p; local: *; };").unwrap();
    build.cc("int p(void) { return 1; }", "usr/lib/x/libp.so.1", &[&older[..], &["-Wl,--version-script=p.map"]].concat());
    let error = build.assemble("").unwrap_err();
    assert_eq!(error.to_string(), "`/usr/bin/program` needs `libp.so.1 (P_1)`, which no package in the sandbox provides");
    assert!(error.hint().unwrap().starts_with("`/usr/bin/program` finds `/usr/lib/x/libp.so.1`, which does not define that version"));
}

#[test]
fn configured_directories_and_links_make_libraries_public() {
    let provides = |build: &Build| build.assemble("").unwrap().swap_remove(0).provides;
    let build = with_library("usr/lib/x", &[]);
    build.put("etc/ld.so.conf.d/x.conf", "# Libraries of x\n/usr/lib/x\n", 0o644);
    assert!(provides(&build).contains(&"libp.so.1(P_1)(64bit)".to_owned()));
    let build = with_library("usr/lib/x", &[]);
    symlink("x/libp.so.1", build.path("out/usr/lib/libp.so.1")).unwrap();
    assert!(provides(&build).contains(&"libp.so.1()(64bit)".to_owned()));
}

#[test]
fn names_that_rpm_cannot_hold_are_refused_with_their_file() {
    let build = Build::new(&[]);
    build.cc("int p;", "usr/lib/libp.so", &["-shared", "-Wl,-soname,lib p.so\u{1b}"]);
    let error = build.assemble("").unwrap_err();
    assert_eq!(
        error.to_string(),
        "`/usr/lib/libp.so` provides or requires `lib p.so\\u{1b}()(64bit)`, which a package header cannot contain"
    );
    assert_eq!(error.hint().unwrap(), "correct the file in `finish`, or exclude it in the spec: drop = [\"/usr/lib/libp.so\"]");
    let build = Build::new(&[("usr/lib/pkgconfig/a b.pc", "Name: a\nVersion: 1 beta\n", 0o644)]);
    let error = build.assemble("noarch = true").unwrap_err();
    assert_eq!(
        error.to_string(),
        "`/usr/lib/pkgconfig/a b.pc` provides or requires `pkgconfig(a b) = 1`, which a package header cannot contain"
    );
}

#[test]
fn interpreters_that_cannot_work_are_named_at_once() {
    let files = [
        ("usr/bin/a", "#!/bin/bash\r\necho\r\n", 0o755),
        ("usr/bin/b", "#!@BASH@\n", 0o700),
        ("usr/bin/c", "#!/bin/sh\0\n", 0o755),
        ("usr/bin/fine", "#!/bin/sh\n", 0o755),
        ("usr/share/sample.in", "#!@BASH@\r\n", 0o644),
    ];
    let error = Build::new(&files).assemble("noarch = true").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the interpreters of executable scripts cannot work: \
         `/usr/bin/a` begins with `#!/bin/bash\\r` (it ends in a carriage return, as on Windows); \
         `/usr/bin/b` begins with `#!@BASH@` (it is a placeholder that the build did not replace); \
         `/usr/bin/c` begins with `#!/bin/sh\\u{0}` (it contains a control character)"
    );
    assert_eq!(
        error.hint().unwrap(),
        "correct it in `finish`: `sed -i 's/\\r$//' $DESTDIR/usr/bin/a`; if it is sample data: `chmod -x $DESTDIR/usr/bin/a`, or drop = \
         [\"/usr/bin/a\"]"
    );
    let error = Build::new(&files[1..4]).assemble("noarch = true").unwrap_err();
    assert!(error.hint().unwrap().starts_with("correct it in `finish`: `sed -i '1s|.*|#!/usr/bin/sh|' $DESTDIR/usr/bin/b`"));
    let built = Build::new(&files[3..]).assemble("noarch = true").unwrap();
    assert_eq!(built[0].requires, ["/usr/bin/sh"]);
}

#[test]
fn files_where_no_package_has_any_are_named_at_once() {
    let build = Build::new(&[
        ("usr/bin/a", "", 0o755),
        ("opt/a/bin/a", "", 0o755),
        ("usr/local/bin/a", "", 0o755),
        ("usr/local/share/a/b", "", 0o644),
        ("srv/a/index.html", "", 0o644),
        ("nix/x", "", 0o644),
    ]);
    build.directories(&build.path("out/home/a"));
    symlink("a", build.path("out/x")).unwrap();
    let error = build.assemble("noarch = true").unwrap_err();
    assert_eq!(
        error.to_string(),
        "files are installed where packages must not install any: `/home/a`; `/nix/x`; `/srv/a/index.html`; `/usr/local/bin/a` and 1 more in `/usr/local`; `/x`"
    );
    assert!(error.hint().unwrap().starts_with("configure the build with `--prefix=/usr`"));
    for gone in ["home", "nix", "usr/local"] {
        fs::remove_dir_all(build.path("out").join(gone)).unwrap();
    }
    fs::remove_file(build.path("out/x")).unwrap();
    let built = build.assemble("noarch = true\n[directories]\n\"/srv/a\" = \"0755\"").unwrap();
    assert!(paths(&built[0]).contains(&"/srv/a/index.html".to_owned()));
}

#[test]
fn entries_of_the_spec_must_be_in_permitted_directories() {
    let build = Build::new(&[("usr/bin/a", "", 0o755)]);
    let error = build.assemble("noarch = true\n[symlinks]\n\"/usr/local/bin/b\" = \"/usr/bin/a\"").unwrap_err();
    assert_eq!(error.to_string(), "files are installed where packages must not install any: `/usr/local/bin/b`");
}

#[test]
fn units_are_those_of_the_spec_s_packages() {
    let build = Build::new(&[
        ("lib/systemd/system/one.service", "", 0o644),
        ("lib/systemd/system/shell@.service", "", 0o644),
        ("lib/systemd/user/session.service", "", 0o644),
    ]);
    symlink("one.service", build.path("out/lib/systemd/system/alias.service")).unwrap();
    let units = |enable: &str, disable: &str| build.assemble(&format!("noarch = true\n[units]\nenable = {enable}\ndisable = {disable}"));
    units("[\"one.service\", \"alias.service\"]", "[\"shell@.service\", \"shell@tty1.service\"]").unwrap();
    let error = units("[\"one.service\", \"oen.service\"]", "[\"session.service\"]").unwrap_err();
    assert_eq!(
        error.to_string(),
        "`[units]` of spec `sample` names units that none of its packages contains: `oen.service` (in `enable`); `session.service` (in `disable`)"
    );
    assert_eq!(
        error.hint().unwrap(),
        "did you mean `one.service`? Units of other packages belong in their own specs, or in a preset file of `[install]`"
    );
    let error = Build::new(&[("usr/bin/a", "", 0o755)]).assemble("noarch = true\n[units]\nenable = [\"a.service\"]").unwrap_err();
    assert!(error.hint().unwrap().starts_with("the spec's packages have no units in /usr/lib/systemd/system"));
}

#[test]
fn literal_brackets_in_globs_are_detected() {
    let build = Build::new(&[("usr/bin/a", "", 0o755), ("usr/share/a[1].txt", "", 0o644)]);
    let error = build.assemble("noarch = true\ndrop = [\"/usr/share/a[1].txt\"]").unwrap_err();
    assert!(matches!(error, PackageError::LiteralGlobs { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        "globs of spec `sample` match nothing: `/usr/share/a[1].txt` does not match `/usr/share/a[1].txt`, because `[…]` matches one of the \
         characters in it"
    );
    assert_eq!(error.hint().unwrap(), "write \"/usr/share/a[[]1].txt\": `[[]` matches `[`");
    let built = build.assemble_with("noarch = true\ndrop = [\"/usr/share/a[[]1].txt\"]", &Available::default()).unwrap();
    assert_eq!(paths(&built[0]), ["/usr/bin/a"]);
}

#[test]
fn static_libraries_without_machine_code_are_refused() {
    let build = Build::new(&[("usr/lib/libscript.a", "GROUP ( libz.a )\n", 0o644), ("usr/lib/libempty.a", "!<arch>\n", 0o644)]);
    let object = |name: &str, arguments: &[&str]| build.cc("int x(void) { return 1; }", name, &[&["-c"], arguments].concat());
    object("../machine.o", &[]);
    object("../fat.o", &["-flto", "-ffat-lto-objects"]);
    object("../slim.o", &["-flto", "-fno-fat-lto-objects"]);
    let archive = |name: &str, how: &str, objects: &[&str]| {
        let tool = Tool::new("ar").current_dir(&build.path("into")).arg(how).arg(format!("../out/usr/lib/{name}")).args(objects);
        tool.output().unwrap();
    };
    archive("libmachine.a", "rcs", &["../machine.o"]);
    archive("libfat.a", "rcs", &["../fat.o"]);
    archive("libmixed.a", "rcs", &["../slim.o", "../machine.o"]);
    assert_eq!(paths(&build.assemble("").unwrap()[0]).len(), 5);
    archive("libslim.a", "rcs", &["../slim.o"]);
    archive("libthin.a", "rcsT", &["../machine.o"]);
    let error = build.assemble("").unwrap_err();
    assert_eq!(
        error.to_string(),
        "nothing can be linked with static libraries: \
         `/usr/lib/libslim.a` (it contains only bytecode for link-time optimisation, which no other compiler reads); \
         `/usr/lib/libthin.a` (it is a thin archive, which only names files of the build)"
    );
    assert_eq!(
        error.hint().unwrap(),
        "compile with `-ffat-lto-objects`, or with `-fno-lto`; or leave it out in the spec: drop = [\"/usr/lib/libslim.a\"]"
    );
    fs::remove_file(build.path("out/usr/lib/libslim.a")).unwrap();
    let hint = build.assemble("").unwrap_err().hint().unwrap();
    assert_eq!(hint, "call `ar` without `T` and without `--thin`; or leave it out in the spec: drop = [\"/usr/lib/libthin.a\"]");
}

#[test]
fn a_misspelt_drop_is_an_error_that_shows_what_is_similar() {
    let build = Build::new(&[("usr/bin/a", "", 0o755), ("usr/share/a/examples.txt", "", 0o644)]);
    fs::create_dir_all(build.path("out/usr/lib/empty")).unwrap();
    let error = build.assemble("noarch = true\ndrop = [\"/usr/share/examples*\"]").unwrap_err();
    assert_eq!(error.to_string(), "spec `sample` excludes `/usr/share/examples*`, which matches no installed file");
    assert_eq!(error.hint().unwrap(), "similar: `/usr/share/a/examples.txt`");
    let error = build.assemble("noarch = true\ndrop = [\"/var/nothing/**\"]").unwrap_err();
    assert!(error.hint().unwrap().starts_with("remove it from `drop`, or correct it"));
    let built = build.assemble("noarch = true\ndrop = [\"/usr/share/a/**\", \"/usr/lib/empty/**\"]").unwrap();
    assert_eq!(paths(&built[0]), ["/usr/bin/a"]);
}
