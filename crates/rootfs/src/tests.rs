use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use rpm::{BuildConfig, CompressionWithLevel, FileOptions, PackageBuilder};

use super::*;
use base::diagnostic::Failure as _;
use runtime::progress::Silent;
use runtime::sandbox::Step;
use signing::Keys;

/// Records the steps, and imitates what they would do.
struct Fake {
    steps: RefCell<Vec<String>>,
}

impl Runner for Fake {
    fn run(&self, root: &Path, _: Option<&Path>, steps: Vec<Step>) -> Result<(), RootfsError> {
        for step in steps {
            match step.argv[0].as_str() {
                "ldconfig" => {
                    fs::write(root.join("etc/ld.so.cache"), "cache").unwrap();
                    fs::create_dir_all(root.join("var/cache/ldconfig")).unwrap();
                    fs::write(root.join("var/cache/ldconfig/aux-cache"), "inode").unwrap();
                }
                "systemd-hwdb" => fs::write(root.join("usr/lib/udev/hwdb.bin"), "compiled").unwrap(),
                _ => {}
            }
            self.steps.borrow_mut().push(step.argv.join(" "));
        }
        Ok(())
    }
}

struct Case {
    folder: tempfile::TempDir,
    keys: Keys,
    repository: Vec<PathBuf>,
}

impl Case {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::open_or_create(&folder.path().join("keys")).unwrap();
        Self { folder, keys, repository: Vec::new() }
    }

    fn add(&mut self, name: &str, files: &[(&str, u16, &str)], more: impl FnOnce(&mut PackageBuilder)) {
        let mut builder = PackageBuilder::new(name, "1.0", "MIT", "noarch", "a package for tests");
        builder.using_config(BuildConfig::v4().compression(CompressionWithLevel::Zstd(3)).source_date(SOURCE_DATE_EPOCH)).release("1");
        for (path, mode, content) in files {
            builder.with_file_contents(*content, FileOptions::new(*path).permissions(*mode)).unwrap();
        }
        more(&mut builder);
        let unsigned = self.folder.path().join(format!("{name}.unsigned"));
        builder.build().unwrap().write_file(&unsigned).unwrap();
        let signed = self.folder.path().join(format!("{name}.rpm"));
        self.keys.sign_rpm(&unsigned, &signed).unwrap();
        self.repository.push(signed);
    }

    fn request(&self, packages: &[&str]) -> Request<'_> {
        let packages = packages.iter().map(|name| (*name).to_owned()).collect();
        Request { packages, candidates: &self.repository, public_key: self.keys.public(), ..Request::default() }
    }
}

fn system() -> Case {
    let mut case = Case::new();
    case.add("base", &[("/usr/bin/ldconfig", 0o755, "#!"), ("/usr/bin/systemd-hwdb", 0o755, "#!")], |builder| {
        builder.with_dir_entry(FileOptions::dir("/etc").permissions(0o755)).unwrap();
        builder.with_symlink(FileOptions::symlink("/bin", "usr/bin")).unwrap();
        for interpreter in ["/bin/sh", "/usr/bin/bash", "<lua>"] {
            builder.provides(rpm::Dependency::any(interpreter));
        }
    });
    let unit = "/usr/lib/systemd/system/dbus.service";
    let users = ("/usr/lib/sysusers.d/dbus.conf", 0o644, "u dbus 81 \"D-Bus\" / -\n");
    let long = format!("/usr/share/{}/{}", "d".repeat(90), "f".repeat(90));
    let files = [
        users,
        (unit, 0o644, "[Unit]"),
        ("/usr/lib/udev/hwdb.d/x.hwdb", 0o644, "x"),
        (&long, 0o644, "long"),
        ("/usr/lib/systemd/systemd", 0o755, "#!"),
    ];
    case.add("dbus", &files, |builder| {
        builder.requires(rpm::Dependency::any("base"));
        let helper = FileOptions::new("/usr/bin/helper").permissions(0o4750).group("dbus").caps("cap_net_raw=ep").unwrap();
        builder.with_file_contents("#!helper", helper).unwrap();
        builder.with_file_contents("same", FileOptions::new("/usr/share/a").hardlink("h")).unwrap();
        builder.with_file_contents("same", FileOptions::new("/usr/share/b").hardlink("h")).unwrap();
    });
    case
}

fn composed(case: &Case, request: &Request<'_>, name: &str) -> (Result<Rootfs, RootfsError>, Vec<String>) {
    let dir = case.folder.path().join(name);
    fs::create_dir(&dir).unwrap();
    let fake = Fake { steps: RefCell::default() };
    let result = compose_with(request, &dir, &fake, &Silent);
    (result, fake.steps.into_inner())
}

#[test]
fn a_tree_is_made_ready() {
    let case = system();
    let mut request = case.request(&["dbus"]);
    request.ssh_keys = vec!["ssh-ed25519 AAAA me".into()];
    request.enable = vec!["dbus.service".into()];
    request.files = vec![ExtraFile { path: "/etc/motd".into(), mode: 0o600, content: b"hello".to_vec() }];
    let (rootfs, steps) = composed(&case, &request, "root");
    let rootfs = rootfs.unwrap();
    assert_eq!(steps, ["ldconfig -X", "systemd-hwdb update --usr --strict"]);
    let entry = |path: &str| rootfs.manifest.get(path).unwrap_or_else(|| panic!("{path} is missing"));
    assert_eq!(rootfs.owner(entry("/usr/bin/helper")), (0, 81));
    assert_eq!((entry("/etc/shadow").mode, entry("/etc/passwd").mode, entry("/etc/motd").mode), (0, 0o644, 0o600));
    assert_eq!(entry("/etc/ld.so.cache").mtime, SOURCE_DATE_EPOCH);
    assert_eq!((entry("/root/.ssh").mode, entry("/root/.ssh/authorized_keys").mode), (0o700, 0o600));
    assert_eq!(fs::read_to_string(rootfs.on_disk("/etc/machine-id")).unwrap(), "uninitialized\n");
    assert_eq!(fs::read_to_string(rootfs.on_disk("/etc/systemd/system-preset/10-image.preset")).unwrap(), "enable dbus.service\n");
    for gone in ["/var/cache/ldconfig", "/usr/lib/udev/hwdb.d"] {
        assert!(rootfs.manifest.get(gone).is_none() && !rootfs.on_disk(gone).exists(), "{gone}");
    }
    assert!(entry("/usr/lib/udev/hwdb.bin").package.is_none());
}

