//! What ten thousand builds on workers cost the machine that asks for them.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::super::usage::median;
use super::super::{Bench, BenchError, Figure, Goal};
use super::programs::Programs;
use super::project::{Project, Step};
use super::{STEP_S, WORKERS};
use runtime::store::{Store, StoreError};
use sdk::{Description, LayerName, Lock, LockedLayer};

/// How many specs are built.
const SPECS: usize = 10_000;

/// Builds at the same time.
const JOBS: usize = 16;

const MIB: f64 = 1024.0 * 1024.0;

/// An SDK that nothing is built with.
const SDK: &str = "suite = \"trixie\"\n[layer.base]\nsummary = \"Nothing\"\npackages = [\"bash\"]\n\
    [layer.image]\nsummary = \"Nothing\"\nneeds = [\"base\"]\npackages = [\"bash\"]\n";

/// Has a server that is done with every build at once build all specs of a project.
pub fn run(bench: &Bench<'_>) -> Result<Vec<Figure>, BenchError> {
    let scratch = bench.builder.store.scratch("bench-farm-client").map_err(BenchError::around)?;
    let programs = Programs::beside(bench, &scratch.path().join("programs"))?;
    let server = Quick::start(bench.root)?;
    let specs = bench.steps.unwrap_or(SPECS);
    let (mut shares, mut memory, mut each, mut walls) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for number in 0..bench.runs {
        let project = Project::write(&scratch.path().join(format!("project-{number}")), specs, &Step::Nothing)?;
        project.use_server(&server.address)?;
        let store = scratch.path().join(format!("store-{number}"));
        give_sdk(&project.root.join("specs"), &store)?;
        let measured = programs.build(bench, &project, &store, JOBS, &[])?;
        shares.push(measured.cpu_s / work_s(specs) * 100.0);
        memory.push(measured.peak_memory_bytes as f64 / MIB);
        each.push(measured.cpu_s * 1000.0 / specs as f64);
        walls.push(measured.wall_s);
    }
    let goal = format!("farm-client: {specs} steps of {STEP_S} s on {WORKERS} workers, processor time of this machine");
    Ok(vec![
        Figure::with_goal(goal, median(shares), "%", Goal::AtMost(5.0)),
        Figure::with_goal("farm-client: peak memory of its largest process", median(memory), "MiB", Goal::AtMost(200.0)),
        Figure::plain("farm-client: processor time of one step", median(each), "ms"),
        Figure::plain("farm-client: the time it took with a server that is done at once", median(walls), "s"),
    ])
}

/// The time that the workers would take.
fn work_s(specs: usize) -> f64 {
    (specs * STEP_S / WORKERS) as f64
}

/// Writes an SDK without packages to `specs`, and its empty trees into a store.
fn give_sdk(specs: &Path, store: &Path) -> Result<(), BenchError> {
    let description = Description::parse("sdk.toml", SDK).map_err(BenchError::around)?;
    let names: Vec<LayerName> = description.layers.keys().cloned().collect();
    let mut lock = Lock::default();
    for name in &names {
        if let Some(request) = description.request(name) {
            lock.layers.insert(name.clone(), LockedLayer { request, packages: Vec::new() });
        }
    }
    let locked = lock.to_text();
    for (file, text) in [("sdk.toml", SDK), ("sdk.lock", locked.as_str()), ("sdk-keyring.asc", "")] {
        let path = specs.join(file);
        fs::write(&path, text).map_err(BenchError::io("write", &path))?;
    }
    let store = Store::open(store).map_err(BenchError::around)?;
    for digest in names.iter().filter_map(|name| lock.layer_digest(name)) {
        store.tree::<StoreError>(&digest, || (), |_| Ok(())).map_err(BenchError::around)?;
    }
    Ok(())
}

/// A server that is done with every build at once: an example of the crate `remote`, which has gRPC.
struct Quick {
    child: Child,
    address: String,
}

impl Quick {
    fn start(root: &Path) -> Result<Self, BenchError> {
        let broken = |what: String| BenchError::Broken { what, next: Some("run `cargo run --package remote --example quick`".into()) };
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(["run", "--locked", "--quiet", "--package", "remote", "--example", "quick"]);
        // It ends with its input.
        let child = command.current_dir(root).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| broken(format!("cargo cannot be started: {error}")))?;
        let mut address = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut address).map_err(|error| broken(error.to_string()))?;
        }
        let server = Self { child, address: address.trim().to_owned() };
        if server.address.is_empty() { Err(broken("the server did not start".into())) } else { Ok(server) }
    }
}

impl Drop for Quick {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // If it cannot be waited for, it has ended.
        let _ = self.child.wait();
    }
}
