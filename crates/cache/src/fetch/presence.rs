//! Whether there is a cache at an address at all. One at a wrong address looks like one that lacks everything.

use sdk::apt::{AptError, Download, Outcome, Patience, download};

use super::{Access, Answer, Caches, answer};
use crate::export::BUILDER_FILE;
use crate::settings::NamedCache;

/// A list of builders is not longer.
const LONGEST_BYTES: u64 = 1 << 20;

const PATIENCE: Patience = Patience::new(0, 10);

impl Caches {
    /// Warns, once per run, if a cache that had nothing of what was looked for has no list of its builders either, which each cache has.
    ///
    /// # Errors
    /// When the user asked to stop, or fetching is impossible.
    pub(super) fn examine(&self, name: &str, cache: &NamedCache, access: &Access<'_>) -> Result<(), AptError> {
        if self.is_silent(name) || !self.seen().examined.insert(name.to_owned()) {
            return Ok(());
        }
        let scratch = access.store.scratch("cache-presence").map_err(AptError::from)?;
        let list = Download::at_most(cache.address.file(BUILDER_FILE), scratch.path().join(BUILDER_FILE), LONGEST_BYTES);
        let outcome = download(access.client, &[list], PATIENCE, &|heard| self.listen(access, heard), access.cancel)?.into_iter().next();
        let is_missing = match outcome {
            Some(Outcome::NotFound) => true,
            Some(Outcome::Failed(reason)) => matches!(answer(&reason), Answer::Missing),
            Some(Outcome::Fetched | Outcome::Unreachable(_)) | None => false,
        };
        if is_missing {
            let address = &cache.address;
            self.warn(
                access,
                format!(
                    "there seems to be no cache at `{address}`: it has no `{BUILDER_FILE}`, and nothing that was looked for; check the \
                     address (`cargo xtask cache trust {address}` finds the file where there is a cache; `cargo xtask cache push --to \
                     {address}` begins a new one)"
                ),
            );
        }
        Ok(())
    }

    /// Notes that there is a cache.
    pub(super) fn is_there(&self, name: &str) {
        self.seen().examined.insert(name.to_owned());
    }
}
