//! What a build sends to a worker.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use base::digest::Digest;
use base::file_error::FileError;
use planning::action::BuiltPackage;
use planning::project::SpecFolder;
use runtime::remote::{Blob, Earlier, Execution, InputFile};
use runtime::store::{Store, StoreError};
use tar::{Builder, HeaderMode};
use walkdir::WalkDir;
use worker::action::{ACTION, ARGUMENT, Action, FILES, LOG, Laid, PROGRAM, REPORT, layer_file, output, source_file};
use worker::job::Commands;
use worker::layout;

use super::{Farm, FarmError};
use crate::executor::Job;

/// How long a program may wait for a worker, in seconds.
const QUEUE_S: u32 = 300;

/// The files of a build.
pub(super) struct Sent {
    /// All but the layers.
    light: BTreeMap<String, InputFile>,
    /// The SDK's layers.
    layers: BTreeMap<String, InputFile>,
}

/// The program for workers.
#[derive(Clone, Debug)]
pub(super) struct Program {
    blob: Blob,
    path: PathBuf,
}

impl Program {
    pub(super) fn at(path: PathBuf) -> Result<Self, FarmError> {
        Ok(Self { blob: blob_of(&path)?, path })
    }
}

impl Sent {
    /// Collects the files of `job`; those that are made for it are written to the directory `at`.
    pub(super) fn collect(store: &Store, job: &Job<'_>, layers: &[Blob], program: &Program, at: &Path) -> Result<Self, FarmError> {
        let mut light = BTreeMap::new();
        light.insert(PROGRAM.to_owned(), InputFile { blob: program.blob, path: program.path.clone(), is_executable: true });
        for package in &job.packages {
            light.insert(package.file_name.clone(), object(store, &package.object)?);
        }
        for source in job.sources.values() {
            light.insert(source_file(source), object(store, source)?);
        }
        light.insert(FILES.to_owned(), packed_files(job.folder, at)?);
        let path = at.join(ACTION);
        let text = serde_json::to_vec(&action(job, layers)).map_err(|error| FileError::new("write", &path, error.into()))?;
        fs::write(&path, text).map_err(FileError::of("write", &path))?;
        light.insert(ACTION.to_owned(), file(path)?);
        let layers = layers.iter().map(|blob| Ok((layer_file(&blob.sha256), object(store, &blob.sha256)?)));
        Ok(Self { light, layers: layers.collect::<Result<_, FarmError>>()? })
    }

    /// The program to run, without the layers, which most workers have.
    pub(super) fn execution(&self, job: &Job<'_>, farm: &Farm, run_s: u32) -> Execution {
        let packages = job.folder.spec.packages().map(|content| cache::statement::file_name(&job.folder.spec, &content.name));
        let outputs = packages.map(|file_name| output(&file_name)).chain([REPORT, LOG].map(str::to_owned));
        Execution {
            arguments: vec![format!("./{PROGRAM}"), ARGUMENT.to_owned()],
            inputs: self.light.clone(),
            outputs: outputs.collect(),
            properties: farm.properties.clone(),
            queue_s: QUEUE_S,
            run_s,
            earlier: Earlier::Used,
        }
    }

    /// Adds the layers.
    pub(super) fn add_layers(&self, execution: &mut Execution) {
        execution.inputs.extend(self.layers.iter().map(|(name, file)| (name.clone(), file.clone())));
    }
}

/// The description of a build.
fn action(job: &Job<'_>, layers: &[Blob]) -> Action {
    let laid = |package: &&BuiltPackage| Laid {
        name: package.name.clone(),
        file: package.file_name.clone(),
        object: package.object,
        provides: package.provides.clone(),
    };
    Action {
        spec: job.folder.spec.name.clone(),
        text: job.folder.source.text.clone(),
        commands: Commands::of(&job.recipe),
        layers: layers.iter().map(|blob| blob.sha256).collect(),
        packages: job.packages.iter().map(laid).collect(),
        sources: job.sources.iter().map(|(name, digest)| (name.clone(), source_file(digest))).collect(),
    }
}

/// The files next to the spec and the project's crates, as one archive that depends on nothing else.
fn packed_files(folder: &SpecFolder, at: &Path) -> Result<InputFile, FarmError> {
    let (staged, path) = (at.join("staged"), at.join(FILES));
    let (files, workspace) = (layout::files(&staged), layout::workspace(&staged));
    for directory in [&files, &workspace] {
        fs::create_dir_all(directory).map_err(FileError::of("create the directory", directory))?;
    }
    folder.write_files(&files)?;
    folder.workspace.write(&workspace).map_err(FileError::of("fill", &workspace))?;
    pack(&staged, &path).map_err(FileError::of("write", &path))?;
    file(path)
}

fn pack(root: &Path, into: &Path) -> io::Result<()> {
    let mut archive = Builder::new(File::create(into)?);
    archive.mode(HeaderMode::Deterministic);
    archive.follow_symlinks(false);
    for entry in WalkDir::new(root).min_depth(1).sort_by_file_name() {
        let entry = entry?;
        archive.append_path_with_name(entry.path(), entry.path().strip_prefix(root).unwrap_or(entry.path()))?;
    }
    archive.into_inner()?.sync_all()
}

fn object(store: &Store, digest: &Digest) -> Result<InputFile, FarmError> {
    let path = store.object(digest).ok_or(StoreError::Missing { digest: *digest })?;
    let size_bytes = super::layers::size(store, digest)?;
    Ok(InputFile { blob: Blob { sha256: *digest, size_bytes }, path, is_executable: false })
}

fn file(path: PathBuf) -> Result<InputFile, FarmError> {
    Ok(InputFile { blob: blob_of(&path)?, path, is_executable: false })
}

fn blob_of(path: &Path) -> Result<Blob, FarmError> {
    let unreadable = FileError::of("read", path);
    let sha256 = Digest::of_file(path).map_err(&unreadable)?;
    Ok(Blob { sha256, size_bytes: fs::metadata(path).map_err(&unreadable)?.len() })
}
