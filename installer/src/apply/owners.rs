//! Owners and capabilities that an ordinary user's files cannot have, set in the file system made of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use rpm_engine::filecaps;
use rpm_engine::package::PackageFile;
use rpm_engine::system::System;

use super::account::Accounts;
use super::{ApplyError, Target, program};
use crate::plan::Place;

/// What paths have beyond what all have, by path.
#[derive(Debug, Default)]
pub(super) struct Owners {
    /// Owner and group where they are not both root's.
    ids: BTreeMap<String, (u32, u32)>,
    /// The attribute `security.capability`.
    capabilities: BTreeMap<String, [u8; 20]>,
}

/// What the packages and accounts of a system say; nothing where the files have it already.
pub(super) fn of(target: &Target) -> Result<Owners, ApplyError> {
    let mut owners = Owners::default();
    if nix::unistd::geteuid().is_root() {
        return Ok(owners);
    }
    let accounts = Accounts::read(target)?;
    let installed = System::open(target.root()).and_then(|system| system.installed()).map_err(ApplyError::repository)?;
    for file in installed.iter().flat_map(|installed| &installed.package.files) {
        if is_there(target, &file.path)? {
            owners.add(file, &accounts)?;
        }
    }
    for (uid, gid, home) in accounts.people() {
        let mut left = vec![home];
        while let Some(path) = left.pop() {
            let place = target.place(&path)?;
            if place.is_dir() && !place.is_symlink() {
                let entries = fs::read_dir(&place).map_err(ApplyError::io("read", &place))?.flatten();
                left.extend(entries.map(|entry| format!("{path}/{}", entry.file_name().to_string_lossy())));
            }
            if is_there(target, &path)? {
                owners.ids.insert(path, (uid, gid));
            }
        }
    }
    Ok(owners)
}

fn is_there(target: &Target, path: &str) -> Result<bool, ApplyError> {
    Ok(target.place(path)?.symlink_metadata().is_ok())
}

impl Owners {
    fn add(&mut self, file: &PackageFile, accounts: &Accounts) -> Result<(), ApplyError> {
        let user = accounts.user(&file.user).map_or(0, |(uid, ..)| uid);
        let ids = (user, accounts.group(&file.group).unwrap_or(0));
        if ids != (0, 0) {
            self.ids.insert(file.path.clone(), ids);
        }
        if let Some(text) = &file.caps {
            self.capabilities.insert(file.path.clone(), filecaps::to_xattr(text).map_err(ApplyError::repository)?);
        }
        Ok(())
    }

    /// Sets them in the file system of a partition in a file, which is seen at `at`; `folder` takes the commands.
    pub fn set_on(&self, place: &Place, at: &str, folder: &Path) -> Result<(), ApplyError> {
        let prefix = at.trim_end_matches('/');
        // What is on another partition is not found, which is reported and does no harm.
        let inner = |path: &'_ str| path.strip_prefix(prefix).filter(|inner| !at.is_empty() && inner.starts_with('/')).map(str::to_owned);
        let mut commands = String::new();
        for (path, (uid, gid)) in &self.ids {
            let Some(path) = inner(path) else { continue };
            for (field, id) in [("uid", uid & 0xffff), ("uid_high", uid >> 16), ("gid", gid & 0xffff), ("gid_high", gid >> 16)] {
                let _ = writeln!(commands, "set_inode_field \"{path}\" {field} {id}");
            }
        }
        for (number, (path, value)) in self.capabilities.iter().enumerate() {
            let Some(path) = inner(path) else { continue };
            let file = folder.join(format!("capability-{number}"));
            fs::write(&file, value).map_err(ApplyError::io("write", &file))?;
            let _ = writeln!(commands, "ea_set -f {} \"{path}\" security.capability", file.display());
        }
        if commands.is_empty() {
            return Ok(());
        }
        let script = folder.join("owners");
        fs::write(&script, commands).map_err(ApplyError::io("write", &script))?;
        let image = format!("{}?offset={}", place.disk, place.offset_bytes);
        program::run("debugfs", &["-w", "-f", &script.display().to_string(), &image], None)?;
        Ok(())
    }
}
