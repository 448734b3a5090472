//! Recipes of small specs, and their sources.

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use base::digest::Digest;
use builder::sandbox_job;
use planning::recipe::recipe;
use planning::spec;
use runtime::cancel::Cancel;
use runtime::sandbox::{Launcher, Step, StepsEnded};

use crate::support::scratch::Scratch;
use crate::support::sdk;

/// The SDK layers that a spec is built with.
#[derive(Clone, Copy)]
pub enum Sdk {
    /// The base layer only.
    Base,
    /// The base layer and the Go layer.
    Go,
}

impl Sdk {
    fn trees(self) -> &'static [PathBuf] {
        static BASE: LazyLock<Result<sdk::Layers, String>> = LazyLock::new(|| sdk::layers("base"));
        static GO: LazyLock<Result<sdk::Layers, String>> = LazyLock::new(|| sdk::layers("go"));
        let layers = match self {
            Self::Base => &*BASE,
            Self::Go => &*GO,
        };
        match layers {
            Ok(layers) => &layers.trees,
            Err(why) => panic!("{why}"),
        }
    }
}

/// The result of a recipe.
#[derive(Debug)]
pub struct Ended {
    /// The phase that failed, if one did.
    pub failed: Option<String>,
    /// The output of all phases.
    pub log: String,
}

impl Ended {
    /// Asserts that all phases succeeded.
    pub fn well(&self, what: &str) {
        assert_eq!(self.failed, None, "{what}: {}", self.log);
    }

    /// Asserts that a phase failed with all these texts in its output.
    pub fn failed_in(&self, what: &str, phase: &str, texts: &[&str]) {
        assert_eq!(self.failed.as_deref(), Some(phase), "{what}: {}", self.log);
        for text in texts {
            assert!(self.log.contains(text), "{what}: no `{text}` in {}", self.log);
        }
    }
}

/// Python functions that write sources to `/build/sources` and files of a spec to `/build/files`.
const HELPERS: &str = r#"
import bz2, gzip, io, lzma, os, struct, subprocess, tarfile, zipfile, zlib
os.makedirs("/build/files")
os.makedirs("/build/sources", exist_ok=True)

def own(name, text):
    open("/build/files/" + name, "wb").write(text.encode() if isinstance(text, str) else text)

def source(name, content):
    open("/build/sources/" + name, "wb").write(content)

def tar(members):
    """An archive of files by path: text, None for a directory, a link's target after `->`, or a hard link's after `=>`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, content in members.items():
            member = tarfile.TarInfo(path)
            member.mtime, member.mode = 1000000000, 0o644
            content = content.decode("latin-1") if isinstance(content, bytes) else content
            if content is None:
                member.type, member.mode = tarfile.DIRTYPE, 0o755
            elif content.startswith("->"):
                member.type, member.linkname = tarfile.SYMTYPE, content[2:]
            elif content.startswith("=>"):
                member.type, member.linkname = tarfile.LNKTYPE, content[2:]
            else:
                member.size = len(content)
            archive.addfile(member, io.BytesIO((content or "").encode("latin-1")))
    return buffer.getvalue()

def deb(files, name="data.tar.xz", pack=lzma.compress):
    """A Debian binary package of these files."""
    content = b"!<arch>\n"
    for member, data in [("debian-binary", b"2.0\n"), ("control.tar.xz", lzma.compress(tar({}))), (name, pack(tar(files)))]:
        content += f"{member:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)
    return content
"#;

/// A comment with this prefix in the tables of a spec sets `license-files` of its `[package]`.
pub const LICENSE_FILES: &str = "#license-files=";

/// Runs the recipe of a spec after `sources`, a Python program that may use [`HELPERS`]. `tables` follow `[package]` in the spec.
pub fn run(sources: &str, tables: &str) -> Ended {
    run_on(Sdk::Base, sources, tables, "true")
}

/// The same, with a bash script after the last phase, as the phase `check`.
pub fn run_then(sources: &str, tables: &str, check: &str) -> Ended {
    run_on(Sdk::Base, sources, tables, check)
}

/// The same, with another part of the SDK.
pub fn run_on(sdk: Sdk, sources: &str, tables: &str, check: &str) -> Ended {
    let named = tables.lines().find_map(|line| line.strip_prefix(LICENSE_FILES)).map(|globs| format!("license-files = [{globs}]\n"));
    let named = named.unwrap_or_default();
    let head = format!("[package]\nversion = \"1.0\"\nrelease = 1\nsummary = \"A test\"\nlicense = \"MIT\"\n{named}\n");
    let spec = spec::parse(&"test".parse().unwrap(), "specs/test/package.toml", &format!("{head}{tables}"));
    let spec = spec.unwrap_or_else(|problems| panic!("{tables}: {problems:?}"));
    let folder = Scratch::new();
    for part in ["upper", "work", "build/out"] {
        fs::create_dir_all(folder.path().join(part)).unwrap();
    }
    let mut job = sandbox_job(&spec, &recipe(&spec), sdk.trees(), &Default::default(), folder.path(), 1);
    let program = format!("{HELPERS}\n{sources}");
    let step = |phase: &str, argv: &[&str]| Step {
        phase: phase.into(),
        argv: argv.iter().map(|&word| word.to_owned()).collect(),
        cwd: "/build".into(),
    };
    job.steps.insert(0, step("sources", &["/usr/bin/python3", "-c", &program]));
    job.steps.push(step("check", &["/bin/bash", "-euo", "pipefail", "-c", check]));
    let log = folder.path().join("log");
    let launcher = Launcher::new(env!("CARGO_BIN_EXE_xtask"));
    let outcome = launcher.run(&job, None, &log, &Cancel::new(), &|_| ()).unwrap();
    let failed = match outcome.status {
        StepsEnded::Done => None,
        StepsEnded::Failed { phase, .. } => Some(phase),
    };
    Ended { failed, log: String::from_utf8_lossy(&fs::read(log).unwrap()).into_owned() }
}

/// A source of a spec, with further keys.
pub fn source(file: &str, keys: &str) -> String {
    format!("[[source]]\nurl = \"https://example.org/{file}\"\nsha256 = \"{}\"\n{keys}\n\n", Digest::of_bytes(file))
}

/// A build that runs this script.
pub fn script(run: &str) -> String {
    format!("[build.script]\nrun = '''\n{run}\n'''\n")
}
