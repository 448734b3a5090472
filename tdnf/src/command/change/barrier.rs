//! Which locks and exclusions keep a package from coming.

use std::collections::BTreeSet;

use super::request::is_locked;
use crate::cli::session::Session;
use crate::query::{Id, Sack};
use rpm_engine::dependency::{Capability, Dependency};

/// So many are named.
const MOST: usize = 3;

/// Sentences about what may be why `wanted` packages do not fit: locked packages in their place, or that they need in another version, and
/// excluded packages that would provide what they need.
pub(super) fn of(session: &Session, sack: &Sack<'_>, wanted: &[Id]) -> Vec<String> {
    let (mut seen, mut queue): (BTreeSet<Id>, Vec<Id>) = (wanted.iter().copied().collect(), wanted.to_vec());
    let mut found = BTreeSet::new();
    while let Some(package) = queue.pop().and_then(|id| sack.package(id)) {
        let replaced = package.obsoletes.iter().map(|obsoleted| obsoleted.name.as_str()).chain([package.nevra.name.as_str()]);
        let replaced: Vec<Id> = replaced.flat_map(|name| sack.installed_called(name)).collect();
        found.extend(replaced.into_iter().filter_map(|old| locked(session, sack, old)));
        for capability in package.requires.iter().flat_map(asked) {
            if !sack.installed_providing(capability).is_empty() {
                continue;
            }
            let there = sack.installed_providing_name(&capability.name).iter().copied();
            found.extend(there.filter_map(|old| locked(session, sack, old)));
            found.extend(sack.hidden_providing(capability));
            queue.extend(sack.available_providing(capability).into_iter().filter(|id| seen.insert(*id)));
        }
    }
    found.into_iter().take(MOST).collect()
}

fn locked(session: &Session, sack: &Sack<'_>, old: Id) -> Option<String> {
    is_locked(session, sack, old).then(|| format!("{} is locked (`locks.d`)", sack.nevra(old)))
}

fn asked(dependency: &Dependency) -> Vec<&Capability> {
    match dependency {
        Dependency::Simple(capability) => vec![capability],
        Dependency::Rich(rich) => rich.leaves().into_iter().filter(|(_, tested)| !tested).map(|(capability, _)| capability).collect(),
    }
}
