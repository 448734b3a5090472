//! Triggers that files set off, of one package or of a whole transaction.

use std::cmp::Reverse;

use super::{Fired, Walk};
use crate::package::PackageFile;
use crate::rpmfile::Trigger;
use crate::rpmfile::trigger::{Cause, When};

/// Triggers of this priority and above run before the scripts of the package, others after them.
const EARLY_PRIORITY: u32 = 10_000;

/// A trigger among those to be run: the larger the priority the earlier, then by package and place.
type Ranked = (Reverse<u32>, usize, usize);

/// Whether triggers run before the scripts of the package that sets them off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Early,
    Late,
}

impl Class {
    fn of(trigger: &Trigger) -> Self {
        if trigger.priority < EARLY_PRIORITY { Self::Late } else { Self::Early }
    }
}

/// A prefix is one of text, not of directories.
fn matches(trigger: &Trigger, path: &str) -> bool {
    trigger.conditions.iter().any(|(_, prefix)| path.starts_with(&prefix.name))
}

/// What sets a trigger off, prefix by prefix as it names them, of some lists of paths.
fn below<'a>(trigger: &Trigger, lists: &[Vec<&'a str>]) -> Vec<&'a str> {
    let prefixes = trigger.conditions.iter().map(|(_, prefix)| prefix.name.as_str());
    prefixes.flat_map(|prefix| lists.iter().flatten().copied().filter(move |path| path.starts_with(prefix))).collect()
}

impl<'a> Walk<'a> {
    fn paths(&self, at: usize) -> Vec<&'a str> {
        self.held[at].member.files.iter().map(|file| file.path.as_str()).collect()
    }

    /// Takes note of whose the paths are that a trigger on single packages might want.
    pub(super) fn count_paths(&mut self, at: usize, comes: bool) {
        let files: &'a [PackageFile] = self.held[at].member.files;
        for file in files.iter().filter(|file| self.prefixes.iter().any(|prefix| file.path.starts_with(prefix))) {
            let count = self.owners.entry(&file.path).or_default();
            *count = if comes { *count + 1 } else { count.saturating_sub(1) };
        }
    }

    /// The triggers of a kind of some packages, in the order they run in.
    fn ranked(&self, cause: Cause, when: When, owners: impl Iterator<Item = usize>) -> Vec<Ranked> {
        let of = |at: usize| {
            let triggers = self.held[at].member.triggers.iter().enumerate();
            let kind = triggers.filter(move |(_, trigger)| trigger.cause == cause && trigger.when == when);
            kind.map(move |(index, trigger)| (Reverse(trigger.priority), at, index))
        };
        let mut ranked: Vec<Ranked> = owners.flat_map(of).collect();
        ranked.sort_unstable();
        ranked
    }

    fn there(&self) -> impl Iterator<Item = usize> {
        (0..self.held.len()).filter(|at| self.held[*at].there)
    }

    /// Those of them that some paths set off.
    fn fired(&self, ranked: Vec<Ranked>, lists: &[Vec<&'a str>]) -> Vec<Fired<'a>> {
        let fire = |(_, at, index): Ranked| {
            let (owner, trigger) = (self.held[at].member.nevra, &self.held[at].member.triggers[index]);
            let paths = below(trigger, lists);
            (!paths.is_empty()).then_some(Fired { owner, trigger, counts: (0, None), paths })
        };
        ranked.into_iter().filter_map(fire).collect()
    }

    fn of_class(&self, class: Class, mut ranked: Vec<Ranked>) -> Vec<Ranked> {
        ranked.retain(|(_, at, index)| Class::of(&self.held[*at].member.triggers[*index]) == class);
        ranked
    }

    /// Triggers of packages that are there, set off by files of the one at `at`: when it goes, by those that go with it.
    pub(super) fn files_of_others(&self, when: When, at: usize, class: Class) -> Vec<Fired<'a>> {
        let ranked = self.of_class(class, self.ranked(Cause::Files, when, self.there()));
        if ranked.is_empty() {
            return Vec::new();
        }
        let mut paths = self.paths(at);
        if matches!(when, When::BeforeRemoval | When::AfterRemoval) {
            paths.retain(|path| self.owners.get(path).is_none_or(|owners| *owners < 2));
        }
        self.fired(ranked, &[paths])
    }

    /// Triggers of the package at `at`, set off by files that are there. When it comes, its own set them off as those of any package.
    pub(super) fn files_of_own(&self, when: When, at: usize, class: Class) -> Vec<Fired<'a>> {
        let ranked = self.of_class(class, self.ranked(Cause::Files, when, std::iter::once(at)));
        if ranked.is_empty() {
            return Vec::new();
        }
        let lists: Vec<_> =
            self.there().filter(|other| *other != at || when == When::BeforeRemoval).map(|other| self.paths(other)).collect();
        self.fired(ranked, &lists)
    }

    /// Of packages that the transaction leaves alone, set off by files of `changed`; then those of `changed`, set off by any file.
    fn of_transaction(&self, when: When, changed: &[usize]) -> [Vec<Fired<'a>>; 2] {
        let others = self.ranked(Cause::Transaction, when, self.there().filter(|at| !self.held[*at].touched));
        let own: Vec<_> = changed.iter().map(|at| self.ranked(Cause::Transaction, when, std::iter::once(*at))).collect();
        let (mut by_others, mut by_own) = (Vec::new(), Vec::new());
        if !others.is_empty() {
            let mut sorted = changed.to_vec();
            sorted.sort_unstable();
            by_others = self.fired(others, &sorted.into_iter().map(|at| self.paths(at)).collect::<Vec<_>>());
        }
        if own.iter().any(|ranked| !ranked.is_empty()) {
            let lists: Vec<_> = self.there().map(|at| self.paths(at)).collect();
            by_own = own.into_iter().flat_map(|ranked| self.fired(ranked, &lists)).collect();
        }
        [by_others, by_own]
    }

    /// `%transfiletriggerun`, where `removed` goes.
    pub(super) fn before_all(&self, removed: &[usize]) -> Vec<Fired<'a>> {
        self.of_transaction(When::BeforeRemoval, removed).concat()
    }

    /// `%transfiletriggerpostun`, where `removed` has gone. They get no paths, as there are none any more. Those of all packages that are there
    /// at the end run, as rpm installs all packages before it removes any.
    fn after_removal_of_all(&self, removed: &[usize]) -> Vec<Fired<'a>> {
        let mut ranked = self.ranked(Cause::Transaction, When::AfterRemoval, self.there());
        let files = || removed.iter().flat_map(|at| self.held[*at].member.files);
        ranked.retain(|(_, owner, index)| files().any(|file| matches(&self.held[*owner].member.triggers[*index], &file.path)));
        let fire = |(_, owner, index): Ranked| {
            let member = &self.held[owner].member;
            Fired { owner: member.nevra, trigger: &member.triggers[index], counts: (0, None), paths: Vec::new() }
        };
        ranked.into_iter().map(fire).collect()
    }

    /// `%transfiletriggerin` and `%transfiletriggerpostun`, where `added` has come and `removed` has gone.
    pub(super) fn after_all(&self, added: &[usize], removed: &[usize]) -> Vec<Fired<'a>> {
        let [by_others, by_own] = self.of_transaction(When::AfterInstall, added);
        [by_others, self.after_removal_of_all(removed), by_own].concat()
    }
}
