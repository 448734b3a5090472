//! Installing into an empty root: what is written, and what is refused.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rpm::{Dependency, FileOptions};
use rpm_engine::keyring::Keyring;
use rpm_engine::manifest::Kind;
use rpm_engine::rpmfile::{RpmFile, RpmFileError};
use rpm_engine::transaction::{Options, Outcome, TransactionError, contents, extract, install};
use testing::packages::{KEY, OTHER_KEY, TIME, keys, package, text, write};

fn into(root: &Path, packages: Vec<RpmFile>) -> Result<Outcome, TransactionError> {
    install(packages, &keys(), root, &Options { time: TIME, progress: &|_| {} })
}

fn three(folder: &Path) -> Vec<RpmFile> {
    let base = package(folder, "base", |builder| {
        builder.with_dir_entry(FileOptions::dir("/usr/lib").permissions(0o755)).unwrap();
        builder.with_symlink(FileOptions::symlink("/lib64", "usr/lib")).unwrap();
        builder.with_dir_entry(FileOptions::dir("/tmp").permissions(0o1777)).unwrap();
    });
    let tool = package(folder, "tool", |builder| {
        builder.requires(Dependency::any("lib"));
        let ping = FileOptions::new("/usr/bin/ping").permissions(0o755).group("wheel").caps("cap_net_raw=ep").unwrap();
        builder.with_file_contents("#!ping", ping).unwrap();
        builder.with_file_contents("same", FileOptions::new("/usr/share/a").hardlink("h")).unwrap();
        builder.with_file_contents("same", FileOptions::new("/usr/share/b").hardlink("h")).unwrap();
        builder.with_ghost(FileOptions::ghost("/var/log/tool")).unwrap();
        builder.with_file_contents("secret", FileOptions::new("/etc/tool.conf").permissions(0o4600).config().noreplace()).unwrap();
        text(builder, "/usr/share/empty", "");
    });
    let lib = package(folder, "lib", |builder| {
        builder.requires(Dependency::any("base"));
        text(builder, "/lib64/lib.so", &"x".repeat(100_000));
    });
    vec![tool, lib, base]
}

#[test]
fn contents_of_files_are_read_by_any_of_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let [tool, lib, base] = three(folder.path()).try_into().unwrap();
    let read = |package: &RpmFile, wanted: &[&str]| {
        let read = contents(package, |path| wanted.contains(&path)).unwrap();
        read.into_iter().map(|(path, content)| format!("{path}: {}", String::from_utf8(content).unwrap())).collect::<Vec<_>>()
    };
    for (wanted, expected) in [
        (&["/usr/share/a"][..], &["/usr/share/a: same"][..]),
        (&["/usr/share/b"], &["/usr/share/b: same"]),
        (&["/usr/share/b", "/usr/share/a", "/usr/bin/ping"], &["/usr/bin/ping: #!ping", "/usr/share/a: same", "/usr/share/b: same"]),
        (&["/usr/share/empty", "/var/log/tool", "/nosuch"], &["/usr/share/empty: "]),
        (&[], &[]),
    ] {
        assert_eq!(read(&tool, wanted), expected, "{wanted:?}");
    }
    assert_eq!(read(&base, &["/lib64", "/tmp"]), [""; 0]);
    assert_eq!(read(&lib, &["/lib64/lib.so"])[0].len(), "/lib64/lib.so: ".len() + 100_000);
}

