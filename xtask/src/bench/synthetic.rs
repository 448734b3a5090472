//! A made-up distribution: specs with dependencies like real ones, and a store in which nearly all of them are built.
//!
//! One spec in ten is a library, in levels that build on each other; the others each build on a few libraries.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{Bench, BenchError};
use base::digest::Digest;
use base::name::PackageName;
use builder::{Builder, Kernels};
use planning::action::{BuildResult, BuiltPackage, By, Record, record_key};
use planning::graph::Graph;
use planning::plan::{World, plan};
use runtime::store::{Scratch, Store};
use sdk::Sdk;

/// Levels of libraries.
pub(super) const LEVELS: usize = 5;

/// One in this many leaves has changed since it was built.
const CHANGED_OF: usize = 100;

/// A project and its store.
pub struct Project {
    /// The project's top folder.
    pub root: PathBuf,
    /// The store.
    pub store: PathBuf,
    /// How many specs there are.
    pub specs: usize,
    /// How many of them must be built again.
    pub changed: usize,
    _vanishes: Scratch,
}

/// Writes `specs` specs, and a store with results for them.
pub fn project(bench: &Bench<'_>, specs: usize) -> Result<Project, BenchError> {
    let scratch = bench.builder.store.scratch("bench-plan").map_err(BenchError::around)?;
    let root = scratch.path().join("project");
    fs::create_dir_all(root.join("specs")).map_err(BenchError::io("make", &root))?;
    for file in ["sdk.toml", "sdk.lock", "sdk-keyring.asc"] {
        let (from, to) = (bench.root.join("specs").join(file), root.join("specs").join(file));
        fs::copy(&from, &to).map_err(BenchError::io("copy", &from))?;
    }
    (0..specs).into_par_iter().try_for_each(|number| write_spec(&root, number, specs, "1"))?;
    let store = scratch.path().join("store");
    fill(bench, &root, &Store::open(&store).map_err(BenchError::around)?)?;
    let leaves = libraries(specs)..specs;
    let changed: Vec<usize> = leaves.step_by(CHANGED_OF).collect();
    changed.iter().try_for_each(|number| write_spec(&root, *number, specs, "2"))?;
    Ok(Project { root, store, specs, changed: changed.len(), _vanishes: scratch })
}

fn libraries(specs: usize) -> usize {
    specs / 10
}

/// The name of a spec.
pub(super) fn name(number: usize) -> String {
    format!("spec-{number:05}")
}

/// The numbers of `count` libraries that `number` builds on or runs with, the same each time.
pub(super) fn needs(number: usize, specs: usize, purpose: &str, count: usize) -> Vec<usize> {
    let a_level = (libraries(specs) / LEVELS).max(1);
    let level = if number < libraries(specs) { number / a_level } else { LEVELS };
    if level == 0 {
        return Vec::new();
    }
    let below = (level - 1) * a_level;
    let drawn = Digest::of_bytes(format!("{purpose} of {number}"));
    let mut needs: Vec<usize> = drawn
        .bytes()
        .chunks_exact(4)
        .take(count)
        .map(|bytes| below + bytes.iter().fold(0, |sum, byte| sum * 256 + usize::from(*byte)) % a_level)
        .collect();
    needs.sort_unstable();
    needs.dedup();
    needs
}

fn write_spec(root: &Path, number: usize, specs: usize, release: &str) -> Result<(), BenchError> {
    let (build, run) = (needs(number, specs, "build", 4), needs(number, specs, "run", 2));
    let list =
        |names: Vec<usize>, suffix: &str| names.into_iter().map(|one| format!("\"{}{suffix}\"", name(one))).collect::<Vec<_>>().join(", ");
    let mut text = format!(
        "[package]\nversion = \"1.{number}\"\nrelease = {release}\nsummary = \"Number {number}\"\nlicense = \"MIT\"\n\n\
         [[source]]\nurl = \"https://example.org/{0}-{{version}}.tar.gz\"\nsha256 = \"{1}\"\n\n",
        name(number),
        Digest::of_bytes(name(number))
    );
    let _ = writeln!(text, "[requires]\nbuild = [{}]\nrun = [{}]\n", list(build, "-devel"), list(run, ""));
    text.push_str("[build.autotools]\nconfigure = [\"--disable-static\"]\n\n");
    text.push_str("[subpackage.devel]\nsummary = \"Headers\"\nfiles = [\"/usr/include/**\", \"/usr/lib/*.so\"]\n");
    let folder = root.join("specs").join(name(number));
    fs::create_dir_all(&folder).map_err(BenchError::io("make", &folder))?;
    let file = folder.join("package.toml");
    fs::write(&file, text).map_err(BenchError::io("write", &file))
}

