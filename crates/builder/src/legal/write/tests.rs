//! What is written, and what is not when something is wrong.

use std::os::unix::fs::PermissionsExt as _;

use rpm::{BuildConfig, FileOptions, PackageBuilder};
use tempfile::TempDir;

use super::super::DIRECTORY;
use super::*;

struct World {
    folder: TempDir,
    store: Store,
    cancel: Cancel,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        fs::create_dir_all(folder.path().join("specs/a")).unwrap();
        fs::write(folder.path().join("specs/a/run.sh"), "run").unwrap();
        Self { folder, store, cancel: Cancel::new() }
    }

    /// A package with two licence texts, one of which has a second name.
    fn package(&self) -> Digest {
        let mut builder = PackageBuilder::new("a", "1", "MIT", "noarch", "a package for tests");
        builder.using_config(BuildConfig::v4().source_date(1)).release("1");
        for (path, text) in [("a", "program"), ("licenses/a/COPYING", "copying"), ("licenses/a/MIT", "mit")] {
            builder.with_file_contents(text, FileOptions::new(format!("/usr/share/{path}"))).unwrap();
        }
        let mut bytes = Vec::new();
        builder.build().unwrap().write(&mut bytes).unwrap();
        self.store.put_bytes(&bytes).unwrap()
    }

    fn entries(&self) -> BTreeMap<String, Entry> {
        let object = self.package();
        let text = |path: &str| Entry::Text { package: "a".parse().unwrap(), object, path: format!("/usr/share/licenses/{path}") };
        let script = LocalFile { digest: Digest::of_bytes("run"), executable: true };
        BTreeMap::from([
            (DIRECTORY.mark.to_owned(), Entry::Bytes(Vec::new())),
            ("README".into(), Entry::Bytes(b"read me".to_vec())),
            ("licenses/a/a/COPYING".into(), text("a/COPYING")),
            ("licenses/a/a/deep/MIT".into(), text("a/MIT")),
            ("licenses/a/a/MIT".into(), text("a/MIT")),
            ("sources/a/a-1.tar.gz".into(), Entry::Object(self.store.put_bytes(b"source").unwrap())),
            ("specs/a/run.sh".into(), Entry::Project { path: "specs/a/run.sh".into(), expected: Some(script) }),
        ])
    }

    fn write(&self, entries: &BTreeMap<String, Entry>) -> Result<u64, LegalError> {
        let writer = Writer { store: &self.store, project: self.folder.path(), cancel: &self.cancel };
        DIRECTORY.replace(&self.folder.path().join("out/legal"), |folder| writer.write(entries, folder))
    }

    fn read(&self, path: &str) -> (String, u32) {
        let path = self.folder.path().join("out/legal").join(path);
        (fs::read_to_string(&path).unwrap(), fs::metadata(path).unwrap().permissions().mode() & 0o777)
    }

    /// What is in the directory that the results are in.
    fn results(&self) -> Vec<String> {
        let names = fs::read_dir(self.folder.path().join("out")).unwrap();
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

#[test]
fn everything_is_where_it_was_planned() {
    let world = World::new();
    let size_bytes = world.write(&world.entries()).unwrap();
    assert_eq!(size_bytes, "read mecopyingmitmitsourcerun".len() as u64);
    for (path, text, mode) in [
        ("README", "read me", 0o644),
        ("licenses/a/a/COPYING", "copying", 0o644),
        ("licenses/a/a/MIT", "mit", 0o644),
        ("licenses/a/a/deep/MIT", "mit", 0o644),
        ("specs/a/run.sh", "run", 0o755),
    ] {
        assert_eq!(world.read(path), (text.to_owned(), mode), "{path}");
    }
    assert_eq!(world.read("sources/a/a-1.tar.gz").0, "source");
    let mode = |path: &str| fs::metadata(world.folder.path().join("out/legal").join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(["", "licenses", "licenses/a/a/deep", "sources/a"].map(mode), [0o755; 4]);
}

#[test]
fn errors_leave_the_earlier_directory_unchanged() {
    let world = World::new();
    world.write(&world.entries()).unwrap();
    let absent = Digest::of_bytes("absent");
    let text = |path: &str, object| Entry::Text { package: "a".parse().unwrap(), object, path: path.to_owned() };
    let changed = LocalFile { digest: absent, executable: false };
    for (entry, message) in [
        (Entry::Object(absent), format!("stored object {absent} is missing")),
        (text("/usr/share/licenses/a/COPYING", absent), format!("stored object {absent} is missing")),
        (text("/usr/share/licenses/a/nosuch", world.package()), "cannot read the licence texts in package `a`".to_owned()),
        (Entry::Project { path: "specs/a/run.sh".into(), expected: Some(changed) }, "`specs/a/run.sh` was changed meanwhile".to_owned()),
    ] {
        let entries = BTreeMap::from([("README".to_owned(), Entry::Bytes(b"other".to_vec())), ("z".to_owned(), entry)]);
        assert_eq!(world.write(&entries).unwrap_err().to_string(), message);
        assert_eq!((world.read("README").0.as_str(), world.results()), ("read me", vec!["legal".to_owned()]));
    }
    world.cancel.raise();
    assert!(matches!(world.write(&world.entries()), Err(LegalError::Interrupted)));
    assert_eq!(world.results(), ["legal"]);
}