#[test]
fn a_tree_and_its_manifest() {
    let (folder, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let outcome = into(root.path(), three(folder.path())).unwrap();
    let names: Vec<_> = outcome.packages.iter().map(|package| package.nevra.to_string()).collect();
    assert_eq!(names, ["base-1.0-1.noarch", "lib-1.0-1.noarch", "tool-1.0-1.noarch"]);
    let manifest = &outcome.manifest;
    let entry = |path: &str| manifest.get(path).unwrap_or_else(|| panic!("{path} is missing"));
    assert_eq!(fs::read(root.path().join("usr/lib/lib.so")).unwrap().len(), 100_000);
    assert_eq!(outcome.packages[1].size_bytes, 100_000);
    assert_eq!(fs::read_link(root.path().join("lib64")).unwrap(), Path::new("usr/lib"));
    assert_eq!(entry("/lib64").kind, Kind::Symlink { target: "usr/lib".into() });
    assert_eq!((entry("/usr/bin/ping").group.as_str(), entry("/usr/bin/ping").caps.as_deref()), ("wheel", Some("cap_net_raw=ep")));
    assert_eq!((entry("/etc/tool.conf").mode, entry("/tmp").mode), (0o4600, 0o1777));
    assert_eq!(entry("/usr/share/b").kind, Kind::Hardlink { to: "/usr/share/a".into() });
    assert_eq!(fs::read(root.path().join("usr/share/b")).unwrap(), b"same");
    assert_eq!(fs::read(root.path().join("usr/share/empty")).unwrap(), b"");
    assert!(manifest.get("/var/log/tool").is_none() && !root.path().join("var").exists());
    for (path, entry) in manifest.iter() {
        let found = fs::symlink_metadata(root.path().join(&path[1..])).unwrap();
        assert_eq!(found.is_dir(), entry.kind == Kind::Directory, "{path}");
    }
}

#[test]
fn an_extracted_package_has_its_modes_but_no_privileges() {
    let folder = tempfile::tempdir().unwrap();
    let closed = package(folder.path(), "closed", |builder| {
        builder.with_dir_entry(FileOptions::dir("/etc/closed").permissions(0o555)).unwrap();
        builder.with_dir_entry(FileOptions::dir("/etc/closed/shut").permissions(0o000)).unwrap();
        builder.with_dir_entry(FileOptions::dir("/etc/closed/shared").permissions(0o3777)).unwrap();
        text(builder, "/etc/closed/shut/file", "within");
        builder.with_file_contents("#!su", FileOptions::new("/etc/closed/su").permissions(0o4755)).unwrap();
        builder.with_file_contents("same", FileOptions::new("/etc/closed/a").permissions(0o2400).hardlink("h")).unwrap();
        builder.with_file_contents("same", FileOptions::new("/etc/closed/b").permissions(0o2400).hardlink("h")).unwrap();
        builder.with_symlink(FileOptions::symlink("/etc/closed/link", "su")).unwrap();
    });
    let root = folder.path().join("root");
    fs::create_dir(&root).unwrap();
    extract(&closed, &root).unwrap();
    let mode = |path: &str| fs::symlink_metadata(root.join(path)).unwrap().permissions().mode() & 0o7777;
    let expected = [
        ("etc", 0o755),
        ("etc/closed", 0o555),
        ("etc/closed/shut", 0o000),
        ("etc/closed/shared", 0o1777),
        ("etc/closed/su", 0o755),
        ("etc/closed/b", 0o400),
    ];
    for (path, expected) in expected {
        assert_eq!(mode(path), expected, "{path}");
    }
    assert_eq!(fs::read(root.join("etc/closed/b")).unwrap(), b"same");
    assert_eq!(fs::read_link(root.join("etc/closed/link")).unwrap(), Path::new("su"));
    for path in ["etc/closed/shut", "etc/closed"] {
        fs::set_permissions(root.join(path), fs::Permissions::from_mode(0o700)).unwrap();
    }
    assert_eq!(fs::read(root.join("etc/closed/shut/file")).unwrap(), b"within");
}

#[test]
fn a_package_without_files_is_extracted_as_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let meta = package(folder.path(), "meta", |builder| {
        builder.requires(Dependency::any("lib"));
    });
    let root = folder.path().join("root");
    fs::create_dir(&root).unwrap();
    extract(&meta, &root).unwrap();
    assert_eq!(fs::read_dir(&root).unwrap().count(), 0);
}

/// The packages again, cut off where their payloads begin.
fn hollow(packages: &[RpmFile], trees: &[std::path::PathBuf]) -> Vec<RpmFile> {
    let cut = |package: &RpmFile| {
        let path = package.path().with_extension("hollow");
        let bytes = fs::read(package.path()).unwrap();
        fs::write(&path, &bytes[..usize::try_from(package.header_size_bytes()).unwrap()]).unwrap();
        RpmFile::open_beside(&path, trees).unwrap()
    };
    packages.iter().map(cut).collect()
}

#[test]
fn hollow_packages_take_their_content_from_a_tree() {
    let (folder, first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let whole = into(first.path(), three(folder.path())).unwrap();
    let trees = [folder.path().join("gone"), first.path().to_owned()];
    let outcome = into(second.path(), hollow(&three(folder.path()), &trees)).unwrap();
    assert_eq!(outcome.manifest, whole.manifest);
    for path in ["usr/share/b", "usr/lib/lib.so", "usr/share/empty", "usr/bin/ping"] {
        assert_eq!(fs::read(first.path().join(path)).unwrap(), fs::read(second.path().join(path)).unwrap(), "{path}");
    }
}

#[test]
fn what_a_tree_holds_instead_is_refused() {
    let (folder, tree) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    into(tree.path(), three(folder.path())).unwrap();
    let install = |trees: &[std::path::PathBuf]| {
        let root = tempfile::tempdir().unwrap();
        into(root.path(), hollow(&three(folder.path()), trees)).unwrap_err()
    };
    fs::write(tree.path().join("usr/bin/ping"), "#!pong").unwrap();
    assert!(matches!(install(&[tree.path().to_owned()]), TransactionError::WrongDigest { path, .. } if path == "/usr/bin/ping"));
    fs::remove_file(tree.path().join("usr/bin/ping")).unwrap();
    assert!(matches!(install(&[tree.path().to_owned()]), TransactionError::Package(RpmFileError::Io { .. })));
}

#[test]
fn equal_packages_give_equal_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = |packages| {
        let root = tempfile::tempdir().unwrap();
        let outcome = into(root.path(), packages).unwrap();
        (fs::read(root.path().join(&rpm_engine::rpmdb::FILE[1..])).unwrap(), outcome.manifest)
    };
    let (first, mut second) = (three(folder.path()), three(folder.path()));
    second.reverse();
    let (first, second) = (bytes(first), bytes(second));
    assert!(first.0 == second.0, "the databases differ");
    assert_eq!(first.1, second.1);
}