/// Records a result for every spec, as if all had been built.
fn fill(bench: &Bench<'_>, root: &Path, store: &Store) -> Result<(), BenchError> {
    let graph = Graph::new(planning::project::load_specs(&root.join("specs")).map_err(BenchError::around)?).map_err(BenchError::around)?;
    let known = &bench.builder;
    let builder = Builder {
        graph: &graph,
        store,
        sdk: Sdk::load(root).map_err(BenchError::around)?,
        settings: known.settings.clone(),
        keys: known.keys.clone(),
        jobs: known.jobs,
        kernels: Kernels::default(),
        caching: builder::Caching::default(),
        farm: None,
        costs: Default::default(),
        reporter: known.reporter,
        cancel: known.cancel.clone(),
    };
    let all: Vec<PackageName> = graph.main_packages().cloned().collect();
    let (_, results) = plan(&graph, &all, &AllBuilt { builder: &builder });
    results.values().collect::<Vec<_>>().into_par_iter().try_for_each(|result| record(store, result))
}

/// A world in which every spec is built, regardless of its key.
struct AllBuilt<'a> {
    builder: &'a Builder<'a>,
}

impl World for AllBuilt<'_> {
    fn layers(&self, extra: &[String]) -> Vec<(String, Digest)> {
        self.builder.layers(extra)
    }

    fn extra_inputs(&self, spec: &PackageName) -> BTreeMap<String, Digest> {
        self.builder.extra_inputs(spec)
    }

    fn result(&self, spec: &PackageName, key: &Digest) -> Option<BuildResult> {
        let packages = self.builder.graph.spec(spec)?.spec.packages().map(|content| built(content.name.clone())).collect();
        // As many fields as a real key has.
        let fields = (0..15).map(|number| (format!("package {number}"), key.hex())).collect();
        let (elapsed_ms, cpu_ms, peak_memory_bytes) = (1000, 1500, 1 << 26);
        Some(BuildResult {
            spec: spec.clone(),
            key: *key,
            fields,
            packages,
            elapsed_ms,
            cpu_ms,
            peak_memory_bytes,
            by: By::Here,
            shared: None,
        })
    }

    fn record(&self, _: &PackageName) -> Option<Record> {
        None
    }
}

fn built(name: PackageName) -> BuiltPackage {
    let library = name.as_str().trim_end_matches("-devel").to_owned();
    let is_devel = library != name.as_str();
    BuiltPackage {
        file_name: format!("{name}-1-1.kn1.x86_64.rpm"),
        object: Digest::of_bytes(name.as_str()),
        provides: if is_devel {
            vec![format!("{name} = 1-1")]
        } else {
            vec![format!("{name} = 1-1"), format!("lib{library}.so.1()(64bit)")]
        },
        requires: if is_devel { vec![format!("{library} = 1-1")] } else { Vec::new() },
        files: 10,
        installed_bytes: 100_000,
        name,
    }
}

/// Stores a result, and an object for each of its packages. They are only used by planning.
fn record(store: &Store, result: &BuildResult) -> Result<(), BenchError> {
    for package in &result.packages {
        store.put_bytes(package.name.as_str().as_bytes()).map_err(BenchError::around)?;
    }
    store.put_result(&result.key, result).map_err(BenchError::around)?;
    store.put_result(&record_key(&result.spec), &Record::of(result)).map_err(BenchError::around)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_are_on_lower_levels_and_deterministic() {
        for number in 0..1000 {
            let found = needs(number, 1000, "build", 4);
            assert_eq!(found, needs(number, 1000, "build", 4));
            assert!(found.iter().all(|one| *one < number && *one < libraries(1000)), "{number}: {found:?}");
            assert_eq!(found.is_empty(), number < 20, "{number}");
        }
    }
}
