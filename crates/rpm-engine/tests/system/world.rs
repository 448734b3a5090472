//! A root and a folder of packages, made for one test.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::Mutex;

use rpm::{FileOptions, PackageBuilder};
use rpm_engine::history::Reason;
use rpm_engine::rpmfile::Verified;
use rpm_engine::system::{LockedSystem, System};
use rpm_engine::transaction::{Applied, ApplyError, Event, Observer, Settings, Step};

use testing::packages::{TIME, verified};

/// A root of its own, and a folder for packages.
pub struct World {
    pub folder: tempfile::TempDir,
    pub root: tempfile::TempDir,
}

impl World {
    pub fn new() -> Self {
        // Every transaction waits for the disk, so a file system in memory is much the faster one where there is one.
        let memory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        Self { folder: tempfile::tempdir().unwrap(), root: memory.unwrap() }
    }

    pub fn system(&self) -> System {
        System::open(self.root.path()).unwrap()
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path.trim_start_matches('/'))
    }

    pub fn text(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub fn apply(&self, steps: &[Step]) -> Result<Applied, ApplyError> {
        self.lock().apply(steps, &settings())
    }

    /// The lock. A process that another test is just starting may hold a copy of the one let go, until it runs its program.
    pub fn lock(&self) -> LockedSystem {
        let system = self.system();
        (0..500)
            .find_map(|_| {
                let locked = system.lock().ok();
                if locked.is_none() {
                    std::thread::sleep(std::time::Duration::from_millis(10));
                }
                locked
            })
            .expect("the lock is held")
    }

    pub fn build(&self, name: &str, version: &str, fill: impl FnOnce(&mut PackageBuilder)) -> Verified {
        verified(self.folder.path(), name, version, fill)
    }

    pub fn install(&self, name: &str, version: &str, fill: impl FnOnce(&mut PackageBuilder)) -> Result<Applied, ApplyError> {
        self.apply(&[install(self.build(name, version, fill))])
    }

    pub fn upgrade(&self, name: &str, version: &str, fill: impl FnOnce(&mut PackageBuilder)) -> Result<Applied, ApplyError> {
        let from = vec![self.number(name)];
        self.apply(&[Step::Upgrade { package: self.build(name, version, fill), from, obsoleted: Vec::new() }])
    }

    pub fn erase(&self, name: &str) -> Result<Applied, ApplyError> {
        self.apply(&[Step::Erase { number: self.number(name) }])
    }

    pub fn number(&self, name: &str) -> u32 {
        self.system().installed().unwrap().iter().find(|one| one.package.package.nevra.name == name).unwrap().package.number
    }

    pub fn installed(&self) -> Vec<String> {
        let mut names: Vec<String> = self.system().installed().unwrap().iter().map(|one| one.package.package.nevra.to_string()).collect();
        names.sort();
        names
    }

    /// Everything in the root but the databases: path to kind, permissions and content.
    pub fn tree(&self) -> BTreeMap<String, String> {
        let mut tree = BTreeMap::new();
        let mut left = vec![self.root.path().to_owned()];
        while let Some(directory) = left.pop() {
            for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
                let path = entry.path();
                let name = path.strip_prefix(self.root.path()).unwrap().to_str().unwrap().to_owned();
                let metadata = fs::symlink_metadata(&path).unwrap();
                if name.starts_with("usr/lib/sysimage") {
                    assert!(!name.contains(".tdnf-"), "{name} was left");
                    continue;
                }
                let content = if metadata.is_dir() {
                    left.push(path);
                    "directory".to_owned()
                } else if metadata.is_symlink() {
                    fs::read_link(&path).unwrap().to_str().unwrap().to_owned()
                } else {
                    String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned()
                };
                tree.insert(name, format!("{:o} {}:{} {content}", metadata.mode(), metadata.uid(), metadata.gid()));
            }
        }
        tree
    }
}

pub fn settings() -> Settings<'static> {
    Settings::new(TIME, "a test")
}

pub fn install(package: Verified) -> Step {
    Step::Install { package, obsoleted: Vec::new(), reason: Reason::User }
}

pub fn config(builder: &mut PackageBuilder, content: &str, noreplace: bool) {
    let options = FileOptions::new("/etc/x.conf").permissions(0o640);
    let options = if noreplace { options.config().noreplace() } else { options.config() };
    builder.with_file_contents(content, options).unwrap();
}

/// Records the reports it receives.
#[derive(Default)]
pub struct Recorded(pub Mutex<Vec<String>>);

impl Observer for Recorded {
    fn report(&self, event: Event<'_>) {
        if !matches!(event, Event::Unpacked { .. }) {
            self.0.lock().unwrap().push(format!("{event:?}"));
        }
    }
}