#[test]
fn what_is_not_trusted_is_not_installed() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |packages, keys: &Keyring| {
        let root = tempfile::tempdir().unwrap();
        let error = install(packages, keys, root.path(), &Options { time: TIME, progress: &|_| {} }).unwrap_err();
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0, "something was written");
        error
    };
    let other = Keyring::from_armoured([OTHER_KEY]).unwrap();
    assert!(matches!(refused(three(folder.path()), &other), TransactionError::Package(RpmFileError::Untrusted { .. })));
    assert!(Keyring::from_armoured::<&str>([]).is_err());
    assert!(into(tempfile::tempdir().unwrap().path(), three(folder.path())).is_ok());
    let both = Keyring::from_armoured([OTHER_KEY, KEY]).unwrap();
    let root = tempfile::tempdir().unwrap();
    install(three(folder.path()), &both, root.path(), &Options { time: TIME, progress: &|_| {} }).unwrap();

    let unsigned = folder.path().join("unsigned.rpm");
    testing::packages::builder("unsigned").build().unwrap().write_file(&unsigned).unwrap();
    let error = refused(vec![RpmFile::open(&unsigned).unwrap()], &keys());
    assert!(matches!(error, TransactionError::Package(RpmFileError::Untrusted { .. })), "{error}");
}

/// Makes the file again: some file systems flush a file that is truncated and written again.
fn rewrite(path: &Path, content: &[u8]) {
    fs::remove_file(path).unwrap();
    fs::write(path, content).unwrap();
}

#[test]
fn no_changed_byte_goes_unnoticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "p", |builder| text(builder, "/a", "content"));
    let whole = fs::read(&path).unwrap();
    let payload = RpmFile::open(&path).unwrap().metadata().unwrap().get_package_segment_offsets();
    // The header behind its magic (whose reserved bytes mean nothing and are not signed), and the payload.
    for at in (payload.header as usize + 8..whole.len()).step_by(3) {
        let mut changed = whole.clone();
        changed[at] ^= 0x20;
        rewrite(&path, &changed);
        let verdict = RpmFile::open(&path).and_then(|package| package.verify(&keys()));
        assert!(verdict.is_err(), "byte {at} was changed unnoticed");
    }
    // The signature header is not signed itself, but must not bring the program down.
    for (at, bit) in (0..payload.header as usize).flat_map(|at| [(at, 0x01), (at, 0x80)]) {
        let mut changed = whole.clone();
        changed[at] ^= bit;
        rewrite(&path, &changed);
        let _ = RpmFile::open(&path).and_then(|package| package.verify(&keys()));
    }
    rewrite(&path, &whole[..whole.len() - 1]);
    assert!(matches!(RpmFile::open(&path).unwrap().verify(&keys()), Err(RpmFileError::Damaged { .. })));
}

#[test]
fn hostile_packages_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let device = FileOptions::character_device("/dev/kmem", 1, 2);
    let path = write(folder.path(), "device", |builder| {
        builder.with_special_file(device).unwrap();
    });
    assert!(matches!(RpmFile::open(&path), Err(RpmFileError::Header { .. })));

    let behind = package(folder.path(), "behind", |builder| {
        builder.with_symlink(FileOptions::symlink("/opt/x", "/etc")).unwrap();
        text(builder, "/opt/x/passwd", "root::0:0");
    });
    let root = tempfile::tempdir().unwrap();
    assert!(matches!(into(root.path(), vec![behind]), Err(TransactionError::Layout(_))));
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);

    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().to_str().unwrap().to_owned();
    let link = package(folder.path(), "link", |builder| {
        builder.with_symlink(FileOptions::symlink("/opt/x", target.clone())).unwrap();
        builder.with_symlink(FileOptions::symlink("/opt/y", format!("../../../../../../..{target}"))).unwrap();
    });
    let file = package(folder.path(), "file", |builder| {
        text(builder, "/opt/x/a", "a");
        text(builder, "/opt/y/b", "b");
    });
    let root = tempfile::tempdir().unwrap();
    into(root.path(), vec![link, file]).unwrap();
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0, "a link led out of the root");
    assert_eq!(fs::read(root.path().join(&target[1..]).join("b")).unwrap(), b"b");
}

#[test]
fn clashes_are_found_before_anything_is_written() {
    let (folder, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let packages = ["one", "two"].map(|name| package(folder.path(), name, |builder| text(builder, "/etc/x", name)));
    let error = into(root.path(), packages.into()).unwrap_err();
    let TransactionError::Layout(cause) = &error else { panic!("{error}") };
    assert_eq!(cause.to_string(), "1 file conflict(s): `/etc/x` of one and of two");
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    fs::write(root.path().join("x"), "").unwrap();
    assert!(matches!(into(root.path(), Vec::new()), Err(TransactionError::NotEmpty { .. })));
}
