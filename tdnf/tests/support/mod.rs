//! A system in a directory, and repositories beside it, for the tests of the program.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use testing::packages::repository::{World, build, write_metadata};
use testing::packages::{KEY, OTHER_KEY};

/// A system without packages, in `root`, and repositories in folders next to it.
pub struct Machine {
    pub folder: tempfile::TempDir,
}

impl Machine {
    /// With the repository `good`, which has the packages of a table, and advisories unless they are empty.
    pub fn new(world: &str, advisories: &str) -> Self {
        let machine = Self { folder: tempfile::tempdir().unwrap() };
        machine.offer("good", world, advisories, 100);
        machine.configure(&machine.at("good"), "");
        machine
    }

    pub fn place(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The lines that configure the repository in a folder.
    pub fn at(&self, name: &str) -> String {
        format!("baseurl=file://{}\ngpgkey=file:///etc/pki/key.asc\n", self.place(name))
    }

    /// Makes a repository.
    pub fn offer(&self, name: &str, world: &str, advisories: &str, revision: u64) {
        let (world, folder): (World, _) = (toml::from_str(world).unwrap(), self.path(name));
        write_metadata(&folder, &build(&folder, &world), advisories, revision);
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Configures the repository `base`, and what else there is.
    pub fn configure(&self, lines: &str, more: &str) {
        self.write("root/etc/tdnf/tdnf.conf", "[main]\n");
        self.write("root/etc/yum.repos.d/base.repo", &format!("[base]\nenabled=1\n{lines}\n{more}"));
        self.write("root/etc/pki/key.asc", KEY);
        self.write("root/etc/pki/other.asc", OTHER_KEY);
    }

    /// tdnf, for the system.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tdnf"));
        command.arg(format!("--installroot={}", self.place("root"))).env_clear();
        command
    }

    /// Runs tdnf; what it says, and whether it succeeded.
    pub fn run(&self, arguments: &[&str]) -> (bool, String) {
        let output = self.command().arg("-y").args(arguments).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    }

    pub fn accepts(&self, arguments: &[&str]) -> String {
        let (succeeded, said) = self.run(arguments);
        assert!(succeeded, "{arguments:?}:\n{said}");
        said
    }

    /// What it says when it refuses, with a reason in it.
    pub fn refuses(&self, arguments: &[&str], reason: &str) -> String {
        let (succeeded, said) = self.run(arguments);
        assert!(!succeeded && said.contains(reason), "{arguments:?} should be refused for `{reason}`:\n{said}");
        said
    }

    /// What is installed.
    pub fn installed(&self) -> Vec<String> {
        self.accepts(&["-q", "repoquery", "--installed"]).lines().map(|line| line.replace("-1.noarch", "")).collect()
    }
}
