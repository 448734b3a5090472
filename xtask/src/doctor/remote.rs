//! Checks whether the server answers whose workers build.

use super::Subject;
use super::finding::{Finding, FindingState};
use base::diagnostic::Failure;
use base::digest::Digest;
use cache::settings::Remote;
use runtime::cancel::Cancel;
use runtime::remote::{self, Answer, Blob, Call, Patience};

/// Shorter than for builds, since this is only a check.
const PATIENCE: Patience = Patience { retries: 0, silence_s: 10 };

const SUBJECT: Subject = "remote";

/// Asks the server for something that it need not have. Nothing to report if there is none.
pub(super) fn examine(remote: Result<Option<&Remote>, &dyn Failure>, cancel: &Cancel) -> Option<Finding> {
    let remote = match remote {
        Ok(remote) => remote?,
        Err(failure) => return Some(Finding::failed(SUBJECT, FindingState::Poor, failure)),
    };
    let Remote { server, jobs, .. } = remote;
    // Builds run on this machine if it does not answer.
    Some(match answer(remote, cancel) {
        Ok(()) => Finding::good(SUBJECT, format!("`{server}` answers, and gets {jobs} builds at a time")),
        Err(reason) => {
            let remedy = "check `[remote]` in cache.toml or KAON_REMOTE, and that the server runs; --no-remote ignores it".to_owned();
            Finding::bad(SUBJECT, FindingState::Poor, format!("`{server}` cannot be used: {reason}"), remedy)
        }
    })
}

fn answer(remote: &Remote, cancel: &Cancel) -> Result<(), String> {
    let blobs = vec![Blob { sha256: Digest::of_bytes("x"), size_bytes: 1 }];
    let call = Call::Missing { server: remote.server.clone(), blobs, patience: PATIENCE };
    match remote::connection().and_then(|program| program.call(call, cancel, &|_| {})) {
        Ok(Answer::Missing(_)) => Ok(()),
        Ok(Answer::Failed(trouble)) => Err(trouble.to_string()),
        Ok(Answer::Fetched(_) | Answer::Stored | Answer::Executed(_)) => Err("`kaon-remote` answered something else".into()),
        Err(error) => Err(error.to_string()),
    }
}
