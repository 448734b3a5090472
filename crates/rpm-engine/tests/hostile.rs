//! Packages made to do harm, and headers damaged at random: nothing leaves the root, nothing half-done stays, nothing panics.
#![allow(clippy::print_stderr, reason = "it counts")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rpm::IndexTag as Tag;
use rpm::{FileOptions, Header, HeaderEntry, IndexData, PackageBuilder, RpmFormat, SignatureHeaderBuilder};
use rpm_engine::history::Reason;
use rpm_engine::keyring::Keyring;
use rpm_engine::rpmdb::InstalledPackage;
use rpm_engine::rpmfile::RpmFile;
use rpm_engine::system::System;
use rpm_engine::transaction::{Settings, Step};
use sha2::{Digest as _, Sha256};
use testing::packages::{KEY, OTHER_KEY, TIME, signer, text};

/// A package whose header and payload are written by hand and then signed as any other.
struct Forge {
    package: rpm::Package,
    archive: Vec<u8>,
}

/// One entry of a payload.
fn entry(name: &str, size: usize, content: &[u8]) -> Vec<u8> {
    let mut bytes = b"070701".to_vec();
    for at in 0..13 {
        let value = match at {
            6 => size,
            11 => name.len() + 1,
            _ => 0,
        };
        bytes.extend(format!("{value:08x}").bytes());
    }
    bytes.extend(name.bytes().chain([0]));
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn file(name: &str, content: &[u8]) -> Vec<u8> {
    entry(name, content.len(), content)
}

fn strings(values: &[&str]) -> IndexData {
    IndexData::StringArray(values.iter().map(|value| (*value).to_owned()).collect())
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

impl Forge {
    /// `/d/a` with `aaaa` and `/d/b` with `bbbb`.
    fn new() -> Self {
        let mut builder = testing::packages::builder("evil");
        text(&mut builder, "/d/a", "aaaa");
        text(&mut builder, "/d/b", "bbbb");
        let archive = [file("./d/a", b"aaaa"), file("./d/b", b"bbbb"), file("TRAILER!!!", b"")].concat();
        Self { package: builder.build().unwrap(), archive }
    }

    fn set(mut self, tag: Tag, data: IndexData) -> Self {
        let entries = self.package.metadata.header.get_all_entries().unwrap();
        let kept = entries.into_iter().filter(|(other, _)| *other != tag as u32 && *other != Tag::RPMTAG_HEADERIMMUTABLE as u32);
        let mut entries: Vec<HeaderEntry> = kept.map(|(tag, data)| HeaderEntry::new(tag, data)).collect();
        if data != IndexData::Null {
            entries.push(HeaderEntry::new(tag as u32, data));
        }
        self.package.metadata.header = Header::from_entries(entries, Tag::RPMTAG_HEADERIMMUTABLE);
        self
    }

    fn without(self, tag: Tag) -> Self {
        self.set(tag, IndexData::Null)
    }

    fn payload(mut self, entries: &[Vec<u8>]) -> Self {
        self.archive = entries.concat();
        self
    }

    /// The first file has this kind and these permissions.
    fn mode(self, mode: u16) -> Self {
        self.set(Tag::RPMTAG_FILEMODES, IndexData::Int16(vec![mode, 0o100_644]))
    }

    fn paths(self, directory: &str, base: &str) -> Self {
        self.set(Tag::RPMTAG_DIRNAMES, strings(&[directory])).set(Tag::RPMTAG_BASENAMES, strings(&[base, "b"]))
    }

    /// The package as it would be spread, with a right payload digest and a right signature.
    fn bytes(mut self) -> Vec<u8> {
        let payload = zstd::encode_all(&self.archive[..], 1).unwrap();
        self = self.set(Tag::RPMTAG_PAYLOADSHA256, strings(&[&hash(&payload)]));
        self.package.payload = payload;
        self.seal()
    }

    fn seal(mut self) -> Vec<u8> {
        let bytes = self.package.metadata.header_bytes().unwrap();
        let signature = SignatureHeaderBuilder::new().format(RpmFormat::V4).reserved_space(None);
        let length = bytes.len() as u64 + self.package.payload.len() as u64;
        self.package.metadata.signature = signature.set_content_length(length).calculate_digests(&bytes).build().unwrap();
        self.package.sign_with_timestamp(signer(), TIME).unwrap();
        let mut out = Vec::new();
        self.package.write(&mut out).unwrap();
        out
    }
}

/// A root with a way out, and what is outside.
struct World {
    folder: tempfile::TempDir,
    root: PathBuf,
    outside: PathBuf,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let (root, outside) = (folder.path().join("root"), folder.path().join("outside"));
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("canary"), "alive").unwrap();
        fs::create_dir(&root).unwrap();
        symlink(&outside, root.join("out")).unwrap();
        symlink("../outside", root.join("relative")).unwrap();
        symlink("circle", root.join("circle")).unwrap();
        Self { folder, root, outside }
    }

    fn try_install(&self, bytes: &[u8], keys: Option<&Keyring>) -> Result<(), String> {
        let path = self.folder.path().join("evil.rpm");
        fs::write(&path, bytes).unwrap();
        let file = RpmFile::open(&path).map_err(chain)?;
        let package = match keys {
            Some(keys) => file.verified(keys),
            None => file.unsigned(),
        };
        let step = Step::Install { package: package.map_err(chain)?, obsoleted: Vec::new(), reason: Reason::User };
        let settings = Settings { scripts: false, finish: false, ..Settings::new(TIME, "a test") };
        System::open(&self.root).unwrap().lock().unwrap().apply(&[step], &settings).map(drop).map_err(chain)
    }

    /// What is in the root besides the databases, and everything outside of it.
    fn seen(&self) -> Vec<String> {
        let mut seen = Vec::new();
        let mut left = vec![self.root.clone(), self.outside.clone()];
        while let Some(directory) = left.pop() {
            for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
                let path = entry.path();
                let name = path.strip_prefix(self.folder.path()).unwrap().to_string_lossy().into_owned();
                if name.starts_with("root/usr/lib/sysimage") || name == "root/usr" || name == "root/usr/lib" {
                    continue;
                }
                if entry.file_type().unwrap().is_dir() {
                    left.push(path);
                } else if entry.file_type().unwrap().is_file() {
                    seen.push(format!("{name} {}", hash(&fs::read(&path).unwrap())));
                    continue;
                }
                seen.push(name);
            }
        }
        seen.sort();
        seen
    }

    fn outside(&self) -> Vec<String> {
        let beside = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut seen: Vec<String> = beside.filter(|name| name != "evil.rpm").collect();
        seen.extend(self.seen().into_iter().filter(|name| name.starts_with("outside")));
        seen.sort();
        seen
    }
}

