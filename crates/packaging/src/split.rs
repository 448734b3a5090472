//! Assigns files to packages.

use std::collections::BTreeMap;

use super::declared;
use super::directory::owned_directories;
use super::error::PackageError;
use super::licences::LicenceTexts;
use super::similar::similar;
use super::tree::{Entry, Kind, Tree};
use base::glob::Glob;
use planning::spec::{BuildSystem, Content, Spec};

/// One binary package and its content.
#[derive(Debug)]
pub struct Part<'a> {
    /// Its description in the spec.
    pub content: &'a Content,
    /// Whether it is the `devel` package, which requires the same version of the main package.
    pub is_devel: bool,
    /// Files, links, and all directories it owns, by path.
    pub entries: BTreeMap<String, Entry>,
}

/// Assigns each entry of the tree to the first subpackage with a matching glob, and the rest to the main package, which is first in the
/// result. Then adds licence texts, files that declare users and units, and the directories that each package owns.
///
/// # Errors
/// When a glob gets no file, or no file is left for the main package although the spec builds something.
pub fn split<'a>(spec: &'a Spec, tree: &Tree, licences: &LicenceTexts) -> Result<Vec<Part<'a>>, PackageError> {
    let mut parts = vec![Part { content: &spec.main, is_devel: false, entries: BTreeMap::new() }];
    let mut globs: Vec<(usize, Glob, bool)> = Vec::new();
    for (index, subpackage) in spec.subpackages.iter().enumerate() {
        parts.push(Part { content: &subpackage.content, is_devel: subpackage.is_devel, entries: BTreeMap::new() });
        for text in &subpackage.files {
            globs.push((index + 1, Glob::new(text).map_err(PackageError::bad_glob(text))?, false));
        }
    }
    for (path, entry) in tree.iter() {
        let mut owner = None;
        for (part, glob, used) in &mut globs {
            // Several globs of one subpackage may match; all of them count as used.
            if (owner.is_none() || owner == Some(*part)) && glob.matches(path) {
                owner = Some(*part);
                *used = true;
            }
        }
        parts[owner.unwrap_or(0)].entries.insert(path.to_owned(), entry.clone());
    }
    if let Some((part, glob, _)) = globs.iter().find(|(_, _, used)| !used) {
        return Err(PackageError::GlobMatchesNothing {
            package: parts[*part].content.name.clone(),
            glob: glob.text().to_owned(),
            taken: taken(glob, &globs, tree).map(|(path, by)| (path, parts[by].content.name.clone())),
            similar: similar(glob.text(), tree),
        });
    }
    for part in &mut parts {
        part.entries.extend(declared::files(part.content));
    }
    if parts[0].entries.is_empty() && spec.build.system != BuildSystem::None {
        let elsewhere = tree.iter().count();
        return Err(PackageError::Empty { package: spec.main.name.clone(), elsewhere, dropped: tree.dropped() });
    }
    // The `devel` package requires the main package, which contains them.
    for part in parts.iter_mut().filter(|part| !part.is_devel) {
        part.entries.extend(licences.entries_of(&part.content.name));
    }
    for part in &mut parts {
        let directories = owned_directories(part.content, &part.entries);
        for path in directories {
            let mode = tree.directory_mode(&path).unwrap_or(0o755);
            part.entries.entry(path).or_insert(Entry { kind: Kind::Directory, mode });
        }
    }
    Ok(parts)
}

/// The first path that `glob` matches and an earlier subpackage has, and the index of that subpackage in the list of packages.
fn taken(glob: &Glob, globs: &[(usize, Glob, bool)], tree: &Tree) -> Option<(String, usize)> {
    let path = tree.iter().map(|(path, _)| path).find(|path| glob.matches(path))?;
    let (by, _, _) = globs.iter().find(|(_, other, _)| other.matches(path))?;
    Some((path.to_owned(), *by))
}
