//! The changes that a package brings: new files, and what becomes of those in their places.

use std::collections::HashMap;

use super::super::config_policy::{self, OnDisk, Policy};
use super::super::error::ApplyError;
use super::super::op::{Attributes, Op, Stage};
use super::{PackagePlan, Packages, Planner, Put};
use crate::layout::Conflict;
use crate::package::{FileKind, PackageFile};
use crate::rpmdb;
use crate::rpmfile::RpmFile;
use crate::system;

impl<'a> Planner<'a> {
    /// The changes of one package that comes.
    pub(super) fn install(&mut self, index: usize, places: &[Option<String>]) -> Result<PackagePlan, ApplyError> {
        let package = self.packages.incoming[index];
        let name = package.package.nevra.to_string();
        let mut leaders: HashMap<u32, Put> = HashMap::new();
        let mut made = PackagePlan { contents: vec![None; package.files.len()], ..PackagePlan::default() };
        for (at, (file, place)) in package.files.iter().zip(places).enumerate() {
            let Some(place) = place else { continue };
            own_database(file, place, &name)?;
            if !self.claim(index, place, file) || file.flags.ghost {
                continue;
            }
            if file.kind == FileKind::Directory {
                self.directories.insert(place.clone(), (Attributes::of(file), Some(index)));
                continue;
            }
            self.parents(place, &name)?;
            let Some((target, aside)) = self.target(place, file, &name, &mut made)? else { continue };
            let new = self.temporary(&target, 'n');
            let stage = match &file.kind {
                FileKind::Symlink { .. } => Stage::Symlink(at),
                FileKind::Regular { hardlink: Some(group), .. } if leaders.contains_key(group) => Stage::Hardlink { to: leaders[group] },
                _ => Stage::Content(at),
            };
            let is_content = matches!(stage, Stage::Content(_));
            let put = made.put(Op::Put { path: target, new, aside }, stage);
            if let FileKind::Regular { hardlink: Some(group), .. } = &file.kind {
                leaders.entry(*group).or_insert(put);
            }
            made.contents[at] = is_content.then_some(put);
        }
        // The content of a file with several names may come with any of them.
        for (file, content) in package.files.iter().zip(&mut made.contents) {
            if let FileKind::Regular { hardlink: Some(group), .. } = &file.kind {
                *content = leaders.get(group).copied();
            }
        }
        Ok(made)
    }

