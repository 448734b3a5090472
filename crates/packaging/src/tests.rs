//! Whole packages from small install roots, some with binaries made by the host's compiler.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use rpm::PackageMetadata;

use super::*;
use base::diagnostic::Failure as _;
use runtime::tool::Tool;

pub(super) struct Build {
    folder: tempfile::TempDir,
}

impl Build {
    pub(super) fn new(files: &[(&str, &str, u32)]) -> Self {
        let build = Self { folder: tempfile::tempdir().unwrap() };
        for name in ["out", "into", "spec"] {
            fs::create_dir(build.path(name)).unwrap();
        }
        for (path, text, mode) in files {
            build.put(path, text, *mode);
        }
        build
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn put(&self, path: &str, text: &str, mode: u32) {
        let path = self.path("out").join(path);
        self.directories(path.parent().unwrap());
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Creates a directory and its parents below the install root, with the modes under a build's umask, whatever the test's umask is.
    pub(super) fn directories(&self, path: &Path) {
        fs::create_dir_all(path).unwrap();
        for above in path.ancestors().take_while(|above| *above != self.folder.path()) {
            fs::set_permissions(above, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }

    pub(super) fn cc(&self, code: &str, output: &str, arguments: &[&str]) {
        let output = self.path("out").join(output);
        self.directories(output.parent().unwrap());
        let source = self.path("code.c");
        fs::write(&source, code).unwrap();
        let tool = Tool::new("cc").current_dir(self.folder.path()).arg("-o").arg(&output).arg(&source).args(arguments);
        tool.output().unwrap();
    }

    /// `libx.so.1` with an interface of version `X_1`, and its development link.
    fn library(&self) {
        fs::write(self.path("x.map"), "X_1 { global: x; local: *; };").unwrap();
        let arguments = ["-shared", "-fPIC", "-Wl,-soname,libx.so.1", "-Wl,--version-script=x.map"];
        self.cc("int x(void) { return 1; }", "usr/lib/libx.so.1", &arguments);
        symlink("libx.so.1", self.path("out/usr/lib/libx.so")).unwrap();
    }

    fn program(&self, extra: &[&str]) {
        let arguments = [&["-Lout/usr/lib", "-lx"], extra].concat();
        self.cc("int x(void); int main(void) { return x(); }", "usr/bin/program", &arguments);
    }

    pub(super) fn assemble(&self, rest: &str) -> Result<Vec<Built>, PackageError> {
        self.assemble_with(rest, &Available::default())
    }

    pub(super) fn assemble_with(&self, rest: &str, available: &Available) -> Result<Vec<Built>, PackageError> {
        assemble(&spec(rest), &self.path("spec"), &self.path("out"), &LicenceTexts::default(), available, &self.path("into"))
    }
}

/// A spec of the package `sample`; `rest` begins with keys of `[package]`.
pub(super) fn spec(rest: &str) -> Spec {
    let source = format!("[[source]]\nurl = \"https://example.org/a.tar\"\nsha256 = \"{}\"\n", "a".repeat(64));
    let build = if rest.contains("[build.") { "" } else { "[build.make]\n" };
    let sources = if rest.contains("[build.none]") { "" } else { &source };
    let text = format!("[package]\nversion = \"1.0\"\nrelease = 2\nsummary = \"Sample\"\nlicense = \"MIT\"\n{rest}\n{build}{sources}");
    planning::spec::parse(&"sample".parse().unwrap(), "package.toml", &text).unwrap_or_else(|problems| panic!("{problems:?}"))
}

pub(super) fn paths(built: &Built) -> Vec<String> {
    let metadata = PackageMetadata::open(&built.file).unwrap();
    metadata.get_file_paths().unwrap().iter().map(|path| path.to_str().unwrap().to_owned()).collect()
}

#[test]
fn files_go_to_the_first_subpackage_with_a_matching_glob() {
    let build = Build::new(&[
        ("usr/include/a/a.h", "", 0o644),
        ("usr/lib/a/plugin.so", "", 0o644),
        ("usr/bin/a", "", 0o755),
        ("usr/share/doc/a/README", "", 0o644),
        ("usr/lib/a.la", "", 0o644),
        ("usr/share/a/tests/t", "", 0o644),
    ]);
    let built = build
        .assemble(
            "drop = [\"/usr/share/a/tests/**\"]\n[subpackage.devel]\nsummary = \"D\"\nfiles = [\"/usr/include/**\"]\n\
             [subpackage.rest]\nsummary = \"R\"\nfiles = [\"/usr/**/a.h\", \"/usr/lib/**\"]",
        )
        .map(|built| built.iter().map(|one| (one.name.to_string(), paths(one))).collect::<Vec<_>>());
    let error = built.unwrap_err();
    assert_eq!(error.to_string(), "`/usr/**/a.h` of package `sample-rest` matches no file that is left for it");
    let hint = "`sample-devel`, which comes first in the spec, has `/usr/include/a/a.h`: move this subpackage above it, or narrow the globs of `sample-devel`";
    assert_eq!(error.hint().unwrap(), hint);
    let built = build
        .assemble(
            "drop = [\"/usr/share/a/tests/**\"]\n[subpackage.devel]\nsummary = \"D\"\nfiles = [\"/usr/include/**\"]\n\
             [subpackage.rest]\nsummary = \"R\"\nfiles = [\"/usr/lib/**\"]",
        )
        .unwrap();
    assert_eq!(
        built.iter().map(|one| one.file_name.as_str()).collect::<Vec<_>>(),
        ["sample-1.0-2.kn1.x86_64.rpm", "sample-devel-1.0-2.kn1.x86_64.rpm", "sample-rest-1.0-2.kn1.x86_64.rpm"]
    );
    assert_eq!(paths(&built[0]), ["/usr/bin/a"]);
    assert_eq!(paths(&built[1]), ["/usr/include", "/usr/include/a", "/usr/include/a/a.h"]);
    assert_eq!(paths(&built[2]), ["/usr/lib/a", "/usr/lib/a/plugin.so"]);
    assert!(built[1].requires.contains(&"sample = 1.0-2.kn1".to_owned()));
}

#[test]
fn a_glob_that_matches_nothing_shows_similar_paths() {
    let build = Build::new(&[("usr/lib/libfoo.so.1", "", 0o644), ("usr/bin/a", "", 0o644)]);
    let error = build.assemble("[subpackage.libs]\nsummary = \"L\"\nfiles = [\"/usr/lib64/libfoo*\"]").unwrap_err();
    assert_eq!(error.hint().unwrap(), "similar: `/usr/lib/libfoo.so.1`");
}

#[test]
fn packages_without_files() {
    let build = Build::new(&[]);
    let error = build.assemble("").unwrap_err();
    assert!(matches!(error, PackageError::Empty { elsewhere: 0, .. }), "{error}");
    assert_eq!(build.assemble("noarch = true\n[build.none]").unwrap()[0].files, 0);
    build.put("usr/bin/a", "", 0o755);
    let error = build.assemble("[subpackage.all]\nsummary = \"A\"\nfiles = [\"/**\"]").unwrap_err();
    assert!(matches!(error, PackageError::Empty { elsewhere: 1, .. }), "{error}");
}

#[test]
fn attributes_by_key_the_last_match_wins() {
    let build = Build::new(&[("usr/lib/a/x", "", 0o666), ("usr/lib/a/y", "", 0o4755), ("etc/a", "", 0o644), ("etc/b", "", 0o644)]);
    let rules = "[file.\"/usr/lib/a/*\"]\nmode = \"0640\"\ngroup = \"g\"\n[file.\"/usr/lib/a/y\"]\nmode = \"4711\"\n\
                 [file.\"/usr/lib/a\"]\nmode = \"0700\"\n[file.\"/etc/b\"]\nconfig = \"replace\"\n[directories]\n\"/usr/lib/a/d\" = \"1777\"\n\"/usr/lib/a\" = \"0755\"";
    let built = build.assemble(rules).unwrap();
    let metadata = PackageMetadata::open(&built[0].file).unwrap();
    let seen: Vec<_> = metadata
        .get_file_entries()
        .unwrap()
        .iter()
        .map(|entry| format!("{} {:o} {} {}", entry.path().display(), entry.permissions(), entry.group(), entry.flags().bits()))
        .collect();
    // Flags of RPM: 1 is %config, 16 is noreplace.
    assert_eq!(
        seen,
        [
            "/etc/a 644 root 17",
            "/etc/b 644 root 1",
            "/usr/lib/a 700 root 0",
            "/usr/lib/a/d 1777 g 0",
            "/usr/lib/a/x 640 g 0",
            "/usr/lib/a/y 4711 g 0"
        ]
    );
}

#[test]
fn set_id_bits_are_declared_or_refused() {
    let build = Build::new(&[("usr/bin/su", "", 0o4755), ("usr/bin/wide", "", 0o777)]);
    let error = build.assemble("").unwrap_err();
    assert_eq!(error.to_string(), "`/usr/bin/su` (4755) is installed with set-user-id or set-group-id, which the spec does not declare");
    assert!(error.hint().unwrap().contains("[file.\"/usr/bin/su\"] with mode = \"4755\""));
    let error = build.assemble("[file.\"/usr/bin/sudo\"]\nmode = \"4755\"").unwrap_err();
    assert!(matches!(error, PackageError::AttributesMatchNothing { .. }), "{error}");
    let built = build.assemble("[file.\"/usr/bin/su\"]\nmode = \"0755\"").unwrap();
    let metadata = PackageMetadata::open(&built[0].file).unwrap();
    assert!(metadata.get_file_entries().unwrap().iter().all(|entry| entry.permissions() == 0o755));
}

#[test]
fn what_a_spec_adds_never_hides_what_the_build_installed() {
    let build = Build::new(&[("usr/share/a/dir/precious", "x", 0o644), ("usr/share/a/file", "x", 0o644)]);
    symlink("dir", build.path("out/usr/share/a/link")).unwrap();
    fs::create_dir_all(build.path("spec")).unwrap();
    fs::write(build.path("spec/f"), "f").unwrap();
    let kinds = "and one of the two is a directory";
    for (rest, said) in [
        ("[symlinks]\n\"/usr/share/a/dir\" = \"elsewhere\"", kinds),
        ("[install]\nf = \"/usr/share/a/dir\"", kinds),
        ("[directories]\n\"/usr/share/a/file\" = \"0755\"", kinds),
        ("[install]\nf = \"/usr/share/a/link/f\"", "because `/usr/share/a/link` is not a directory"),
        ("[install]\nf = \"/usr/share/a/file/f\"", "because `/usr/share/a/file` is not a directory"),
    ] {
        let error = build.assemble(rest).unwrap_err().to_string();
        assert!(error.contains(said), "{rest}: {error}");
    }
    for rest in [
        "[install]\nf = \"/usr/share/a/file\"",
        "[symlinks]\n\"/usr/share/a/file\" = \"dir\"",
        "[directories]\n\"/usr/share/a/dir\" = \"0700\"",
    ] {
        build.assemble(rest).unwrap_or_else(|error| panic!("{rest}: {error}"));
    }
}

#[test]
fn hard_links_are_one_file() {
    let build = Build::new(&[("usr/bin/a", "12345", 0o755)]);
    fs::hard_link(build.path("out/usr/bin/a"), build.path("out/usr/bin/b")).unwrap();
    let built = build.assemble("").unwrap();
    assert_eq!((built[0].files, built[0].installed_bytes), (2, 5));
    let error = build.assemble("[file.\"/usr/bin/a\"]\nmode = \"4755\"").unwrap_err();
    assert_eq!(error.to_string(), "`/usr/bin/a` and `/usr/bin/b` are one file (a hard link), but they differ in mode");
    fs::create_dir_all(build.path("out/etc")).unwrap();
    fs::hard_link(build.path("out/usr/bin/a"), build.path("out/etc/a")).unwrap();
    let error = build.assemble("").unwrap_err().to_string();
    assert!(error.ends_with("differ in being configuration, as files in /etc are"), "{error}");
}

#[test]
fn libraries_and_programs_have_provides_and_requires() {
    let build = Build::new(&[]);
    build.library();
    build.program(&[]);
    let rest =
        "[subpackage.devel]\nsummary = \"D\"\nfiles = [\"/usr/lib/*.so\"]\n[subpackage.libs]\nsummary = \"L\"\nfiles = [\"/usr/lib/**\"]";
    let built = build.assemble(rest).unwrap();
    let [main, devel, libs] = &built[..] else { panic!("{built:?}") };
    assert_eq!(devel.requires, ["sample = 1.0-2.kn1", "sample-libs = 1.0-2.kn1"]);
    for expected in ["libx.so.1()(64bit)", "libx.so.1(X_1)(64bit)", "libc.so.6()(64bit)", "sample-libs = 1.0-2.kn1"] {
        assert!(main.requires.iter().any(|one| one == expected), "{expected}: {:?}", main.requires);
    }
    assert!(!main.provides.iter().any(|one| one.contains("64bit")), "{:?}", main.provides);
    for expected in ["libx.so.1()(64bit)", "libx.so.1(X_1)(64bit)"] {
        assert!(libs.provides.iter().any(|one| one == expected), "{expected}: {:?}", libs.provides);
    }
    // Within one package, no dependency is needed.
    let one = build.assemble("").unwrap();
    assert!(!one[0].requires.iter().any(|need| need.starts_with("libx")), "{:?}", one[0].requires);
}

#[test]
fn the_dynamic_linker_provides_its_hash_table() {
    let build = Build::new(&[]);
    build.cc("int x;", "usr/lib/ld-linux-x86-64.so.2", &["-shared", "-nostdlib", "-Wl,-soname,ld-linux-x86-64.so.2"]);
    let built = build.assemble("").unwrap();
    assert!(built[0].provides.contains(&"rtld(GNU_HASH)".to_owned()), "{:?}", built[0].provides);
}

#[test]
fn a_library_nobody_declared_is_refused_by_name() {
    let build = Build::new(&[]);
    build.library();
    build.program(&[]);
    fs::remove_dir_all(build.path("out/usr/lib")).unwrap();
    let known = Available::default().hint(&"x-devel".parse().unwrap(), ["libx.so.1()(64bit)"]);
    let error = build.assemble_with("", &known).unwrap_err();
    assert_eq!(error.to_string(), "`/usr/bin/program` needs `libx.so.1`, which no package in the sandbox provides");
    assert!(error.hint().unwrap().starts_with("add \"x-devel\" to `requires.build` in specs/sample/package.toml"));

    // An older library is there, without the version that the program was linked against.
    let older = Available::new(["libx.so.1()(64bit)", "libx.so.1(X_0)(64bit)"]);
    let error = build.assemble_with("", &older).unwrap_err();
    assert_eq!(error.to_string(), "`/usr/bin/program` needs `libx.so.1 (X_1)`, which no package in the sandbox provides");

    let declared = Available::new(["libx.so.1()(64bit)", "libx.so.1(X_1)(64bit)"]);
    assert!(build.assemble_with("", &declared).is_ok());
}

#[test]
fn library_paths_stay_below_usr_lib() {
    for (path, is_fine) in
        [("/usr/lib/sample", true), ("$ORIGIN/../lib", true), ("/build/src/.libs", false), ("/usr/lib:", false), ("lib", false)]
    {
        let build = Build::new(&[]);
        build.library();
        build.program(&[&format!("-Wl,-rpath,{path}")]);
        match build.assemble("") {
            Ok(_) => assert!(is_fine, "{path}"),
            Err(PackageError::BadLibraryPath { .. }) => assert!(!is_fine, "{path}"),
            Err(error) => panic!("{path}: {error}"),
        }
    }
}

#[test]
fn machine_code_in_noarch_and_damaged_binaries() {
    let build = Build::new(&[("usr/share/x", "\x7fELF\x02\x01\x01 but nothing more", 0o644)]);
    let error = build.assemble("").unwrap_err();
    assert!(matches!(error, PackageError::BadElf { .. }), "{error}");
    fs::remove_file(build.path("out/usr/share/x")).unwrap();
    build.library();
    let error = build.assemble("noarch = true").unwrap_err();
    assert!(matches!(error, PackageError::MachineCode { .. }), "{error}");
}

#[test]
fn pkg_config_modules_and_interpreters() {
    let module = "Name: a\nDescription: a\nVersion: 3\nRequires: b >= 2\nRequires.private: nowhere\n";
    let build = Build::new(&[
        ("usr/lib/pkgconfig/a.pc", module, 0o644),
        ("usr/bin/script", "#!/bin/bash\n", 0o755),
        ("usr/share/text", "#!/bin/perl\n", 0o644),
    ]);
    let error = build.assemble("noarch = true").unwrap_err();
    assert_eq!(error.to_string(), "`/usr/lib/pkgconfig/a.pc` needs `pkgconfig(b)`, which no package in the sandbox provides");
    let built = build.assemble_with("noarch = true", &Available::new(["pkgconfig(b) = 2.1"])).unwrap();
    assert_eq!(built[0].requires, ["/usr/bin/bash", "pkgconfig(b) >= 2"]);
    assert_eq!(built[0].provides, ["pkgconfig(a) = 3", "sample = 1.0-2.kn1"]);
}

#[test]
fn users_and_units_become_files() {
    let build = Build::new(&[("usr/lib/systemd/system/a.service", "", 0o644), ("usr/lib/systemd/system/b.timer", "", 0o644)]);
    let built = build
        .assemble(
            "noarch = true\n[build.none]\n[user.d]\nuid = 81\ndescription = \"D-Bus\"\ngroups = [\"tty\"]\n[user.x]\ngroup = \"d\"\n\
             [group.g]\ngid = 7\n[units]\nenable = [\"a.service\"]\ndisable = [\"b.timer\"]",
        )
        .unwrap();
    let files: Vec<String> = paths(&built[0]).into_iter().filter(|path| path.contains(".d") || path.contains("preset/")).collect();
    assert_eq!(files, ["/usr/lib/systemd/system-preset/80-sample.preset", "/usr/lib/sysusers.d", "/usr/lib/sysusers.d/sample.conf"]);
    let package = rpm::Package::open(&built[0].file).unwrap();
    let mut texts = Vec::new();
    for file in package.files().unwrap() {
        texts.extend(file.unwrap().content().map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()).filter(|text| !text.is_empty()));
    }
    assert_eq!(texts[0], "enable a.service\ndisable b.timer\n");
    assert_eq!(texts[1], "g g 7\nu d 81 \"D-Bus\" / /usr/bin/nologin\nu x -:d \"\" / /usr/bin/nologin\nm d tty\n");
}

/// The complete header of a package, tag by tag: shows all effects of a change of this code or of a library.
#[test]
fn header() {
    let build = Build::new(&[
        ("usr/bin/a", "#!/bin/sh\n", 0o755),
        ("usr/share/a/x", "same\n", 0o644),
        ("etc/a.conf", "a = 1\n", 0o600),
        ("usr/share/man/man1/a.1", "", 0o644),
    ]);
    symlink("a", build.path("out/usr/bin/b")).unwrap();
    fs::hard_link(build.path("out/usr/share/a/x"), build.path("out/usr/share/a/y")).unwrap();
    let built = build
        .assemble(
            "epoch = 3\nhomepage = \"https://example.org\"\ndescription = \"Two\\nlines\"\n[requires]\nrun = [\"base >= 2\"]\nweak = [\"w\"]\n\
             conflicts = [\"c < 1\"]\nobsoletes = [\"o\"]\nprovides = [\"p = 1\"]\n[directories]\n\"/var/lib/a\" = \"0700\"\n\
             [file.\"/usr/bin/a\"]\ncaps = \"cap_net_raw=ep\"\n[file.\"/var/lib/a/state\"]\nghost = true\nowner = \"u\"\n[user.u]\nuid = 5",
        )
        .unwrap();
    let metadata = PackageMetadata::open(&built[0].file).unwrap();
    let mut text = String::new();
    for (tag, data) in metadata.header.get_all_entries().unwrap() {
        text.push_str(&format!("{tag} {data:?}\n"));
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases/rpm");
    insta::with_settings!({ snapshot_path => folder, prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("header", text);
    });
}

/// Capabilities that the spec parser accepts must be accepted by RPM's header and tdnf, with the same numbers.
#[test]
fn capabilities_are_those_that_tdnf_installs() {
    for (number, name) in planning::spec::CAPABILITIES.into_iter().enumerate() {
        let attribute = rpm_engine::filecaps::to_xattr(&format!("cap_{name}=p")).unwrap_or_else(|error| panic!("{error}"));
        let word = |at: usize| u64::from(u32::from_le_bytes(attribute[at..at + 4].try_into().unwrap()));
        assert_eq!(word(4) | word(12) << 32, 1 << number, "{name}");
        rpm::FileOptions::new("/x").caps(format!("cap_{name}=p")).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let all: Vec<String> = planning::spec::CAPABILITIES.iter().map(|name| format!("cap_{name}")).collect();
    assert_eq!(
        rpm_engine::filecaps::to_xattr("all=p"),
        rpm_engine::filecaps::to_xattr(&format!("{}=p", all.join(","))),
        "tdnf knows further ones"
    );
}
