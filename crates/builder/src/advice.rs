//! What a failed build could have had in its sandbox.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use rpm_engine::rpmfile::RpmFile;

use super::Workshop;
use base::name::PackageName;
use planning::action::BuiltPackage;
use planning::missing::{self, Advice, Layers, Offers, missing_in};
use planning::plan::plan;
use planning::spec::Spec;
use sdk::LayerName;

/// What to do about something that the `lines` of a failed build's log miss and that a package or a layer has which is not in its sandbox.
/// `laid` are the packages in it.
pub(super) fn advice(workshop: &Workshop<'_>, spec: &Spec, lines: &[String], laid: &[&BuiltPackage]) -> Option<Advice> {
    // All that follows takes a second, which most failures need not wait.
    lines.iter().find_map(|line| missing_in(line))?;
    let lines = lines.iter().map(String::as_str);
    missing::advice(lines, &offers(workshop, spec, laid), &Trees { workshop, spec })
}

/// The packages of the project that could be laid in: not those that are, or that build on this one.
fn offers(workshop: &Workshop<'_>, spec: &Spec, laid: &[&BuiltPackage]) -> Offers {
    let graph = workshop.graph;
    let number = graph.number(&spec.name);
    let is_offered = |other: &PackageName| {
        let reach = graph.reach(other);
        *other != spec.name && number.is_some_and(|number| !reach.contains(number))
    };
    let others = graph.specs().filter(|(name, folder)| !folder.spec.toolchain && is_offered(name));
    let others: Vec<(&PackageName, &Spec)> = others.map(|(name, folder)| (name, &folder.spec)).collect();
    let all: Vec<PackageName> = others.iter().map(|(name, _)| (*name).clone()).collect();
    let (_, results) = plan(graph, &all, workshop);
    let laid: BTreeSet<&PackageName> = laid.iter().map(|package| &package.name).collect();
    let mut offers = Offers::default();
    for (name, other) in others {
        match results.get(name) {
            Some(result) => {
                let packages = result.packages.iter().filter(|package| !laid.contains(&package.name));
                offers.built.extend(packages.filter_map(|package| Some((package.name.clone(), paths(workshop, package)?))));
            }
            None => offers.unbuilt.extend(other.packages().map(|content| content.name.clone())),
        }
    }
    offers
}

/// The paths of a built package's files. One that cannot be read gives no advice: its own user is told.
fn paths(workshop: &Workshop<'_>, package: &BuiltPackage) -> Option<Vec<String>> {
    let rpm = RpmFile::open(&workshop.store.object(&package.object)?).ok()?;
    Some(rpm.package.paths)
}

/// The layers of the SDK that are at hand and that specs build with, without those of one spec.
struct Trees<'a> {
    workshop: &'a Workshop<'a>,
    spec: &'a Spec,
}

impl Trees<'_> {
    fn tree(&self, layer: &LayerName) -> Option<PathBuf> {
        self.workshop.store.existing_tree(&self.workshop.sdk.lock.layer_digest(layer)?)
    }
}

impl Layers for Trees<'_> {
    fn having(&self, paths: &[String]) -> Option<String> {
        let own = self.workshop.layer_names(&self.spec.sdk);
        let all = self.workshop.layers_of(self.workshop.graph.specs().map(|(name, _)| name));
        let has = |layer: &LayerName| {
            let tree = self.tree(layer);
            tree.is_some_and(|tree| paths.iter().any(|path| fs::symlink_metadata(tree.join(path.trim_start_matches('/'))).is_ok()))
        };
        all.iter().filter(|layer| !own.contains(layer)).find(|layer| has(layer)).map(LayerName::to_string)
    }
}
