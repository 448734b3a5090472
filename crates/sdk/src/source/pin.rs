//! Fetches a file with an unknown digest, to write the digest into a spec.

use std::fs;
use std::time::Instant;

use super::{Attempt, Fetcher, Reason, SourceError};
use base::digest::Digest;
use runtime::progress::Event;

impl Fetcher<'_> {
    /// Fetches the file at `url` into the store, so that the first build finds it there, and returns its digest. Source mirrors are tried
    /// after the address itself.
    ///
    /// # Errors
    /// When no address returns anything, the store fails, or the user asked to stop.
    pub fn pin(&self, url: &str) -> Result<Digest, SourceError> {
        let file = url.rsplit('/').next().unwrap_or(url);
        let unit = format!("source {file}");
        let started = Instant::now();
        self.reporter.event(Event::Started { unit: unit.clone() });
        let mirrors = self.source_mirrors()?;
        let places = std::iter::once((url.to_owned(), false)).chain(mirrors.iter().map(|mirror| (mirror.file(file), true)));
        let mut attempts = Vec::new();
        for (uri, is_mirror) in places {
            match self.pin_from(&uri, is_mirror, &unit)? {
                Ok(digest) => {
                    self.report_fetched(unit, started);
                    return Ok(digest);
                }
                Err(reason) => attempts.push(Attempt::new(&uri, reason)),
            }
        }
        self.reporter.failed(unit, format!("no origin gives the source `{file}`"));
        Err(SourceError::not_given(file, attempts))
    }

    fn pin_from(&self, uri: &str, is_mirror: bool, unit: &str) -> Result<Result<Digest, Reason>, SourceError> {
        let received = match self.receive(uri, is_mirror, unit)? {
            Ok(received) => received,
            Err(reason) => return Ok(Err(reason)),
        };
        let path = &received.item.target;
        let is_empty = fs::metadata(path).map_err(|source| SourceError::Io { path: path.clone(), source })?.len() == 0;
        if is_empty { Ok(Err(Reason::Empty)) } else { Ok(Ok(self.store.put_file(path)?)) }
    }
}
