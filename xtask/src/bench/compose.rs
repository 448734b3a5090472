//! Composing a root file system: this builder compared with dnf, from the same signed repository, alternately.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::dnf::Dnf;
use super::folder::{Folder, rest};
use super::usage::{Usage, measure, median};
use super::{Bench, BenchError, Figure, Goal};
use builder::{image_candidates, image_packages, image_request, sign_all, write_repository};
use planning::plan::plan;
use signing::Keys;

/// The work of both.
struct Task {
    folder: PathBuf,
    dnf: Dnf,
    files: Vec<PathBuf>,
    keys: Keys,
    wanted: Vec<String>,
}

/// Measures both alternately.
pub fn run(bench: &mut Bench<'_>) -> Result<Vec<Figure>, BenchError> {
    let folder = Folder::new(bench, "bench-compose")?;
    let task = prepare(bench, folder.path())?;
    let (mut ours, mut theirs, mut packages) = (Vec::new(), Vec::new(), 0);
    for number in 0..bench.runs {
        rest();
        let (mine, usage) = task.compose(bench, number)?;
        ours.push(usage);
        rest();
        let (other, usage) = task.dnf(bench, number)?;
        theirs.push(usage);
        same_packages(&mine, &other)?;
        packages = mine.len();
    }
    let wall_s = |usages: &[Usage]| median(usages.iter().map(|usage| usage.wall_s));
    let cpu_s = |usages: &[Usage]| median(usages.iter().map(|usage| usage.cpu_s));
    let (mine, other) = (wall_s(&ours), wall_s(&theirs));
    Ok(vec![
        Figure::plain(format!("compose: {packages} packages of image `{}`", bench.image.name), mine, "s"),
        Figure::plain("compose: dnf, the same", other, "s"),
        Figure::with_goal("compose: faster than dnf", other / mine, "times", Goal::AtLeast(3.0)),
        Figure::plain("compose: processor time", cpu_s(&ours), "s"),
        Figure::plain("compose: processor time of dnf", cpu_s(&theirs), "s"),
    ])
}

fn prepare(bench: &mut Bench<'_>, folder: &Path) -> Result<Task, BenchError> {
    let (repository, keys) = (folder.join("repo"), Keys::open_or_create(&bench.builder.keys).map_err(BenchError::around)?);
    let wanted = repository_of_image(bench, &repository, &keys)?;
    Ok(Task { folder: folder.to_owned(), dnf: Dnf::new(bench, &repository, true)?, files: rpm_files(&repository), keys, wanted })
}

/// Signs the image's packages and writes a repository of them. Returns the packages that the image names.
pub(super) fn repository_of_image(bench: &Bench<'_>, repository: &Path, keys: &Keys) -> Result<Vec<String>, BenchError> {
    let wanted = image_packages(&bench.builder, bench.image).map_err(BenchError::around)?;
    let candidates = image_candidates(&bench.builder, bench.image).map_err(BenchError::around)?;
    let (planned, results) = plan(bench.builder.graph, &candidates, &bench.builder);
    if !planned.is_settled() {
        let names: Vec<&str> = candidates.iter().map(|name| name.as_str()).collect();
        let what = format!("the packages of image `{}`", bench.image.name);
        return Err(BenchError::NotBuilt { what, next: format!("cargo xtask build {}", names.join(" ")) });
    }
    let signed = sign_all(bench.builder.store, keys, &results).map_err(BenchError::around)?;
    write_repository(repository, &signed, keys).map_err(BenchError::around)?;
    Ok(wanted.iter().map(ToString::to_string).collect())
}

fn rpm_files(repository: &Path) -> Vec<PathBuf> {
    let entries = WalkDir::new(repository).sort_by_file_name().into_iter().flatten().map(walkdir::DirEntry::into_path);
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "rpm")).collect()
}

impl Task {
    fn room(&self, name: &str) -> Result<PathBuf, BenchError> {
        let path = self.folder.join(name);
        fs::create_dir_all(&path).map_err(BenchError::io("make", &path))?;
        Ok(path)
    }

    /// This builder, with everything: solving, verifying, installing, and the steps in the tree.
    fn compose(&self, bench: &Bench<'_>, number: usize) -> Result<(BTreeSet<String>, Usage), BenchError> {
        let into = self.room(&format!("ours-{number}"))?;
        let log = self.folder.join("compose.log");
        let request = image_request(bench.image, self.wanted.clone(), &self.files, &self.keys, log);
        let (composed, usage) = measure(|| rootfs::compose(&request, &into, bench.builder.reporter, &bench.builder.cancel));
        let composed = composed.map_err(BenchError::around)?;
        Ok((composed.packages.into_iter().map(|package| package.nevra).collect(), usage))
    }

    /// dnf, with every check on.
    fn dnf(&self, bench: &Bench<'_>, number: usize) -> Result<(BTreeSet<String>, Usage), BenchError> {
        let room = self.room(&format!("dnf-{number}"))?;
        self.dnf.prepare(&room)?;
        let words = ["--assumeyes", "install"].into_iter().chain(self.wanted.iter().map(String::as_str));
        let outcome = self.dnf.run(bench, &room, words, &[0])?;
        let usage = Usage { wall_s: outcome.wall_ms as f64 / 1e3, cpu_s: outcome.cpu_ms as f64 / 1e3 };
        Ok((self.dnf.installed(bench, &room)?, usage))
    }
}

/// Different work cannot be compared.
fn same_packages(ours: &BTreeSet<String>, theirs: &BTreeSet<String>) -> Result<(), BenchError> {
    let differing: Vec<&str> = ours.symmetric_difference(theirs).map(String::as_str).collect();
    if differing.is_empty() {
        return Ok(());
    }
    Err(BenchError::Broken { what: format!("only one of the two installed {}", differing.join(", ")), next: None })
}
