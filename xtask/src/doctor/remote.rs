//! Checks whether the server answers whose workers build.

use super::Subject;
use super::finding::{Finding, FindingState};
use base::diagnostic::Failure;
use cache::settings::Remote;
use runtime::cancel::Cancel;
use runtime::remote::{self, Patience, Runs};

/// Shorter than for builds, since this is only a check.
const PATIENCE: Patience = Patience { retries: 0, silence_s: 10 };

const SUBJECT: Subject = "remote";

/// Asks the server. Nothing to report if there is none.
pub(super) fn examine(remote: Result<Option<&Remote>, &dyn Failure>, cancel: &Cancel) -> Option<Finding> {
    let remote = match remote {
        Ok(remote) => remote?,
        Err(failure) => return Some(Finding::failed(SUBJECT, FindingState::Poor, failure)),
    };
    let Remote { server, jobs, .. } = remote;
    // Builds run on this machine if it does not answer.
    Some(match answer(remote, cancel) {
        Ok(Runs::No) => Finding::bad(
            SUBJECT,
            FindingState::Poor,
            format!("`{server}` answers, but runs no builds: it is a cache, or execution is not enabled there"),
            "enable execution on the server (docs/src/remote.md), or name another with --remote; --cache uses this one as a cache"
                .to_owned(),
        ),
        Ok(Runs::Yes | Runs::Unsaid) => Finding::good(SUBJECT, format!("`{server}` answers, and gets {jobs} builds at a time")),
        Err(reason) => {
            let remedy = "check `[remote]` in cache.toml or KAON_REMOTE, and that the server runs; --no-remote ignores it".to_owned();
            Finding::bad(SUBJECT, FindingState::Poor, format!("`{server}` cannot be used: {reason}"), remedy)
        }
    })
}

fn answer(remote: &Remote, cancel: &Cancel) -> Result<Runs, String> {
    let reached = remote::reach(&remote.server, PATIENCE, cancel).map_err(|error| error.to_string())?;
    reached.map_err(|trouble| trouble.to_string())?;
    let runs = remote::runs(&remote.server, PATIENCE, cancel).map_err(|error| error.to_string())?;
    runs.map_err(|trouble| trouble.to_string())
}
