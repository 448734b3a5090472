//! Triggers that packages set off by their names.

use std::collections::BTreeSet;

use super::{Fired, Walk};
use crate::dependency::{Capability, Comparison};
use crate::package::Nevra;
use crate::rpmfile::Trigger;
use crate::rpmfile::trigger::{Cause, When};

/// Whether a package meets a condition: by its name and version, nothing else that it provides.
fn meets(nevra: &Nevra, condition: &Capability) -> bool {
    let own = || Capability::ranged(&nevra.name, Comparison::Equal, nevra.evr.clone());
    nevra.name == condition.name && condition.satisfied_by(&own())
}

/// What one package sets off in another is one script at most: that with the first condition it meets.
fn first_met(triggers: &[Trigger], when: When, nevra: &Nevra) -> Option<usize> {
    let of_packages = triggers.iter().enumerate().filter(|(_, trigger)| trigger.cause == Cause::Package && trigger.when == when);
    let met = of_packages.flat_map(|(index, trigger)| {
        trigger.conditions.iter().filter(|(_, condition)| meets(nevra, condition)).map(move |(place, _)| (*place, index))
    });
    met.min().map(|(_, index)| index)
}

/// A package that goes is still in the database when its triggers run, and does not count any more.
fn leaving(when: When) -> usize {
    match when {
        When::BeforeInstall | When::AfterInstall => 0,
        When::BeforeRemoval | When::AfterRemoval => 1,
    }
}

impl<'a> Walk<'a> {
    /// Triggers of packages that are there, set off by the one at `at`.
    pub(super) fn packages_of_others(&self, when: When, at: usize) -> Vec<Fired<'a>> {
        let nevra = self.held[at].member.nevra;
        let count = self.count(&nevra.name).saturating_sub(leaving(when));
        let owners = self.held.iter().filter(|held| held.there);
        let fired = owners.filter_map(|held| {
            let (owner, triggers) = (held.member.nevra, held.member.triggers);
            let trigger = &triggers[first_met(triggers, when, nevra)?];
            Some(Fired { owner, trigger, counts: (self.count(&owner.name), Some(count)), paths: Vec::new() })
        });
        fired.collect()
    }

    /// Triggers of the package at `at`, set off by packages that are there. Each script runs once.
    pub(super) fn packages_of_own(&self, when: When, at: usize) -> Vec<Fired<'a>> {
        let (owner, triggers) = (self.held[at].member.nevra, self.held[at].member.triggers);
        let own = self.count(&owner.name).saturating_sub(leaving(when));
        let mut names: Vec<(usize, usize, &str)> = Vec::new();
        for (index, trigger) in triggers.iter().enumerate().filter(|(_, trigger)| trigger.cause == Cause::Package) {
            names.extend(trigger.conditions.iter().map(|(place, condition)| (*place, index, condition.name.as_str())));
        }
        names.sort_unstable();
        let (mut run, mut fired) = (BTreeSet::new(), Vec::new());
        for (_, index, name) in names {
            if run.contains(&index) {
                continue;
            }
            for source in self.held.iter().filter(|held| held.there && held.member.nevra.name == name) {
                let Some(met) = first_met(triggers, when, source.member.nevra).filter(|met| run.insert(*met)) else { continue };
                let counts = (own, Some(self.count(name)));
                fired.push(Fired { owner, trigger: &triggers[met], counts, paths: Vec::new() });
            }
        }
        fired
    }
}
