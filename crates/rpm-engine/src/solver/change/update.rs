//! What an installed package may be updated to, and how far.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::{Goal, Pins, Search, Skipped, Target};
use crate::solver::SolveError;

impl Search<'_> {
    /// Updates each of `updates` as far as it can go beside those before it; what cannot go as far as it should is put into `left`.
    ///
    /// All that fit together are found at once, so that one among hundreds that does not costs few searches.
    pub(super) fn pin_what_fits(&self, goal: &Goal, targets: &[Target], updates: &[usize], pins: &mut Pins, left: &mut Vec<Skipped>) {
        let mut with = pins.clone();
        with.extend(updates.iter().filter_map(|index| Some((*index, self.updates(*index, goal).into_iter().next()?))));
        let error = match self.hold_as_needed(targets, goal, &with) {
            Ok(_) => return *pins = with,
            Err(error) => error,
        };
        match updates {
            [] => {}
            [one] => self.pin_less(goal, targets, *one, pins, left, &error),
            many => {
                let (first, second) = many.split_at(many.len() / 2);
                self.pin_what_fits(goal, targets, first, pins, left);
                self.pin_what_fits(goal, targets, second, pins, left);
            }
        }
    }

    /// Updates a package less far than to the best, for `error` is in the way of that.
    fn pin_less(&self, goal: &Goal, targets: &[Target], index: usize, pins: &mut Pins, left: &mut Vec<Skipped>, error: &SolveError) {
        let mut choices = self.updates(index, goal).into_iter();
        let mut missing = choices.next().unwrap_or_default();
        for choice in choices.filter(|_| !goal.best) {
            pins.insert(index, choice.clone());
            if self.hold_as_needed(targets, goal, pins).is_ok() {
                // Of several that should come together only these do.
                missing.retain(|group| !choice.contains(group));
                break;
            }
            pins.remove(&index);
        }
        let missing = missing.concat();
        if let Some(first) = missing.first() {
            let label = self.situation.packages[*first].nevra.to_string();
            left.push(Skipped { label, reason: self.reason(&missing, error) });
        }
    }

    /// What an installed package may be updated to, the best first. Its own newest version stays beside all that replace the old one, as of
    /// a package that was split; where that does not fit, one of them will do.
    pub(super) fn updates(&self, index: usize, goal: &Goal) -> Vec<Vec<Vec<usize>>> {
        let heirs = if goal.keep_name.contains(&index) { Vec::new() } else { self.heirs(index) };
        let standing = |at: &usize| self.universe.standing(*at);
        // What replaces it goes before versions of its own from repositories that come after.
        let first = heirs.iter().flatten().map(|heir| standing(heir).priority).min();
        let comes_first = |own: &usize| !standing(own).is_hidden && first.is_none_or(|first| standing(own).priority <= first);
        let own: Vec<usize> = self.newer(index).into_iter().filter(comes_first).collect();
        let replaced = |own: &usize| heirs.iter().flatten().any(|heir| self.universe.heirs(*own).contains(heir));
        let stays = own.first().copied().filter(|own| !replaced(own));
        let all: Vec<Vec<usize>> = stays.map(|own| vec![own]).into_iter().chain(heirs.iter().cloned()).collect();
        let (own, heirs) = (own.into_iter().map(|own| vec![vec![own]]), heirs.into_iter().map(|heir| vec![heir]));
        let rest: Vec<_> = if stays.is_some() { own.chain(heirs).collect() } else { heirs.chain(own).collect() };
        let known = all.clone();
        Some(all).filter(|all| !all.is_empty()).into_iter().chain(rest.into_iter().filter(|choice| *choice != known)).collect()
    }

    /// The newer versions of an installed package that may come, the newest first: newer than all that are installed in whose place they come.
    pub(super) fn newer(&self, index: usize) -> Vec<usize> {
        let packages = self.situation.packages;
        let nevra = &packages[index].nevra;
        let called = self.universe.called(&nevra.name);
        let installed: Vec<_> = called.iter().filter(|at| self.situation.installed.contains(at)).map(|at| &packages[*at].nevra).collect();
        let mut newer: Vec<usize> = called.iter().copied().filter(|at| !self.situation.installed.contains(at)).collect();
        newer.retain(|new| {
            let new = &packages[*new].nevra;
            new.may_replace(nevra) && installed.iter().all(|old| !new.may_replace(old) || new.evr > old.evr)
        });
        newer.sort_by(|a, b| self.universe.version_order(*a, *b));
        newer
    }

    /// All packages of other names that replace an installed one where they are required or requested, the first ones first.
    pub(super) fn replacing(&self, index: usize) -> Vec<usize> {
        let mut all: Vec<usize> = self.universe.replacing(index).filter(|other| !self.situation.installed.contains(other)).collect();
        let name = |at: usize| &self.situation.packages[at].nevra.name;
        all.sort_by(|a, b| name(*a).cmp(name(*b)).then_with(|| self.universe.version_order(*a, *b)));
        all.sort_by_key(|at| self.universe.standing(*at));
        all
    }

    /// Whether an installed package, or the newest version of its name, would replace its heir again, by itself or by way of others: each
    /// update would exchange them.
    fn comes_back(&self, heir: usize, installed: usize) -> bool {
        let newest = self.newest(&self.situation.packages[installed].nevra.name);
        let (mut seen, mut queue) = (BTreeSet::from([heir]), vec![heir]);
        while let Some(at) = queue.pop() {
            let next = self.universe.heirs(at);
            if next.contains(&installed) || newest.is_some_and(|newest| next.contains(&newest)) {
                return true;
            }
            queue.extend(next.into_iter().filter(|next| seen.insert(*next)));
        }
        false
    }

    /// The version of a name that is tried first.
    fn newest(&self, name: &str) -> Option<usize> {
        self.universe.called(name).into_iter().min_by(|a, b| self.universe.version_order(*a, *b))
    }

    /// The packages of other names that replace an installed one and may come, by name, but for those that another of them replaces, those
    /// that it would replace again, and those whose newest version does not replace it any more.
    pub(super) fn heirs(&self, index: usize) -> Vec<Vec<usize>> {
        let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let comes = |heir: &usize| !self.situation.installed.contains(heir) && !self.comes_back(*heir, index);
        for heir in self.universe.heirs(index).into_iter().filter(comes) {
            by_name.entry(&self.situation.packages[heir].nevra.name).or_default().push(heir);
        }
        by_name.retain(|name, group| self.newest(name).is_some_and(|newest| group.contains(&newest)));
        let mut groups: Vec<Vec<usize>> = by_name.into_values().collect();
        groups.iter_mut().for_each(|group| group.sort_by(|a, b| self.universe.version_order(*a, *b)));
        let replaces = |new: usize, old: usize| self.universe.heirs(old).contains(&new);
        let bests: Vec<usize> = groups.iter().map(|group| group[0]).collect();
        let is_replaced = |at: usize| {
            let by = |other: usize| match other.cmp(&at) {
                Ordering::Equal => false,
                // Of two that replace each other the first stays.
                Ordering::Less => replaces(bests[other], bests[at]),
                Ordering::Greater => replaces(bests[other], bests[at]) && !replaces(bests[at], bests[other]),
            };
            (0..bests.len()).any(by)
        };
        groups.into_iter().enumerate().filter(|(at, _)| !is_replaced(*at)).map(|(_, group)| group).collect()
    }

    /// Why packages do not fit: in one line where one of them lacks something that nobody provides.
    pub(super) fn reason(&self, packages: &[usize], error: &SolveError) -> String {
        packages.iter().find_map(|index| self.universe.lacks(*index)).unwrap_or_else(|| match error {
            SolveError::Conflict { explanation } => explanation.clone(),
            SolveError::Missing { .. } => error.to_string(),
        })
    }
}
