//! `cargo xtask bump NAME [VERSION]`

mod before;
mod error;
mod named;
mod newest;

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use clap::Args;
use serde_json::{Value, json};

use super::select;
use crate::cli::Context;
use base::diagnostic::{ExitCode, Report};
use base::name::PackageName;
use before::{Before, Raised};
use error::{BumpError, quoted};
use planning::bump::{DiffLine, difference, together};
use rpm_engine::version::Evr;
use sdk::apt::Suite;
use sdk::updates::held;

/// Options of `bump`.
#[derive(Args, Debug)]
pub struct Options {
    /// The package
    name: String,
    /// The new version [default: the newest in the Debian archive that can be fetched]
    version: Option<String>,
    /// Raise the specs with the same version and sources as well, such as all kernels
    #[arg(long)]
    together: bool,
    /// Look into this suite as well, such as that of the next Debian; repeatable
    #[arg(long, value_name = "SUITE")]
    suite: Vec<Suite>,
    /// Show what would change and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// Puts a new version and the digests of its files into the spec, and shows the difference.
///
/// # Errors
/// Mistakes in the specs, an unknown name, an impossible version, whatever could not be fetched. Then all specs are unchanged.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let graph = context.graph()?;
    let package = select::package(&graph, &options.name)?;
    let spec = graph.index().owner(&package).cloned().unwrap_or(package);
    let others: Vec<PackageName> = together(&graph, &spec).into_iter().filter(|name| *name != spec).collect();
    let first = Before::read(context, &spec, &others)?;
    let (name, version, path) = (first.name.clone(), first.places.version.clone(), first.path.clone());
    let mut specs = vec![first];
    if options.together {
        specs.extend(others.iter().map(|name| Before::read(context, name, &[])).collect::<Result<Vec<_>, _>>()?);
    }
    let raised = match &options.version {
        Some(new) => {
            check_named(&specs, new, &others)?;
            named::raise(context, specs, new, &options.suite)?
        }
        None if specs.iter().all(|before| held(&before.spec).is_empty()) => {
            return Err(BumpError::NotInArchive { path, spec: name, others }.into());
        }
        None => newest::raise(context, specs, &options.suite)?,
    };
    for one in &raised {
        warn(context, one);
    }
    if !options.together && !raised.is_empty() && !others.is_empty() {
        context.reporter.warn(format!("{} should have the same version and sources: `--together` raises them as well", quoted(&others)));
    }
    if !options.dry_run {
        for one in &raised {
            write(&context.root, &one.before.file, &one.bumped.text)
                .map_err(|source| BumpError::Write { path: one.before.file.clone(), source })?;
        }
    }
    show(context, options, &raised, json!({ "name": name, "path": path, "from": version, "version": version, "written": false }));
    Ok(ExitCode::Done)
}

/// Checks that a version that the user names can be written into the specs.
fn check_named(specs: &[Before], version: &str, others: &[PackageName]) -> Result<(), BumpError> {
    if let Some(same) = specs.iter().find(|before| before.places.version == version) {
        return Err(BumpError::Same { spec: same.name.clone(), version: version.to_owned() });
    }
    let mut sources = specs.iter().flat_map(|before| &before.places.sources);
    match (sources.any(named::depends_on_version), specs.first()) {
        (false, Some(first)) => {
            // Raising the others as well was no help.
            let others = if specs.len() > 1 { &[] } else { others };
            Err(BumpError::NoAddress { path: first.path.clone(), others: others.to_vec() })
        }
        _ => Ok(()),
    }
}

/// Prints what changes. `current` describes the spec if nothing does.
fn show(context: &Context<'_>, options: &Options, raised: &[Raised], current: Value) {
    let lines = |one: &Raised| difference(&one.before.path, &one.before.text, &one.bumped.text);
    if !context.output.is_json() {
        if raised.is_empty() {
            context.output.text(&format!("the archive has nothing newer for `{}`\n", options.name));
        }
        raised.iter().for_each(|one| context.output.difference(&lines(one)));
        return;
    }
    let documents: Vec<Value> = raised.iter().map(|one| document(one, &lines(one), !options.dry_run)).collect();
    match options.together {
        true => context.output.document(&documents),
        false => context.output.document(documents.first().unwrap_or(&current)),
    }
}

fn document(raised: &Raised, lines: &[DiffLine], is_written: bool) -> Value {
    let Raised { before, version, bumped, .. } = raised;
    let difference: String = lines.iter().map(|line| line.text() + "\n").collect();
    let stale: Vec<&String> = bumped.stale.iter().map(|origin| &origin.text).collect();
    json!({
        "name": before.name, "path": before.path, "from": before.places.version, "version": version, "written": is_written,
        "difference": difference, "stale-debian": stale,
    })
}

/// Warns of what the user has to check.
fn warn(context: &Context<'_>, raised: &Raised) {
    let Raised { before: Before { path, places, .. }, version, release: _, bumped, warnings } = raised;
    let warn = |text: String| context.reporter.warn(text);
    let evr = |text: &str| Evr::new(0, text, None);
    if evr(version) < evr(&places.version) {
        warn(format!("{version} is older than {}: machines keep the newer package", places.version));
    }
    for origin in &bumped.stale {
        let (line, text) = (origin.line, &origin.text);
        warn(if origin.has_version() {
            format!("{path}:{line}: the archive lists no file `{text}` of this version: write its digest, or remove the Debian origin")
        } else {
            format!("{path}:{line}: the Debian origin `{text}` is of another version: replace it by the file of the new one, or remove it")
        });
    }
    for source in &bumped.kept {
        let label = source.label();
        warn(format!("{path}:{}: the source `{label}` stays as it is: it has no `url` with `{{version}}`", source.line));
    }
    for line in &bumped.old_version_in {
        warn(format!("{path}:{line}: {} is written out here", places.version));
    }
    warnings.iter().cloned().for_each(warn);
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
