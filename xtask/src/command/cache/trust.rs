//! `cargo xtask cache trust FILE|URL`

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::Context;
use crate::output::{self, OutputError};
use base::address::without_passwords;
use base::diagnostic::{ExitCode, Failure, Problems, Report};
use cache::place::is_page;
use cache::settings::{FILE, Settings, TrustedBuilder, builder_text};
use sdk::apt::{CacheAddress, Download, InvalidCacheAddress, Outcome, Patience, download};

/// Options of `cache trust`.
#[derive(Args, Debug)]
pub struct Options {
    /// The builder's file, or its address: `builder.toml` of a cache
    builder: String,
    /// Show whom it is about and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// Why the builder was not added.
#[derive(Debug, thiserror::Error)]
enum TrustError {
    #[error("cannot fetch `{address}`: {reason}")]
    Fetch { address: String, reason: String },
    #[error("the server answered with a web page where `{address}` was expected")]
    Page { address: String },
    #[error("cannot read `{}`", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("`{file}` names no builder")]
    Nobody { file: String },
    #[error("another builder is trusted as `{name}` already, by `{}`", path.display())]
    OtherKey { name: String, path: PathBuf },
    #[error("cannot add the builder to `{}`", path.display())]
    Write { path: PathBuf, source: OutputError },
}

impl Failure for TrustError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Write { .. } => {
                Some("make that file writable, or add the table by hand: `--dry-run` shows whom it is about and writes nothing".into())
            }
            Self::Fetch { .. } => Some("give the address of a cache's `builder.toml`, or of the cache itself".into()),
            Self::Page { .. } => Some(
                "open the address in a browser: a login page of the network answers before the cache does, or the address is not that of a cache"
                    .into(),
            ),
            Self::Read { .. } => None,
            Self::Nobody { .. } => Some("`cargo xtask cache export` writes such a file".into()),
            Self::OtherKey { path, .. } => Some(format!(
                "if the builder has a new key, and you know that from its owner, remove the old one from `{}`",
                path.display()
            )),
        }
    }
}

/// Adds a trusted builder to the user's settings.
///
/// # Errors
/// When its file cannot be read, or the user's cannot be written.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let text = text(context, &options.builder)?;
    let given = Settings::parse(&without_passwords(&options.builder), &text).map_err(Problems::new)?;
    if given.builders.is_empty() {
        return Err(TrustError::Nobody { file: without_passwords(&options.builder).into_owned() }.into());
    }
    let path = context.trust_folder()?.join(FILE);
    let known = Settings::load(std::slice::from_ref(&path))?.builders;
    let mut new = Vec::new();
    for (name, builder) in &given.builders {
        let same = known_as(&known, name, builder).map_err(|name| TrustError::OtherKey { name, path: path.clone() })?;
        let already = match &same {
            None => String::new(),
            Some(same) if same == name && known[name].modules != builder.modules => {
                ", trusted already, with another certificate of its modules: `cargo xtask cache forget` and `trust` again to take this one"
                    .to_owned()
            }
            Some(same) if same == name => ", trusted already".to_owned(),
            Some(same) => format!(", trusted already as `{same}`"),
        };
        context.output.text(&format!("{name}: key {}{already}\n", builder.key.id()));
        if same.is_none() {
            new.push((name, builder));
        }
    }
    match (new.is_empty(), options.dry_run) {
        (true, _) => context.output.text(&format!("`{}` stays as it is\n", path.display())),
        (false, true) => {}
        (false, false) => {
            add(&path, &new)?;
            let whose = if new.len() == 1 { "its results are" } else { "their results are" };
            context.output.text(&format!("{whose} believed from now on, by `{}`\n", path.display()));
        }
    }
    Ok(ExitCode::Done)
}

/// The name by which a builder is trusted already.
///
/// # Errors
/// The name, if another builder is trusted by it.
fn known_as(known: &BTreeMap<String, TrustedBuilder>, name: &str, builder: &TrustedBuilder) -> Result<Option<String>, String> {
    if known.get(name).is_some_and(|known| known.key != builder.key) {
        return Err(name.to_owned());
    }
    let same = known.iter().filter(|(_, known)| known.key == builder.key).map(|(name, _)| name);
    // The name that is given says more than another one of the same builder.
    Ok(same.clone().find(|known| *known == name).or(same.min()).cloned())
}

/// The text of a builder's file.
fn text(context: &Context<'_>, builder: &str) -> Result<String, Report> {
    let path = Path::new(builder);
    if path.exists() || !builder.contains(':') {
        let path = if path.is_dir() { path.join(cache::BUILDER_FILE) } else { path.to_owned() };
        return Ok(fs::read_to_string(&path).map_err(|source| TrustError::Read { path, source })?);
    }
    let address =
        if builder.ends_with(".toml") { builder.to_owned() } else { format!("{}/{}", builder.trim_end_matches('/'), cache::BUILDER_FILE) };
    let failed = |reason: String| TrustError::Fetch { address: without_passwords(&address).into_owned(), reason };
    let (folder, file) = address.rsplit_once('/').unwrap_or((&address, ""));
    let cache: CacheAddress = folder.parse().map_err(|error: InvalidCacheAddress| failed(error.to_string()))?;
    let store = context.store()?;
    let scratch = store.scratch("cache-trust")?;
    let item = Download::at_most(cache.file(file), scratch.path().join("builder.toml"), 1 << 20);
    let outcomes = download(context.settings().client, std::slice::from_ref(&item), Patience::new(1, 30), &|_| {}, &context.cancel)?;
    match outcomes.into_iter().next() {
        Some(Outcome::Fetched) => {
            let read = fs::read(&item.target).map_err(|source| TrustError::Read { path: item.target.clone(), source })?;
            if is_page(&read) {
                return Err(TrustError::Page { address: without_passwords(&address).into_owned() }.into());
            }
            // What is not text is a mistake in the file, which is shown as such.
            Ok(String::from_utf8_lossy(&read).into_owned())
        }
        Some(Outcome::NotFound) | None => Err(failed("no such file".into()).into()),
        Some(Outcome::Unreachable(reason) | Outcome::Failed(reason)) => Err(failed(reason).into()),
    }
}

/// Adds builders to the user's file, and keeps its other lines.
fn add(path: &Path, builders: &[(&String, &TrustedBuilder)]) -> Result<(), Report> {
    let mut text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(TrustError::Read { path: path.to_owned(), source }.into()),
    };
    for (name, builder) in builders {
        if !text.is_empty() {
            text += if text.ends_with('\n') { "\n" } else { "\n\n" };
        }
        text += &builder_text(name, &builder.key, builder.modules.as_deref());
    }
    Ok(output::rewrite(path, text.as_bytes()).map_err(|source| TrustError::Write { path: path.to_owned(), source })?)
}
