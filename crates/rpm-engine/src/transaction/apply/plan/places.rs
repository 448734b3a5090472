//! Where the files of packages are, and will be.

use std::collections::HashSet;

use super::super::error::ApplyError;
use super::{Planner, change};
use crate::layout::LayoutError;
use crate::package::{FileKind, PackageFile};
use crate::rpmfile::RpmFile;
use crate::transaction::TransactionError;

impl Planner<'_> {
    /// The places of the files of the packages that go; none for files that were never there.
    pub(super) fn leaving(&mut self) -> Result<Vec<Vec<Option<String>>>, ApplyError> {
        let mut all = Vec::new();
        for package in self.packages.outgoing {
            let mut places = Vec::with_capacity(package.files.len());
            for (file, present) in package.files.iter().zip(package.present()) {
                if !present || file.path == "/" {
                    places.push(None);
                    continue;
                }
                let place = self.now.place(&file.path).map_err(change(&file.path))?;
                if !file.flags.ghost {
                    self.leaving.insert(place.clone(), file);
                }
                places.push(Some(place));
            }
            all.push(places);
        }
        Ok(all)
    }

    /// Tells the future which links come and which go.
    pub(super) fn links(&mut self, going: &[Vec<Option<String>>]) -> Result<(), ApplyError> {
        let is_link = |file: &&PackageFile| matches!(file.kind, FileKind::Symlink { .. }) && !file.flags.ghost;
        let kept: HashSet<&str> =
            self.packages.staying.iter().flat_map(|package| &package.files).filter(is_link).map(|file| file.path.as_str()).collect();
        for (package, places) in self.packages.outgoing.iter().zip(going) {
            for (_, place) in package.files.iter().zip(places).filter(|(file, _)| is_link(file) && !kept.contains(file.path.as_str())) {
                if let Some(place) = place {
                    self.then.without(place.clone());
                }
            }
        }
        for package in self.packages.incoming {
            behind_own_link(package)?;
            for file in package.files.iter().filter(is_link) {
                if let FileKind::Symlink { target } = &file.kind {
                    let place = self.then.place(&file.path).map_err(change(&file.path))?;
                    self.then.with(place, target.clone());
                }
            }
        }
        Ok(())
    }

    /// The places of the files of the new packages. A link to a directory counts as that directory.
    pub(super) fn coming(&mut self) -> Result<Vec<Vec<Option<String>>>, ApplyError> {
        let mut all = Vec::new();
        for package in self.packages.incoming {
            let mut places = Vec::with_capacity(package.files.len());
            for file in &package.files {
                if file.path == "/" {
                    places.push(None);
                    continue;
                }
                let mut place = self.then.place(&file.path).map_err(change(&file.path))?;
                if file.kind == FileKind::Directory {
                    place = self.then.follow(&place).map_err(change(&file.path))?;
                }
                places.push(Some(place).filter(|place| !place.is_empty()));
            }
            all.push(places);
        }
        Ok(all)
    }

    /// Finds which of the places in question belong to packages that stay.
    pub(super) fn staying(&mut self, going: &[Vec<Option<String>>], coming: &[Vec<Option<String>>]) -> Result<(), ApplyError> {
        let touched: HashSet<&str> = going.iter().chain(coming).flatten().flatten().map(String::as_str).collect();
        for (index, package) in self.packages.staying.iter().enumerate() {
            for (file, present) in package.files.iter().zip(package.present()) {
                let place = self.now.place(&file.path).map_err(change(&file.path))?;
                if present && touched.contains(place.as_str()) {
                    // A ghost's claim is the weakest.
                    let holder = self.staying.entry(place).or_insert((index, file));
                    if holder.1.flags.ghost {
                        *holder = (index, file);
                    }
                }
            }
        }
        Ok(())
    }
}

/// A package that reaches one of its files through one of its own links was not built from a directory.
fn behind_own_link(package: &RpmFile) -> Result<(), ApplyError> {
    let links: HashSet<&str> =
        package.files.iter().filter(|file| matches!(file.kind, FileKind::Symlink { .. })).map(|file| file.path.as_str()).collect();
    for file in package.files.iter().filter(|_| !links.is_empty()) {
        let mut above = file.path.match_indices('/').skip(1).map(|(at, _)| &file.path[..at]);
        if let Some(link) = above.find(|above| links.contains(above)) {
            let (package, path, link) = (package.package.nevra.to_string(), file.path.clone(), link.to_owned());
            return Err(TransactionError::Layout(LayoutError::BehindOwnLink { package, path, link }).into());
        }
    }
    Ok(())
}
