//! The project's folder on disk: specs and the files next to them, read in parallel.

mod accounts;
mod crates;
mod file;
mod ids;
mod patch;
mod workspace;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use crate::spec::{self, Spec};
use base::diagnostic::{Failure, Problem, Problems, SourceText};
use base::name::PackageName;

use file::Local;
pub use file::{LocalFile, LocalFileError, local_files};
pub use workspace::Workspace;

/// A spec and the other files in its folder.
#[derive(Debug, Clone)]
pub struct SpecFolder {
    /// The checked spec.
    pub spec: Spec,
    /// The text it was read from.
    pub source: Arc<SourceText>,
    /// The folder, absolute.
    pub path: PathBuf,
    /// All files in it except `package.toml`, by relative path.
    pub files: BTreeMap<String, LocalFile>,
    /// The part of the project's workspace that it needs.
    pub workspace: Workspace,
}

impl SpecFolder {
    /// The keys of the table that describes a package of this spec: none for the main package, which the top of the file describes.
    pub fn table_of(&self, package: &PackageName) -> Vec<String> {
        let suffix = package.as_str().strip_prefix(self.spec.name.as_str()).and_then(|rest| rest.strip_prefix('-'));
        suffix.map(|suffix| vec!["subpackage".to_owned(), suffix.to_owned()]).unwrap_or_default()
    }

    /// Copies the files next to the spec to the folder `into`, with modes that do not depend on the checkout. They must be unchanged since
    /// the spec was read, because their digests are in the key.
    ///
    /// # Errors
    /// When one cannot be read or written, or has changed since.
    pub fn write_files(&self, into: &Path) -> Result<(), LocalFileError> {
        for (path, file) in &self.files {
            file.copy(&self.path.join(path), &into.join(path))?;
        }
        Ok(())
    }
}

/// Why the project could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// No folder above the current one is a Kaon project.
    #[error("no Kaon project in `{}` or above it", from.display())]
    NotAProject {
        /// Where the search began.
        from: PathBuf,
    },
    /// A file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of cargo cannot be parsed.
    #[error("cannot parse `{}`: {reason}", path.display())]
    Cargo {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Files contain mistakes.
    #[error(transparent)]
    Problems(#[from] Problems),
}

impl Failure for ProjectError {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Problems(error) => Some(error),
            Self::NotAProject { .. } | Self::Io { .. } | Self::Cargo { .. } => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NotAProject { .. } => {
                Some("run it inside a checkout: the folder that contains `specs`, `images` and `kernel-config`".into())
            }
            Self::Io { .. } => Some("check who may read it; everything next to a spec is part of its build".into()),
            Self::Cargo { .. } | Self::Problems(_) => None,
        }
    }
}

/// The project's top folder: the nearest one at or above `from` that contains `specs/sdk.toml`.
///
/// # Errors
/// [`ProjectError::NotAProject`].
pub fn find_root(from: &Path) -> Result<PathBuf, ProjectError> {
    let is_root = |folder: &&Path| folder.join("specs/sdk.toml").is_file();
    from.ancestors().find(is_root).map(Path::to_owned).ok_or_else(|| ProjectError::NotAProject { from: from.to_owned() })
}

/// Reads every spec below `specs`.
///
/// # Errors
/// When a file cannot be read, or with the problems of all specs at once.
pub fn load_specs(specs: &Path) -> Result<BTreeMap<PackageName, SpecFolder>, ProjectError> {
    let mut folders: Vec<PathBuf> = fs::read_dir(specs)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
        .map_err(|source| ProjectError::Io { path: specs.to_owned(), source })?;
    folders.sort();
    let mut problems: Vec<Problem> = folders.iter().filter_map(|folder| misnamed(folder)).collect();
    folders.retain(|folder| folder.join("package.toml").is_file());
    let loaded: Vec<_> = folders.par_iter().map(|folder| load_spec(folder)).collect();
    let mut found = BTreeMap::new();
    for result in loaded {
        match result? {
            Ok(folder) => {
                found.insert(folder.spec.name.clone(), folder);
            }
            Err(more) => problems.extend(more),
        }
    }
    problems.extend(accounts::undeclared(&found)?);
    problems.extend(ids::in_conflict(&found));
    Ok(Problems::none_or(problems, found)?)
}

