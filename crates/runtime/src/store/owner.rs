//! Checks the owner of a store.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::unistd::{Uid, User, geteuid};

use base::diagnostic::{ExitCode, Failure};

/// A store that belongs to another user. Even root cannot use it: in a sandbox, files of other users are not accessible.
#[derive(Debug, thiserror::Error)]
#[error("the store `{}` belongs to {owner}, and the builder runs as {user}", store.display())]
pub struct ForeignStore {
    store: PathBuf,
    owner: String,
    user: String,
}

impl Failure for ForeignStore {
    fn hint(&self) -> Option<String> {
        Some("run the builder as the store's owner, or set KAON_STORE to your own directory (it is created if it does not exist)".into())
    }

    fn exit(&self) -> ExitCode {
        ExitCode::Host
    }
}

/// Refuses the store in `root` if it exists and belongs to another user than that of this process. If it cannot be examined, opening it
/// will report that.
///
/// # Errors
/// [`ForeignStore`], naming both users.
pub fn check_owner(root: &Path) -> Result<(), ForeignStore> {
    let owner: io::Result<u32> = fs::metadata(root).map(|folder| folder.uid());
    match owner {
        Ok(owner) => judge(root, Uid::from_raw(owner), geteuid()),
        Err(_) => Ok(()),
    }
}

fn judge(root: &Path, owner: Uid, user: Uid) -> Result<(), ForeignStore> {
    if owner == user {
        return Ok(());
    }
    Err(ForeignStore { store: root.to_owned(), owner: described(owner), user: described(user) })
}

/// `kaon (user 1000)`, or the number alone for a user without a name.
fn described(user: Uid) -> String {
    match User::from_uid(user) {
        Ok(Some(found)) => format!("{} (user {user})", found.name),
        Ok(None) | Err(_) => format!("user {user}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_users_store_is_refused_by_both_names() {
        let (root, nobody_knows) = (Uid::from_raw(0), Uid::from_raw(4_000_000_000));
        let error = judge(Path::new("/srv/kaon"), root, nobody_knows).unwrap_err();
        assert_eq!(error.to_string(), "the store `/srv/kaon` belongs to root (user 0), and the builder runs as user 4000000000");
        assert_eq!(error.exit(), ExitCode::Host);
        assert!(judge(Path::new("/srv/kaon"), root, root).is_ok());
    }

    #[test]
    fn ones_own_store_and_one_yet_to_be_made_are_accepted() {
        let folder = tempfile::tempdir().unwrap();
        assert!(check_owner(folder.path()).is_ok());
        assert!(check_owner(&folder.path().join("new")).is_ok());
    }

    #[test]
    fn a_directory_of_root_is_refused_to_others() {
        // For root, the directory is its own. `/` is not used here, because it may belong to the user in a root that was unpacked without root.
        assert_eq!(check_owner(Path::new("/proc")).is_ok(), geteuid().is_root());
    }
}