fn chain(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}

type Case = (&'static str, &'static str, fn() -> Vec<u8>);

/// What it tries, words of the refusal, and the package.
const REFUSED: &[Case] = &[
    ("up and out", "not absolute and normalised", || Forge::new().paths("/d/../../outside/", "a").bytes()),
    ("relative up", "not absolute and normalised", || Forge::new().paths("../outside/", "a").bytes()),
    ("no directory", "not absolute and normalised", || Forge::new().paths("", "a").bytes()),
    ("relative", "not absolute and normalised", || Forge::new().paths("usr/", "a").bytes()),
    ("two slashes", "not absolute and normalised", || Forge::new().paths("//d/", "a").bytes()),
    ("a dot", "not absolute and normalised", || Forge::new().paths("/d/./", "a").bytes()),
    ("named ..", "not absolute and normalised", || Forge::new().paths("/d/", "..").bytes()),
    ("named .", "not absolute and normalised", || Forge::new().paths("/d/", ".").bytes()),
    ("the root as a file", "not absolute and normalised", || Forge::new().paths("/", "").bytes()),
    ("up within the name", "not absolute and normalised", || Forge::new().paths("/d/", "../../outside/a").bytes()),
    ("a long name", "too long", || Forge::new().paths("/d/", &"x".repeat(256)).bytes()),
    ("a long path", "too long", || Forge::new().paths(&format!("/{}", "d/".repeat(2048)), "a").bytes()),
    ("a character device", "device node", || Forge::new().mode(0o020_666).bytes()),
    ("a block device", "device node", || Forge::new().mode(0o060_660).bytes()),
    ("a pipe", "pipe", || Forge::new().mode(0o010_644).bytes()),
    ("a socket", "socket", || Forge::new().mode(0o140_644).bytes()),
    ("no kind at all", "", || Forge::new().mode(0o000_644).bytes()),
    ("the same file twice", "conflict", || Forge::new().paths("/d/", "b").bytes()),
    ("fewer names than files", "", || Forge::new().set(Tag::RPMTAG_BASENAMES, strings(&["a"])).bytes()),
    ("fewer modes than files", "", || Forge::new().set(Tag::RPMTAG_FILEMODES, IndexData::Int16(vec![0o100_644])).bytes()),
    ("fewer digests than files", "", || Forge::new().set(Tag::RPMTAG_FILEDIGESTS, strings(&["00"])).bytes()),
    ("a directory that is not there", "", || Forge::new().set(Tag::RPMTAG_DIRINDEXES, IndexData::Int32(vec![0, 7])).bytes()),
    ("names that are numbers", "", || Forge::new().set(Tag::RPMTAG_BASENAMES, IndexData::Int32(vec![1, 2])).bytes()),
    ("no name", "", || Forge::new().without(Tag::RPMTAG_NAME).bytes()),
    ("a name that is a path", "cannot be the name", || {
        Forge::new().set(Tag::RPMTAG_NAME, IndexData::StringTag("../../outside/x".into())).bytes()
    }),
    ("a version with a line in it", "cannot be the version", || {
        Forge::new().set(Tag::RPMTAG_VERSION, IndexData::StringTag("1\n2".into())).bytes()
    }),
    ("a source package", "source package", || Forge::new().set(Tag::RPMTAG_SOURCEPACKAGE, IndexData::Int32(vec![1])).bytes()),
    ("more than the disk holds", "room", || {
        Forge::new().without(Tag::RPMTAG_FILESIZES).set(Tag::RPMTAG_LONGFILESIZES, IndexData::Int64(vec![1 << 62, 4])).bytes()
    }),
    ("more than there is", "room", || {
        let sizes = IndexData::Int64(vec![u64::MAX, u64::MAX]);
        Forge::new().without(Tag::RPMTAG_FILESIZES).set(Tag::RPMTAG_LONGFILESIZES, sizes).bytes()
    }),
    ("a smaller size than content", "with a size that differs", || {
        Forge::new().set(Tag::RPMTAG_FILESIZES, IndexData::Int32(vec![3, 4])).bytes()
    }),
    ("a larger size than content", "does not contain", || Forge::new().set(Tag::RPMTAG_FILESIZES, IndexData::Int32(vec![5, 4])).bytes()),
    ("another content", "does not match the signed header", || {
        Forge::new().payload(&[file("./d/a", b"evil"), file("./d/b", b"bbbb"), file("TRAILER!!!", b"")]).bytes()
    }),
    ("a digest that is none", "", || Forge::new().set(Tag::RPMTAG_FILEDIGESTS, strings(&["zz", "zz"])).bytes()),
    ("no digests", "no checksum in the header that can be checked", || {
        Forge::new().set(Tag::RPMTAG_FILEDIGESTS, strings(&["", ""])).bytes()
    }),
    ("MD5", "", || Forge::new().without(Tag::RPMTAG_FILEDIGESTALGO).bytes()),
    ("capabilities that make no sense", "capabilities", || {
        Forge::new().set(Tag::RPMTAG_FILECAPS, strings(&["cap_everything=ep", ""])).bytes()
    }),
    ("nothing in the payload", "", || Forge::new().payload(&[]).bytes()),
    ("no end of the payload", "", || Forge::new().payload(&[file("./d/a", b"aaaa"), file("./d/b", b"bbbb")]).bytes()),
    ("a file is missing", "does not contain `/d/", || Forge::new().payload(&[file("./d/a", b"aaaa"), file("TRAILER!!!", b"")]).bytes()),
    ("an unannounced file", "header does not list", || Forge::new().payload(&[file("./d/c", b"aaaa"), file("TRAILER!!!", b"")]).bytes()),
    ("a payload that goes up", "header does not list", || {
        Forge::new().payload(&[file("./../outside/x", b"aaaa"), file("TRAILER!!!", b"")]).bytes()
    }),
    ("a payload with an absolute path", "header does not list", || {
        Forge::new().payload(&[file("/etc/passwd", b"aaaa"), file("TRAILER!!!", b"")]).bytes()
    }),
    ("a file twice in the payload", "twice", || {
        Forge::new().payload(&[file("./d/a", b"aaaa"), file("./d/a", b"evil"), file("TRAILER!!!", b"")]).bytes()
    }),
    ("a bomb", "with a size that differs", || Forge::new().payload(&[entry("./d/a", 0xffff_ffff, &vec![0; 64 << 20])]).bytes()),
    ("a name without end", "", || Forge::new().payload(&[b"070701".to_vec(), "ffffffff".repeat(13).into_bytes()]).bytes()),
    ("a name of no length", "", || Forge::new().payload(&[b"070701".to_vec(), "00000000".repeat(13).into_bytes()]).bytes()),
    ("numbers that are none", "", || Forge::new().payload(&[b"070701".to_vec(), "0000000g".repeat(13).into_bytes()]).bytes()),
    ("an old archive", "", || Forge::new().payload(&[b"070707".to_vec(), vec![b'0'; 200]]).bytes()),
    ("a file number past the end", "header does not list", || Forge::new().payload(&[b"07070X0000000200".to_vec(), vec![0; 8]]).bytes()),
    ("a file number far past the end", "header does not list", || Forge::new().payload(&[b"07070Xffffffff00".to_vec()]).bytes()),
    ("an unknown compressor", "not supported", || {
        Forge::new().set(Tag::RPMTAG_PAYLOADCOMPRESSOR, IndexData::StringTag("lzip".into())).bytes()
    }),
    ("another compressor", "", || Forge::new().set(Tag::RPMTAG_PAYLOADCOMPRESSOR, IndexData::StringTag("gzip".into())).bytes()),
    ("half a payload", "", || {
        let mut forge = Forge::new();
        let mut payload = zstd::encode_all(&forge.archive[..], 1).unwrap();
        payload.truncate(payload.len() / 2);
        forge = forge.set(Tag::RPMTAG_PAYLOADSHA256, strings(&[&hash(&payload)]));
        forge.package.payload = payload;
        forge.seal()
    }),
    ("no payload digest", "contains no digest of its payload", || {
        let mut forge = Forge::new().without(Tag::RPMTAG_PAYLOADSHA256);
        forge.package.payload = zstd::encode_all(&forge.archive[..], 1).unwrap();
        forge.seal()
    }),
    ("a dependency without end", "dependency is malformed", || Forge::new().requires("(a or b")),
    ("a dependency without bottom", "dependency is malformed", || Forge::new().requires(&"(".repeat(20_000))),
    ("a feature nobody has", "", || Forge::new().set(Tag::RPMTAG_FILELINKTOS, IndexData::Int16(vec![1])).bytes()),
    ("the RPM database", "its databases", || Forge::new().paths("/usr/lib/sysimage/rpm/", "rpmdb.sqlite").named("rpmdb.sqlite")),
    ("the history", "its databases", || Forge::new().paths("/usr/lib/sysimage/tdnf/", "history.sqlite").named("history.sqlite")),
    ("a link with no target", "", || Forge::new().link("")),
    ("a link with a target too long", "", || Forge::new().link(&"x".repeat(5000))),
    ("a file behind its own link", "is below", || {
        common_package(|builder| {
            builder.with_symlink(FileOptions::symlink("/opt/x", "/etc")).unwrap();
            text(builder, "/opt/x/passwd", "root::0:0");
        })
    }),
    ("a circle of links", "cannot change", || common_package(|builder| text(builder, "/circle/a", "evil"))),
    ("a file below a file", "", || Forge::new().set(Tag::RPMTAG_DIRNAMES, strings(&["/d/", "/d/a/"])).indexes()),
    ("a file for a directory of the system", "directory exists there", || common_package(|builder| text(builder, "/usr/lib", "evil"))),
];

