//! Packages and repositories, checked by the programs of others: `rpm`, `dnf`, `createrepo_c`, `gpg`.
//!
//! These tests need the SDK's `test` layer, so they run only when asked for: `cargo test -p xtask --test interop_rpm -- --ignored`.

mod tools;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use base::name::PackageName;
use packaging::repo::{self, RepoPackage};
use packaging::{Available, Built, LicenceTexts, PackageError};
use planning::spec::{self, Spec};
use runtime::tool::Tool;
use signing::Keys;

use tools::World;

const SPEC: &str = r#"
[package]
version = "1.2.3"
release = 4
epoch   = 1
summary = "A sample of <everything> & more"
license = "MIT"
homepage = "https://example.org/sample"

[[source]]
url = "https://example.org/sample-{version}.tar.gz"
sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

[requires]
run = ["base >= 1"]
weak = ["nice-to-have"]
conflicts = ["rival < 2"]
obsoletes = ["older < 1"]
provides = ["webserver = 1"]

[build.autotools]

[install]
"sample.service" = "/usr/lib/systemd/system/sample.service"

[directories]
"/var/lib/sample" = "0710"

[symlinks]
"/usr/bin/sample-link" = "sample"

[subpackage.devel]
summary = "Headers of sample"
files = ["/usr/include/**", "/usr/lib/*.so", "/usr/lib/pkgconfig/**"]

[file."/usr/bin/sample"]
caps = "cap_net_raw=ep"

[file."/usr/bin/su-sample"]
mode = "4755"

[file."/var/lib/sample/state"]
ghost = true

[file."/var/lib/sample"]
owner = "sample"
group = "sample"

[user.sample]
uid = 471
description = "Sample daemon"

[units]
enable = ["sample.service"]
"#;

const BASE: &str = r#"
[package]
version = "1"
release = 1
summary = "What the sample stands on"
license = "MIT"
noarch = true

[requires]
provides = [{}]

[build.none]

[directories]
"/usr/bin" = "0755"
"#;

const MINIMAL: &str = r#"
[package]
version = "1"
release = 1
summary = "One file"
license = "MIT"

[build.none]
"#;

fn parse(name: &str, text: &str) -> Spec {
    let name: PackageName = name.parse().unwrap();
    spec::parse(&name, "package.toml", text).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn put(root: &Path, path: &str, text: &str, mode: u32) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
}

/// An install root as a build would leave it, with a real library and a real program.
fn install_root(root: &Path) {
    put(root, "usr/include/sample.h", "int sample(void);\n", 0o664);
    put(root, "sample.c", "int sample(void) { return 1; }\n", 0o644);
    put(root, "main.c", "int sample(void); int main(void) { return sample(); }\n", 0o644);
    put(root, "sample.map", "SAMPLE_1 { global: sample; local: *; };\n", 0o644);
    fs::create_dir_all(root.join("usr/lib/pkgconfig")).unwrap();
    fs::create_dir_all(root.join("usr/bin")).unwrap();
    let cc = |arguments: &[&str]| Tool::new("cc").current_dir(root).args(arguments).output().map(drop).unwrap();
    cc(&["-shared", "-fPIC", "-Wl,-soname,libsample.so.1", "-Wl,--version-script=sample.map", "sample.c", "-o", "usr/lib/libsample.so.1"]);
    symlink("libsample.so.1", root.join("usr/lib/libsample.so")).unwrap();
    cc(&["main.c", "-Lusr/lib", "-lsample", "-o", "usr/bin/sample"]);
    for scrap in ["sample.c", "main.c", "sample.map"] {
        fs::remove_file(root.join(scrap)).unwrap();
    }
    put(root, "usr/lib/pkgconfig/sample.pc", "Name: sample\nDescription: x\nVersion: 1.2.3\nLibs: -lsample\n", 0o644);
    put(root, "usr/bin/su-sample", "#!/bin/sh\necho\n", 0o755);
    put(root, "etc/sample.conf", "key = value\n", 0o644);
    put(root, "usr/share/sample/first", "the same bytes\n", 0o644);
    fs::hard_link(root.join("usr/share/sample/first"), root.join("usr/share/sample/second")).unwrap();
    put(root, "usr/share/man/man1/sample.1", "x", 0o644);
}

