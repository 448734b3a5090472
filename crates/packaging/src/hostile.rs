//! Tests: install roots that a careless or hostile build leaves.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, UNIX_EPOCH};

use nix::sys::stat::Mode;
use proptest::prelude::*;
use rpm::PackageMetadata;

use super::PackageError;
use super::attributes::Rules;
use super::tests::{Build, paths, spec};
use super::tree::{Content, Entry, Kind, Tree};
use base::diagnostic::Failure as _;
use kernel::signing::{ModuleKey, sign_modules};
use rsa::RsaPrivateKey;
use rsa::pkcs8::{EncodePrivateKey as _, LineEnding};
use runtime::install_root::InstallRoot;
use runtime::install_root::InstalledFile;

static KEY: LazyLock<ModuleKey> = LazyLock::new(small_key);

/// A key that is generated quickly.
fn small_key() -> ModuleKey {
    let folder = tempfile::tempdir().unwrap();
    let key = RsaPrivateKey::new(&mut rand::rngs::OsRng, 1024).unwrap();
    let path = folder.path().join("modules.key");
    fs::write(&path, &*key.to_pkcs8_pem(LineEnding::LF).unwrap()).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    ModuleKey::open(folder.path()).unwrap().unwrap()
}

fn pipe(path: &Path) {
    nix::unistd::mkfifo(path, Mode::S_IRWXU).unwrap();
}

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Paths and modes of the first package.
fn modes(build: &Build, rest: &str) -> Vec<String> {
    let built = build.assemble(rest).unwrap();
    let metadata = PackageMetadata::open(&built[0].file).unwrap();
    metadata.get_file_entries().unwrap().iter().map(|entry| format!("{} {:o}", entry.path().display(), entry.permissions())).collect()
}

#[test]
fn everything_that_cannot_be_packaged_is_listed_at_once() {
    let build = Build::new(&[("usr/bin/a", "", 0o755), ("usr/share/x/new\nline", "", 0o644)]);
    let folder = build.path("out/usr/share/x");
    pipe(&folder.join("pipe"));
    let _socket = UnixListener::bind(folder.join("socket")).unwrap();
    symlink("a\tb", folder.join("link")).unwrap();
    let odd: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"odd\xff");
    fs::create_dir(folder.join(odd)).unwrap();
    fs::write(folder.join(odd).join("inside"), "").unwrap();
    let error = build.assemble("").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the build installed files that a package cannot contain: \
         `/usr/share/x/link` (it is a symbolic link whose target contains a control character); \
         `/usr/share/x/new\\nline` (its name contains a control character); \
         `/usr/share/x/odd\u{fffd}` (its name `odd\\xff` is not UTF-8 text); \
         `/usr/share/x/pipe` (it is a named pipe (FIFO)); \
         `/usr/share/x/socket` (it is a socket)"
    );
    let hint = error.hint().unwrap();
    let globs = hint.strip_prefix("exclude them in the spec: ").unwrap().strip_suffix("; or remove them in `finish`").unwrap();
    assert_eq!(
        globs,
        "drop = [\"/usr/share/x/link\", \"/usr/share/x/new?line\", \"/usr/share/x/odd?\", \"/usr/share/x/pipe\", \"/usr/share/x/socket\"]"
    );
    // Following the hint works.
    assert_eq!(paths(&build.assemble(globs).unwrap()[0]), ["/usr/bin/a"]);
    assert_eq!(paths(&build.assemble("drop = [\"/usr/share/x/**\"]").unwrap()[0]), ["/usr/bin/a"]);
}

#[test]
fn modes_of_directories_and_empty_directories_are_kept() {
    let build = Build::new(&[("usr/lib/a/x", "", 0o644), ("usr/lib/a/private/y", "", 0o644), ("usr/share/man/man1/a.1", "", 0o644)]);
    let made = [
        ("usr", 0o700),
        ("usr/lib/a/private", 0o700),
        ("var/lib/a/spool", 0o1777),
        ("var/lib/a", 0o2755),
        ("usr/lib/wide", 0o777),
        ("usr/lib64/b", 0o750),
        ("usr/share/man", 0o755),
        ("usr/share/info", 0o755),
        ("run/a", 0o755),
        ("var/run/a", 0o755),
        ("tmp", 0o1777),
    ]
    .map(|(path, mode)| (build.path("out").join(path), mode));
    for (path, _) in &made {
        build.directories(path);
    }
    for (path, mode) in &made {
        fs::set_permissions(path, fs::Permissions::from_mode(*mode)).unwrap();
    }
    let kept = [
        "/usr/lib/a 755",
        "/usr/lib/a/private 700",
        "/usr/lib/a/private/y 644",
        "/usr/lib/a/x 644",
        "/usr/lib/b 750",
        "/usr/lib/wide 755",
        "/var/lib/a 2755",
        "/var/lib/a/spool 1777",
    ];
    assert_eq!(modes(&build, ""), kept);
    // A rule may name a directory that only contains files, and one that the build left empty.
    let rules = "drop = [\"/usr/lib/wide/**\"]\n[file.\"/usr/lib/a/private\"]\nmode = \"0711\"\n[file.\"/usr/lib/b\"]\nmode = \"0775\"";
    let seen = modes(&build, rules);
    assert_eq!(
        seen,
        [
            "/usr/lib/a 755",
            "/usr/lib/a/private 711",
            "/usr/lib/a/private/y 644",
            "/usr/lib/a/x 644",
            "/usr/lib/b 775",
            "/var/lib/a 2755",
            "/var/lib/a/spool 1777",
        ]
    );
    let error = build.assemble("[file.\"/usr/lib\"]\nmode = \"0700\"").unwrap_err();
    assert!(matches!(error, PackageError::AttributesMatchNothing { .. }), "{error}");
}

