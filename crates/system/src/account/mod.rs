//! Accounts: passwords, homes, keys.

mod database;
mod password;
mod wish;

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;

pub use database::Accounts;
pub use password::hash_password;
pub use wish::{Credential, Details, RootAccount, UserAccount};

use super::{SystemError, Target};
use password::hashed;

/// Why accounts cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountsError {
    /// There is such a user.
    #[error("a user `{name}` already exists")]
    Exists {
        /// The name.
        name: String,
    },
    /// The number is somebody's.
    #[error("the uid {uid} belongs to the user `{owner}`")]
    Taken {
        /// The number.
        uid: u32,
        /// Whose it is.
        owner: String,
    },
    /// There is no such group.
    #[error("there is no group `{name}`")]
    NoGroup {
        /// The group.
        name: String,
    },
    /// There is no such user.
    #[error("there is no user `{name}`")]
    NoUser {
        /// The user.
        name: String,
    },
    /// No number is left.
    #[error("no uid from 1000 to 60000 is free")]
    Full,
    /// The password cannot be hashed.
    #[error("the password cannot be hashed")]
    Hash,
}

/// Sets the password of a user that is there.
///
/// # Errors
/// When there is no such user, or a file cannot be written.
pub fn set_password(name: &str, credential: &Credential, target: &Target) -> Result<(), SystemError> {
    let mut accounts = Accounts::read(target)?;
    accounts.set(name, &hashed(Some(credential))?)?;
    accounts.write(target)
}

/// Lets the holders of further keys in as a user that is there.
///
/// # Errors
/// When there is no such user, or a file cannot be written.
pub fn add_keys(name: &str, keys: &[String], target: &Target) -> Result<(), SystemError> {
    let Some((uid, gid, home)) = Accounts::read(target)?.user(name) else {
        return Err(AccountsError::NoUser { name: name.to_owned() }.into());
    };
    let known = target.read(&format!("{home}/.ssh/authorized_keys"))?;
    let mut all: Vec<String> = known.lines().map(str::to_owned).collect();
    let before = all.len();
    all.extend(keys.iter().filter(|key| !known.lines().any(|line| line == key.as_str())).cloned());
    if all.len() == before { Ok(()) } else { authorize(target, &home, &all, Some((uid, gid))) }
}

/// Sets root's password and keys.
///
/// # Errors
/// When a file cannot be written.
pub fn root(root: &RootAccount, target: &Target) -> Result<(), SystemError> {
    let mut accounts = Accounts::read(target)?;
    accounts.set("root", &hashed(root.password.as_ref())?)?;
    accounts.write(target)?;
    authorize(target, "/root", &root.ssh_keys, None)
}

/// Makes a user, its home and its keys.
///
/// # Errors
/// When there is such a user, a group is missing, or a file cannot be written.
pub fn add_user(user: &UserAccount, target: &Target) -> Result<(), SystemError> {
    add_detailed_user(user, &Details::default(), target)
}

/// As [`add_user`], with what is seldom said.
///
/// # Errors
/// As [`add_user`].
pub fn add_detailed_user(user: &UserAccount, details: &Details, target: &Target) -> Result<(), SystemError> {
    let mut accounts = Accounts::read(target)?;
    accounts.add(user, details, &hashed(user.password.as_ref())?)?;
    if details.is_locked {
        accounts.lock(&user.name)?;
    }
    accounts.write(target)?;
    if details.is_homeless {
        return Ok(());
    }
    let Some((uid, gid, home)) = accounts.user(&user.name) else {
        return Err(AccountsError::NoUser { name: user.name.clone() }.into());
    };
    let place = target.directory(&home, 0o700)?;
    let skeleton = target.folder("/etc/skel")?;
    if skeleton.is_dir() {
        crate::files::copy(&skeleton, &home, target)?;
    }
    set_mode(&place, 0o700)?;
    authorize(target, &home, &user.ssh_keys, None)?;
    give(&place, uid, gid)
}

/// Makes a group that is not there.
///
/// # Errors
/// When no number is left, or a file cannot be written.
pub fn make_group(name: &str, target: &Target) -> Result<(), SystemError> {
    let mut accounts = Accounts::read(target)?;
    accounts.make_group(name)?;
    accounts.write(target)
}

/// Makes a user member of a group; both are there.
///
/// # Errors
/// When the group is missing, or a file cannot be written.
pub fn join_group(user: &str, group: &str, target: &Target) -> Result<(), SystemError> {
    let mut accounts = Accounts::read(target)?;
    accounts.join(user, group)?;
    accounts.write(target)
}