/// Builds both specs, signs the packages and makes the repository `name`.
fn repository(world: &World, name: &str) -> (PathBuf, Vec<Built>, Keys) {
    let keys = Keys::open_or_create(&world.path("keys")).unwrap();
    let spec_dir = world.make("spec");
    fs::write(spec_dir.join("sample.service"), "[Service]\nExecStart=/usr/bin/sample\n").unwrap();
    let out = world.make(&format!("{name}-out"));
    install_root(&out);
    let unsigned = world.make(&format!("{name}-unsigned"));
    let mut built =
        packaging::assemble(&parse("sample", SPEC), &spec_dir, &out, &LicenceTexts::default(), &Available::default(), &unsigned).unwrap();
    let empty = world.make(&format!("{name}-empty"));
    // The host's compiler decides which versions of the C library's interface the sample needs.
    let needed = built[0].requires.iter().filter(|one| one.starts_with("libc.so") || one.starts_with("rtld") || one.starts_with('/'));
    let provides: Vec<String> = needed.map(|one| format!("{one:?}")).collect();
    let base = BASE.replace("{}", &provides.join(", "));
    built.extend(
        packaging::assemble(&parse("base", &base), &spec_dir, &empty, &LicenceTexts::default(), &Available::default(), &unsigned).unwrap(),
    );
    let signed = world.make(&format!("{name}-signed"));
    let mut packages = Vec::new();
    for package in &built {
        let file = signed.join(&package.file_name);
        keys.sign_rpm(&package.file, &file).unwrap();
        packages.push(RepoPackage { file, file_name: package.file_name.clone() });
    }
    let dir = world.path(name);
    repo::write(&dir, &packages, &keys).unwrap();
    (dir, built, keys)
}

/// An empty root to install into. The sandbox has one user and one group, so whom the sample's files belong to is root by another name.
fn tree(world: &World) -> PathBuf {
    let tree = world.make("root");
    put(&tree, "etc/passwd", "root:x:0:0::/root:/bin/sh\nsample:x:0:0::/:/usr/bin/nologin\n", 0o644);
    put(&tree, "etc/group", "root:x:0:\nsample:x:0:\n", 0o644);
    tree
}

#[test]
#[ignore = "needs the SDK"]
fn rpm_verifies_reads_and_installs() {
    let world = World::new();
    let (dir, _, _) = repository(&world, "repo");
    let run = |program: &str, arguments: &[&str]| world.run(program, arguments);
    let tree = tree(&world);
    let root = &world.inside(&tree);
    run("rpm", &["--root", root, "--import", &world.inside(&dir.join(repo::PUBLIC_KEY))]);
    let package = |name: &str| world.inside(&dir.join("Packages").join(name));
    let (sample, devel) = (&package("sample-1.2.3-4.kn1.x86_64.rpm"), &package("sample-devel-1.2.3-4.kn1.x86_64.rpm"));
    let verdict = run("rpm", &["--root", root, "--define", "_pkgverify_level all", "-Kv", sample]);
    assert!(verdict.contains("Header V4 RSA/SHA256 Signature"), "{verdict}");

    let query = |what: &str, file: &str| run("rpm", &["-qp", "--nosignature", what, file]);
    let provides = query("--provides", sample);
    for expected in
        ["libsample.so.1()(64bit)", "libsample.so.1(SAMPLE_1)(64bit)", "sample = 1:1.2.3-4.kn1", "webserver = 1", "user(sample) = "]
    {
        assert!(provides.contains(expected), "{expected} is not in\n{provides}");
    }
    let requires = query("--requires", sample);
    for expected in ["libc.so.6()(64bit)", "/usr/bin/sh", "base >= 1"] {
        assert!(requires.contains(expected), "{expected} is not in\n{requires}");
    }
    assert!(!requires.contains("libsample"), "{requires}");
    assert!(query("--requires", devel).contains("sample = 1:1.2.3-4.kn1"));
    assert!(query("--provides", devel).contains("pkgconfig(sample) = 1.2.3"));
    let dump = query("--dump", sample);
    assert!(dump.contains("/usr/bin/su-sample 15 1767225600"), "{dump}");
    assert!(dump.contains("0104755 root root"), "{dump}");
    assert!(dump.contains(" 040710 sample sample 0 0 0 X\n"), "{dump}");
    let format = "%{SOURCERPM}|%{VENDOR}|%{BUILDHOST}|%{BUILDTIME}|%{EPOCH}|%{PAYLOADCOMPRESSOR}";
    assert_eq!(run("rpm", &["-qp", "--nosignature", "--qf", format, sample]), "sample-1.2.3-4.kn1.src.rpm|Kaon|kaon|1767225600|1|zstd");

    let install = ["--root", root, "--define", "_pkgverify_level all", "-i", "--nodeps", "--nocaps", sample, devel];
    run("rpm", &install);
    let installed = |path: &str| tree.join(path);
    let link_count = std::os::unix::fs::MetadataExt::nlink(&fs::metadata(installed("usr/share/sample/second")).unwrap());
    assert_eq!(link_count, 2);
    assert!(!installed("var/lib/sample/state").exists());
    assert_eq!(fs::read_link(installed("usr/lib/libsample.so")).unwrap(), Path::new("libsample.so.1"));
    assert_eq!(run("rpm", &["--root", root, "-V", "--nodeps", "--nouser", "--nogroup", "--nocaps", "sample", "sample-devel"]), "");
    assert_eq!(run("rpm", &["--root", root, "-qc", "sample"]).trim(), "/etc/sample.conf");
}

