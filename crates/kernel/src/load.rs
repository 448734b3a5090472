//! Reading `kernel-config` from disk.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Description, contract, flavour, fragment};
use base::diagnostic::{Failure, Problem, Problems, SourceText};
use base::document::{Document, Spanned};
use text::did_you_mean;

/// Why `kernel-config` cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file or folder cannot be read.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Files contain mistakes.
    #[error(transparent)]
    Problems(#[from] Problems),
}

impl Failure for LoadError {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Problems(error) => Some(error),
            Self::Io { .. } => None,
        }
    }
}

impl Description {
    /// Reads every flavour, fragment and contract of the project whose top folder is `root`.
    ///
    /// # Errors
    /// When a file cannot be read, or with all problems of all files.
    pub fn load(root: &Path) -> Result<Self, LoadError> {
        let mut problems = Vec::new();
        let (fragments, fragment_names) = read_folder(root, "fragments", ".config", &mut problems, fragment::parse)?;
        let (contracts, contract_names) = read_folder(root, "contracts", ".toml", &mut problems, |name, file| {
            contract::parse(name, Document::new(file.path, file.text))
        })?;
        let (flavours, _) = read_folder(root, "flavours", ".toml", &mut problems, |name, file| {
            let document = Document::new(file.path, file.text);
            let source = document.source().clone();
            let flavour = flavour::parse(name, document)?;
            let mut unknown = Vec::new();
            let mut look_up = |what: &str, names: &[Spanned<String>], known: &BTreeSet<String>| {
                for name in names.iter().filter(|name| !known.contains(&name.value)) {
                    let problem = Problem::new(&source, name.span.clone(), format!("there is no {what} `{}`", name.value));
                    let known: Vec<&str> = known.iter().map(String::as_str).collect();
                    let hint = did_you_mean(&name.value, known.iter().copied());
                    unknown.push(problem.hint(hint.unwrap_or_else(|| format!("{what}s in `kernel-config`: {}", known.join(", ")))));
                }
            };
            look_up("fragment", &flavour.fragments, &fragment_names);
            look_up("contract", &flavour.contracts, &contract_names);
            if unknown.is_empty() { Ok(flavour) } else { Err(unknown) }
        })?;
        Ok(Problems::none_or(problems, Self { flavours, fragments, contracts })?)
    }
}

/// Reads all files of a folder of `kernel-config` with one ending, by their names without it. The returned names include files with
/// mistakes, so that references to them are not reported as unknown.
fn read_folder<T>(
    root: &Path,
    folder: &str,
    ending: &str,
    problems: &mut Vec<Problem>,
    parse: impl Fn(&str, SourceText) -> Result<T, Vec<Problem>>,
) -> Result<(BTreeMap<String, T>, BTreeSet<String>), LoadError> {
    let path = root.join("kernel-config").join(folder);
    let failed = |path: &Path| {
        let path = path.to_owned();
        |source| LoadError::Io { path, source }
    };
    let mut names: Vec<String> = fs::read_dir(&path)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned())).collect())
        .map_err(failed(&path))?;
    names.sort();
    let (mut found, mut all) = (BTreeMap::new(), BTreeSet::new());
    for file in names.iter().filter(|name| !name.starts_with('.')) {
        let Some(name) = file.strip_suffix(ending) else {
            let source = Arc::new(SourceText::new(format!("kernel-config/{folder}/{file}"), ""));
            let message = format!("this file is not read, because only names that end with `{ending}` are");
            problems.push(Problem::new(&source, 0..0, message).hint("rename it, or move it elsewhere"));
            continue;
        };
        all.insert(name.to_owned());
        let text = fs::read_to_string(path.join(file)).map_err(failed(&path.join(file)))?;
        match parse(name, SourceText::new(format!("kernel-config/{folder}/{file}"), text)) {
            Ok(value) => {
                found.insert(name.to_owned(), value);
            }
            Err(more) => problems.extend(more),
        }
    }
    Ok((found, all))
}