impl Forge {
    fn requires(self, name: &str) -> Vec<u8> {
        self.set(Tag::RPMTAG_REQUIRENAME, strings(&[name]))
            .set(Tag::RPMTAG_REQUIREVERSION, strings(&[""]))
            .set(Tag::RPMTAG_REQUIREFLAGS, IndexData::Int32(vec![0]))
            .bytes()
    }

    fn named(self, base: &str) -> Vec<u8> {
        let name = format!("./d/{base}");
        self.payload(&[file(&name, b"aaaa"), file("TRAILER!!!", b"")]).bytes()
    }

    fn link(self, target: &str) -> Vec<u8> {
        self.mode(0o120_777)
            .set(Tag::RPMTAG_FILELINKTOS, strings(&[target, ""]))
            .payload(&[file("./d/a", target.as_bytes()), file("./d/b", b"bbbb"), file("TRAILER!!!", b"")])
            .bytes()
    }

    fn indexes(self) -> Vec<u8> {
        let archive = [file("./d/a", b"aaaa"), file("./d/a/b", b"bbbb"), file("TRAILER!!!", b"")];
        self.set(Tag::RPMTAG_DIRINDEXES, IndexData::Int32(vec![0, 1])).payload(&archive).bytes()
    }
}

fn common_package(fill: impl FnOnce(&mut PackageBuilder)) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    fs::read(testing::packages::write(folder.path(), "evil", fill)).unwrap()
}