/// Lets no password of a user that is there fit.
///
/// # Errors
/// When there is no such user, or a file cannot be written.
pub fn lock(name: &str, target: &Target) -> Result<(), SystemError> {
    let mut accounts = Accounts::read(target)?;
    accounts.lock(name)?;
    accounts.write(target)
}

/// Writes an account's `authorized_keys`. sshd insists on modes nobody else can write through.
fn authorize(target: &Target, home: &str, keys: &[String], owner: Option<(u32, u32)>) -> Result<(), SystemError> {
    if keys.is_empty() {
        return Ok(());
    }
    let folder = target.directory(&format!("{home}/.ssh"), 0o700)?;
    set_mode(&folder, 0o700)?;
    target.write(&format!("{home}/.ssh/authorized_keys"), 0o600, (keys.join("\n") + "\n").as_bytes())?;
    owner.map_or(Ok(()), |(uid, gid)| give(&folder, uid, gid))
}

fn set_mode(path: &Path, mode: u32) -> Result<(), SystemError> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(SystemError::io("change", path))
}

/// Gives a tree to a user. Who is not root can only make trees of its own.
fn give(path: &Path, uid: u32, gid: u32) -> Result<(), SystemError> {
    if !nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    let walk = |path: &Path| -> io::Result<()> {
        let mut left = vec![path.to_owned()];
        while let Some(path) = left.pop() {
            if fs::symlink_metadata(&path)?.is_dir() {
                for entry in fs::read_dir(&path)? {
                    left.push(entry?.path());
                }
                chown(&path, Some(uid), Some(gid))?;
            } else {
                std::os::unix::fs::lchown(&path, Some(uid), Some(gid))?;
            }
        }
        Ok(())
    };
    walk(path).map_err(SystemError::io("give away", path))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::database::tests::{accounts, user};
    use super::*;
    use kickstart::Secret;

    #[test]
    fn secret_files_keep_their_modes() {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::prepare(folder.path()).unwrap();
        accounts().write(&target).unwrap();
        let password = Credential { text: Secret::new("$6$abcdefgh$x"), crypted: true, age: None };
        for mode in [0, 0o640, 0o600] {
            let files = ["/etc/shadow", "/etc/gshadow"].map(|path| target.place(path).unwrap());
            files.iter().for_each(|file| set_mode(file, mode).unwrap());
            let groups = files.each_ref().map(|file| fs::metadata(file).unwrap().gid());
            set_password("old", &password, &target).unwrap();
            assert!(Accounts::read(&target).unwrap().shadow.contains("old:$6$abcdefgh$x:"));
            add_user(&user(&format!("dev{mode}"), None, &["docker"]), &target).unwrap();
            for (file, group) in files.iter().zip(groups) {
                let metadata = fs::metadata(file).unwrap();
                assert_eq!((metadata.mode() & 0o7777, metadata.gid()), (mode, group), "{}", file.display());
            }
        }
        let left: Vec<_> = fs::read_dir(target.root().join("etc")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), 4, "{left:?}");
    }

    #[test]
    fn homes_and_keys() {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::prepare(folder.path()).unwrap();
        accounts().write(&target).unwrap();
        target.write("/etc/skel/.bashrc", 0o644, b"x").unwrap();
        let password = Some(Credential { text: Secret::new("sesame"), crypted: false, age: None });
        let ssh_keys = vec!["ssh-ed25519 AAAA x".to_owned()];
        add_user(&UserAccount { password, ssh_keys, ..user("dev", None, &[]) }, &target).unwrap();
        assert_eq!(target.read("/home/dev/.ssh/authorized_keys").unwrap(), "ssh-ed25519 AAAA x\n");
        assert_eq!(target.read("/home/dev/.bashrc").unwrap(), "x");
        let mode = |path: &str| fs::metadata(target.root().join(path)).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode("home/dev"), mode("home/dev/.ssh"), mode("home/dev/.ssh/authorized_keys")), (0o700, 0o700, 0o600));
        // Only root can give them to the new user.
        let own = nix::unistd::geteuid();
        let owner = if own.is_root() { 1001 } else { own.as_raw() };
        for path in ["home/dev", "home/dev/.bashrc", "home/dev/.ssh", "home/dev/.ssh/authorized_keys"] {
            assert_eq!(fs::metadata(target.root().join(path)).unwrap().uid(), owner, "{path}");
        }
        assert!(Accounts::read(&target).unwrap().shadow.contains("dev:$6$"));
        root(&RootAccount { password: None, ssh_keys: Vec::new() }, &target).unwrap();
        assert!(Accounts::read(&target).unwrap().shadow.starts_with("root:!*:"));
    }
}