#[test]
#[ignore = "needs the SDK"]
fn dnf_installs_with_every_check_on() {
    let world = World::new();
    let (dir, _, _) = repository(&world, "repo");
    let root = tree(&world);
    let config = world.path("dnf.conf");
    let text = format!(
        "[main]\ngpgcheck=1\nrepo_gpgcheck=1\nlocalpkg_gpgcheck=1\ncachedir={}\nreposdir=/nonexistent\n\
         [kaon]\nname=Kaon\nbaseurl=file://{}\ngpgkey=file://{}\n",
        world.inside(&world.path("cache")),
        world.inside(&dir),
        world.inside(&dir.join(repo::PUBLIC_KEY))
    );
    fs::write(&config, text).unwrap();
    let (config, root) = (world.inside(&config), world.inside(&root));
    let arguments = ["--config", &config, "--installroot", &root, "--releasever", "1", "-y"];
    let dnf = |rest: &[&str]| world.run("dnf", &[&arguments[..], rest].concat());
    dnf(&["install", "--setopt=tsflags=nocaps", "sample-devel"]);
    let installed = world.run("rpm", &["--root", &root, "-qa"]);
    let mut names: Vec<&str> = installed.lines().filter(|line| !line.starts_with("gpg-pubkey")).collect();
    names.sort_unstable();
    assert_eq!(names, ["base-1-1.kn1.noarch", "sample-1.2.3-4.kn1.x86_64", "sample-devel-1.2.3-4.kn1.x86_64"]);
    assert!(dnf(&["repoquery", "--whatprovides", "/usr/bin/sample"]).contains("sample-1:1.2.3-4.kn1.x86_64"));

    // One byte of a package changed: it must not get in.
    let package = dir.join("Packages/base-1-1.kn1.noarch.rpm");
    let mut bytes = fs::read(&package).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::remove_file(&package).unwrap();
    fs::write(&package, bytes).unwrap();
    let said = world.try_run("dnf", &[&arguments[..], &["reinstall", "base"]].concat());
    assert!(!said.is_success && said.stderr.contains("checksum"), "{said:?}");
}

