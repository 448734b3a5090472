//! Fetches sources.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::archive::is_page;
use super::cargo::Cargo;
use super::{Attempt, Place, Reason, SourceError, places};
use crate::apt::{AptError, Archive, Download, Heard, Mirror, Outcome, Patience, Settings, download, host};
use base::digest::Digest;
use planning::spec::{Origin, Source};
use runtime::cancel::Cancel;
use runtime::progress::{Event, Outcome as UnitOutcome, Reporter};
use runtime::store::{Scratch, Store};
use runtime::workers::try_each;

/// Fetches sources into a store. Remembers which hosts do not answer and what could not be fetched, so use one for the whole run.
pub struct Fetcher<'a> {
    pub(super) store: &'a Store,
    settings: &'a Settings,
    pub(super) reporter: &'a dyn Reporter,
    cancel: &'a Cancel,
    patience: [Patience; 2],
    found_out: Mutex<FoundOut>,
    cargo: Cargo,
}

/// A file that was fetched, in a scratch directory that is removed with it.
pub(super) struct Received {
    /// The file.
    pub(super) item: Download,
    _scratch: Scratch,
}

/// What a fetcher has found out about hosts and sources, for the next fetcher.
#[derive(Default)]
pub struct FoundOut {
    silent_hosts: BTreeSet<String>,
    /// Warnings of servers that let others wait.
    complaints: BTreeSet<String>,
    /// The attempts for each source that could not be fetched, by the digests of its origins.
    not_given: BTreeMap<Vec<Digest>, Vec<Attempt>>,
}

/// Sources fetched in parallel.
const CONNECTIONS: usize = 6;

/// Upstream servers usually have another origin as a fallback.
const WITH_UPSTREAM: Patience = Patience::new(0, 10);

const WITH_MIRRORS: Patience = Patience::new(3, 30);

impl<'a> Fetcher<'a> {
    /// Fetches into `store` according to `settings`.
    pub fn new(store: &'a Store, settings: &'a Settings, reporter: &'a dyn Reporter, cancel: &'a Cancel) -> Self {
        let patience = [WITH_UPSTREAM, WITH_MIRRORS];
        Self { store, settings, reporter, cancel, patience, found_out: Mutex::default(), cargo: Cargo::new(&settings.project) }
    }

    /// Uses what another fetcher has found out.
    #[must_use]
    pub fn knowing(self, found_out: FoundOut) -> Self {
        Self { found_out: Mutex::new(found_out), ..self }
    }

