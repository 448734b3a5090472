//! Repositories as machines are configured with them.

use std::path::Path;

use super::{PUBLIC_KEY, RepoError};

/// Checks that `folder` contains a repository.
///
/// # Errors
/// When it does not.
pub fn check(folder: &Path) -> Result<(), RepoError> {
    let is_one = folder.join("repodata/repomd.xml").is_file();
    if is_one { Ok(()) } else { Err(RepoError::NothingToServe { path: folder.to_owned() }) }
}

/// What a machine writes into `/etc/yum.repos.d` to take packages from the repository at `address`.
pub fn configuration(address: &str) -> String {
    let address = address.trim_end_matches('/');
    format!(
        "[kaon-builder]\nname=Kaon, from the machine that builds it\nbaseurl={address}\nenabled=1\npriority=10\nmetadata_expire=60\n\
         gpgkey={address}/{PUBLIC_KEY}\n"
    )
}