#[test]
fn capabilities_are_declared_or_refused() {
    let build = Build::new(&[("usr/bin/ping", "", 0o755)]);
    let root = Arc::new(InstallRoot::open(&build.path("out")).unwrap());
    let value = rpm_engine::filecaps::to_xattr("cap_net_raw=ep").unwrap().to_vec();
    let apply = |rest: &str| {
        let spec = spec(rest);
        let content = Content::Installed(InstalledFile::new(&root, "/usr/bin/ping", None, Some(value.clone())));
        let mut tree = Tree::default();
        tree.put("/usr/bin/ping", Entry { kind: Kind::File(content), mode: 0o755 });
        Rules::new(&spec)?.apply(&spec, &mut tree)
    };
    let error = apply("").unwrap_err();
    assert_eq!(error.to_string(), "`/usr/bin/ping` (cap_net_raw=ep) is installed with capabilities, which the spec does not declare");
    let hint = error.hint().unwrap();
    assert!(hint.contains("[file.\"/usr/bin/ping\"] with caps = \"cap_net_raw=ep\"; if not, caps = \"\""), "{hint}");
    for (caps, packaged) in [("cap_net_raw=ep", Some("cap_net_raw=ep")), ("", None)] {
        let rule = format!("[file.\"/usr/bin/ping\"]\ncaps = \"{caps}\"");
        apply(&rule).unwrap();
        let built = build.assemble(&rule).unwrap();
        let metadata = PackageMetadata::open(&built[0].file).unwrap();
        assert_eq!(metadata.get_file_entries().unwrap()[0].caps(), packaged, "{caps}");
    }
}

#[test]
fn dropped_files_are_not_reported_as_not_installed() {
    let build = Build::new(&[("usr/share/doc/a/README", "", 0o644)]);
    let hint = build.assemble("").unwrap_err().hint().unwrap();
    assert!(hint.starts_with("everything the build installed is excluded"), "{hint}");
    let hint = Build::new(&[]).assemble("").unwrap_err().hint().unwrap();
    assert!(hint.starts_with("the build installed nothing"), "{hint}");
}

#[test]
fn paths_of_the_sandbox_are_refused_all_at_once() {
    let build = Build::new(&[
        ("usr/bin/a", "#!/build/src/venv/bin/python\n", 0o755),
        ("usr/bin/a-config", "#!/bin/sh\nprefix=/build/out/usr\n", 0o755),
        ("usr/lib/pkgconfig/a.pc", "Name: a\nVersion: 1\nLibs: -L/build/out/usr/lib\n", 0o644),
        ("usr/share/a/data", "\0/build/out/usr\0", 0o644),
        ("usr/share/a/harmless", "\0/build/src/a.c\0", 0o644),
        ("usr/share/man/man1/a.1", "/build/out/usr\n", 0o644),
        ("build/out/usr/bin/b", "", 0o755),
        ("run/a/pid", "", 0o644),
    ]);
    symlink("/build/out/usr/share/a/data", build.path("out/usr/share/a/absolute")).unwrap();
    symlink("../../../build/src", build.path("out/usr/share/a/relative")).unwrap();
    symlink("../build/x", build.path("out/usr/share/a/other")).unwrap();
    let error = build.assemble("").unwrap_err();
    assert_eq!(
        error.to_string(),
        "what the build installed does not work outside of its sandbox: \
         `/build/out/usr/bin/b` is installed into `/build`; \
         `/run/a/pid` is installed into `/run`; \
         `/usr/bin/a` line 1 contains `/build/src/venv/bin/python`; \
         `/usr/bin/a-config` line 2 contains `/build/out/usr`; \
         `/usr/lib/pkgconfig/a.pc` line 3 contains `/build/out/usr/lib`; \
         `/usr/share/a/absolute` is a link to `/build/out/usr/share/a/data`; \
         `/usr/share/a/data` contains `/build/out/usr`; \
         `/usr/share/a/relative` is a link to `../../../build/src`"
    );
    assert!(error.hint().unwrap().ends_with("allow it in the spec: build-paths = [\"/usr/bin/a\"]"), "{:?}", error.hint());
    let drop = "drop = [\"/build/**\", \"/run/**\"]";
    let allowed = format!("{drop}\nbuild-paths = [\"/usr/bin/a*\", \"/usr/lib/pkgconfig/a.pc\", \"/usr/share/a/**\"]");
    assert!(paths(&build.assemble(&allowed).unwrap()[0]).contains(&"/usr/share/a/data".to_owned()));
    let error = build.assemble(&format!("{allowed}\n").replace("a.pc", "b.pc")).unwrap_err();
    assert_eq!(error.to_string(), "spec `sample` allows build paths in `/usr/lib/pkgconfig/b.pc`, which matches no installed file");
}

