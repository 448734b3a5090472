//! Changing what is installed: which packages are there afterwards.
//!
//! First everything installed is held as it is; only where that fits with nothing, it may give way to newer versions or heirs of itself,
//! and only where that is allowed, it may go. What the installed packages break already is not held against anything (`clause.rs`).

mod update;

use std::collections::{BTreeMap, BTreeSet};

use resolvo::ConditionalRequirement;

use super::clause::Universe;
use super::provider::{Provider, Roles};
use super::{SolveError, Standing, answer};
use crate::dependency::Dependency;
use crate::package::Package;

/// All packages that matter.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The installed ones, and those that may come.
    pub packages: &'a [Package],
    /// The indexes of those installed.
    pub installed: &'a BTreeSet<usize>,
    /// The indexes of those whose versions may be there side by side.
    pub separate: &'a BTreeSet<usize>,
    /// The machine's architecture.
    pub arch: &'a str,
    /// Where the packages stand, by index; those without an entry stand alike.
    pub standing: &'a [Standing],
}

/// One of these packages is to be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What was asked for, for messages.
    pub label: String,
    /// The packages that answer it, the preferred names first; within a name the newest is preferred.
    pub any_of: Vec<usize>,
    /// Whether the rest is done without it.
    pub need: Need,
}

/// What is done where a target does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing.
    Must,
    /// All the rest, unless only the best will do.
    IfItFits,
}

/// What is to be reached.
#[derive(Clone, Debug, Default)]
pub struct Goal {
    /// What is to be there.
    pub targets: Vec<Target>,
    /// Installed packages that are to be replaced by the newest of their name, or by their heirs, where that fits.
    pub update: BTreeSet<usize>,
    /// Of those, the ones that no heir may replace: somebody asked for them by name.
    pub keep_name: BTreeSet<usize>,
    /// Installed packages that are excluded or locked: only what is itself a target may replace them.
    pub kept: BTreeSet<usize>,
    /// Installed packages that must not be held: a target speaks for them.
    pub released: BTreeSet<usize>,
    /// Installed packages that must go.
    pub erase: BTreeSet<usize>,
    /// Whether what is in the way may go.
    pub allow_erasing: bool,
    /// Whether no other installed package may be updated or replaced to make room.
    pub others_stay: bool,
    /// Whether targets and updates that do not fit are skipped.
    pub skip_broken: bool,
    /// Whether only the newest will do for an update.
    pub best: bool,
    /// Whether what new packages recommend comes too, where that is possible.
    pub weak: bool,
}

/// What is there afterwards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The packages, by index.
    pub there: BTreeSet<usize>,
    /// Targets that were skipped.
    pub skipped: Vec<Skipped>,
    /// Updates that do not fit: the package is left as it is, or updated less far.
    pub left: Vec<Skipped>,
}

/// What does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// A target's label, or the package that would have come.
    pub label: String,
    /// Why, in a few lines.
    pub reason: String,
}

/// How much is held of what is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Hold {
    /// Every package.
    Exactly,
    /// Every package, or a newer version or heir of it.
    OrNewer,
    /// These packages, or newer versions or heirs of them.
    Some(BTreeSet<usize>),
}

/// For installed packages that are to be updated, what must be there in their place: one package of each list.
type Pins = BTreeMap<usize, Vec<Vec<usize>>>;

struct Search<'a> {
    universe: Universe<'a>,
    situation: Situation<'a>,
    roles: Roles,
}

