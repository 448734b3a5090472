//! The changes that the removal of a package brings.

use super::super::config_policy::{self, OnDisk};
use super::super::error::ApplyError;
use super::super::op::Op;
use super::{PackagePlan, Planner};
use crate::package::FileKind;

impl Planner<'_> {
    /// The changes of one package that goes.
    pub(super) fn erase(&mut self, index: usize, places: &[Option<String>]) -> Result<PackagePlan, ApplyError> {
        let package = self.packages.outgoing[index];
        let mut made = PackagePlan::default();
        for (file, place) in package.files.iter().zip(places) {
            let Some(place) = place else { continue };
            if self.staying.contains_key(place) || self.new.contains_key(place) || self.directories.contains_key(place) {
                continue;
            }
            // Of packages that share a place and both go, the first takes it away.
            if !self.gone.insert(place.clone()) {
                continue;
            }
            let compared = [file];
            let there = self.on_disk(place, if file.flags.config { &compared } else { &[] })?;
            match (&file.kind, &there) {
                (FileKind::Directory, OnDisk::Directory) => self.plan.last.push(Op::RemoveDirectory { path: place.clone() }),
                (FileKind::Directory, _) | (_, OnDisk::Nothing | OnDisk::Directory) => {}
                // Settings that no package wrote stay, as RPM has it: nobody knows what they were.
                _ if file.flags.ghost && file.flags.config => {}
                _ => {
                    if config_policy::is_saved(file, &there) {
                        self.save(place, ".rpmsave", &mut made)?;
                    }
                    let aside = self.temporary(place, 'o');
                    made.ops.push(Op::Remove { path: place.clone(), aside });
                }
            }
        }
        Ok(made)
    }
}
