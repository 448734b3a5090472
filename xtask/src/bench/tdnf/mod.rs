//! tdnf compared with dnf: with the same repository and packages, alternately; and tdnf with thousands of made-up packages.

mod made_up;
mod program;
mod steps;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::compose::repository_of_image;
use super::dnf::Dnf;
use super::folder::{Folder, rest};
use super::usage::median;
use super::{Bench, BenchError, Figure, Goal};
use program::Program;
use signing::Keys;
use steps::{STEPS, Step, Taken};

/// How many packages are planned at once.
const PLANNED: usize = 100;

/// Sizes of made-up repositories, in packages; dnf is measured with the last.
const SIZES: [usize; 3] = [5_000, 10_000, 20_000];

/// Measures everything.
///
/// # Errors
/// When tdnf or the image's packages were not built, or one of the programs fails.
pub fn run(bench: &mut Bench<'_>) -> Result<Vec<Figure>, BenchError> {
    let folder = Folder::new(bench, "bench-tdnf")?;
    let folder = folder.path();
    let program = Program::find(bench)?;
    let mut figures = program.figures()?;
    figures.extend(beside(bench, &program, folder)?);
    figures.extend(growing(bench, &program, folder)?);
    Ok(figures)
}

/// Measures both with the image's packages.
fn beside(bench: &mut Bench<'_>, program: &Program, folder: &Path) -> Result<Vec<Figure>, BenchError> {
    let (repository, wanted) = match &bench.repository {
        Some(repository) => (fs::canonicalize(repository).map_err(BenchError::io("find", repository))?, image_names(bench)),
        None => {
            let keys = Keys::open_or_create(&bench.builder.keys).map_err(BenchError::around)?;
            let repository = folder.join("repo");
            let wanted = repository_of_image(bench, &repository, &keys)?;
            (repository, wanted)
        }
    };
    let dnf = Dnf::new(bench, &repository, true)?;
    let names = names(&repository)?;
    let planned: Vec<&str> = names.iter().take(PLANNED).map(String::as_str).collect();
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    let places: Vec<_> = (0..bench.runs).map(|run| (folder.join(format!("ours-{run}")), folder.join(format!("dnf-{run}")))).collect();
    for (root, room) in &places {
        program.prepare(root, &repository, true)?;
        dnf.prepare(room)?;
    }
    let (mut ours, mut theirs) = (vec![Vec::new(); STEPS.len()], vec![Vec::new(); STEPS.len()]);
    // One step at a time for both: a file system is slow to reuse freed space, so neither must install right after the other has removed.
    for (place, step) in STEPS.iter().enumerate() {
        let packages = if *step == Step::Plan { &planned } else { &wanted };
        for (root, room) in &places {
            rest();
            ours[place].push(program.step(bench, root, *step, packages)?);
            rest();
            theirs[place].push(steps::of_dnf(bench, &dnf, room, *step, packages)?);
        }
    }
    for done in places.into_iter().flat_map(|(root, room)| [root, room]) {
        runtime::store::remove_tree(&done).map_err(io::Error::from).map_err(BenchError::io("remove", &done))?;
    }
    let mut figures = Vec::new();
    for (place, step) in STEPS.iter().enumerate() {
        let what = match step {
            Step::Plan => format!("tdnf: plan for {} packages", planned.len()),
            Step::Install => format!("tdnf: install {} into an empty root", wanted.join(", ")),
            Step::Fetch | Step::Remove | Step::Search => format!("tdnf: {}", step.title()),
        };
        figures.extend(compared(&what, &ours[place], &theirs[place]));
    }
    Ok(figures)
}

