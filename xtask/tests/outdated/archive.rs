//! A Debian archive and its archive of security updates in folders, signed by a key made for them, and a project that uses them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use base::digest::Digest;
use flate2::Compression;
use flate2::write::GzEncoder;
use signing::Keys;
use tempfile::TempDir;

use crate::support::namespace::{Change, enter};

/// Making a key takes a while.
static KEYS: LazyLock<(TempDir, Keys)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let keys = Keys::open_or_create(folder.path()).unwrap();
    (folder, keys)
});

/// A project whose machine has the archive `debian` and, unless it is removed, `security`.
pub struct Project {
    folder: TempDir,
    indexes: BTreeMap<(&'static str, &'static str), [String; 2]>,
}

/// Whether the mirror has a listed file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum File {
    There,
    OnlyListed,
}

impl Project {
    /// A project without specs, and archives without suites.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for name in ["specs", "debian", "security", "etc/apt"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        for file in ["sdk.toml", "sdk.lock"] {
            fs::copy(top.join("specs").join(file), folder.path().join("specs").join(file)).unwrap();
        }
        fs::write(folder.path().join("specs/sdk-keyring.asc"), KEYS.1.public()).unwrap();
        let project = Self { folder, indexes: BTreeMap::new() };
        project.has_mirrors(&["debian", "security"]);
        project
    }

    /// Writes apt's configuration with these of the two archives.
    pub fn has_mirrors(&self, names: &[&str]) {
        let line = |name: &&str| {
            let suite = if *name == "security" { "trixie-security" } else { "trixie" };
            format!("deb file:{}/{name} {suite} main\n", self.folder.path().display())
        };
        fs::write(self.path("etc/apt/sources.list"), names.iter().map(line).collect::<String>()).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Adds a source package to a suite, with files named by what follows its name.
    pub fn source(&mut self, (archive, suite): (&'static str, &'static str), package: &str, version: &str, files: &[(&str, File)]) {
        let mut stanza = format!("Package: {package}\nBinary: {package}\nVersion: {version}\nChecksums-Sha256:\n");
        for (tail, file) in files {
            let name = format!("{package}_{tail}");
            let _ = writeln!(stanza, " {} {} {name}", digest(&name), name.len());
            self.put(archive, package, &name, *file);
        }
        self.index(archive, suite, 0).push_str(&(stanza + "\n"));
    }

    /// Adds a binary package for all architectures to a suite.
    pub fn binary(&mut self, (archive, suite): (&'static str, &'static str), source: &str, package: &str, version: &str) {
        let name = format!("{package}_{version}_all.deb");
        let stanza = format!(
            "Package: {package}\nSource: {source}\nVersion: 1:{version}\nArchitecture: all\nFilename: {}/{name}\nSHA256: {}\n\n",
            pool(archive, source),
            digest(&name)
        );
        self.index(archive, suite, 1).push_str(&stanza);
        self.put(archive, source, &name, File::There);
    }

    fn index(&mut self, archive: &'static str, suite: &'static str, at: usize) -> &mut String {
        &mut self.indexes.entry((archive, suite)).or_default()[at]
    }

    fn put(&self, archive: &str, source: &str, name: &str, file: File) {
        let folder = self.path(archive).join(pool(archive, source));
        fs::create_dir_all(&folder).unwrap();
        if file == File::There {
            fs::write(folder.join(name), name).unwrap();
        }
    }

    /// Writes and signs the indexes of all suites.
    pub fn publish(&self) {
        for ((archive, suite), [sources, packages]) in &self.indexes {
            let folder = self.path(archive).join("dists").join(suite);
            let mut release = format!("Suite: {suite}\nCodename: {suite}\nDate: Thu, 01 Jan 2026 00:00:00 UTC\nSHA256:\n");
            for (path, text) in [("main/source/Sources.gz", sources), ("main/binary-amd64/Packages.gz", packages)] {
                let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
                gzip.write_all(text.as_bytes()).unwrap();
                let packed = gzip.finish().unwrap();
                fs::create_dir_all(folder.join(path).parent().unwrap()).unwrap();
                fs::write(folder.join(path), &packed).unwrap();
                let _ = writeln!(release, " {} {} {path}", Digest::of_bytes(&packed), packed.len());
            }
            fs::write(folder.join("Release.gpg"), KEYS.1.detached(release.as_bytes()).unwrap()).unwrap();
            fs::write(folder.join("Release"), release).unwrap();
        }
    }

    /// Writes a spec at version 1.0 and release 4 with these sources.
    pub fn spec(&self, name: &str, sources: &str) {
        let text = format!("[package]\nversion = \"1.0\"\nrelease = 4\nsummary = \"Demo\"\nlicense = \"MIT\"\n\n{sources}\n[build.make]\n");
        fs::create_dir_all(self.path(&format!("specs/{name}"))).unwrap();
        self.spec_text(name, &text);
    }

    /// Replaces the text of a spec.
    pub fn spec_text(&self, name: &str, text: &str) {
        fs::write(self.path(&format!("specs/{name}/package.toml")), text).unwrap();
    }

    pub fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(&format!("specs/{name}/package.toml"))).unwrap()
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(words).current_dir(self.folder.path()).env_clear();
        command.env("HOME", self.path("home")).env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
        enter(&mut command, vec![Change::Bind(c"etc", c"/etc")]);
        command.output().unwrap()
    }

    /// The exit code, the results, and the messages without progress.
    pub fn said(&self, words: &[&str]) -> (i32, String, String) {
        let output = self.run(words);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap().replace(&self.folder.path().display().to_string(), "[TOP]");
        let is_progress = |line: &&str| ["index ", "availability ", "source "].iter().any(|unit| line.starts_with(unit));
        let messages = text(&output.stderr).lines().filter(|line| !is_progress(line)).map(|line| format!("{line}\n")).collect();
        (output.status.code().unwrap(), text(&output.stdout), messages)
    }
}

/// The digest of a file of the archives, which has its name as content.
pub fn digest(name: &str) -> String {
    Digest::of_bytes(name).hex()
}

fn pool(archive: &str, source: &str) -> String {
    let top = if archive == "security" { "pool/updates/main" } else { "pool/main" };
    format!("{top}/{}/{source}", &source[..1])
}
