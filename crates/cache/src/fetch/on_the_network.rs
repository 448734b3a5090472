//! Tests: caches on servers that are not as they should be.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

use planning::action::{BuildResult, BuiltPackage, By};
use planning::spec::Spec;
use runtime::progress::Event;
use signing::StatementKey;

use super::*;
use crate::export::{Publisher, export};
use crate::place::Folder;

/// A published result, and whoever wants it.
struct Published {
    folder: tempfile::TempDir,
    key: StatementKey,
}

/// Keeps warnings.
#[derive(Default)]
struct Warnings(Mutex<Vec<String>>);

impl Reporter for Warnings {
    fn event(&self, event: Event) {
        if let Event::Warning { message } = event {
            self.0.lock().unwrap().push(message);
        }
    }
}

const PACKAGE: &[u8] = b"\xed\xab\xee\xdb, the package";

fn specs() -> Vec<(Spec, Digest)> {
    let spec = |name: &str| {
        let text = "[package]\nversion = \"1\"\nrelease = 1\nsummary = \"x\"\nlicense = \"MIT\"\n[build.none]\n";
        planning::spec::parse(&name.parse().unwrap(), "x", text).unwrap()
    };
    ["one", "two", "three"].map(|name| (spec(name), Digest::of_bytes(name))).into()
}

impl Published {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = StatementKey::open_or_create(&folder.path().join("keys")).unwrap();
        let store = Store::open(&folder.path().join("first")).unwrap();
        let result = |(spec, key): (Spec, Digest)| BuildResult {
            key,
            fields: BTreeMap::new(),
            packages: vec![BuiltPackage {
                file_name: format!("{}-1-{}.x86_64.rpm", spec.name, spec.rpm_release()),
                object: store.put_bytes(&[PACKAGE, spec.name.as_str().as_bytes()].concat()).unwrap(),
                name: spec.name.clone(),
                provides: vec![],
                requires: vec![],
                files: 1,
                installed_bytes: 1,
            }],
            spec: spec.name,
            elapsed_ms: 5,
            cpu_ms: 6,
            peak_memory_bytes: 7,
            by: By::Here,
            shared: None,
        };
        let results: Vec<BuildResult> = specs().into_iter().map(result).collect();
        let publisher = Publisher { name: crate::BuilderName::Chosen("first"), key: &key, modules: None };
        let results: Vec<&BuildResult> = results.iter().collect();
        export(&Folder::new(folder.path().join("cache")), &results, &BTreeSet::new(), &store, &publisher, &Cancel::new()).unwrap();
        Self { folder, key }
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    /// The number of results that were taken from the cache at `address`, and the warnings.
    fn take(&self, address: &str, used: CacheUse) -> (usize, Vec<String>) {
        let named = NamedCache { address: address.parse().unwrap(), is_used: true, is_pushed: false, agree: 1 };
        let trusted = TrustedBuilder { key: self.key.public().clone(), modules: None };
        let settings = Settings { builders: BTreeMap::from([("first".to_owned(), trusted)]), ..Settings::default() };
        let caches = Caches::new(vec![("public".to_owned(), named)], &settings, used);
        let second = tempfile::tempdir_in(self.folder.path()).unwrap();
        let (store, warnings, cancel) = (Store::open(second.path()).unwrap(), Warnings::default(), Cancel::new());
        let access = Access { store: &store, client: Client::Builtin, reporter: &warnings, cancel: &cancel };
        let specs = specs();
        let wanted: Vec<(&Spec, Digest)> = specs.iter().map(|(spec, key)| (spec, *key)).collect();
        // As planning does, which finds keys one after the other.
        let offers: Vec<Offer> = wanted.iter().flat_map(|one| caches.offers(&[*one], &access).unwrap()).flatten().collect();
        let taken = caches.fetch(&offers, &access).unwrap().len();
        (taken, warnings.0.into_inner().unwrap())
    }
}

/// Serves a folder: `change` gets the path, the number of the request and the answer that it may replace. Returns the address and the paths.
fn serve(folder: &Path, change: impl Fn(&str, usize, Vec<u8>) -> Vec<u8> + Send + 'static) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (folder, asked) = (folder.to_owned(), Arc::<Mutex<Vec<String>>>::default());
    let seen = Arc::clone(&asked);
    thread::spawn(move || {
        let mut silent = Vec::new();
        for stream in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let Some(first) = lines.next() else { continue };
            lines.by_ref().find(String::is_empty);
            let path = first.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
            let found = fs::read(folder.join(&path)).map_or_else(|_| answer("404 Not Found", "", b""), |body| answer("200 OK", "", &body));
            let number = seen.lock().unwrap().len();
            seen.lock().unwrap().push(path.clone());
            match change(&path, number, found) {
                nothing if nothing.is_empty() => silent.push(stream),
                // The client may be gone.
                answer => drop((&stream).write_all(&answer)),
            }
        }
    });
    (address, asked)
}

