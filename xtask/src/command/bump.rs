//! `cargo xtask bump NAME VERSION`

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;

use super::select;
use crate::cli::Context;
use base::diagnostic::{ExitCode, Failure, Problems, Report};
use base::digest::Digest;
use base::name::PackageName;
use planning::bump::{Bumped, Places, bump, difference, read};
use planning::spec::{Source, SourceUsage, parse};
use rpm_engine::version::Evr;
use runtime::store::Store;
use sdk::source::{ArchiveError, Fetcher, HTML, NOT_AN_ARCHIVE, archive};

/// Options of `bump`.
#[derive(Args, Debug)]
pub struct Options {
    /// The package
    name: String,
    /// The new version
    version: String,
    /// Show what would change and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// Why the spec was not changed.
#[derive(Debug, thiserror::Error)]
enum BumpError {
    #[error("`{spec}` is at version {version} already")]
    Same { spec: PackageName, version: String },
    #[error("no source of `{path}` has `{{version}}` in its `url`, so the new version cannot be fetched")]
    NoAddress { path: String },
    #[error("the new version's `{file}` cannot be unpacked: it is {kind}")]
    NotAnArchive { file: String, kind: &'static str },
    #[error("cannot read `{}`", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write `{}`", path.display())]
    Write { path: PathBuf, source: io::Error },
}

impl Failure for BumpError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Same { .. } => Some("if the spec changed without its version, raise `release` in it".into()),
            Self::NoAddress { .. } => Some(
                "add a `url` with `{version}` to the source, or write the new version, `debian` and `sha256` into the spec by hand".into(),
            ),
            Self::NotAnArchive { .. } => Some("check the version and the address; the spec is as it was".into()),
            Self::Read { .. } => None,
            Self::Write { .. } => Some("check who owns the file and that its file system has room; the spec is as it was".into()),
        }
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::Same { .. } => ExitCode::Usage,
            Self::NoAddress { .. } => ExitCode::Description,
            Self::NotAnArchive { .. } | Self::Read { .. } | Self::Write { .. } => ExitCode::Failed,
        }
    }
}

/// Fetches the files of a new version, puts the version and their digests into the spec, and shows the difference.
///
/// # Errors
/// Mistakes in the specs, an unknown name, an impossible version, whatever could not be fetched. Then the spec is unchanged.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let graph = context.graph()?;
    let package = select::package(&graph, &options.name)?;
    let spec = graph.index().owner(&package).cloned().unwrap_or(package);
    let path = format!("specs/{spec}/package.toml");
    let file = context.root.join(&path);
    let text = fs::read_to_string(&file).map_err(|source| BumpError::Read { path: file.clone(), source })?;
    let places = read(&text).ok_or_else(|| BumpError::NoAddress { path: path.clone() })?;
    let bumped = raised(context, &spec, &path, &text, &places, &options.version)?;
    let lines = difference(&path, &text, &bumped.text);
    let version = |text: &str| Evr::new(0, text, None);
    if version(&options.version) < version(&places.version) {
        context.reporter.warn(format!("{} is older than {}: machines keep the newer package", options.version, places.version));
    }
    report(context, &path, &places.version, &bumped);
    if !options.dry_run {
        write(&context.root, &file, &bumped.text).map_err(|source| BumpError::Write { path: file, source })?;
    }
    if context.output.is_json() {
        let difference: String = lines.iter().map(|line| line.text() + "\n").collect();
        context.output.document(&serde_json::json!({
            "name": spec, "path": path, "from": places.version, "version": options.version, "written": !options.dry_run,
            "difference": difference, "stale-debian": bumped.stale_debian.iter().map(|debian| &debian.text).collect::<Vec<_>>(),
        }));
    } else {
        context.output.difference(&lines);
    }
    Ok(ExitCode::Done)
}

/// The spec's text with the new version, after fetching all its files.
fn raised(context: &Context<'_>, spec: &PackageName, path: &str, text: &str, places: &Places, version: &str) -> Result<Bumped, Report> {
    if places.version == version {
        return Err(BumpError::Same { spec: spec.clone(), version: version.to_owned() }.into());
    }
    let addresses: Vec<Option<String>> = places.sources.iter().map(|source| source.url_of(version)).collect();
    if addresses.iter().all(Option::is_none) {
        return Err(BumpError::NoAddress { path: path.to_owned() }.into());
    }
    // Mistakes in the version are found before anything is fetched.
    let probe = bump(text, places, version, &vec![None; addresses.len()]);
    parse(spec, path, &probe.text).map_err(Problems::new)?;
    let (store, settings) = (context.store()?, context.settings());
    let fetcher = Fetcher::new(&store, &settings, &*context.reporter, &context.cancel);
    let pin = |url: &Option<String>| url.as_ref().map(|url| fetcher.pin(url)).transpose();
    let digests: Vec<Option<Digest>> = addresses.iter().map(pin).collect::<Result<_, _>>()?;
    let bumped = bump(text, places, version, &digests);
    let raised = parse(spec, path, &bumped.text).map_err(Problems::new)?;
    for source in &raised.sources {
        check_archive(context, &store, source)?;
    }
    Ok(bumped)
}

/// Checks that a source to unpack is a readable archive, because servers sometimes send pages, or truncated files.
fn check_archive(context: &Context<'_>, store: &Store, source: &Source) -> Result<(), Report> {
    let fetched = source.origins.iter().find_map(|origin| store.object(origin.sha256()));
    match (&source.usage, fetched) {
        (SourceUsage::Keep, _) | (_, None) => Ok(()),
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

/// Warns of places that the user has to check.
fn report(context: &Context<'_>, path: &str, old: &str, bumped: &Bumped) {
    for debian in &bumped.stale_debian {
        context.reporter.warn(format!(
            "{path}:{}: the Debian origin `{}` is of another version: replace it by the file of the new one, or remove it",
            debian.line, debian.text
        ));
    }
    for source in &bumped.kept {
        let label = source.label();
        context.reporter.warn(format!("{path}:{}: the source `{label}` stays as it is: it has no `url` with `{{version}}`", source.line));
    }
    for line in &bumped.old_version_in {
        context.reporter.warn(format!("{path}:{line}: {old} is written out here"));
    }
}

/// Replaces the spec's file atomically, and keeps its mode.
fn write(root: &Path, file: &Path, text: &str) -> io::Result<()> {
    // A link to a file elsewhere is kept.
    let file = file.canonicalize()?;
    let mode = fs::metadata(&file)?.permissions();
    // Next to the specs, because every file in a spec's own directory is part of the spec.
    let mut new = tempfile::Builder::new().prefix(".bump-").tempfile_in(root.join("specs"))?;
    new.write_all(text.as_bytes())?;
    new.as_file().set_permissions(mode)?;
    new.as_file().sync_all()?;
    new.persist(&file).map_err(|error| error.error)?;
    Ok(())
}
