//! Checks across specs: their graph, the SDK layers they use, and the versions they require of each other.

use std::collections::BTreeMap;

use rpm_engine::dependency::{Capability, Comparison};
use rpm_engine::version::Evr;

use base::diagnostic::{Problem, Problems};
use base::document::place;
use base::name::{Dependency, PackageName};
use planning::graph::{Graph, requirement_place};
use planning::project::SpecFolder;
use sdk::{Description, LayerName};
use text::did_you_mean;

/// The graph of all specs, after checking them against each other and the SDK.
///
/// # Errors
/// All mistakes: layers that the SDK does not have, versions that no spec has, and what [`Graph::new`] reports.
pub fn graph(specs: BTreeMap<PackageName, SpecFolder>, sdk: &Description) -> Result<Graph, Problems> {
    let mut problems = unknown_layers(&specs, sdk);
    problems.extend(unsatisfied_versions(&specs));
    match Graph::new(specs) {
        Ok(graph) => Problems::none_or(problems, graph),
        Err(more) => {
            problems.extend(more.iter().cloned());
            Err(Problems::new(problems))
        }
    }
}

fn unknown_layers(specs: &BTreeMap<PackageName, SpecFolder>, sdk: &Description) -> Vec<Problem> {
    let known: Vec<&str> = sdk.layers.keys().map(LayerName::as_str).collect();
    let mut problems = Vec::new();
    for folder in specs.values() {
        for name in folder.spec.sdk.iter().filter(|name| !known.contains(&name.as_str())) {
            let span = place(&folder.source, &["package", "sdk"], |text| text == name);
            let hint = did_you_mean(name, known.iter().copied());
            let hint = hint.unwrap_or_else(|| format!("layers described in `specs/sdk.toml`: {}", known.join(", ")));
            problems.push(Problem::new(&folder.source, span, format!("the SDK has no layer `{name}`")).hint(hint));
        }
    }
    problems
}

/// A provided capability, and the spec that provides it.
type Provided<'a> = (Capability, &'a PackageName);

fn unsatisfied_versions(specs: &BTreeMap<PackageName, SpecFolder>) -> Vec<Problem> {
    let provided = provided(specs);
    let mut problems = Vec::new();
    for folder in specs.values() {
        for content in folder.spec.packages() {
            for (key, list) in [("run", &content.requires), ("weak", &content.recommends)] {
                let constrained = list.iter().filter(|wanted| wanted.constraint.is_some() && !wanted.is_found_in_files());
                for wanted in constrained {
                    let given = provided.get(wanted.capability.as_str()).map_or(&[][..], Vec::as_slice);
                    problems.extend(unsatisfied(folder, &content.name, key, wanted, given));
                }
            }
        }
    }
    problems
}

/// Everything that specs provide, by name: their packages, and what these declare.
fn provided(specs: &BTreeMap<PackageName, SpecFolder>) -> BTreeMap<&str, Vec<Provided<'_>>> {
    let mut provided: BTreeMap<&str, Vec<Provided<'_>>> = BTreeMap::new();
    for (name, folder) in specs {
        let evr = Evr::parse(&folder.spec.evr());
        for content in folder.spec.packages() {
            let own = Capability::ranged(content.name.as_str(), Comparison::Equal, evr.clone());
            provided.entry(content.name.as_str()).or_default().push((own, name));
            for declared in &content.provides {
                let parsed = Capability::parse(&declared.to_string());
                provided.entry(&declared.capability).or_default().extend(parsed.map(|capability| (capability, name)));
            }
        }
    }
    provided
}

/// The problem with `wanted`, if something of its name exists, but not in an acceptable version. Names that nothing provides are reported
/// by the graph.
fn unsatisfied(folder: &SpecFolder, package: &PackageName, key: &str, wanted: &Dependency, given: &[Provided<'_>]) -> Option<Problem> {
    let asked = Capability::parse(&wanted.to_string())?;
    let (_, spec) = given.first()?;
    if given.iter().any(|(capability, _)| asked.satisfied_by(capability)) {
        return None;
    }
    let shown = given.iter().map(|(capability, _)| match &capability.range {
        Some(_) => format!("`{capability}`"),
        None => format!("`{capability}` without a version"),
    });
    let message = format!("package `{package}` needs `{wanted}`, but the specs provide {}", shown.collect::<Vec<_>>().join(", "));
    let hint = format!("require a version that exists, or raise the version in `specs/{spec}/package.toml`");
    Some(Problem::new(&folder.source, requirement_place(folder, package, key, wanted), message).hint(hint))
}