/// Times and memory of both, and their goals.
fn compared(what: &str, ours: &[Taken], theirs: &[Taken]) -> Vec<Figure> {
    let of = |all: &[Taken], value: fn(&Taken) -> f64| median(all.iter().map(value));
    let wall = [ours, theirs].map(|all| of(all, |taken| taken.wall_s));
    let cpu = [ours, theirs].map(|all| of(all, |taken| taken.cpu_s));
    let memory = [ours, theirs].map(|all| of(all, |taken| taken.memory_mib));
    vec![
        Figure::plain(what, wall[0], "s"),
        Figure::plain(format!("{what}: dnf"), wall[1], "s"),
        Figure::with_goal(format!("{what}: faster than dnf"), wall[1] / wall[0], "times", Goal::AtLeast(5.0)),
        Figure::plain(format!("{what}: processor time"), cpu[0], "s"),
        Figure::plain(format!("{what}: processor time of dnf"), cpu[1], "s"),
        Figure::plain(format!("{what}: memory"), memory[0], "MiB"),
        Figure::plain(format!("{what}: memory of dnf"), memory[1], "MiB"),
        Figure::with_goal(format!("{what}: share of dnf's memory"), memory[0] / memory[1], "times", Goal::AtMost(0.25)),
    ]
}

/// Measures how time and memory grow with the repository.
fn growing(bench: &mut Bench<'_>, program: &Program, folder: &Path) -> Result<Vec<Figure>, BenchError> {
    let mut figures = Vec::new();
    for size in SIZES {
        let (repository, root) = (folder.join(format!("made-up-{size}")), folder.join(format!("root-{size}")));
        made_up::write(&repository, size)?;
        program.prepare(&root, &repository, false)?;
        let one = made_up::name(size / 2);
        let many: Vec<String> = (0..PLANNED).map(|number| made_up::name(number * (size / PLANNED))).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let asked: [(&str, Step, &[&str]); 4] = [
            ("load", Step::Fetch, &[]),
            ("search", Step::Search, &[&one]),
            ("plan of one package", Step::Plan, &[&one]),
            ("plan of 100 packages", Step::Plan, &many),
        ];
        let dnf = if size == SIZES[SIZES.len() - 1] { Some(Dnf::new(bench, &repository, false)?) } else { None };
        let room = folder.join(format!("dnf-{size}"));
        if let Some(dnf) = &dnf {
            dnf.prepare(&room)?;
        }
        for (title, step, packages) in asked {
            let mut ours = Vec::new();
            // After the first fetch, the metadata is cached.
            for _ in 0..if step == Step::Fetch { 1 } else { bench.runs } {
                ours.push(program.step(bench, &root, step, packages)?);
            }
            let what = format!("tdnf: {size} packages: {title}");
            let wall_s = median(ours.iter().map(|taken| taken.wall_s));
            if title == "plan of one package" && dnf.is_some() {
                figures.push(Figure::with_goal(what.clone(), wall_s * 1e3, "ms", Goal::AtMost(50.0)));
            } else {
                figures.push(Figure::plain(what.clone(), wall_s, "s"));
            }
            figures.push(Figure::plain(format!("{what}: memory"), median(ours.iter().map(|taken| taken.memory_mib)), "MiB"));
            if let Some(dnf) = &dnf {
                let taken = steps::of_dnf(bench, dnf, &room, step, packages)?;
                figures.push(Figure::plain(format!("{what}: dnf"), taken.wall_s, "s"));
                figures.push(Figure::plain(format!("{what}: memory of dnf"), taken.memory_mib, "MiB"));
            }
        }
    }
    Ok(figures)
}

fn image_names(bench: &Bench<'_>) -> Vec<String> {
    bench.image.packages.iter().map(ToString::to_string).collect()
}

/// The names of all packages of a repository that can be installed on their own, sorted. Development packages may need programs that only
/// the SDK has.
fn names(repository: &Path) -> Result<Vec<String>, BenchError> {
    let folder = repository.join("Packages");
    let entries = fs::read_dir(&folder).map_err(BenchError::io("read", &folder))?;
    let files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    let name = |path: &PathBuf| {
        let stem = path.file_stem()?.to_str()?;
        Some(stem.rsplitn(3, '-').nth(2)?.to_owned())
    };
    let mut names: Vec<String> = files.iter().filter_map(name).collect();
    names.retain(|name| !name.ends_with("-devel"));
    names.sort();
    names.dedup();
    Ok(names)
}
