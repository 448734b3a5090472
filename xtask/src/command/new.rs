//! `cargo xtask new NAME URL`

mod error;
mod find;

use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::cli::Context;
use base::diagnostic::{ExitCode, Problems, Report};
use base::name::PackageName;
use error::NewError;
use find::find;
use planning::draft::{Draft, VersionedAddress, draft, homepage};
use planning::graph::Graph;
use planning::spec::{is_file_address, parse};
use sdk::source::Fetcher;

/// Options of `new`.
#[derive(Args, Debug)]
pub struct Options {
    /// The package's name
    name: PackageName,
    /// Address of its source archive
    url: String,
    /// Upstream's version [default: the one in the archive's name]
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    /// SPDX expression [default: the licence of the archive, where its text is one of the common ones]
    #[arg(long, value_name = "SPDX")]
    license: Option<String>,
    /// One line about the package
    #[arg(long, value_name = "TEXT")]
    summary: Option<String>,
    /// The project's page [default: derived from the address]
    #[arg(long, value_name = "URL")]
    homepage: Option<String>,
    /// How it is built [default: guessed by the archive's files]
    #[arg(long, value_name = "SYSTEM")]
    system: Option<Chosen>,
}

/// A build system that a spec names without further keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Chosen {
    /// configure && make
    Autotools,
    /// meson.build
    Meson,
    /// CMakeLists.txt
    Cmake,
    /// A makefile
    Make,
}

/// Fetches the archive, examines it, and writes the first version of its spec.
///
/// # Errors
/// When the name is taken, the archive cannot be fetched, or something that the spec needs is neither given nor found. Then nothing is written.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let path = spec_path(&options.name);
    let graph = context.graph()?;
    check_free(context, &graph, options, &path)?;
    if !is_file_address(&options.url) {
        return Err(NewError::Address { url: options.url.clone() }.into());
    }
    let VersionedAddress { url, version } = address(options)?;
    let store = context.store()?;
    let settings = context.settings();
    let digest = Fetcher::new(&store, &settings, &*context.reporter, &context.cancel).pin(&options.url)?;
    let found = find(context, &store, options, &digest)?;
    let page = options.homepage.clone().or_else(|| homepage(&options.url));
    let summary = options.summary.clone().unwrap_or_else(|| format!("Programs and libraries of {}", options.name));
    let text = draft(&Draft {
        name: &options.name,
        version: &version,
        summary: &summary,
        license: &found.license,
        homepage: page.as_deref(),
        url: &url,
        sha256: digest,
        guess: &found.guess,
    });
    parse(&options.name, &path, &text).map_err(Problems::new)?;
    write(&context.root, &options.name, &text)?;
    if context.output.is_json() {
        context.output.document(&serde_json::json!({
            "name": options.name, "path": path, "version": version, "license": found.license, "system": found.guess.system.name(),
            "url": url, "sha256": digest, "homepage": page,
        }));
    } else {
        let (name, system) = (&options.name, found.guess.system.name());
        context.output.text(&format!("{path}: {name} {version}, {}, built by {system}\n", found.license));
        context.output.message(&format!("check its summary and licence, then build it: cargo xtask build {name}\n"));
    }
    Ok(ExitCode::Done)
}

/// The path of a spec's file, as shown to the user.
fn spec_path(name: &PackageName) -> String {
    format!("specs/{name}/package.toml")
}

fn check_free(context: &Context<'_>, graph: &Graph, options: &Options, path: &str) -> Result<(), NewError> {
    if context.root.join(path).symlink_metadata().is_ok() {
        return Err(NewError::Exists { path: path.to_owned(), name: options.name.clone() });
    }
    match graph.index().owner(&options.name) {
        Some(spec) => Err(NewError::Taken { package: options.name.clone(), spec: spec.clone() }),
        None => Ok(()),
    }
}

fn address(options: &Options) -> Result<VersionedAddress, NewError> {
    match &options.version {
        Some(version) => Ok(VersionedAddress::with(&options.url, version.clone())),
        None => {
            let found = VersionedAddress::of(&options.url, options.name.as_str());
            found.ok_or_else(|| NewError::Version { url: options.url.clone() })
        }
    }
}

/// Writes the spec atomically, and only if there is none.
fn write(root: &Path, name: &PackageName, text: &str) -> Result<(), NewError> {
    const LIKE_ANY_FILE: u32 = 0o666;
    let path = root.join(spec_path(name));
    let failed = |path: PathBuf| move |source: io::Error| NewError::Write { path, source };
    let specs = root.join("specs");
    // Next to the specs, because every file in a spec's own directory is part of the spec.
    let mut builder = tempfile::Builder::new();
    builder.prefix(".new-").permissions(Permissions::from_mode(LIKE_ANY_FILE));
    let mut file = builder.tempfile_in(&specs).map_err(failed(specs.clone()))?;
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(failed(file.path().to_owned()))?;
    let folder = specs.join(name.as_str());
    fs::create_dir_all(&folder).map_err(failed(folder))?;
    match file.persist_noclobber(&path) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            Err(NewError::Exists { path: spec_path(name), name: name.clone() })
        }
        Err(error) => Err(NewError::Write { path, source: error.error }),
    }
}