/// The packages as they are in the repository, `tests/data/hostile/WHAT.rpm`. `KAON_UPDATE_CASES=1` makes them again.
fn committed(what: &str, make: fn() -> Vec<u8>) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/hostile");
    let path = folder.join(format!("{}.rpm", what.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-")));
    if std::env::var_os("KAON_UPDATE_CASES").is_some() {
        fs::create_dir_all(&folder).unwrap();
        fs::write(&path, make()).unwrap();
    }
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn hostile_packages_change_nothing() {
    let keys = Keyring::from_armoured([KEY]).unwrap();
    let mut inputs = std::collections::BTreeSet::new();
    for (what, words, make) in REFUSED {
        let world = World::new();
        let (before, outside) = (world.seen(), world.outside());
        let bytes = committed(what, *make);
        let error = world.try_install(&bytes, Some(&keys)).expect_err(what);
        inputs.insert(hash(&bytes));
        assert!(error.contains(words), "{what}: {error}");
        assert_eq!(world.seen(), before, "{what}");
        assert_eq!(world.outside(), outside, "{what}");
        let system = System::open(&world.root).unwrap();
        assert!(system.installed().unwrap().is_empty() && !system.is_interrupted().unwrap(), "{what}");
    }
    eprintln!("{} different hostile packages, all refused", inputs.len());
    assert!(inputs.len() >= 60, "{}", inputs.len());
}

/// Well-formed packages that only look for a way out: they are installed, within the root.
#[test]
fn links_that_are_there_lead_nowhere() {
    let keys = Keyring::from_armoured([KEY]).unwrap();
    let world = World::new();
    let outside = world.outside();
    let bytes = common_package(|builder| {
        text(builder, "/out/canary", "evil");
        text(builder, "/relative/canary", "evil");
        builder.with_symlink(FileOptions::symlink("/opt/up", "../../../../../../outside")).unwrap();
        builder.with_dir_entry(FileOptions::dir("/out").permissions(0o700)).unwrap();
    });
    world.try_install(&bytes, Some(&keys)).unwrap();
    assert_eq!(world.outside(), outside);
    let through = world.root.join(world.outside.strip_prefix("/").unwrap());
    assert_eq!(fs::read_to_string(through.join("canary")).unwrap(), "evil");
    assert_eq!(fs::read_to_string(world.root.join("outside/canary")).unwrap(), "evil");
}

#[test]
fn untrusted_packages_change_nothing() {
    let keys = Keyring::from_armoured([KEY]).unwrap();
    let other = Keyring::from_armoured([OTHER_KEY]).unwrap();
    let whole = Forge::new().bytes();
    let unsigned = {
        let mut bytes = Vec::new();
        Forge::new().package.write(&mut bytes).unwrap();
        bytes
    };
    let mut swapped = whole.clone();
    *swapped.last_mut().unwrap() ^= 1;
    let world = World::new();
    let before = world.seen();
    for (bytes, keys) in [(&whole, &other), (&unsigned, &keys), (&swapped, &keys)] {
        world.try_install(bytes, Some(keys)).unwrap_err();
        assert_eq!(world.seen(), before);
    }
    world.try_install(&whole, Some(&keys)).unwrap();
}

/// xorshift64*: the same numbers in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// Damages some bytes: a bit, a byte, a 32-bit number of the kind that overflows, a piece copied elsewhere, or the end cut off.
fn damaged(whole: &[u8], limit: usize, numbers: &mut Numbers) -> Vec<u8> {
    const NASTY: [u32; 8] = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0xffff_fff0, 0x1000_0000, 63];
    let mut bytes = whole.to_vec();
    for _ in 0..=numbers.below(16) {
        let at = numbers.below(limit.min(bytes.len()) - 8);
        match numbers.below(5) {
            0 => bytes[at] ^= 1 << numbers.below(8),
            1 => bytes[at] = numbers.below(256) as u8,
            2 => {
                let aligned = at & !3;
                bytes[aligned..aligned + 4].copy_from_slice(&NASTY[numbers.below(NASTY.len())].to_be_bytes());
            }
            3 => {
                let to = numbers.below(limit.min(bytes.len()) - 8);
                bytes.copy_within(at..at + 8, to);
            }
            _ if numbers.below(4) == 0 => bytes.truncate(at.max(16)),
            _ => bytes[at] = 0,
        }
        if bytes.len() < 16 {
            break;
        }
    }
    bytes
}

#[test]
fn damaged_headers_never_panic() {
    let world = World::new();
    let outside = world.outside();
    let whole = common_package(|builder| {
        builder.requires(rpm::Dependency::any("(a if b else c)")).provides(rpm::Dependency::eq("libx", "1"));
        builder.with_file_contents("aaaa", FileOptions::new("/d/a").config()).unwrap();
        builder.with_symlink(FileOptions::symlink("/d/link", "a")).unwrap();
        builder.with_file_contents("same", FileOptions::new("/d/x").hardlink("h")).unwrap();
        builder.with_file_contents("same", FileOptions::new("/d/y").hardlink("h")).unwrap();
        builder.pre_install_script("true");
    });
    let path = world.folder.path().join("whole.rpm");
    fs::write(&path, &whole).unwrap();
    let payload = RpmFile::open(&path).unwrap().header_size_bytes() as usize;
    fs::remove_file(&path).unwrap();
    let mut numbers = Numbers(0x6b61_6f6e);
    let (mut refused, mut installed) = (0, 0);
    for round in 0..600 {
        let bytes = damaged(&whole, payload, &mut numbers);
        match world.try_install(&bytes, None) {
            Err(_) => refused += 1,
            Ok(()) => {
                installed += 1;
                fs::remove_dir_all(&world.root).unwrap();
                fs::create_dir(&world.root).unwrap();
            }
        }
        assert_eq!(world.outside(), outside, "round {round}");
    }
    assert!(refused > 300 && installed > 30, "{refused} refused, {installed} installed");
}

#[test]
fn damaged_databases_never_panic() {
    let world = World::new();
    let keys = Keyring::from_armoured([KEY]).unwrap();
    world.try_install(&Forge::new().bytes(), Some(&keys)).unwrap();
    let file = Path::new(&rpm_engine::rpmdb::FILE[1..]);
    let connection = rusqlite::Connection::open(world.root.join(file)).unwrap();
    let blob: Vec<u8> = connection.query_row("SELECT blob FROM Packages", [], |row| row.get(0)).unwrap();
    InstalledPackage::parse(1, &blob).unwrap();
    let mut numbers = Numbers(0x7264_6266);
    let mut refused = 0;
    for _ in 0..2000 {
        let bytes = damaged(&blob, blob.len(), &mut numbers);
        if let Ok(package) = InstalledPackage::parse(1, &bytes) {
            assert_eq!(package.present().len(), package.files.len());
        } else {
            refused += 1;
        }
    }
    assert!(refused > 300, "{refused} refused");
}