/// Finds what is there afterwards.
///
/// # Errors
/// When the targets fit neither with what is installed nor with each other.
pub fn change(situation: Situation<'_>, goal: &Goal) -> Result<Outcome, SolveError> {
    let fresh = goal.released.iter().map(|index| situation.packages[*index].nevra.name.clone()).collect();
    let roles = Roles { installed: situation.installed.clone(), separate: situation.separate.clone(), fresh, going: goal.erase.clone() };
    let universe = Universe::new(situation.packages, situation.installed, situation.arch, situation.standing);
    let search = Search { universe, situation, roles };
    let (mut targets, mut skipped, mut left) = (goal.targets.clone(), Vec::new(), Vec::new());
    let mut pins: Pins = goal.update.iter().filter_map(|index| Some((*index, search.updates(*index, goal).into_iter().next()?))).collect();
    let (hold, mut there) = match search.hold_as_needed(&targets, goal, &pins) {
        Ok(found) => found,
        Err(error) if !goal.may_skip() && (goal.best || pins.is_empty()) => return Err(error),
        Err(_) => {
            let updates: Vec<usize> = std::mem::take(&mut pins).into_keys().collect();
            (targets, skipped) = search.what_fits(goal);
            search.pin_what_fits(goal, &targets, &updates, &mut pins, &mut left);
            search.hold_as_needed(&targets, goal, &pins)?
        }
    };
    if goal.weak {
        there = search.with_weak(there, &targets, goal, &hold, &pins);
    }
    Ok(Outcome { there: there.into_iter().collect(), skipped, left })
}

impl Goal {
    fn may_skip(&self) -> bool {
        self.skip_broken || self.targets.iter().any(|target| self.may_skip_target(target))
    }

    fn may_skip_target(&self, target: &Target) -> bool {
        self.skip_broken || (target.need == Need::IfItFits && !self.best)
    }
}