/// RPM's own reader of ELF files, over programs and libraries of the SDK.
#[test]
#[ignore = "needs the SDK"]
fn elfdeps_says_the_same() {
    let folders = tools::layers().iter().flat_map(|layer| ["usr/bin", "usr/lib/x86_64-linux-gnu"].map(|folder| layer.join(folder)));
    let all = folders.filter_map(|folder| fs::read_dir(folder).ok()).flatten().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = all.filter(|path| is_elf(path) && !is_dynamic_linker(path)).collect();
    files.sort();
    let step = files.len().div_ceil(150);
    let mut checked = 0;
    for file in files.iter().step_by(step) {
        let world = World::new();
        let (out, into) = (world.make("out"), world.make("into"));
        let name = file.file_name().unwrap().to_str().unwrap();
        put(&out, "usr/share/none", "", 0o644);
        fs::create_dir_all(out.join("usr/lib")).unwrap();
        fs::copy(file, out.join("usr/lib").join(name)).unwrap();
        let copy = out.join("usr/lib").join(name);
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
        let theirs = |what: &str| -> BTreeSet<String> {
            let text = world.run("/usr/lib/rpm/elfdeps", &[what, &world.inside(&copy)]);
            text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
        };
        let (provides, requires) = (theirs("--provides"), theirs("--requires"));
        let spec = parse("sample", MINIMAL);
        let built = match packaging::assemble(&spec, &out, &out, &LicenceTexts::default(), &Available::new(&requires), &into) {
            Ok(built) => built,
            // That these are refused is tested where they are; elfdeps has no opinion.
            Err(PackageError::BadLibraryPath { .. }) => continue,
            Err(error) => panic!("{}: {error}", file.display()),
        };
        let ours = |list: &[String]| -> BTreeSet<String> { list.iter().filter(|one| !one.starts_with("sample")).cloned().collect() };
        assert_eq!(ours(&built[0].provides), provides, "{}", file.display());
        let open: BTreeSet<String> = requires.difference(&provides).cloned().collect();
        assert_eq!(ours(&built[0].requires), open, "{}", file.display());
        checked += 1;
    }
    assert!(checked > 50, "only {checked} files");
}

/// To what it gives we add `rtld(GNU_HASH)`, which elfdeps leaves to a spec.
fn is_dynamic_linker(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "ld-linux-x86-64.so.2")
}

fn is_elf(path: &Path) -> bool {
    let is_file = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file());
    is_file && fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"\x7fELF"))
}

#[test]
#[ignore = "needs the SDK"]
fn createrepo_says_the_same() {
    let world = World::new();
    let (dir, _, _) = repository(&world, "repo");
    let theirs = world.make("theirs");
    world.run("createrepo_c", &["--general-compress-type=gz", "--outputdir", &world.inside(&theirs), &world.inside(&dir)]);
    for kind in ["primary", "filelists", "other"] {
        let (ours, theirs) = (elements(&dir, kind), elements(&theirs, kind));
        for (our, their) in ours.iter().zip(&theirs) {
            assert_eq!(our, their, "{kind}");
        }
        assert_eq!(ours.len(), theirs.len(), "{kind}");
    }
}

/// The lines of a metadata document, without what only the moment of writing decides, and in one notation.
fn elements(dir: &Path, kind: &str) -> Vec<String> {
    let suffix = format!("-{kind}.xml.gz");
    let mut names = fs::read_dir(dir.join("repodata")).unwrap().map(|entry| entry.unwrap().path());
    let path = names.find(|path| path.to_str().unwrap().ends_with(&suffix)).unwrap();
    let text = std::io::read_to_string(flate2::read::GzDecoder::new(fs::File::open(path).unwrap())).unwrap();
    let lines = text.lines().map(|line| line.trim().replace("<packager></packager>", "<packager/>").replace("<url></url>", "<url/>"));
    // Of the versions of the C library's interface, createrepo_c lists the last only.
    let left_out =
        |line: &str| line.is_empty() || ["<time ", "<?xml", "<rpm:entry name=\"libc.so.6"].iter().any(|start| line.starts_with(start));
    let lines = lines.filter(|line| !left_out(line));
    lines.collect()
}

#[test]
fn two_builds_give_the_same_repository() {
    let world = World::new();
    let (first, _, _) = repository(&world, "first");
    let (second, _, _) = repository(&world, "second");
    let files = |dir: &Path| -> Vec<(PathBuf, Vec<u8>)> {
        let walk = walkdir::WalkDir::new(dir).sort_by_file_name().into_iter().map(Result::unwrap);
        walk.filter(|entry| entry.file_type().is_file())
            .map(|entry| (entry.path().strip_prefix(dir).unwrap().to_owned(), fs::read(entry.path()).unwrap()))
            .collect()
    };
    let (first, second) = (files(&first), files(&second));
    assert_eq!(first.len(), 3 + 3 + 3 + 1);
    for ((path, bytes), (other_path, other_bytes)) in first.iter().zip(&second) {
        assert_eq!(path, other_path);
        assert!(bytes == other_bytes, "{} differs", path.display());
    }
}
