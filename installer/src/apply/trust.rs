//! Whom the installed system takes packages from: the builder of those that were installed.

use std::path::Path;

use super::packages::LIVE_ROOT;
use system::{SystemError, Target};
use well_known::PUBLIC_KEY;

use super::Sources;

/// Where a system has its builder's repository, as in images that name one.
const DEFINITION: &str = "/etc/yum.repos.d/kaon.repo";

/// Lays the key that the packages were checked with into the system, and the repository that the live system, or the folder of the packages,
/// names.
pub(super) fn lay(sources: &Sources, target: &Target) -> Result<(), SystemError> {
    target.write(PUBLIC_KEY, 0o644, &system::files::read(&sources.keys)?)?;
    let of_live = Path::new(LIVE_ROOT).join(DEFINITION.trim_start_matches('/'));
    let definitions = [of_live, sources.repository.join("kaon.repo")];
    match definitions.iter().find(|path| path.is_file()) {
        Some(path) => target.write(DEFINITION, 0o644, &system::files::read(path)?),
        None => Ok(()),
    }
}