impl Search<'_> {
    /// The targets that fit together: those that must be there, and each of the others where it does.
    fn what_fits(&self, goal: &Goal) -> (Vec<Target>, Vec<Skipped>) {
        let (optional, mut targets): (Vec<&Target>, Vec<Target>) = (
            goal.targets.iter().filter(|target| goal.may_skip_target(target)).collect(),
            goal.targets.iter().filter(|target| !goal.may_skip_target(target)).cloned().collect(),
        );
        let mut skipped = Vec::new();
        for target in optional {
            targets.push(target.clone());
            if let Err(error) = self.hold_as_needed(&targets, goal, &Pins::new()) {
                targets.pop();
                skipped.push(Skipped { label: target.label.clone(), reason: self.reason(&target.any_of, &error) });
            }
        }
        (targets, skipped)
    }

    fn hold_as_needed(&self, targets: &[Target], goal: &Goal, pins: &Pins) -> Result<(Hold, Vec<usize>), SolveError> {
        let first = match self.run(targets, goal, &Hold::Exactly, pins) {
            Ok(found) => return Ok((Hold::Exactly, found)),
            Err(error) => error,
        };
        let newer = if goal.others_stay { Err(first.clone()) } else { self.run(targets, goal, &Hold::OrNewer, pins) };
        match newer {
            Ok(found) => Ok((Hold::OrNewer, found)),
            Err(_) if goal.allow_erasing => self.hold_what_fits(targets, goal, pins),
            Err(_) => Err(first),
        }
    }

    /// Lets go of what stands in the way, and of nothing else.
    fn hold_what_fits(&self, targets: &[Target], goal: &Goal, pins: &Pins) -> Result<(Hold, Vec<usize>), SolveError> {
        let mut found = self.run(targets, goal, &Hold::Some(BTreeSet::new()), pins)?;
        let all: Vec<usize> = self.situation.installed.iter().copied().collect();
        let mut held = Vec::new();
        keep_what_fits(&all, &mut held, &mut |held| {
            let fits = self.run(targets, goal, &Hold::Some(held.iter().copied().collect()), pins);
            fits.map(|with| found = with).is_ok()
        });
        Ok((Hold::Some(held.into_iter().collect()), found))
    }

    /// One search.
    fn run(&self, targets: &[Target], goal: &Goal, hold: &Hold, pins: &Pins) -> Result<Vec<usize>, SolveError> {
        let provider = Provider::new(&self.universe, &self.roles);
        let mut requirements: Vec<ConditionalRequirement> = targets
            .iter()
            .map(|target| provider.one_of(&self.usable(&target.any_of), &format!("(requested as {})", target.label)))
            .collect();
        for index in self.situation.installed {
            if goal.erase.contains(index) || goal.released.contains(index) {
                continue;
            }
            match (pins.get(index), hold) {
                (Some(pinned), _) => requirements.extend(pinned.iter().map(|each| provider.one_of(each, "(the update)"))),
                (None, Hold::Some(held)) if !held.contains(index) => {}
                (None, _) => requirements.push(provider.one_of(&self.held(*index, hold, goal), "(installed)")),
            }
        }
        let found = answer(&self.universe, provider, requirements, &[])?;
        match found.iter().find(|index| goal.erase.contains(index)) {
            None => Ok(found),
            Some(index) => {
                let name = &self.situation.packages[*index].nevra;
                Err(SolveError::Conflict { explanation: format!("{name} cannot be removed, because other installed packages require it") })
            }
        }
    }

    /// What may be there in an installed package's place, in the order of preference.
    fn held(&self, index: usize, hold: &Hold, goal: &Goal) -> Vec<usize> {
        if *hold == Hold::Exactly || self.situation.separate.contains(&index) {
            return vec![index];
        }
        let mut others = [self.newer(index), self.replacing(index)].concat();
        if goal.kept.contains(&index) {
            others.retain(|other| goal.targets.iter().any(|target| target.any_of.contains(other)));
        }
        [vec![index], others].concat()
    }

    /// What a package recommends that an installed version of it did not: what was not there then was not wanted.
    fn newly_recommended(&self, index: usize) -> Vec<&Dependency> {
        let package = &self.situation.packages[index];
        let before = self.situation.installed.iter().map(|old| &self.situation.packages[*old]);
        let before: Vec<&Package> = before.filter(|old| old.nevra.name == package.nevra.name).collect();
        package.recommends.iter().filter(|wish| !before.iter().any(|old| old.recommends.contains(wish))).collect()
    }

    fn usable(&self, packages: &[usize]) -> Vec<usize> {
        packages.iter().copied().filter(|index| self.universe.is_usable(*index)).collect()
    }

    /// Adds what new packages recommend, and what supplements them, until nothing new is wished for. What does not fit is left out.
    fn with_weak(&self, mut there: Vec<usize>, targets: &[Target], goal: &Goal, hold: &Hold, pins: &Pins) -> Vec<usize> {
        let (mut known, mut asked): (BTreeSet<usize>, Vec<Target>) = (BTreeSet::new(), targets.to_vec());
        loop {
            let set: BTreeSet<usize> = there.iter().copied().collect();
            let new = &set - self.situation.installed;
            let names: BTreeSet<&str> = set.iter().map(|index| self.situation.packages[*index].nevra.name.as_str()).collect();
            let recommended: Vec<&Dependency> = new.iter().flat_map(|index| self.newly_recommended(*index)).collect();
            let mut wishes = super::weak_wishes(&self.universe, &recommended, &set, self.situation.installed);
            wishes.retain(|index| !names.contains(self.situation.packages[*index].nevra.name.as_str()) && known.insert(*index));
            if wishes.is_empty() {
                return there;
            }
            let target =
                |wish: usize| Target { label: self.situation.packages[wish].nevra.to_string(), any_of: vec![wish], need: Need::Must };
            let wishes: Vec<Target> = wishes.into_iter().map(target).collect();
            keep_what_fits(&wishes, &mut asked, &mut |asked| {
                let fits = self.run(asked, goal, hold, pins);
                fits.map(|with| there = with).is_ok()
            });
        }
    }
}

/// Adds to `kept` those of `candidates` that fit beside what is kept already, the earlier ones first. All that fit together are found at once.
fn keep_what_fits<T: Clone>(candidates: &[T], kept: &mut Vec<T>, fits: &mut impl FnMut(&[T]) -> bool) {
    if candidates.is_empty() {
        return;
    }
    let before = kept.len();
    kept.extend_from_slice(candidates);
    if fits(kept) {
        return;
    }
    kept.truncate(before);
    if candidates.len() > 1 {
        let (first, second) = candidates.split_at(candidates.len() / 2);
        keep_what_fits(first, kept, fits);
        keep_what_fits(second, kept, fits);
    }
}

#[cfg(test)]
mod random;
#[cfg(test)]
mod tests;