fn load_spec(folder: &Path) -> Result<Result<SpecFolder, Vec<Problem>>, ProjectError> {
    let file = folder.join("package.toml");
    let shown = format!("specs/{}/package.toml", folder.file_name().unwrap_or_default().to_string_lossy());
    let text = fs::read_to_string(&file).map_err(|source| ProjectError::Io { path: file, source })?;
    let source = Arc::new(SourceText::new(&shown, text));
    let name = match folder.file_name().unwrap_or_default().to_string_lossy().parse::<PackageName>() {
        Ok(name) => name,
        Err(error) => return Ok(Err(vec![Problem::new(&source, 0..0, error.to_string()).hint("rename the spec's folder")])),
    };
    let mut spec = match spec::parse(&name, &shown, &source.text) {
        Ok(spec) => spec,
        Err(problems) => return Ok(Err(problems)),
    };
    let Local { files, others } = local_files(folder)?;
    let installed = spec.install.keys().map(|file| (file, Role::Installed));
    let patches = spec.patches.iter().map(|patch| (&patch.file, Role::Patch));
    let missing = installed.chain(patches).filter(|(file, _)| !files.contains_key(*file));
    let missing: Vec<_> = missing.map(|(file, role)| missing_file(&source, folder, file, role)).collect();
    if !missing.is_empty() {
        return Ok(Err(missing));
    }
    if !others.is_empty() {
        let problem = |name: &String| {
            let message = format!("`{name}` next to this spec is no regular file, or its name is not UTF-8 text; builds cannot use it");
            Problem::new(&source, 0..0, message).hint("put the file itself there, or remove it")
        };
        return Ok(Err(others.iter().map(problem).collect()));
    }
    let without_change = patches_without_change(&spec, &source, folder)?;
    if !without_change.is_empty() {
        return Ok(Err(without_change));
    }
    let workspace = match workspace_of(&spec, folder)? {
        Ok(workspace) => workspace,
        Err(member) => {
            let message = format!("the project has no crate `{member}`");
            return Ok(Err(vec![
                Problem::new(&source, quoted_place(&source, &member), message).hint("name folders of crates that are next to `specs`"),
            ]));
        }
    };
    spec.sources.extend(workspace.sources.iter().cloned());
    Ok(Ok(SpecFolder { spec, source, path: folder.to_owned(), files, workspace }))
}

/// A problem for each patch of a spec that changes nothing.
fn patches_without_change(spec: &Spec, source: &Arc<SourceText>, folder: &Path) -> Result<Vec<Problem>, ProjectError> {
    let mut problems = Vec::new();
    for patch in &spec.patches {
        let path = folder.join(&patch.file);
        let content = fs::read(&path).map_err(|source| ProjectError::Io { path, source })?;
        if !patch::has_change(&content) {
            let message = format!("the patch `{}` contains no change", patch.file);
            let hint = if content.is_empty() {
                "the file is empty: write the patch again, or remove this entry"
            } else {
                "it is not a patch: inspect the file"
            };
            problems.push(Problem::new(source, quoted_place(source, &patch.file), message).hint(hint));
        }
    }
    Ok(problems)
}

/// What a spec uses a file for.
#[derive(Clone, Copy)]
enum Role {
    Installed,
    Patch,
}

fn missing_file(source: &Arc<SourceText>, folder: &Path, file: &str, role: Role) -> Problem {
    let span = quoted_place(source, file);
    let path = folder.join(file);
    let is_link = path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
    if is_link {
        let message = format!("`{file}` next to this spec is a symbolic link, and only regular files are allowed");
        let hint = match role {
            Role::Installed => "put the file itself there; create a link in the image with `[symlinks]`",
            Role::Patch => "put the patch itself there: a build depends on nothing outside of the spec's directory",
        };
        return Problem::new(source, span, message).hint(hint);
    }
    if path.is_dir() {
        let message = format!("`{file}` next to this spec is a directory, and only regular files are allowed");
        let hint = match role {
            Role::Installed => "name each file in it; create an empty directory with `[directories]`",
            Role::Patch => "name each patch in it, in a `[[patch]]` of its own",
        };
        return Problem::new(source, span, message).hint(hint);
    }
    Problem::new(source, span, format!("there is no file `{file}` next to this spec"))
}

/// A problem for a spec folder that has a TOML file, but no `package.toml`: it would be ignored silently.
fn misnamed(folder: &Path) -> Option<Problem> {
    if folder.join("package.toml").exists() {
        return None;
    }
    let names = fs::read_dir(folder).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut found: Vec<String> = names.filter(|name| name.ends_with(".toml") && name != "Cargo.toml" && !name.starts_with('.')).collect();
    found.sort();
    let file = folder.join(found.first()?);
    let shown = file.iter().rev().take(3).collect::<Vec<_>>().into_iter().rev().collect::<PathBuf>();
    let source = Arc::new(SourceText::new(shown.display().to_string(), fs::read_to_string(&file).unwrap_or_default()));
    let hint = "rename it to `package.toml`, or move it elsewhere";
    Some(Problem::new(&source, 0..0, "this file is not read, because a spec is named `package.toml`").hint(hint))
}

/// The part of the workspace that a spec's build needs, or the name of a member that does not exist.
fn workspace_of(spec: &Spec, folder: &Path) -> Result<Result<Workspace, String>, ProjectError> {
    match spec.build.system.members() {
        [] => Ok(Ok(Workspace::default())),
        members => workspace::read(folder.ancestors().nth(2).unwrap_or(folder), members),
    }
}

/// The position of a quoted string in a file; the file's beginning if it is not there.
pub fn quoted_place(source: &SourceText, text: &str) -> std::ops::Range<usize> {
    let quoted = format!("\"{text}\"");
    source.text.find(&quoted).map_or(0..0, |at| at..at + quoted.len())
}
