use super::*;

fn header_of(name: &str) -> Option<Missing> {
    Some(Missing::Header(name.into()))
}

fn module_of(name: &str) -> Option<Missing> {
    Some(Missing::Module(name.into()))
}

fn command_of(name: &str) -> Option<Missing> {
    Some(Missing::Command(name.into()))
}

fn crate_of(name: &str) -> Option<Missing> {
    Some(Missing::Crate(name.into()))
}

fn library_of(name: &str) -> Option<Missing> {
    Some(Missing::Library(name.into()))
}

#[test]
fn messages_of_tools_are_recognised() {
    for (line, expected) in [
        ("app.c:1:10: fatal error: zlib.h: No such file or directory", header_of("zlib.h")),
        ("../src/x.cc:12:10: fatal error: openssl/ssl.h: No such file or directory", header_of("openssl/ssl.h")),
        ("x.c:1:10: fatal error: 'zlib.h' file not found", header_of("zlib.h")),
        ("x.c:1:10: fatal error: ../../etc/passwd: No such file or directory", None),
        ("cc1: fatal error: two words.c: No such file or directory", None),
        ("Package 'libcap', required by 'virtual:world', not found", module_of("libcap")),
        ("--   Package 'zlib' not found", module_of("zlib")),
        ("Package zlib was not found in the pkg-config search path.", module_of("zlib")),
        ("configure: error: No package 'zlib' found", module_of("zlib")),
        ("meson.build:3:7: ERROR: Dependency \"gtk+-3.0\" not found, tried pkgconfig and cmake", module_of("gtk+-3.0")),
        ("Run-time dependency zlib found: YES 1.3.1", None),
        ("Package 'zlib' found", None),
        ("/bin/bash: line 3: cmake: command not found", command_of("cmake")),
        ("bash: cmake: command not found", command_of("cmake")),
        ("/build/src/x.sh: line 12: ./tool: command not found", None),
        ("/bin/sh: 1: cmake: not found", command_of("cmake")),
        ("configure: error: cmake: not found", None),
        ("make: cmake: No such file or directory", command_of("cmake")),
        ("make[2]: bison: No such file or directory", command_of("bison")),
        ("make: *** No rule to make target 'x'.  Stop.", None),
        ("cp: zlib.h: No such file or directory", None),
        ("/usr/bin/env: 'python': No such file or directory", command_of("python")),
        ("/usr/bin/env: ‘python’: No such file or directory", command_of("python")),
        ("meson.build:9:0: ERROR: Program 'xsltproc' not found or not executable", command_of("xsltproc")),
        ("meson.build:9:0: ERROR: Program 'a b' found", None),
        ("/usr/bin/ld: cannot find -lz: No such file or directory", library_of("z")),
        ("/usr/bin/ld: cannot find -lcrypto", library_of("crypto")),
        ("ld.lld: error: unable to find library -lz", library_of("z")),
        ("error: no matching package named `libc` found", crate_of("libc")),
        ("error: failed to get `serde_json` as a dependency of package `app v1.0.0 (/build/src)`", crate_of("serde_json")),
        ("  failed to download `once_cell v1.19.0`", crate_of("once_cell")),
        ("failed to get `lock` of the database", None),
        ("", None),
    ] {
        assert_eq!(missing_in(line), expected, "{line}");
    }
}

struct Sdk(&'static [(&'static str, &'static str)]);

impl Layers for Sdk {
    fn having(&self, paths: &[String]) -> Option<String> {
        self.0.iter().find(|(_, path)| paths.iter().any(|wanted| wanted == path)).map(|(layer, _)| (*layer).to_owned())
    }
}

fn name(text: &str) -> PackageName {
    text.parse().unwrap()
}

fn offers() -> Offers {
    let built = [
        ("compat", &["/usr/include/compat/zlib.h"][..]),
        ("zlib", &["/usr/lib/libz.so.1"]),
        ("zlib-devel", &["/usr/include/zlib.h", "/usr/lib/libz.so", "/usr/lib/pkgconfig/zlib.pc"]),
        ("gawk", &["/usr/bin/gawk", "/usr/share/gawk/cmake"]),
    ];
    let built = built.iter().map(|(package, paths)| (name(package), paths.iter().map(|path| (*path).to_owned()).collect()));
    Offers { built: built.collect(), unbuilt: ["openssl", "openssl-devel", "libxml2", "bison"].map(name).to_vec() }
}

#[test]
fn the_package_or_layer_that_has_it_is_named() {
    let sdk = Sdk(&[("go", "/usr/bin/go"), ("kernel", "/usr/include/libelf.h"), ("kernel", "/usr/bin/gawk")]);
    let said = |log: &str| advice(log.lines(), &offers(), &sdk).map(|advice| advice.to_string());
    let package =
        |what: &str, package: &str| Some(format!("{what} is in package `{package}`: add `\"{package}\"` to `build` in `[requires]`"));
    let layer =
        |what: &str, layer: &str| Some(format!("{what} is in layer `{layer}` of the SDK: add `\"{layer}\"` to `sdk` in `[package]`"));
    let perhaps = |what: &str, package: &str| {
        Some(format!("{what} may be in package `{package}`, which is not built: add `\"{package}\"` to `build` in `[requires]`"))
    };
    for (log, expected) in [
        ("x.c:1:1: fatal error: zlib.h: No such file or directory\nmake: *** [x.o] Error 1", package("the header `zlib.h`", "zlib-devel")),
        ("No package 'zlib' found", package("the pkg-config module `zlib`", "zlib-devel")),
        ("ld: cannot find -lz: No such file or directory", package("the library `libz.so`", "zlib-devel")),
        ("sh: 1: gawk: not found", package("the program `gawk`", "gawk")),
        ("bash: go: command not found", layer("the program `go`", "go")),
        ("x.c:1:1: fatal error: libelf.h: No such file or directory", layer("the header `libelf.h`", "kernel")),
        ("x.c:1:1: fatal error: openssl/ssl.h: No such file or directory", perhaps("the header `openssl/ssl.h`", "openssl-devel")),
        ("make: bison: No such file or directory", perhaps("the program `bison`", "bison")),
        // Known files of packages count before guesses by name.
        ("x.c:1:1: fatal error: openssl/ssl.h: No such file or directory\nsh: 1: gawk: not found", package("the program `gawk`", "gawk")),
        (
            "error: no matching package named `libc` found\nsh: 1: gawk: not found",
            Some("the crate `libc` is not in the sources, and builds have no network: add an archive of what `cargo vendor` writes as a `[[source]]`".into()),
        ),
        // A header of the sources, which nothing provides.
        ("x.c:8: fatal error: expat_config.h: No such file or directory", None),
        ("bash: cmake: command not found", None),
        ("all is well", None),
    ] {
        assert_eq!(said(log), expected, "{log}");
    }
}

#[test]
fn a_header_in_a_directory_of_its_own_is_found() {
    let built =
        BTreeMap::from([(name("glib-devel"), vec!["/usr/include/glib-2.0/glib.h".to_owned(), "/usr/include/x/myglib.h".to_owned()])]);
    let offers = Offers { built, unbuilt: Vec::new() };
    let said = |line| advice([line], &offers, &Sdk(&[]));
    let glib = Advice::Package(Missing::Header("glib.h".into()), name("glib-devel"));
    assert_eq!(said("x.c:1:1: fatal error: glib.h: No such file or directory"), Some(glib));
    assert_eq!(said("x.c:1:1: fatal error: lib.h: No such file or directory"), None);
}
