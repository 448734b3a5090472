//! The installer outside a machine: the image's packages into a directory, and into a disk image.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::json;

use super::compose::repository_of_image;
use super::folder::Folder;
use super::usage::median;
use super::{Bench, BenchError, Figure, Goal};
use packaging::repo::PUBLIC_KEY;
use runtime::tool::Tool;
use sdk::LayerName;
use signing::Keys;

/// The goal for both, in seconds on two processors.
const GOAL_S: f64 = 10.0;

/// Programs that make file systems, which the host may lack.
const PROGRAMS: [&str; 5] = ["debugfs", "mcopy", "mkfs.ext4", "mkfs.vfat", "mkswap"];

/// The parts of the installer's record that are shown.
#[derive(Deserialize)]
struct Record {
    steps: Vec<Line>,
}

/// A step of the record.
#[derive(Deserialize)]
struct Line {
    what: String,
    percent: f64,
}

/// The cost of an installation, and its record.
struct Taken {
    wall_s: f64,
    cpu_s: f64,
    record: Record,
}

/// The installer as shipped, and its inputs.
struct Installer {
    program: PathBuf,
    folder: PathBuf,
    repository: PathBuf,
    packages: Vec<String>,
    path: String,
}

/// Measures both.
///
/// # Errors
/// When the installer or the image's packages were not built, or an installation fails.
pub fn run(bench: &mut Bench<'_>) -> Result<Vec<Figure>, BenchError> {
    let folder = Folder::new(bench, "bench-install")?;
    let installer = Installer::prepare(bench, folder.path())?;
    let (mut directories, mut images) = (Vec::new(), Vec::new());
    for _ in 0..bench.runs {
        let tree = folder.path().join("tree");
        directories.push(installer.run(json!({}), &["--target-dir".as_ref(), tree.as_os_str()])?);
        runtime::store::remove_tree(&tree).map_err(io::Error::from).map_err(BenchError::io("remove", &tree))?;
        let disk = folder.path().join("disk.img");
        let disks = json!({ "disks": { "default": { "filename": disk, "size": 2048 } } });
        images.push(installer.run(disks, &["--yes".as_ref()])?);
        fs::remove_file(&disk).map_err(BenchError::io("remove", &disk))?;
    }
    let name = &bench.image.name;
    let mut figures = figures(&format!("install: {name} into a directory"), &directories);
    figures.extend(self::figures(&format!("install: {name} into an image"), &images));
    Ok(figures)
}

/// The times, and for the last installation the share of each step that takes at least 1 %.
fn figures(what: &str, taken: &[Taken]) -> Vec<Figure> {
    let wall_s = median(taken.iter().map(|taken| taken.wall_s));
    let mut figures = vec![
        Figure::with_goal(what, wall_s, "s", Goal::AtMost(GOAL_S)),
        Figure::plain(format!("{what}: processor time"), median(taken.iter().map(|taken| taken.cpu_s)), "s"),
    ];
    let steps = taken.last().into_iter().flat_map(|taken| &taken.record.steps).filter(|step| step.percent >= 1.0);
    figures.extend(steps.map(|step| Figure::plain(format!("{what}: {}", short(&step.what)), step.percent, "%")));
    figures
}

/// Shortens titles: their paths and packages would make tables wide.
fn short(title: &str) -> String {
    title.split_whitespace().take(6).collect::<Vec<_>>().join(" ")
}

impl Installer {
    fn prepare(bench: &mut Bench<'_>, folder: &Path) -> Result<Self, BenchError> {
        let program = bench.program.parent().and_then(Path::parent).unwrap_or(bench.root).join("release/kaon-installer");
        if !program.is_file() {
            let next = "cargo build --release -p installer".into();
            return Err(BenchError::NotBuilt { what: "the installer as it is shipped".into(), next });
        }
        let (repository, packages) = match &bench.repository {
            Some(repository) => {
                let packages = bench.image.packages.iter().map(ToString::to_string).collect();
                (fs::canonicalize(repository).map_err(BenchError::io("find", repository))?, packages)
            }
            None => {
                let keys = Keys::open_or_create(&bench.builder.keys).map_err(BenchError::around)?;
                let repository = folder.join("repo");
                let packages = repository_of_image(bench, &repository, &keys)?;
                (repository, packages)
            }
        };
        let programs = programs(bench, folder)?;
        let path = [programs.display().to_string(), std::env::var("PATH").unwrap_or_default()].join(":");
        Ok(Self { program, folder: folder.to_owned(), repository, packages, path })
    }

    /// Installs with a kickstart file, to which the packages are added.
    fn run(&self, mut kickstart: serde_json::Value, words: &[&OsStr]) -> Result<Taken, BenchError> {
        let (file, journal, log) = (self.folder.join("ks.json"), self.folder.join("journal.json"), self.folder.join("log"));
        kickstart["packages"] = json!(self.packages);
        fs::write(&file, kickstart.to_string()).map_err(BenchError::io("write", &file))?;
        let tool = Tool::new(&self.program).arg(&file).args(words).arg("--repository").arg(&self.repository);
        let tool = tool.arg("--key").arg(self.repository.join(PUBLIC_KEY)).arg("--journal").arg(&journal).env("PATH", &self.path);
        let output = File::create(&log).map_err(BenchError::io("write", &log))?;
        let measured = tool.measured(&output).map_err(BenchError::around)?;
        if !measured.status.success() {
            let said = fs::read_to_string(&log).unwrap_or_default();
            let last = said.lines().rev().take(3).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("; ");
            return Err(BenchError::Broken { what: format!("kaon-installer: {last}"), next: None });
        }
        let text = fs::read(&journal).map_err(BenchError::io("read", &journal))?;
        let record = serde_json::from_slice(&text).map_err(|error| BenchError::io("read", &journal)(error.into()))?;
        Ok(Taken { wall_s: measured.wall_s, cpu_s: measured.cpu_s, record })
    }
}

/// A folder with the SDK's programs.
fn programs(bench: &mut Bench<'_>, folder: &Path) -> Result<PathBuf, BenchError> {
    let layer: Vec<LayerName> = "image".parse().into_iter().collect();
    let builder = &mut bench.builder;
    let trees = builder.sdk.ensure(builder.store, &builder.settings, &layer, builder.reporter, &builder.cancel);
    let trees: Vec<PathBuf> = trees.map_err(BenchError::around)?.into_iter().map(|tree| tree.path).collect();
    let place = folder.join("programs");
    fs::create_dir_all(&place).map_err(BenchError::io("make", &place))?;
    sdk::wrap(&trees, &PROGRAMS, &place).map_err(BenchError::io("write the SDK's programs to", &place))?;
    Ok(place)
}
