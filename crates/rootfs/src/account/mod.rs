//! The tree's users and groups: declarations of packages in `sysusers.d`, written to `/etc/passwd` and related files.
//!
//! This is done here rather than by systemd-sysusers in the tree, so that trees without systemd have users as well, and so that the result
//! depends only on the declarations. At boot systemd-sysusers has nothing left to do.

mod database;
mod declaration;

use std::collections::BTreeMap;
use std::fs;

use rpm_engine::manifest::Kind;

use super::{Rootfs, RootfsError, extra};
use database::Database;
use declaration::Declaration;

pub use declaration::AccountError;

/// The numbers of users and groups, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ids {
    /// User ids.
    pub users: BTreeMap<String, u32>,
    /// Group ids.
    pub groups: BTreeMap<String, u32>,
}

/// The folders of declarations; a file in the first replaces one of the same name in the second (sysusers.d(5)).
const FOLDERS: [&str; 2] = ["/etc/sysusers.d", "/usr/lib/sysusers.d"];

/// The account files and their modes. Only root may read the secret ones.
const FILES: [(&str, u16); 4] = [("/etc/passwd", 0o644), ("/etc/group", 0o644), ("/etc/shadow", 0), ("/etc/gshadow", 0)];

/// Writes the account files from all declarations and from the files of packages.
pub(super) fn create(rootfs: &mut Rootfs, root_password_hash: Option<&str>) -> Result<(), RootfsError> {
    let is_crypted = |hash: &str| hash.starts_with('$') && hash.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
    if root_password_hash.is_some_and(|hash| !is_crypted(hash)) {
        return Err(AccountError::PasswordHash.into());
    }
    let mut database = Database::default();
    let [passwd, group, ..] = FILES.map(|(path, _)| path);
    if let Some(text) = read(rootfs, passwd)? {
        database.read_passwd(&text);
    }
    if let Some(text) = read(rootfs, group)? {
        database.read_group(&text);
    }
    let mut declarations = Vec::new();
    for path in files(rootfs) {
        if let Some(text) = read(rootfs, &path)? {
            declarations.extend(Declaration::parse_file(&path, &text)?);
        }
    }
    let shell = ["/usr/bin/bash", "/usr/bin/sh"].into_iter().find(|shell| rootfs.manifest.get(shell).is_some()).unwrap_or("/bin/sh");
    database.declare(&declarations, shell)?;
    let texts = [database.passwd(), database.group(), database.shadow(root_password_hash), database.gshadow()];
    for ((path, mode), text) in FILES.into_iter().zip(texts) {
        extra::put(rootfs, path, mode, text.as_bytes())?;
    }
    Ok(())
}

/// The declaration files sorted by name.
fn files(rootfs: &Rootfs) -> Vec<String> {
    let mut by_name: BTreeMap<String, String> = BTreeMap::new();
    for folder in FOLDERS {
        for path in rootfs.manifest.below(folder).filter(|path| path.ends_with(".conf")) {
            by_name.entry(path[folder.len() + 1..].to_owned()).or_insert_with(|| path.to_owned());
        }
    }
    by_name.into_values().collect()
}

fn read(rootfs: &Rootfs, path: &str) -> Result<Option<String>, RootfsError> {
    if !matches!(rootfs.manifest.get(path).map(|entry| &entry.kind), Some(Kind::File { .. })) {
        return Ok(None);
    }
    let on_disk = rootfs.on_disk(path);
    fs::read_to_string(&on_disk).map(Some).map_err(RootfsError::io("read", &on_disk))
}

/// The numbers of all users and groups. Checks that every file belongs to one of them.
pub(super) fn resolve(rootfs: &Rootfs) -> Result<Ids, RootfsError> {
    let mut database = Database::default();
    database.read_passwd(&read(rootfs, "/etc/passwd")?.unwrap_or_default());
    database.read_group(&read(rootfs, "/etc/group")?.unwrap_or_default());
    let ids = database.ids();
    for (path, entry) in rootfs.manifest.iter() {
        for (what, name, known) in [("user", &entry.user, &ids.users), ("group", &entry.group, &ids.groups)] {
            if !known.contains_key(name) {
                let package = entry.package.clone().unwrap_or_else(|| super::MADE_HERE.to_owned());
                return Err(RootfsError::UnknownOwner { path: path.to_owned(), package, what, name: name.clone() });
            }
        }
    }
    Ok(ids)
}
