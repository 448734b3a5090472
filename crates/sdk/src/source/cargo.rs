//! Crates from the host's cargo. It fetched those of this program, so the user's mirrors, proxies and credentials are configured for it.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use base::digest::Digest;
use runtime::tool::Tool;

/// The host's cargo and its store of crates.
pub struct Cargo {
    project: PathBuf,
    home: Option<PathBuf>,
    fetched: OnceLock<Result<(), String>>,
}

impl Cargo {
    /// Cargo for the workspace at `project`.
    pub fn new(project: &Path) -> Self {
        let given = env::var_os("CARGO_HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
        let home = given.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
        Self { project: project.to_owned(), home, fetched: OnceLock::new() }
    }

    /// The path of the crate `file` (`NAME-VERSION.crate`) with this digest in cargo's cache, if it is there.
    pub fn find(&self, file: &str, sha256: &Digest) -> Option<PathBuf> {
        // One folder per registry or mirror; the checksum decides which file is right.
        let registries = fs::read_dir(self.home.as_ref()?.join("registry/cache")).ok()?;
        let mut paths = registries.flatten().map(|registry| registry.path().join(file));
        paths.find(|path| Digest::of_file(path).is_ok_and(|found| found == *sha256))
    }

    /// Runs cargo to fetch every crate of its lock, once.
    ///
    /// # Errors
    /// Cargo's message.
    pub fn fetch(&self) -> Result<(), String> {
        self.fetched.get_or_init(|| self.run()).clone()
    }

    fn run(&self) -> Result<(), String> {
        let program = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let mut tool = Tool::new(program).args(["fetch", "--locked", "--quiet", "--manifest-path"]).arg(self.project.join("Cargo.toml"));
        let all =
            env::vars_os().filter(|(name, _)| name.to_str().is_some_and(|name| name.starts_with("CARGO_") || name.starts_with("RUSTUP_")));
        for (name, value) in all {
            tool = tool.env(name, value);
        }
        tool.output().map(drop).map_err(|error| error.to_string())
    }
}
