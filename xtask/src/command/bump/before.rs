//! Specs before and after they are raised.

use std::fs;
use std::path::PathBuf;

use super::error::BumpError;
use crate::cli::Context;
use base::diagnostic::{Problems, Report};
use base::digest::Digest;
use base::name::PackageName;
use planning::bump::{Bumped, Places, ReleaseChange, SourceChange, bump, read};
use planning::spec::{Source, SourceUsage, Spec, parse};
use runtime::store::Store;
use sdk::source::{ArchiveError, Fetcher, HTML, NOT_AN_ARCHIVE, archive};

/// A spec as it is.
pub struct Before {
    /// Its name.
    pub name: PackageName,
    /// Its file, relative to the project's top folder.
    pub path: String,
    /// Its file.
    pub file: PathBuf,
    /// Its text.
    pub text: String,
    /// What changes in it.
    pub places: Places,
    /// Its content.
    pub spec: Spec,
}

/// A spec with a new version.
pub struct Raised {
    /// The spec as it is.
    pub before: Before,
    /// The new version.
    pub version: String,
    /// What became of its release.
    pub release: ReleaseChange,
    /// Its new text.
    pub bumped: Bumped,
    /// What a person has to look at beyond what `bumped` names.
    pub warnings: Vec<String>,
}

impl Before {
    /// Reads the spec named `name`.
    ///
    /// # Errors
    /// When it cannot be read, or has mistakes.
    pub fn read(context: &Context<'_>, name: &PackageName, others: &[PackageName]) -> Result<Self, Report> {
        let path = format!("specs/{name}/package.toml");
        let file = context.root.join(&path);
        let text = fs::read_to_string(&file).map_err(|source| BumpError::Read { path: file.clone(), source })?;
        let places = read(&text).ok_or_else(|| BumpError::NoAddress { path: path.clone(), others: others.to_vec() })?;
        let spec = parse(name, &path, &text).map_err(Problems::new)?;
        Ok(Self { name: name.clone(), path, file, text, places, spec })
    }

    /// The sources with their places.
    pub fn sources(&self) -> impl Iterator<Item = (&planning::bump::SourcePlaces, &Source)> {
        self.places.sources.iter().zip(&self.spec.sources)
    }

    /// The content with another version.
    ///
    /// # Errors
    /// When the version or the changes are impossible.
    pub fn parsed(&self, text: &str) -> Result<Spec, Report> {
        Ok(parse(&self.name, &self.path, text).map_err(Problems::new)?)
    }

    /// Puts the version and the changes into the spec.
    ///
    /// # Errors
    /// When they make no valid spec, or a fetched file is no archive.
    pub fn raised(
        self,
        context: &Context<'_>,
        (version, release): (&str, ReleaseChange),
        changes: &[SourceChange],
        warnings: Vec<String>,
    ) -> Result<Raised, Report> {
        let bumped = bump(&self.text, &self.places, version, release, changes);
        let raised = self.parsed(&bumped.text)?;
        let store = context.store()?;
        raised.sources.iter().try_for_each(|source| check_archive(context, &store, source))?;
        Ok(Raised { before: self, version: version.to_owned(), release, bumped, warnings })
    }
}

/// Fetches the file at an address, and returns its digest.
///
/// # Errors
/// When it cannot be fetched.
pub fn pin(context: &Context<'_>, url: &str) -> Result<Digest, Report> {
    let (store, settings) = (context.store()?, context.settings());
    Ok(Fetcher::new(&store, &settings, &*context.reporter, &context.cancel).pin(url)?)
}

/// Checks that a source to unpack is a readable archive, because servers sometimes send pages, or truncated files.
fn check_archive(context: &Context<'_>, store: &Store, source: &Source) -> Result<(), Report> {
    let fetched = source.origins.iter().find_map(|origin| store.object(origin.sha256()));
    match (&source.usage, fetched) {
        (SourceUsage::Keep, _) | (_, None) => Ok(()),
        // A binary package, whose content is looked at when it is built.
        (_, Some(_)) if source.path.is_some() => Ok(()),
        (SourceUsage::Unpack { .. } | SourceUsage::Patches { .. }, Some(path)) => {
            match archive(&path, source.file_name(), &context.cancel) {
                Err(ArchiveError::Unsupported { file, kind }) if [HTML, NOT_AN_ARCHIVE].contains(&kind) => {
                    Err(BumpError::NotAnArchive { file, kind }.into())
                }
                Err(ArchiveError::Unsupported { .. }) => Ok(()),
                looked => Ok(looked.map(drop)?),
            }
        }
    }
}
