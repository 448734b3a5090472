//! Checks what the host must have, one by one; each problem has the command that fixes it.

mod finding;
mod mirror;
mod places;
mod remote;
mod system;

use std::path::Path;

use base::diagnostic::Failure;
use cache::settings::Remote;
use runtime::cancel::Cancel;
use runtime::store::Store;
use sdk::apt::Settings;

pub use finding::{Finding, FindingState};

/// The name of what is examined.
type Subject = &'static str;

/// What is examined.
pub struct Patient<'a> {
    /// The store, or why there is none.
    pub store: Result<&'a Store, &'a dyn Failure>,
    /// The directory of the signing keys, which may not exist yet, or why there is none.
    pub keys: Result<&'a Path, &'a dyn Failure>,
    /// The server whose workers build, if there is one, or why it is unknown.
    pub remote: Result<Option<&'a Remote>, &'a dyn Failure>,
    /// The settings for fetching, including the project's folder.
    pub settings: &'a Settings,
    /// The Debian suite of the SDK.
    pub suite: &'a str,
    /// Raised when the user does not want to wait.
    pub cancel: &'a Cancel,
}

/// Examines everything: first what builds need, then what only tests need, whose problems do not stop builds.
pub fn examine(patient: &Patient<'_>) -> Vec<Finding> {
    let Patient { store, keys, remote, settings, suite, cancel } = *patient;
    let target = places::target(&settings.project);
    let mut findings = vec![places::store(store), places::keys(keys), mirror::client(settings)];
    if let Ok(store) = store {
        findings.extend([
            system::sandboxes("sandbox", &store.root().join("scratch"), FindingState::Lacking),
            mirror::examine(store, settings, suite, cancel),
            places::store_room(store),
            places::store_inodes(store),
        ]);
    }
    findings.extend(remote::examine(remote, cancel));
    findings.extend([
        system::memory(),
        system::open_files(),
        system::processes(),
        system::sandboxes("test sandbox", &target, FindingState::Poor),
        places::target_room(&target),
        system::loopback(),
    ]);
    findings.extend(system::sizes());
    findings
}
