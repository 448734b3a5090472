//! Suggests packages and SDK layers that a failed build lacked.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use rpm_engine::rpmfile::RpmFile;

use super::Builder;
use base::name::PackageName;
use planning::action::BuiltPackage;
use planning::missing::{self, Advice, Layers, Offers, missing_in};
use planning::plan::plan;
use planning::spec::Spec;
use sdk::LayerName;

/// The advice for something missing according to `lines` of a failed build's log, if a package or a layer outside of its sandbox contains
/// it. `inputs` are the packages in the sandbox.
pub(super) fn advice(builder: &Builder<'_>, spec: &Spec, lines: &[String], inputs: &[&BuiltPackage]) -> Option<Advice> {
    // The rest takes a second; skip it for failures without such a line.
    lines.iter().find_map(|line| missing_in(line))?;
    let lines = lines.iter().map(String::as_str);
    missing::advice(lines, &offers(builder, spec, inputs), &Trees { builder, spec })
}

/// The packages of the project that could become inputs: all but those that already are, and those that build on this one.
fn offers(builder: &Builder<'_>, spec: &Spec, inputs: &[&BuiltPackage]) -> Offers {
    let graph = builder.graph;
    let number = graph.number(&spec.name);
    let is_offered = |other: &PackageName| {
        let reach = graph.reach(other);
        *other != spec.name && number.is_some_and(|number| !reach.contains(number))
    };
    let others = graph.specs().filter(|(name, folder)| !folder.spec.toolchain && is_offered(name));
    let others: Vec<(&PackageName, &Spec)> = others.map(|(name, folder)| (name, &folder.spec)).collect();
    let all: Vec<PackageName> = others.iter().map(|(name, _)| (*name).clone()).collect();
    let (_, results) = plan(graph, &all, builder);
    let inputs: BTreeSet<&PackageName> = inputs.iter().map(|package| &package.name).collect();
    let mut offers = Offers::default();
    for (name, other) in others {
        match results.get(name).filter(|result| builder.is_whole(result)) {
            Some(result) => {
                let packages = result.packages.iter().filter(|package| !inputs.contains(&package.name));
                offers.built.extend(packages.filter_map(|package| Some((package.name.clone(), paths(builder, package)?))));
            }
            None => offers.unbuilt.extend(other.packages().map(|content| content.name.clone())),
        }
    }
    offers
}

/// The paths of a built package's files. None if it cannot be read, which its own build reports.
fn paths(builder: &Builder<'_>, package: &BuiltPackage) -> Option<Vec<String>> {
    let rpm = RpmFile::open(&builder.store.object(&package.object)?).ok()?;
    Some(rpm.package.paths)
}

/// The available SDK layers that specs build with, without those of one spec.
struct Trees<'a> {
    builder: &'a Builder<'a>,
    spec: &'a Spec,
}

impl Trees<'_> {
    fn tree(&self, layer: &LayerName) -> Option<PathBuf> {
        self.builder.store.existing_tree(&self.builder.sdk.lock.layer_digest(layer)?)
    }
}

impl Layers for Trees<'_> {
    fn having(&self, paths: &[String]) -> Option<String> {
        let own = self.builder.layer_names(&self.spec.sdk);
        let all = self.builder.layers_of(self.builder.graph.specs().map(|(name, _)| name));
        let has = |layer: &LayerName| {
            let tree = self.tree(layer);
            tree.is_some_and(|tree| paths.iter().any(|path| fs::symlink_metadata(tree.join(path.trim_start_matches('/'))).is_ok()))
        };
        all.iter().filter(|layer| !own.contains(layer)).find(|layer| has(layer)).map(LayerName::to_string)
    }
}
