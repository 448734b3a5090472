use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::*;
use crate::offer::{Offer, Refused};
use crate::place::Folder;
use crate::settings::TrustedBuilder;
use planning::action::{BuiltPackage, By};
use planning::spec::Spec;

fn spec() -> Spec {
    let text = "[package]\nversion = \"1\"\nrelease = 1\nsummary = \"x\"\nlicense = \"MIT\"\n[build.none]\n";
    planning::spec::parse(&"demo".parse().unwrap(), "x", text).unwrap()
}

fn key() -> StatementKey {
    StatementKey::open_or_create(tempfile::tempdir().unwrap().path()).unwrap()
}

fn result(store: &Store, content: &str) -> BuildResult {
    let package = BuiltPackage {
        name: spec().name,
        file_name: format!("demo-1-{}.x86_64.rpm", spec().rpm_release()),
        object: store.put_bytes(content.as_bytes()).unwrap(),
        provides: vec![],
        requires: vec![],
        files: 1,
        installed_bytes: 1,
    };
    let key = Digest::of_bytes("key");
    let (fields, packages) = (BTreeMap::new(), vec![package]);
    BuildResult { spec: spec().name, key, fields, packages, elapsed_ms: 5, cpu_ms: 6, peak_memory_bytes: 7, by: By::Here, shared: None }
}

fn publish(folder: &Path, store: &Store, key: &StatementKey, content: &str) -> Result<Exported, ExportError> {
    let name = &key.id()[..8];
    let publisher = Publisher { name: BuilderName::Chosen(name), key, modules: None };
    export(&Folder::new(folder), &[&result(store, content)], &BTreeSet::new(), store, &publisher, &Cancel::new())
}

fn read(folder: &Path, agree: usize, trusted: &[(&str, &StatementKey)]) -> Result<Offer, Refused> {
    let trusted: BTreeMap<String, TrustedBuilder> =
        trusted.iter().map(|(name, key)| ((*name).to_owned(), TrustedBuilder { key: key.public().clone(), modules: None })).collect();
    let entry = fs::read(folder.join("ac").join(Digest::of_bytes("key").hex())).unwrap();
    Offer::read(&entry, ("x", agree), &spec(), &Digest::of_bytes("key"), &trusted)
}

#[test]
fn builders_that_agree_add_their_signatures() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    let (cache, first, second, stranger) = (folder.path().join("cache"), key(), key(), key());
    let exported = |results, present, files, bytes| {
        let builder = first.id()[..8].to_owned();
        Exported { results, present, files, bytes, builder, renamed: None }
    };
    assert_eq!(publish(&cache, &store, &first, "same").unwrap(), exported(1, 0, 1, 4));
    assert_eq!(publish(&cache, &store, &first, "same").unwrap(), exported(0, 1, 0, 0));
    assert_eq!(read(&cache, 1, &[("a", &first)]).unwrap().builders, ["a"]);
    assert!(matches!(read(&cache, 2, &[("a", &first), ("b", &second)]), Err(Refused::TooFew { wanted: 2, .. })));
    assert!(matches!(read(&cache, 2, &[("a", &first), ("also-a", &first)]), Err(Refused::TooFew { builders, .. }) if builders == ["a"]));
    assert!(matches!(read(&cache, 1, &[("c", &stranger)]), Err(Refused::Strangers { .. })));
    publish(&cache, &store, &second, "same").unwrap();
    assert_eq!(read(&cache, 2, &[("a", &first), ("b", &second)]).unwrap().builders, ["a", "b"]);
    assert!(matches!(publish(&cache, &store, &stranger, "other"), Err(ExportError::Disagreement { .. })));
    let mode = fs::metadata(cache.join("ac").join(Digest::of_bytes("key").hex())).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
}

