//! Directories: those to be made, those that get other permissions, those that go.

use nix::sys::stat::SFlag;

use super::super::error::ApplyError;
use super::super::op::{Attributes, Op, Ownership};
use super::{FilePlan, Planner, change, kind_of};
use crate::package::FileKind;

impl Planner<'_> {
    /// Sees to it that the directories above `place` are there or will be.
    pub(super) fn parents(&mut self, place: &str, package: &str) -> Result<(), ApplyError> {
        let mut rest = place;
        while let Some((parent, _)) = rest.rsplit_once('/').filter(|(parent, _)| !parent.is_empty()) {
            if self.known.contains(parent) {
                break;
            }
            let stat = self.disk.stat(parent).map_err(change(parent))?;
            let is_directory = stat.is_some_and(|stat| kind_of(&stat) == SFlag::S_IFDIR);
            if !is_directory && !self.directories.contains_key(parent) {
                let displaced = stat.is_some() && self.leaving.contains_key(parent);
                if stat.is_some() && !displaced {
                    let reason = "its parent is not a directory";
                    return Err(ApplyError::InTheWay { path: place.to_owned(), package: package.to_owned(), reason });
                }
                self.directories.insert(parent.to_owned(), (Attributes::implied(), None));
            }
            self.known.insert(parent.to_owned());
            rest = parent;
        }
        Ok(())
    }

    /// Adds the directories above those that packages contain.
    pub(super) fn close(&mut self) -> Result<(), ApplyError> {
        let wanted: Vec<(String, Option<usize>)> = self.directories.iter().map(|(path, (_, package))| (path.clone(), *package)).collect();
        wanted.into_iter().try_for_each(|(path, package)| self.parents(&path, &self.name(package)))
    }

    /// What to do for each directory, now that all are known.
    pub(super) fn finish(mut self) -> Result<FilePlan, ApplyError> {
        if !self.conflicts.is_empty() {
            return Err(ApplyError::Conflicts(self.conflicts));
        }
        for (path, (attributes, package)) in std::mem::take(&mut self.directories) {
            let other = self.new.get(&path).filter(|(_, file)| file.kind != FileKind::Directory && !file.flags.ghost);
            if let Some((index, _)) = other {
                let package = self.name(Some(*index));
                return Err(ApplyError::InTheWay { path, package, reason: "it contains another file" });
            }
            match self.disk.stat(&path).map_err(change(&path))? {
                None => self.plan.prepare.push(Op::MakeDirectory { path, attributes }),
                Some(stat) if kind_of(&stat) == SFlag::S_IFDIR => {
                    let was = Ownership { mode: (stat.st_mode & 0o7777) as u16, user: stat.st_uid, group: stat.st_gid };
                    if package.is_some() {
                        self.plan.adjust.push(Op::Adjust { path, attributes, was });
                    }
                }
                Some(_) if self.leaving.contains_key(&path) => {
                    let aside = self.temporary(&path, 'o');
                    self.plan.prepare.push(Op::Displace { path: path.clone(), aside });
                    self.plan.prepare.push(Op::MakeDirectory { path, attributes });
                }
                Some(_) => {
                    let name = self.name(package);
                    return Err(ApplyError::InTheWay { path, package: name, reason: "something exists there that is not a directory" });
                }
            }
        }
        self.plan.last.sort_by(|a, b| b.path().cmp(a.path()));
        Ok(self.plan)
    }
}
