//! Fetching sources.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::cargo::Cargo;
use super::{Attempt, Place, Reason, SourceError, places};
use crate::apt::{AptError, Archive, Download, Mirror, Outcome, Patience, Settings, download};
use base::address::without_passwords;
use base::digest::Digest;
use planning::spec::{Origin, Source};
use runtime::cancel::Cancel;
use runtime::progress::{Event, Outcome as UnitOutcome, Reporter};
use runtime::store::Store;
use runtime::workers::try_each;

/// Fetches sources into a store. Remembers which hosts do not answer, so make one and keep it.
pub struct Fetcher<'a> {
    store: &'a Store,
    settings: &'a Settings,
    reporter: &'a dyn Reporter,
    cancel: &'a Cancel,
    silent_hosts: Mutex<BTreeSet<String>>,
    cargo: Cargo,
}

/// Sources fetched at a time.
const CONNECTIONS: usize = 6;

/// Another origin is usually behind an upstream server.
const WITH_UPSTREAM: Patience = Patience { retries: 0, timeout_s: 10 };

const WITH_MIRRORS: Patience = Patience { retries: 3, timeout_s: 30 };

impl<'a> Fetcher<'a> {
    /// Fetches into `store` as `settings` say.
    pub fn new(store: &'a Store, settings: &'a Settings, reporter: &'a dyn Reporter, cancel: &'a Cancel) -> Self {
        Self { store, settings, reporter, cancel, silent_hosts: Mutex::default(), cargo: Cargo::new(&settings.project) }
    }

    /// Has all `sources` at hand, fetched in parallel. Gives the failures in the sources' order; an interruption is one failure.
    pub fn fetch_all(&self, sources: &[&Source]) -> Vec<SourceError> {
        let fetch = |source: &&Source| match self.ensure(source) {
            Err(error @ SourceError::Apt(AptError::Interrupted)) => Err(error),
            result => Ok(result.err()),
        };
        match try_each(sources, CONNECTIONS, fetch) {
            Ok(results) => results.into_iter().flatten().collect(),
            Err(interruption) => vec![interruption],
        }
    }

    /// The digest of the object that holds a source: at hand under the digest of any of its origins, or fetched now.
    ///
    /// # Errors
    /// When no place gives it, the store fails, or the user asked to stop.
    pub fn ensure(&self, source: &Source) -> Result<Digest, SourceError> {
        if let Some(digest) = self.at_hand(source)? {
            return Ok(digest);
        }
        // Sources are shared by specs and by builders: whoever comes second finds it in the store.
        let name = source.origins.first().map(|origin| origin.sha256().hex()).unwrap_or_default();
        let _lock = self.store.lock(&format!("source-{name}"), || self.reporter.waiting(&format!("source {}", source.file_name())))?;
        match self.at_hand(source)? {
            Some(digest) => Ok(digest),
            None => self.fetch(source),
        }
    }