#[test]
fn the_archive_matches_the_manifest() {
    let case = system();
    let request = case.request(&["dbus"]);
    let archive = |name: &str| {
        let rootfs = composed(&case, &request, name).0.unwrap();
        let mut bytes = Vec::new();
        tar(&rootfs, &mut bytes).unwrap();
        bytes
    };
    let bytes = archive("one");
    assert!(bytes == archive("two"), "two compositions differ");
    let mut archive = ::tar::Archive::new(&bytes[..]);
    let mut seen = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let caps = entry
            .pax_extensions()
            .unwrap()
            .into_iter()
            .flatten()
            .flatten()
            .find(|record| record.key() == Ok("SCHILY.xattr.security.capability"));
        let caps = caps.map(|record| record.value_bytes().to_vec());
        let path = entry.path().unwrap().display().to_string();
        let header = entry.header();
        let facts = (header.mode().unwrap(), header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap(), header.entry_type());
        let link = entry.link_name().unwrap().map(|link| link.display().to_string());
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        seen.insert(path, (facts, link, caps, content));
    }
    let helper = &seen["usr/bin/helper"];
    assert_eq!((helper.0.0, helper.0.1, helper.0.2, helper.0.3), (0o4750, 0, 81, u64::from(SOURCE_DATE_EPOCH)));
    assert_eq!(helper.2.as_deref(), Some(&rpm_engine::filecaps::to_xattr("cap_net_raw=ep").unwrap()[..]));
    assert_eq!(seen["usr/share/b"].1.as_deref(), Some("usr/share/a"));
    assert_eq!(seen["usr/share/b"].0.4, ::tar::EntryType::Link);
    assert_eq!(seen["bin"].1.as_deref(), Some("usr/bin"));
    assert_eq!(seen[&format!("usr/share/{}/{}", "d".repeat(90), "f".repeat(90))].3, b"long");
}

#[test]
fn refusals() {
    let mut case = system();
    case.add("stray", &[], |builder| {
        builder.with_file_contents("x", FileOptions::new("/usr/share/stray").user("nobody-knows")).unwrap();
    });
    case.add("lua", &[], |builder| {
        builder.post_install_script(rpm::Scriptlet::new("print()").prog(vec!["<lua>"]));
    });
    let error = |request: &Request<'_>, name: &str| composed(&case, request, name).0.unwrap_err();
    assert!(matches!(error(&case.request(&["stray"]), "a"), RootfsError::UnknownOwner { what: "user", .. }));
    assert!(matches!(error(&case.request(&["lua", "base"]), "b"), RootfsError::Interpreter { .. }));
    assert!(matches!(error(&case.request(&["nothing"]), "c"), RootfsError::Solve(_)));
    let unit = Request { enable: vec!["none.service".into()], ..case.request(&["dbus"]) };
    assert!(matches!(error(&unit, "d"), RootfsError::NoUnit { .. }));
    let through = ExtraFile { path: "/bin/x".into(), mode: 0o644, content: Vec::new() };
    let through = Request { files: vec![through], ..case.request(&["dbus"]) };
    assert!(matches!(error(&through, "e"), RootfsError::ExtraFile { .. }));
    let other = system();
    let foreign = Request { public_key: other.keys.public(), ..case.request(&["dbus"]) };
    assert!(matches!(error(&foreign, "f"), RootfsError::Install(_)));
}

#[test]
fn packages_that_do_not_agree_on_a_directory_are_refused() {
    let mut case = system();
    for (name, mode) in [("one", 0o755), ("two", 0o700), ("three", 0o755)] {
        case.add(name, &[], |builder| {
            builder.with_dir_entry(FileOptions::dir("/etc/shared").permissions(mode)).unwrap();
        });
    }
    composed(&case, &case.request(&["one", "three", "base"]), "a").0.unwrap();
    let error = composed(&case, &case.request(&["one", "two", "base"]), "b").0.unwrap_err();
    assert_eq!(
        error.to_string(),
        "packages do not agree on directories: `/etc/shared` is 0755 root:root in `one` and 0700 root:root in `two`"
    );
    assert_eq!(error.hint().unwrap(), "set the same mode and owner in both specs, in `[file.\"/etc/shared\"]`");
}

#[test]
fn foreign_scripts_run_in_order() {
    let mut case = system();
    case.add("scripted", &[], |builder| {
        builder.requires(rpm::Dependency::any("dbus"));
        builder.pre_install_script(rpm::Scriptlet::new("echo pre"));
        builder.post_install_script(rpm::Scriptlet::new("echo post").prog(vec!["/usr/bin/bash", "-e"]));
    });
    let (rootfs, steps) = composed(&case, &case.request(&["scripted"]), "root");
    rootfs.unwrap();
    assert_eq!(steps[..2], ["/bin/sh /build/0-scripted 1", "/usr/bin/bash -e /build/1-scripted 1"]);
}
