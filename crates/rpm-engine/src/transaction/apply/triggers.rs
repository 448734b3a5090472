//! Which triggers a transaction sets off, decided before it begins: when each runs, with which numbers and which paths.
//!
//! Order and arguments are those of RPM's manual (`triggers`, `file_triggers`) and, where it says nothing, of rpm 4.18.

mod files;
mod packages;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use files::Class::{Early, Late};

use crate::package::{Nevra, PackageFile};
use crate::rpmfile::Trigger;
use crate::rpmfile::trigger::Cause;
use crate::rpmfile::trigger::When::{AfterInstall, AfterRemoval, BeforeInstall, BeforeRemoval};

/// What a transaction does to one package, in its order. Packages are given by their places in lists of what comes and what goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It comes.
    Install(usize),
    /// It goes.
    Remove(usize),
}

/// A moment at which triggers run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Moment {
    /// Before anything is changed, after `%pretrans`.
    BeforeAll,
    /// Before `%pre` of what comes.
    BeforeInstall(usize),
    /// When its files are there, before `%post`.
    FilesThere(usize),
    /// After `%post`.
    AfterInstall(usize),
    /// Before `%preun` of what goes.
    BeforeRemoval(usize),
    /// After `%preun`.
    FilesGo(usize),
    /// When its files are gone, before `%postun`.
    FilesGone(usize),
    /// After `%postun`.
    AfterRemoval(usize),
    /// When all is done, after `%posttrans`.
    AfterAll,
}

/// A package of the database, or one that will be there.
pub(super) struct Member<'a> {
    pub(super) nevra: &'a Nevra,
    pub(super) files: &'a [PackageFile],
    pub(super) triggers: &'a [Trigger],
}

/// A trigger that will run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fired<'a> {
    /// The package it belongs to.
    pub(super) owner: &'a Nevra,
    pub(super) trigger: &'a Trigger,
    /// How many packages of the owner's name there will be, and of that which set it off.
    pub(super) counts: (usize, Option<usize>),
    /// What it reads: the paths that set it off.
    pub(super) paths: Vec<&'a str>,
}

/// All triggers that a transaction sets off.
#[derive(Debug, Default)]
pub(super) struct Schedule<'a>(HashMap<Moment, Vec<Fired<'a>>>);

impl<'a> Schedule<'a> {
    /// Goes through a transaction: `installed` is what is there, in the order of the database; of it `going` are the places of what goes.
    pub(super) fn new(installed: Vec<Member<'a>>, coming: Vec<Member<'a>>, going: &[usize], turns: &[Turn]) -> Self {
        if installed.iter().chain(&coming).all(|member| member.triggers.is_empty()) {
            return Self::default();
        }
        let first_coming = installed.len();
        let mut held: Vec<Held<'a>> = installed.into_iter().map(|member| Held { member, there: true, touched: false }).collect();
        held.extend(coming.into_iter().map(|member| Held { member, there: false, touched: true }));
        going.iter().for_each(|at| held[*at].touched = true);
        let triggers = held.iter().flat_map(|held| held.member.triggers).filter(|trigger| trigger.cause == Cause::Files);
        let prefixes = triggers.flat_map(|trigger| &trigger.conditions).map(|(_, prefix)| prefix.name.as_str()).collect();
        let walk = Walk { held, prefixes, owners: HashMap::new(), schedule: Self::default() };
        walk.through(turns, first_coming, going)
    }

    /// Those that run at a moment, in their order.
    pub(super) fn at(&self, moment: Moment) -> &[Fired<'a>] {
        self.0.get(&moment).map_or(&[], Vec::as_slice)
    }

    /// All, in no order.
    pub(super) fn all(&self) -> impl Iterator<Item = &Fired<'a>> {
        self.0.values().flatten()
    }
}

/// A package, and whether it is in the database at the moment.
struct Held<'a> {
    member: Member<'a>,
    there: bool,
    /// Whether the transaction adds or removes it.
    touched: bool,
}

/// The state of the database on the way through a transaction.
struct Walk<'a> {
    held: Vec<Held<'a>>,
    /// Those that triggers on the files of single packages name.
    prefixes: Vec<&'a str>,
    /// How many of the packages that are there have each path below one of them.
    owners: HashMap<&'a str, usize>,
    schedule: Schedule<'a>,
}

impl<'a> Walk<'a> {
    fn through(mut self, turns: &[Turn], first_coming: usize, going: &[usize]) -> Schedule<'a> {
        for at in 0..first_coming {
            self.count_paths(at, true);
        }
        let removed: Vec<usize> =
            turns.iter().filter_map(|turn| if let Turn::Remove(index) = turn { Some(going[*index]) } else { None }).collect();
        let before = self.before_all(&removed);
        self.put(Moment::BeforeAll, before);
        let mut added = Vec::new();
        for turn in turns {
            match *turn {
                Turn::Install(index) => {
                    added.push(first_coming + index);
                    self.install(index, first_coming + index);
                }
                Turn::Remove(index) => self.remove(index, going[index]),
            }
        }
        let after = self.after_all(&added, &removed);
        self.put(Moment::AfterAll, after);
        self.schedule
    }

    fn put(&mut self, moment: Moment, fired: Vec<Fired<'a>>) {
        if !fired.is_empty() {
            self.schedule.0.insert(moment, fired);
        }
    }

    fn install(&mut self, index: usize, at: usize) {
        let before = [self.packages_of_others(BeforeInstall, at), self.packages_of_own(BeforeInstall, at)].concat();
        self.put(Moment::BeforeInstall(index), before);
        self.held[at].there = true;
        self.count_paths(at, true);
        let files =
            |this: &Self, class| [this.files_of_others(AfterInstall, at, class), this.files_of_own(AfterInstall, at, class)].concat();
        let there = files(self, Early);
        self.put(Moment::FilesThere(index), there);
        let packages = [self.packages_of_others(AfterInstall, at), self.packages_of_own(AfterInstall, at)].concat();
        let after = [packages, files(self, Late)].concat();
        self.put(Moment::AfterInstall(index), after);
    }

    fn remove(&mut self, index: usize, at: usize) {
        let files =
            |this: &Self, class| [this.files_of_own(BeforeRemoval, at, class), this.files_of_others(BeforeRemoval, at, class)].concat();
        let packages = [self.packages_of_own(BeforeRemoval, at), self.packages_of_others(BeforeRemoval, at)].concat();
        let before = [files(self, Early), packages].concat();
        self.put(Moment::BeforeRemoval(index), before);
        let go = files(self, Late);
        self.put(Moment::FilesGo(index), go);
        let gone = self.files_of_others(AfterRemoval, at, Early);
        self.put(Moment::FilesGone(index), gone);
        let after = [self.packages_of_others(AfterRemoval, at), self.files_of_others(AfterRemoval, at, Late)].concat();
        self.put(Moment::AfterRemoval(index), after);
        self.count_paths(at, false);
        self.held[at].there = false;
    }

    /// How many packages of that name there are.
    fn count(&self, name: &str) -> usize {
        self.held.iter().filter(|held| held.there && held.member.nevra.name == name).count()
    }
}