    fn at_hand(&self, source: &Source) -> Result<Option<Digest>, SourceError> {
        for origin in &source.origins {
            match self.store.verified(origin.sha256()) {
                Ok(_) => return Ok(Some(*origin.sha256())),
                Err(error) if error.is_loss() => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.take_from_cargo(source)
    }

    /// Takes a crate that cargo has into the store.
    fn take_from_cargo(&self, source: &Source) -> Result<Option<Digest>, SourceError> {
        for origin in &source.origins {
            if let Origin::Crate { file, sha256 } = origin
                && let Some(path) = self.cargo.find(file, sha256)
            {
                return Ok(Some(self.store.put_file(&path)?));
            }
        }
        Ok(None)
    }

    fn fetch(&self, source: &Source) -> Result<Digest, SourceError> {
        let file = source.file_name();
        let unit = format!("source {file}");
        let started = Instant::now();
        self.reporter.event(Event::Started { unit: unit.clone() });
        let mut attempts = Vec::new();
        if source.origins.iter().any(|origin| matches!(origin, Origin::Crate { .. })) {
            let answer = self.cargo.fetch();
            if let Some(digest) = self.take_from_cargo(source)? {
                self.report_fetched(unit, started);
                return Ok(digest);
            }
            let reason = answer.map_or_else(Reason::Other, |()| Reason::NotFound);
            attempts.push(Attempt::new("cargo fetch", reason));
        }
        for place in places(source, &self.archive(source)?, &self.source_mirrors()?) {
            match self.fetch_from(&place, source, &unit)? {
                Ok(digest) => {
                    self.report_fetched(unit, started);
                    return Ok(digest);
                }
                Err(reason) => {
                    if matches!(reason, Reason::WrongBytes { .. }) {
                        self.reporter.warn(format!("{} gave {reason}; it is not used", without_passwords(&place.uri)));
                    }
                    attempts.push(Attempt::new(&place.uri, reason));
                }
            }
        }
        let error = SourceError::not_given(file, attempts);
        let message = error.to_string().lines().next().unwrap_or_default().trim_end_matches(':').to_owned();
        self.reporter.failed(unit, message);
        Err(error)
    }

    fn report_fetched(&self, unit: String, started: Instant) {
        let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.reporter.event(Event::Finished { unit, outcome: UnitOutcome::Built, elapsed_ms });
    }

    /// Tries one place. The inner result says what the place gave; the outer one ends the whole work.
    fn fetch_from(&self, place: &Place, source: &Source, unit: &str) -> Result<Result<Digest, Reason>, SourceError> {
        let host = host(&place.uri);
        if self.silent_hosts.lock().unwrap_or_else(PoisonError::into_inner).contains(host) {
            return Ok(Err(Reason::Skipped));
        }
        let scratch = self.store.scratch("source")?;
        let item = Download { uri: place.uri.clone(), target: scratch.path().join("file") };
        let done = AtomicU64::new(0);
        let report = |more| {
            let done = done.fetch_add(more, Ordering::Relaxed) + more;
            self.reporter.event(Event::Amount { unit: unit.to_owned(), done, total: None });
        };
        let patience = if place.is_mirror { WITH_MIRRORS } else { WITH_UPSTREAM };
        let outcomes = download(self.settings.client, std::slice::from_ref(&item), patience, &report, self.cancel)?;
        Ok(match outcomes.into_iter().next() {
            Some(Outcome::Fetched) => self.keep(&item, place, source)?,
            Some(Outcome::NotFound) => Err(Reason::NotFound),
            Some(Outcome::Unreachable(reason)) => {
                self.silent_hosts.lock().unwrap_or_else(PoisonError::into_inner).insert(host.to_owned());
                Err(Reason::Other(reason))
            }
            Some(Outcome::Failed(reason)) => Err(Reason::Other(reason)),
            None => Err(Reason::Other("not tried".into())),
        })
    }

    /// Stores what was fetched if it is what the spec says, be it another origin's bytes.
    fn keep(&self, item: &Download, place: &Place, source: &Source) -> Result<Result<Digest, Reason>, SourceError> {
        let found = Digest::of_file(&item.target).map_err(|source| SourceError::Io { path: item.target.clone(), source })?;
        if !source.origins.iter().any(|origin| *origin.sha256() == found) {
            return Ok(Err(Reason::WrongBytes { expected: place.sha256, found }));
        }
        Ok(Ok(self.store.put_file(&item.target)?))
    }

    /// The Debian archive, if the source has a file there. A host without one can still use the other origins.
    fn archive(&self, source: &Source) -> Result<Archive, SourceError> {
        let is_in_debian = source.origins.iter().any(|origin| matches!(origin, Origin::Debian { .. }));
        let has_others =
            source.origins.iter().any(|origin| matches!(origin, Origin::Url { .. })) || !self.settings.source_mirrors.is_empty();
        match Archive::find(self.settings) {
            _ if !is_in_debian => Ok(Archive::default()),
            Err(AptError::NoArchive { .. }) if has_others => Ok(Archive::default()),
            found => Ok(found?),
        }
    }

    fn source_mirrors(&self) -> Result<Vec<Mirror>, SourceError> {
        let mirror = |text: &String| {
            let address = if text.starts_with('/') { format!("file:{text}") } else { text.clone() };
            address.parse().map_err(|source| SourceError::BadMirror { source })
        };
        self.settings.source_mirrors.iter().map(mirror).collect()
    }
}

/// The scheme, host and port of an address: what answers or does not.
fn host(uri: &str) -> &str {
    let after_scheme = uri.find("://").map_or(0, |at| at + 3);
    let end = uri[after_scheme..].find('/').map_or(uri.len(), |at| after_scheme + at);
    &uri[..end]
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::apt::Client;
    use planning::spec::SourceUsage;
    use runtime::progress::Silent;

    fn settings(mirror: &Path, source_mirror: &Path) -> Settings {
        Settings {
            debian_mirror: Some(format!("file:{}", mirror.display())),
            client: Client::Builtin,
            source_mirrors: vec![source_mirror.display().to_string()],
            apt_folder: "/nonexistent".into(),
            keyring: "/nonexistent".into(),
            project: "/nonexistent".into(),
            locked: false,
        }
    }

    fn source(url: &str, good: &str) -> Source {
        let sha256 = Digest::of_bytes(good);
        let debian = Origin::Debian { package: "x".into(), version: "1-1".into(), file: "x_1.orig.tar.gz".into(), sha256 };
        Source { origins: vec![Origin::Url { url: url.into(), sha256 }, debian], name: None, usage: SourceUsage::Keep }
    }

    #[test]
    fn origins_are_tried_until_one_gives_the_right_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let (archive, mirror) = (folder.path().join("debian"), folder.path().join("mirror"));
        let store = Store::open(&folder.path().join("store")).unwrap();
        fs::create_dir_all(archive.join("pool/main/x/x")).unwrap();
        fs::create_dir_all(&mirror).unwrap();
        fs::write(archive.join("pool/main/x/x/x_1.orig.tar.gz"), "tampered").unwrap();
        let settings = settings(&archive, &mirror);
        let (cancel, url) = (Cancel::new(), format!("copy:{}/none/x-1.tar.gz", folder.path().display()));
        let fetcher = Fetcher::new(&store, &settings, &Silent, &cancel);

        let error = fetcher.ensure(&source(&url, "good")).unwrap_err();
        let SourceError::WrongBytes { expected, found, attempts, uri } = error else { panic!("{error}") };
        assert_eq!((expected, found), (Digest::of_bytes("good"), Digest::of_bytes("tampered")));
        assert!(uri.ends_with("/debian/pool/main/x/x/x_1.orig.tar.gz"), "{uri}");
        assert_eq!(attempts.len(), 6);
        assert!(store.object(&Digest::of_bytes("tampered")).is_none());

        fs::write(mirror.join(Digest::of_bytes("good").hex()), "good").unwrap();
        assert_eq!(fetcher.ensure(&source(&url, "good")).unwrap(), Digest::of_bytes("good"));
        fs::remove_dir_all(&mirror).unwrap();
        assert_eq!(fetcher.ensure(&source(&url, "good")).unwrap(), Digest::of_bytes("good"), "from the store");
    }

    #[test]
    fn passwords_are_never_told() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        let mut settings = settings(folder.path(), folder.path());
        settings.source_mirrors = vec!["http://mirror:s3cret@127.0.0.1:1/m".into()];
        let cancel = Cancel::new();
        let events = Told::default();
        let fetcher = Fetcher::new(&store, &settings, &events, &cancel);
        let error = fetcher.ensure(&source("http://user:s3cret@127.0.0.1:1/x-1.tar.gz", "good")).unwrap_err();
        let told = format!("{error}\n{error:?}\n{:?}", events.0.lock().unwrap());
        assert!(told.contains("http://***@127.0.0.1:1/x-1.tar.gz") && told.contains("http://***@127.0.0.1:1/m/"), "{told}");
        assert!(!told.contains("s3cret"), "{told}");
    }

    /// Keeps what it is told.
    #[derive(Default)]
    struct Told(Mutex<Vec<Event>>);

    impl Reporter for Told {
        fn event(&self, event: Event) {
            self.0.lock().unwrap().push(event);
        }
    }

    #[test]
    fn hosts() {
        assert_eq!(host("https://a.test:8/x/y"), "https://a.test:8");
        assert_eq!(host("https://a.test"), "https://a.test");
        assert_eq!(host("copy:/srv/x"), "copy:");
    }
}