    /// Whether a package is the one that writes what is at `place`; others that want the same may be there already.
    fn claim(&mut self, index: usize, place: &str, file: &'a PackageFile) -> bool {
        let name = |package: &RpmFile| package.package.nevra.to_string();
        let clash = |first: String, theirs: &PackageFile, packages: &Packages<'_>| Conflict {
            path: file.path.clone(),
            first,
            first_path: Some(theirs.path.clone()).filter(|path| *path != file.path),
            second: name(packages.incoming[index]),
        };
        if let Some((owner, theirs)) = self.staying.get(place)
            && !shareable(file, theirs)
        {
            let owner = self.packages.staying[*owner].package.nevra.to_string();
            self.conflicts.push(clash(owner, theirs, &self.packages));
            return false;
        }
        match self.new.get(place) {
            Some((first, theirs)) if !theirs.flags.ghost || file.flags.ghost => {
                // A package may have a file twice by two paths, as `/lib` and `/usr/lib`, but not by one.
                let is_listed_twice = *first == index && file.path == theirs.path;
                if !shareable(file, theirs) || (is_listed_twice && file.kind != FileKind::Directory) {
                    self.conflicts.push(clash(name(self.packages.incoming[*first]), theirs, &self.packages));
                    return false;
                }
                file.kind == FileKind::Directory
            }
            _ => {
                self.new.insert(place.to_owned(), (index, file));
                true
            }
        }
    }

    /// Where a file is laid and the name under which what is there is kept; none where it is not laid down at all.
    fn target(
        &mut self,
        place: &str,
        file: &PackageFile,
        package: &str,
        made: &mut PackagePlan,
    ) -> Result<Option<(String, Option<String>)>, ApplyError> {
        let old =
            self.leaving.get(place).copied().or_else(|| self.staying.get(place).map(|(_, file)| *file).filter(|file| !file.flags.ghost));
        let edited = file.flags.config || old.is_some_and(|old| old.flags.config);
        let compared: Vec<&PackageFile> = old.into_iter().chain([file]).filter(|_| edited).collect();
        let there = self.on_disk(place, &compared)?;
        // Whoever removed a file that may be missing does not want it back.
        if there == OnDisk::Nothing && file.flags.missing_ok && self.leaving.contains_key(place) {
            return Ok(None);
        }
        if there == OnDisk::Directory {
            let reason = "a directory exists there, and a package must not replace a directory";
            return Err(ApplyError::InTheWay { path: place.to_owned(), package: package.to_owned(), reason });
        }
        let aside = |this: &mut Self| (there != OnDisk::Nothing).then(|| this.temporary(place, 'o'));
        match config_policy::of_new(file, old, &there) {
            Policy::Keep => Ok(None),
            Policy::Replace => Ok(Some((place.to_owned(), aside(self)))),
            Policy::Aside => {
                let beside = format!("{place}.rpmnew");
                self.plan.notes.push(format!("`{place}` was edited and is kept; the file of {package} is `{beside}`"));
                let aside = self.replaced(place, &beside)?;
                Ok(Some((beside, aside)))
            }
            Policy::Save(suffix) => {
                self.save(place, suffix, made)?;
                Ok(Some((place.to_owned(), aside(self))))
            }
        }
    }

    /// Keeps what is at `place` under its name with a suffix.
    pub(super) fn save(&mut self, place: &str, suffix: &str, made: &mut PackagePlan) -> Result<(), ApplyError> {
        let beside = format!("{place}{suffix}");
        self.plan.notes.push(format!("`{place}` was edited; it is saved as `{beside}`"));
        let new = self.temporary(place, 'n');
        let aside = self.replaced(place, &beside)?;
        made.put(Op::Put { path: beside, new, aside }, Stage::Keep { path: place.to_owned() });
        Ok(())
    }

    /// The name that what is at `beside` gets until all is done; none where nothing is there. A directory is never replaced.
    fn replaced(&mut self, place: &str, beside: &str) -> Result<Option<String>, ApplyError> {
        match self.on_disk(beside, &[])? {
            OnDisk::Nothing => Ok(None),
            OnDisk::Directory => Err(ApplyError::SavedNameTaken { file: place.to_owned(), directory: beside.to_owned() }),
            OnDisk::File { .. } | OnDisk::Link { .. } | OnDisk::Other => Ok(Some(self.temporary(beside, 'o'))),
        }
    }
}

/// Whether two packages may both have a file: directories always, ghosts too, anything else if it is the same.
fn shareable(a: &PackageFile, b: &PackageFile) -> bool {
    let ghost = (a.flags.ghost || b.flags.ghost) && (a.kind == FileKind::Directory) == (b.kind == FileKind::Directory);
    let alike = || (a.mode, &a.user, &a.group) == (b.mode, &b.user, &b.group);
    let directories = a.kind == FileKind::Directory && b.kind == FileKind::Directory;
    let links = matches!((&a.kind, &b.kind), (FileKind::Symlink { .. }, FileKind::Symlink { .. }));
    directories || ghost || (config_policy::same(&a.kind, &b.kind) && (links || alike()))
}

/// The databases of the package manager are no package's.
fn own_database(file: &PackageFile, place: &str, package: &str) -> Result<(), ApplyError> {
    let within = |directory: &str| place.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'));
    if file.flags.ghost || !(rpmdb::DIRECTORIES.into_iter().any(within) || within(system::DIRECTORY)) {
        return Ok(());
    }
    let reason = "the package manager keeps its databases there";
    Err(ApplyError::InTheWay { path: place.to_owned(), package: package.to_owned(), reason })
}