#[test]
fn a_hundred_findings_fit_into_a_message() {
    let build = Build::new(&[]);
    for number in 0..100 {
        build.put(&format!("build/out/usr/bin/{number}"), "", 0o755);
    }
    let error = build.assemble("").unwrap_err().to_string();
    assert!(error.ends_with("; and 70 more"), "{error}");
}

/// What a build may create in place of the expected file.
#[derive(Debug, Clone, Copy)]
enum Swap {
    LinkToSecrets,
    LinkToSecret,
    Pipe,
    Socket,
    File,
    Directory,
    Nothing,
}

fn swap(path: &Path, secrets: &Path, by: Swap) {
    if fs::symlink_metadata(path).unwrap().is_dir() {
        fs::remove_dir_all(path).unwrap();
    } else {
        fs::remove_file(path).unwrap();
    }
    match by {
        Swap::LinkToSecrets => symlink(secrets, path).unwrap(),
        Swap::LinkToSecret => symlink(secrets.join("key"), path).unwrap(),
        Swap::Pipe => pipe(path),
        Swap::Socket => drop(UnixListener::bind(path).unwrap()),
        Swap::File => fs::write(path, "").unwrap(),
        Swap::Directory => fs::create_dir(path).unwrap(),
        Swap::Nothing => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// Whatever is replaced, no byte of an outside file gets into a package, and nothing outside is changed.
    #[test]
    fn nothing_outside_of_the_install_root_is_read_or_changed(
        at in proptest::sample::select(vec!["out", "out/usr", "out/usr/bin", "out/usr/bin/a", "out/usr/lib/pkgconfig/a.pc", "out/usr/lib"]),
        by in proptest::sample::select(vec![
            Swap::LinkToSecrets, Swap::LinkToSecret, Swap::Pipe, Swap::Socket, Swap::File, Swap::Directory, Swap::Nothing,
        ]),
    ) {
        let build = Build::new(&[("usr/bin/a", "#!/bin/sh\n", 0o755), ("usr/lib/pkgconfig/a.pc", "Name: a\nVersion: 1\n", 0o644)]);
        let secrets = build.path("secrets");
        fs::create_dir_all(secrets.join("bin")).unwrap();
        for (path, text) in [("key", "top secret"), ("bin/a", "top secret"), ("a.ko", "top secret")] {
            fs::write(secrets.join(path), text).unwrap();
        }
        for path in ["key", "bin"] {
            fs::set_permissions(secrets.join(path), fs::Permissions::from_mode(0o500)).unwrap();
        }
        swap(&build.path(at), &secrets, by);
        // Whether it fails does not matter, only that nothing outside is changed.
        let _ = sign_modules(&build.path("out"), &KEY);
        if let Ok(built) = build.assemble("") {
            let package = rpm::Package::open(&built[0].file).unwrap();
            for file in package.files().unwrap() {
                let file = file.unwrap();
                let bytes = file.content().map(<[u8]>::to_vec).unwrap_or_default();
                let is_secret = bytes.windows(10).any(|window| window == b"top secret");
                prop_assert!(!is_secret, "{}", file.metadata.path().display());
            }
        }
        prop_assert_eq!(mode_of(&secrets.join("key")), 0o500);
        prop_assert_eq!(mode_of(&secrets.join("bin")), 0o500);
        prop_assert_eq!(fs::read(secrets.join("a.ko")).unwrap(), b"top secret");
        fs::set_permissions(secrets.join("bin"), fs::Permissions::from_mode(0o700)).unwrap();
    }
}

#[test]
fn times_out_of_range_do_not_change_a_package() {
    let build = Build::new(&[("usr/share/old", "old", 0o644), ("usr/share/late", "late", 0o600), ("usr/share/now", "now", 0o644)]);
    let package = || fs::read(&build.assemble("noarch = true").unwrap()[0].file).unwrap();
    let expected = package();
    let beyond = Duration::from_secs(u64::from(u32::MAX) + 1);
    for (name, time) in [("old", UNIX_EPOCH - Duration::from_secs(86_400)), ("late", UNIX_EPOCH + beyond)] {
        fs::File::open(build.path("out/usr/share").join(name)).unwrap().set_modified(time).unwrap();
    }
    assert!(package() == expected, "the times of files change the package");
}
