//! Composing a root file system: this builder beside dnf, from the same signed repository, in turns.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::usage::{Usage, measure, median};
use super::{Bench, BenchError, Figure, Goal};
use crate::plan::plan;
use crate::repo;
use crate::rootfs;
use crate::sandbox::{self, Input, Job, Outcome, Root, Step, StepsEnded};
use crate::sdk::LayerName;
use crate::sign::Keys;
use crate::workshop::{image_candidates, image_packages, image_request, sign_all, write_repository};

/// Where dnf's sandbox shows the repository.
const REPOSITORY: &str = "/repo";

/// What rpm leaves out, as a sandbox has one user only: making users, whose files it then gives to root, and namespaces for scripts.
const MACROS: &str = "%__systemd_sysusers %{nil}\n%__transaction_unshare %{nil}\n";

/// What both have to do.
struct Task {
    folder: PathBuf,
    repository: PathBuf,
    files: Vec<PathBuf>,
    keys: Keys,
    /// The SDK's trees, lowest first.
    layers: Vec<PathBuf>,
    wanted: Vec<String>,
}

/// Measures both in turns.
pub fn run(bench: &mut Bench<'_>) -> Result<Vec<Figure>, BenchError> {
    let scratch = bench.workshop.store.scratch("bench-compose").map_err(BenchError::around)?;
    let task = prepare(bench, scratch.path())?;
    let (mut ours, mut theirs, mut packages) = (Vec::new(), Vec::new(), 0);
    for number in 0..bench.runs {
        let (mine, usage) = task.compose(bench, number)?;
        ours.push(usage);
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

/// Signs what the image is made of and writes its repository.
fn prepare(bench: &mut Bench<'_>, folder: &Path) -> Result<Task, BenchError> {
    let wanted = image_packages(&bench.workshop, bench.image).map_err(BenchError::around)?;
    let candidates = image_candidates(&bench.workshop, bench.image).map_err(BenchError::around)?;
    let (planned, results) = plan(bench.workshop.graph, &candidates, &bench.workshop);
    if !planned.is_all_cached() {
        let names: Vec<&str> = candidates.iter().map(|name| name.as_str()).collect();
        let what = format!("what image `{}` is made of", bench.image.name);
        return Err(BenchError::NotBuilt { what, next: format!("cargo xtask build {}", names.join(" ")) });
    }
    let layer: Vec<LayerName> = "test".parse().into_iter().collect();
    let workshop = &mut bench.workshop;
    let trees = workshop.sdk.ensure(workshop.store, &workshop.settings, &layer, workshop.reporter, &workshop.cancel);
    let layers = trees.map_err(BenchError::around)?.into_iter().map(|tree| tree.path).collect();
    let keys = Keys::open_or_create(&workshop.keys).map_err(BenchError::around)?;
    let signed = sign_all(workshop.store, &keys, &results).map_err(BenchError::around)?;
    let repository = folder.join("repo");
    write_repository(&repository, &signed, &keys).map_err(BenchError::around)?;
    let files = rpm_files(&repository);
    Ok(Task { folder: folder.to_owned(), repository, files, keys, layers, wanted: wanted.iter().map(ToString::to_string).collect() })
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

    /// Our own way, all the way: solved, verified, installed, and what files call for run in the tree.
    fn compose(&self, bench: &Bench<'_>, number: usize) -> Result<(BTreeSet<String>, Usage), BenchError> {
        let into = self.room(&format!("ours-{number}"))?;
        let log = self.folder.join("compose.log");
        let request = image_request(bench.image, self.wanted.clone(), &self.files, &self.keys, log);
        let (composed, usage) = measure(|| rootfs::compose(&request, &into, bench.workshop.reporter, &bench.workshop.cancel));
        let composed = composed.map_err(BenchError::around)?;
        Ok((composed.packages.into_iter().map(|package| package.nevra).collect(), usage))
    }

    /// dnf out of the SDK, in a sandbox, with every check on. What the sandbox itself takes is not counted.
    fn dnf(&self, bench: &Bench<'_>, number: usize) -> Result<(BTreeSet<String>, Usage), BenchError> {
        let room = self.room(&format!("dnf-{number}"))?;
        for name in ["build", "upper", "work", "build/root", "build/home"] {
            self.room(&format!("dnf-{number}/{name}"))?;
        }
        let config = room.join("build/dnf.conf");
        fs::write(&config, configuration()).map_err(BenchError::io("write", &config))?;
        let macros = room.join("build/home/.rpmmacros");
        fs::write(&macros, MACROS).map_err(BenchError::io("write", &macros))?;
        let install = ["dnf", "--config", "/build/dnf.conf", "--installroot", "/build/root", "--releasever", "1", "--assumeyes", "install"];
        let install: Vec<String> = install.into_iter().map(str::to_owned).chain(self.wanted.iter().cloned()).collect();
        let outcome = self.sandboxed(bench, &room, install)?;
        let usage = Usage { wall_s: outcome.wall_ms as f64 / 1e3, cpu_s: outcome.cpu_ms as f64 / 1e3 };
        let format = "%{NAME}-%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}.%{ARCH}\\n";
        let list = format!("rpm --root /build/root -qa --qf '{format}' >/build/installed");
        self.sandboxed(bench, &room, vec!["bash".into(), "-c".into(), list])?;
        let installed = room.join("build/installed");
        let text = fs::read_to_string(&installed).map_err(BenchError::io("read", &installed))?;
        Ok((text.lines().filter(|line| !line.starts_with("gpg-pubkey-")).map(str::to_owned).collect(), usage))
    }

    fn sandboxed(&self, bench: &Bench<'_>, room: &Path, argv: Vec<String>) -> Result<Outcome, BenchError> {
        let variables = [("PATH", "/usr/bin:/usr/sbin"), ("HOME", "/build/home"), ("LC_ALL", "C.UTF-8")];
        let job = Job {
            name: "dnf".into(),
            root: Root::Overlay { layers: self.layers.iter().rev().cloned().collect(), upper: room.join("upper"), work: room.join("work") },
            build_dir: Some(room.join("build")),
            inputs: vec![Input { host: self.repository.clone(), at: REPOSITORY.into() }],
            env: variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<BTreeMap<_, _>>(),
            steps: vec![Step { phase: "dnf".into(), argv, cwd: "/build".into() }],
        };
        let log = bench.workshop.store.log("bench-dnf.log");
        let outcome = sandbox::run(&job, None, &log, &bench.workshop.cancel, &|_| {}).map_err(BenchError::around)?;
        match outcome.status {
            StepsEnded::Done => Ok(outcome),
            StepsEnded::Failed { end, .. } => {
                Err(BenchError::Broken { what: format!("dnf ended with {end}"), next: Some(format!("its log is `{}`", log.display())) })
            }
        }
    }
}

fn configuration() -> String {
    format!(
        "[main]\ngpgcheck=1\nrepo_gpgcheck=1\nlocalpkg_gpgcheck=1\ncachedir=/build/cache\nlogdir=/build/log\nreposdir=/nonexistent\n\
         [kaon]\nname=Kaon\nbaseurl=file://{REPOSITORY}\ngpgkey=file://{REPOSITORY}/{}\n",
        repo::PUBLIC_KEY
    )
}

/// A comparison of different work is none.
fn same_packages(ours: &BTreeSet<String>, theirs: &BTreeSet<String>) -> Result<(), BenchError> {
    let differing: Vec<&str> = ours.symmetric_difference(theirs).map(String::as_str).collect();
    if differing.is_empty() {
        return Ok(());
    }
    Err(BenchError::Broken { what: format!("only one of the two installed {}", differing.join(", ")), next: None })
}
