//! `cargo xtask why PKG`

use std::collections::BTreeSet;
use std::fmt;

use clap::Args;
use serde::Serialize;

use super::select;
use crate::cli::Context;
use base::diagnostic::{ExitCode, Report};
use base::name::PackageName;
use builder::project;
use builder::{Builder, ImageError, plan_with};
use image::description::Image;
use planning::action::{Fields, Link, Results, chain};
use planning::plan::{State, World as _, fields_of};

/// Options of `why`.
#[derive(Args, Debug)]
pub struct Options {
    /// The package
    package: String,
}

/// Reports the chain of requirements that brings a package into each image, the parts of its key that changed since its last build, and
/// what is built on it.
///
/// # Errors
/// Mistakes in specs or images, unknown names.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let graph = context.graph()?;
    let package = select::package(&graph, &options.package)?;
    let spec = graph.index().owner(&package).cloned().unwrap_or_else(|| package.clone());
    let images = project::load_images(&context.root)?;
    let store = context.store()?;
    let builder = context.builder(&graph, &store)?;
    let all: Vec<PackageName> = graph.main_packages().cloned().collect();
    let (plan, results) = plan_with(&builder, &all)?;
    let state = plan.steps.iter().find(|step| step.spec == spec).map(|step| step.state.clone());
    let report = PackageReport {
        images: images.iter().map(|image| in_image(&builder, image, &package, &spec, &results)).collect::<Result<_, _>>()?,
        build: build(&builder, &spec, state.as_ref(), &results),
        dependents: graph.specs().map(|(name, _)| name).filter(|name| graph.build_edges(name).contains(&spec)).cloned().collect(),
        package,
        spec,
    };
    if context.output.is_json() {
        context.output.document(&report)
    } else {
        context.output.text(&report.to_string())
    }
    Ok(ExitCode::Done)
}

/// The whole report.
#[derive(Serialize)]
struct PackageReport {
    package: PackageName,
    spec: PackageName,
    images: Vec<InImage>,
    build: Build,
    dependents: Vec<PackageName>,
}

/// Why a package is in an image.
#[derive(Serialize)]
struct InImage {
    image: PackageName,
    /// One for each package of the spec that is in the image; empty if none is.
    chains: Vec<Vec<Link>>,
}

/// The state of the package.
#[derive(Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
enum Build {
    Cached,
    NeverBuilt,
    /// It will be built only if one of these changes.
    Unknown {
        pending: Vec<PackageName>,
    },
    Changed {
        changes: Vec<String>,
    },
}

/// The chains to a package, or to any package of the spec if a spec was named.
fn in_image(
    builder: &Builder<'_>,
    image: &Image,
    package: &PackageName,
    spec: &PackageName,
    results: &Results,
) -> Result<InImage, ImageError> {
    let roots = builder::image_packages(builder, image)?;
    let folder = builder.graph.spec(spec);
    let siblings = folder.into_iter().flat_map(|folder| folder.spec.packages()).map(|content| &content.name);
    let asked = siblings.filter(|name| *name == package || package == spec);
    let chains = asked.filter_map(|name| chain(builder.graph, results, &roots, name)).collect();
    Ok(InImage { image: image.name.clone(), chains })
}

fn build(builder: &Builder<'_>, spec: &PackageName, state: Option<&State>, results: &Results) -> Build {
    match (state, builder.record(spec)) {
        (Some(State::Cached { .. }), _) => Build::Cached,
        (_, None) => Build::NeverBuilt,
        (Some(State::Unknown), Some(_)) => {
            let edges = builder.graph.build_edges(spec).into_iter();
            Build::Unknown { pending: edges.filter(|edge| !results.contains_key(*edge)).cloned().collect() }
        }
        (_, Some(record)) => {
            Build::Changed { changes: changes(&record.fields, &fields_of(builder.graph, spec, builder, results)).collect() }
        }
    }
}

impl fmt::Display for PackageReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { package, spec, .. } = self;
        for InImage { image, chains } in &self.images {
            if chains.is_empty() {
                writeln!(f, "`{package}` is not in image `{image}`")?;
                continue;
            }
            writeln!(f, "`{package}` is in image `{image}`:")?;
            for chain in chains {
                let links: Vec<String> = chain.iter().map(link).collect();
                writeln!(f, "  {}", links.join(" → "))?;
            }
        }
        match &self.build {
            Build::Cached => writeln!(f, "`{spec}` is cached: its key has not changed")?,
            Build::NeverBuilt => writeln!(f, "`{spec}` was never built here")?,
            Build::Unknown { pending } => {
                writeln!(f, "`{spec}` will be rebuilt only if the output of one of these changes:")?;
                pending.iter().try_for_each(|edge| writeln!(f, "  {edge}"))?;
            }
            Build::Changed { changes } if changes.is_empty() => {
                writeln!(f, "`{spec}` will be rebuilt: its result is no longer in the store")?;
            }
            Build::Changed { changes } => {
                writeln!(f, "`{spec}` will be rebuilt because these changed:")?;
                changes.iter().try_for_each(|change| writeln!(f, "  {change}"))?;
            }
        }
        let dependents: Vec<&str> = self.dependents.iter().map(PackageName::as_str).collect();
        if dependents.is_empty() { Ok(()) } else { writeln!(f, "used by the builds of: {}", dependents.join(", ")) }
    }
}

fn link(link: &Link) -> String {
    match &link.wanted {
        Some(wanted) => format!("{} ({wanted})", link.package),
        None => link.package.to_string(),
    }
}

/// What differs between two sets of key fields, one line each.
fn changes<'a>(before: &'a Fields, now: &'a Fields) -> impl Iterator<Item = String> + 'a {
    let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let short = |value: &String| value.chars().take(12).collect::<String>();
    names.into_iter().filter_map(move |name| match (before.get(name), now.get(name)) {
        (Some(old), Some(new)) if old != new => Some(format!("{name}: {} is now {}", short(old), short(new))),
        (Some(_), None) => Some(format!("{name}: gone")),
        (None, Some(_)) => Some(format!("{name}: new")),
        _ => None,
    })
}