    /// What this fetcher has found out.
    pub fn found_out(self) -> FoundOut {
        self.found_out.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> MutexGuard<'_, FoundOut> {
        self.found_out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fetches missing `sources` in parallel. Returns the failures in the sources' order; an interruption is one failure.
    pub fn fetch_all(&self, sources: &[&Source]) -> Vec<SourceError> {
        match self.ensure_all(sources) {
            Ok(results) => results.into_iter().filter_map(Result::err).collect(),
            Err(interruption) => vec![interruption],
        }
    }

    /// The results of [`Self::ensure`] for all sources, in order; they are fetched in parallel.
    ///
    /// # Errors
    /// When the user asked to stop.
    pub fn ensure_all(&self, sources: &[&Source]) -> Result<Vec<Result<Digest, SourceError>>, SourceError> {
        try_each(sources, CONNECTIONS, |source| match self.ensure(source) {
            Err(error @ SourceError::Apt(AptError::Interrupted)) => Err(error),
            result => Ok(result),
        })
    }

    /// The digest of a source's object: existing with the digest of any of its origins, or fetched now.
    ///
    /// # Errors
    /// When no address returns it, the store fails, or the user asked to stop.
    pub fn ensure(&self, source: &Source) -> Result<Digest, SourceError> {
        if let Some(digest) = self.at_hand(source)? {
            return Ok(digest);
        }
        // Specs and builders share sources: the second one finds it in the store.
        let name = source.origins.first().map(|origin| origin.sha256().hex()).unwrap_or_default();
        let (unit, begun, has_waited) = (format!("source {}", source.file_name()), Instant::now(), Cell::new(false));
        let _lock = self.store.lock(&format!("source-{name}"), || {
            has_waited.set(true);
            self.reporter.waiting(&unit);
        })?;
        if let Some(digest) = self.at_hand(source)? {
            if has_waited.get() {
                self.report_fetched(unit, begun);
            }
            return Ok(digest);
        }
        let digests: Vec<Digest> = source.origins.iter().map(|origin| *origin.sha256()).collect();
        let known = self.known().not_given.get(&digests).cloned();
        match known {
            Some(attempts) => Err(SourceError::not_given(source.file_name(), attempts)),
            None => self.fetch(source)?.map_err(|attempts| {
                self.known().not_given.insert(digests, attempts.clone());
                SourceError::not_given(source.file_name(), attempts)
            }),
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

    /// Stores a crate from cargo's cache.
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

    /// Tries all addresses. The inner error is a list of attempts; the outer error ends the whole work.
    fn fetch(&self, source: &Source) -> Result<Result<Digest, Vec<Attempt>>, SourceError> {
        let file = source.file_name();
        let unit = format!("source {file}");
        let started = Instant::now();
        self.reporter.event(Event::Started { unit: unit.clone() });
        let mut attempts = Vec::new();
        if source.origins.iter().any(|origin| matches!(origin, Origin::Crate { .. })) {
            let answer = self.cargo.fetch();
            if let Some(digest) = self.take_from_cargo(source)? {
                self.report_fetched(unit, started);
                return Ok(Ok(digest));
            }
            let reason = answer.map_or_else(Reason::Other, |()| Reason::NotFound);
            attempts.push(Attempt::new("cargo fetch", reason));
        }
        for place in places(source, &self.archive(source)?, &self.source_mirrors()?, &self.settings.caches) {
            match self.fetch_from(&place, source, &unit)? {
                Ok(digest) => {
                    self.warn_of(&attempts);
                    self.report_fetched(unit, started);
                    return Ok(Ok(digest));
                }
                Err(reason) => attempts.push(Attempt::new(&place.uri, reason)),
            }
        }
        self.reporter.failed(unit, format!("no origin has the source `{file}`"));
        Ok(Err(attempts))
    }

    /// Warns of addresses that returned wrong bytes, when another one returned the right ones. Otherwise the error names them.
    fn warn_of(&self, attempts: &[Attempt]) {
        for Attempt { uri, reason } in attempts.iter().filter(|attempt| matches!(attempt.reason, Reason::WrongBytes { .. })) {
            self.reporter.warn(format!("{uri}: {reason}; it is not used"));
        }
    }

    pub(super) fn report_fetched(&self, unit: String, started: Instant) {
        let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.reporter.event(Event::Finished { unit, outcome: UnitOutcome::Built, elapsed_ms });
    }

    /// Tries one address. The inner error is why it failed; the outer error ends the whole work.
    fn fetch_from(&self, place: &Place, source: &Source, unit: &str) -> Result<Result<Digest, Reason>, SourceError> {
        match self.receive(&place.uri, place.is_mirror, unit)? {
            Ok(received) => self.keep(&received.item, place, source),
            Err(reason) => Ok(Err(reason)),
        }
    }

    /// Fetches the file at an address without checking it. Errors are as for [`Self::fetch_from`].
    pub(super) fn receive(&self, uri: &str, is_mirror: bool, unit: &str) -> Result<Result<Received, Reason>, SourceError> {
        let host = host(uri);
        if self.known().silent_hosts.contains(host) {
            return Ok(Err(Reason::Skipped));
        }
        let scratch = self.store.scratch("source")?;
        let item = Download::new(uri.to_owned(), scratch.path().join("file"));
        let done = AtomicU64::new(0);
        let report = |heard: Heard<'_>| match heard.complaint() {
            Some(complaint) => self.complain(complaint),
            None => {
                let done = done.fetch_add(heard.bytes(), Ordering::Relaxed) + heard.bytes();
                self.reporter.event(Event::Amount { unit: unit.to_owned(), done, total: None });
            }
        };
        let patience = self.patience[usize::from(is_mirror)];
        let outcomes = download(self.settings.client, std::slice::from_ref(&item), patience, &report, self.cancel)?;
        Ok(match outcomes.into_iter().next() {
            Some(Outcome::Fetched) => Ok(Received { item, _scratch: scratch }),
            Some(Outcome::NotFound) => Err(Reason::NotFound),
            Some(Outcome::Unreachable(reason)) => {
                self.known().silent_hosts.insert(host.to_owned());
                Err(Reason::Other(reason))
            }
            Some(Outcome::Failed(reason)) => Err(Reason::Other(reason)),
            None => Err(Reason::Other("not tried".into())),
        })
    }

    /// Warns, once per text.
    fn complain(&self, complaint: String) {
        if self.known().complaints.insert(complaint.clone()) {
            self.reporter.warn(complaint);
        }
    }

    /// Stores what was fetched if it has a digest of the spec, even that of another origin.
    fn keep(&self, item: &Download, place: &Place, source: &Source) -> Result<Result<Digest, Reason>, SourceError> {
        let io = |source| SourceError::Io { path: item.target.clone(), source };
        let found = Digest::of_file(&item.target).map_err(io)?;
        if !source.origins.iter().any(|origin| *origin.sha256() == found) {
            let is_page_wanted = [".html", ".htm"].iter().any(|end| source.file_name().ends_with(end));
            return Ok(Err(if fs::metadata(&item.target).map_err(io)?.len() == 0 {
                Reason::Empty
            } else if !is_page_wanted && is_page(&item.target).map_err(io)? {
                Reason::Page
            } else {
                Reason::WrongBytes { expected: place.sha256, found }
            }));
        }
        Ok(Ok(self.store.put_file(&item.target)?))
    }

    /// The Debian archive, if the source has a file there. A host without one can still use the other origins.
    fn archive(&self, source: &Source) -> Result<Archive, SourceError> {
        let is_in_debian = source.origins.iter().any(|origin| matches!(origin, Origin::Debian { .. } | Origin::Deb { .. }));
        let has_others =
            source.origins.iter().any(|origin| matches!(origin, Origin::Url { .. })) || !self.settings.source_mirrors.is_empty();
        match Archive::find(self.settings) {
            _ if !is_in_debian => Ok(Archive::default()),
            Err(AptError::NoArchive { .. }) if has_others => Ok(Archive::default()),
            found => Ok(found?),
        }
    }

    pub(super) fn source_mirrors(&self) -> Result<Vec<Mirror>, SourceError> {
        self.settings.source_mirrors.iter().map(|text| parse_mirror(text)).collect()
    }
}

/// A `--source-mirror`: an address, or the absolute path of a folder.
///
/// # Errors
/// [`SourceError::BadMirror`] when it is neither.
pub fn parse_mirror(text: &str) -> Result<Mirror, SourceError> {
    let address = if text.starts_with('/') { format!("file:{text}") } else { text.to_owned() };
    address.parse().map_err(|source| SourceError::BadMirror { source })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use std::time::Duration;

    use crate::apt::testing::server::{CHUNKED, HEADER, LONG, Server, ok, response};
    use crate::apt::{Client, ClientChoice, Rate};
    use planning::spec::SourceUsage;
    use runtime::progress::Silent;

    fn settings(mirror: &Path, source_mirror: &Path) -> Settings {
        Settings {
            debian_mirror: Some(format!("file:{}", mirror.display())),
            client: Client::Builtin,
            source_mirrors: vec![source_mirror.display().to_string()],
            caches: Vec::new(),
            apt_folder: "/nonexistent".into(),
            keyring: "/nonexistent".into(),
            project: "/nonexistent".into(),
            locked: false,
        }
    }

    fn source(url: &str, good: &str) -> Source {
        let sha256 = Digest::of_bytes(good);
        let debian = Origin::Debian { package: "x".into(), version: "1-1".into(), file: "x_1.orig.tar.gz".into(), sha256 };
        Source { origins: vec![Origin::Url { url: url.into(), sha256 }, debian], name: None, path: None, usage: SourceUsage::Keep }
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
        assert!(fetcher.ensure(&source(&url, "good")).is_err(), "what is known is not tried again");
        let fetcher = Fetcher::new(&store, &settings, &Silent, &cancel);
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
        let events = Recorded::default();
        let fetcher = Fetcher::new(&store, &settings, &events, &cancel);
        let error = fetcher.ensure(&source("http://user:s3cret@127.0.0.1:1/x-1.tar.gz", "good")).unwrap_err();
        let told = format!("{error}\n{error:?}\n{:?}", events.0.lock().unwrap());
        assert!(told.contains("http://***@127.0.0.1:1/x-1.tar.gz") && told.contains("http://***@127.0.0.1:1/m/"), "{told}");
        assert!(!told.contains("s3cret"), "{told}");
    }

    /// The clients to try: that of this machine and the built-in one.
    fn clients() -> [Client; 2] {
        [ClientChoice::Auto.client(), Client::Builtin]
    }

    const IMPATIENT: Patience = Patience::new(0, 1);

    /// Gives up on servers that send less than 5000 bytes in half a second.
    const VERY_IMPATIENT: Patience = Patience { least: Rate { bytes_per_s: 10_000, over: Duration::from_millis(500) }, ..IMPATIENT };

    /// Fetches from `url` and then from a folder that contains `text`.
    fn ensure(client: Client, patience: Patience, url: &str, text: &str) -> (Result<Digest, SourceError>, Vec<Event>) {
        let folder = tempfile::tempdir().unwrap();
        let (store, mirror) = (Store::open(&folder.path().join("store")).unwrap(), folder.path().join("mirror"));
        fs::create_dir(&mirror).unwrap();
        fs::write(mirror.join("x-1.tar.gz"), text).unwrap();
        let settings = Settings { client, ..settings(folder.path(), &mirror) };
        let (cancel, events) = (Cancel::new(), Recorded::default());
        let fetcher = Fetcher { patience: [patience; 2], ..Fetcher::new(&store, &settings, &events, &cancel) };
        let origins = vec![Origin::Url { url: url.to_owned(), sha256: Digest::of_bytes("good") }];
        let source = Source { origins, name: None, path: None, usage: SourceUsage::Keep };
        let result = fetcher.ensure(&source);
        if result.is_err() {
            // It is not waited for again.
            assert!(fetcher.ensure(&source).is_err());
        }
        drop(fetcher);
        (result, events.0.into_inner().unwrap())
    }

    #[test]
    fn servers_that_give_nothing_useful_are_passed_by() {
        let broken = Server::new(|asked, _| match asked.target.as_str() {
            "/silent/x-1.tar.gz" => Vec::new(),
            "/closed/x-1.tar.gz" => b"HTTP/1.1 ".to_vec(),
            "/short/x-1.tar.gz" => response("200 OK", 1000, b"go"),
            "/none/x-1.tar.gz" => b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n".to_vec(),
            "/empty/x-1.tar.gz" => ok(b""),
            "/busy/x-1.tar.gz" => response("503 Service Unavailable", 0, b""),
            _ => ok(b"other bytes"),
        });
        for client in clients() {
            for kind in ["silent", "closed", "short", "none", "empty", "busy", "other"] {
                is_passed_by(client, IMPATIENT, &format!("{}/{kind}/x-1.tar.gz", broken.address), kind == "other");
            }
        }
    }

    #[test]
    fn servers_that_drip_are_passed_by() {
        for client in clients() {
            for head in [LONG, CHUNKED, HEADER] {
                is_passed_by(client, VERY_IMPATIENT, &format!("{}/x-1.tar.gz", Server::dripping(head).address), false);
            }
        }
    }

    /// A server that returns nothing useful does not matter if another one has the source, and is reported once if none has.
    fn is_passed_by(client: Client, patience: Patience, url: &str, gives_other_bytes: bool) {
        let (found, _) = ensure(client, patience, url, "good");
        assert_eq!(found.unwrap(), Digest::of_bytes("good"), "{client:?} {url}");
        let (found, events) = ensure(client, patience, url, "");
        let error = found.unwrap_err();
        assert_eq!(matches!(error, SourceError::WrongBytes { .. }), gives_other_bytes, "{client:?} {url}: {error}");
        assert_eq!(error.to_string().matches(url).count(), 1, "{error}");
        assert!(error.to_string().contains("it returned nothing (0 bytes)"), "{error}");
        let is_waiting = |event: &Event| matches!(event, Event::Warning { message } if message.contains("it is still waited for"));
        let is_word = |event: &&Event| matches!(event, Event::Warning { .. } | Event::Failed { .. }) && !is_waiting(event);
        let words: Vec<_> = events.iter().filter(is_word).collect();
        assert_eq!(words.len(), 1, "{words:?}");
    }

    #[test]
    fn other_bytes_are_warned_of_where_another_place_gives_the_right_ones() {
        let server = Server::new(|_, _| ok(b"other"));
        let (found, events) = ensure(Client::Builtin, IMPATIENT, &format!("{}/x-1.tar.gz", server.address), "good");
        assert_eq!(found.unwrap(), Digest::of_bytes("good"));
        let warned = |event: &Event| matches!(event, Event::Warning { message } if message.contains("other content"));
        assert_eq!(events.iter().filter(|event| warned(event)).count(), 1, "{events:?}");
    }

    /// Records the events it receives.
    #[derive(Default)]
    struct Recorded(Mutex<Vec<Event>>);

    impl Reporter for Recorded {
        fn event(&self, event: Event) {
            self.0.lock().unwrap().push(event);
        }
    }
}