#[test]
fn an_entry_of_another_build_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    let (cache, key) = (folder.path().join("cache"), key());
    let publisher = Publisher { name: BuilderName::Chosen("me"), key: &key, modules: None };
    let other = BuildResult { key: Digest::of_bytes("other"), ..result(&store, "other") };
    export(&Folder::new(&cache), &[&other], &BTreeSet::new(), &store, &publisher, &Cancel::new()).unwrap();
    let entry = |key: &str| cache.join("ac").join(Digest::of_bytes(key).hex());
    fs::copy(entry("other"), entry("key")).unwrap();
    assert!(matches!(read(&cache, 1, &[("me", &key)]), Err(Refused::Unfit(_))));
    assert_eq!(publish(&cache, &store, &key, "same").unwrap().results, 1);
    assert_eq!(read(&cache, 1, &[("me", &key)]).unwrap().builders, ["me"]);
}

/// Builders that export the same results at once, each with a key and a name of its own.
fn export_at_once(place: &(dyn Fn() -> Box<dyn Place> + Sync), builders: usize) -> Vec<StatementKey> {
    const RESULTS: usize = 8;
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    let one = |number: usize| BuildResult { key: Digest::of_bytes(format!("{number}")), ..result(&store, "same") };
    let results: Vec<BuildResult> = (0..RESULTS).map(one).collect();
    let results: Vec<&BuildResult> = results.iter().collect();
    let keys: Vec<StatementKey> = (0..builders).map(|_| key()).collect();
    std::thread::scope(|scope| {
        for key in &keys {
            let (results, store) = (&results, &store);
            scope.spawn(move || {
                let publisher = Publisher { name: BuilderName::Chosen(&key.id()[..8]), key, modules: None };
                let exported = export(&*place(), results, &BTreeSet::new(), store, &publisher, &Cancel::new()).unwrap();
                assert_eq!(exported.results, RESULTS);
            });
        }
    });
    keys
}

/// Each of the builders signed each result, and is in the list.
fn check_signatures(folder: &Path, keys: &[StatementKey]) {
    for entry in fs::read_dir(folder.join("ac")).unwrap() {
        let files = entry::decode(&fs::read(entry.unwrap().path()).unwrap()).unwrap();
        let envelope = Envelope::parse(files[0].contents.as_ref().unwrap()).unwrap();
        for key in keys {
            assert!(envelope.signed_by(key.public()).is_some());
        }
        assert_eq!(envelope.key_names().count(), keys.len());
    }
    let listed = crate::settings::Settings::parse("x", &fs::read_to_string(folder.join(BUILDER_FILE)).unwrap()).unwrap().builders;
    assert_eq!(listed.len(), keys.len());
}

#[test]
fn no_signature_is_lost_when_several_builders_export_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let keys = export_at_once(&|| Box::new(Folder::new(folder.path())), 4);
    check_signatures(folder.path(), &keys);
}

#[test]
fn no_signature_is_lost_when_several_builders_push_to_our_server_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let accepts: fn(&str) -> Option<file_server::Accepted> = |name| match name.split_once('/') {
        Some(("cas", digest)) => digest.parse().ok().map(file_server::Accepted::With),
        _ => Some(file_server::Accepted::UpTo(1 << 20)),
    };
    let uploads = file_server::Uploads { accepts, authorizations: crate::place::authorizations("t") };
    let listen = "127.0.0.1:0".parse().unwrap();
    let serving = file_server::Server::open(folder.path(), listen).unwrap().with_uploads(uploads);
    let address = format!("http://kaon:t@{}", serving.address().unwrap());
    let cancel = Cancel::new();
    let keys = std::thread::scope(|scope| {
        scope.spawn(|| serving.run(&cancel, &|_, _| {}));
        let place = || Box::new(crate::place::Server::new(&address.parse().unwrap(), &Cancel::new()).unwrap()) as Box<dyn Place>;
        let keys = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| export_at_once(&place, 3)));
        cancel.raise();
        keys
    });
    check_signatures(folder.path(), &keys.unwrap());
}

#[test]
fn a_damaged_package_is_not_published() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    let result = result(&store, "content");
    let path = store.object(&result.packages[0].object).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    fs::write(&path, "c0ntent").unwrap();
    let (key, cache) = (key(), folder.path().join("cache"));
    let publisher = Publisher { name: BuilderName::Chosen("me"), key: &key, modules: None };
    assert!(matches!(
        export(&Folder::new(&cache), &[&result], &BTreeSet::new(), &store, &publisher, &Cancel::new()),
        Err(ExportError::Store(_))
    ));
    assert!(!cache.join("ac").exists());
}