fn answer(status: &str, more: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\n{more}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

#[test]
fn a_server_that_has_no_time_for_a_moment_is_used() {
    let published = Published::new();
    let (address, asked) = serve(&published.cache(), |_, number, found| match number {
        0 | 4 => answer("503 Service Unavailable", "Retry-After: 1\r\n", b""),
        _ => found,
    });
    assert_eq!(published.take(&address, CacheUse::BuildsTheRest), (3, vec![]));
    assert_eq!(asked.lock().unwrap().len(), 8);
}

#[test]
fn a_server_that_stays_busy_is_given_up_with_its_answer() {
    let published = Published::new();
    let (address, asked) = serve(&published.cache(), |_, _, _| answer("429 Too Many Requests", "", b""));
    let said = "the cache `public` is not used: the server answered 429 Too Many Requests, which may pass; a later run asks it again";
    assert_eq!(published.take(&address, CacheUse::BuildsTheRest), (0, vec![said.to_owned()]));
    assert_eq!(asked.lock().unwrap().len(), 4);
}

#[test]
fn an_address_without_a_cache_is_named_once() {
    let published = Published::new();
    let empty = published.folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let (address, asked) = serve(&empty, |_, _, found| found);
    // Buckets answer so for what does not exist.
    let (bucket, _) = serve(&empty, |_, _, _| answer("403 Forbidden", "", b""));
    for address in [&address, &bucket, &format!("file:{}", empty.display())] {
        let (taken, warnings) = published.take(address, CacheUse::BuildsTheRest);
        let said = format!(
            "there seems to be no cache at `{address}`: it has no `builder.toml`, and nothing that was looked for; check the address (`cargo \
             xtask cache trust {address}` finds the file where there is a cache; `cargo xtask cache push --to {address}` begins a new one)"
        );
        assert_eq!((taken, warnings), (0, vec![said]));
    }
    assert_eq!(asked.lock().unwrap().iter().filter(|path| *path == "builder.toml").count(), 1);
    // A cache that lacks what is looked for is one.
    fs::remove_dir_all(published.cache().join("ac")).unwrap();
    let (address, _) = serve(&published.cache(), |_, _, found| found);
    assert_eq!(published.take(&address, CacheUse::BuildsTheRest), (0, vec![]));
}

#[test]
fn a_server_that_compresses_is_named_once() {
    let published = Published::new();
    let gzip = || answer("200 OK", "Content-Encoding: gzip\r\n", b"\x1f\x8b\x08\0, compressed");
    let brotli = || answer("200 OK", "Content-Encoding: br\r\n", b"\x8b\x02");
    let (entries, _) = serve(&published.cache(), move |_, _, _| gzip());
    let (packages, _) = serve(&published.cache(), move |path, _, found| if path.starts_with("cas/") { gzip() } else { found });
    let (other, _) = serve(&published.cache(), move |_, _, _| brotli());
    for (address, encoding) in [(entries, "gzip"), (packages, "gzip"), (other, "br")] {
        let (taken, warnings) = published.take(&address, CacheUse::BuildsTheRest);
        assert_eq!((taken, warnings.len()), (0, 1), "{warnings:?}");
        assert!(warnings[0].contains(&format!("`Content-Encoding: {encoding}`")), "{warnings:?}");
    }
}

#[test]
fn what_a_cache_lacks_is_not_said_to_be_built_where_nothing_is() {
    let published = Published::new();
    let (address, _) =
        serve(&published.cache(), |path, _, found| if path.starts_with("cas/") { answer("404 Not Found", "", b"") } else { found });
    for (used, said) in [(CacheUse::BuildsTheRest, "`one` is built here"), (CacheUse::Only, "without it `one` cannot be taken")] {
        let (taken, mut warnings) = published.take(&address, used);
        warnings.sort();
        assert_eq!((taken, warnings.len()), (0, 3));
        assert!(warnings[0].contains(said), "{warnings:?}");
    }
}

#[test]
fn a_server_that_never_sends_packages_is_given_up() {
    let published = Published::new();
    let (address, asked) = serve(&published.cache(), |path, _, found| if path.starts_with("cas/") { Vec::new() } else { found });
    let (taken, warnings) = published.take(&address, CacheUse::BuildsTheRest);
    assert_eq!(taken, 0);
    let given_up = "the cache `public` is not used: it did not answer within 30 s";
    assert_eq!(warnings, [&format!("nothing has come from `{address}` for 15 s; it is still waited for"), given_up]);
    assert_eq!(asked.lock().unwrap().iter().filter(|path| path.starts_with("cas/")).count(), 3);
}

#[test]
fn a_connection_that_breaks_once_does_not_end_the_use_of_a_cache() {
    let published = Published::new();
    let (address, _) = serve(&published.cache(), |_, number, found| if number == 1 { b"HTTP/1.1 ".to_vec() } else { found });
    assert_eq!(published.take(&address, CacheUse::BuildsTheRest), (3, vec![]));
}
