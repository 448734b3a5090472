//! Versions side by side: the newest, newer and older ones, duplicates, and what is offered no more.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use rpm_engine::package::Nevra;
use rpm_engine::solver::looks_alike;
use rpm_engine::version::Evr;

use super::{Id, Pattern, Sack};

impl Sack<'_> {
    /// By name and version; of equal ones that of the repository with the smaller priority number.
    pub fn sorted(&self, ids: Vec<Id>) -> Vec<Id> {
        let mut named: Vec<(Nevra, i32, Id)> = ids.into_iter().map(|id| (self.nevra(id), self.priority(id), id)).collect();
        named.sort();
        named.dedup_by_key(|(.., id)| *id);
        named.into_iter().map(|(.., id)| id).collect()
    }

    /// Of each name and architecture the newest, of `ids` in the order of [`Sack::sorted`].
    pub fn newest(&self, ids: &[Id]) -> Vec<Id> {
        let mut newest: BTreeMap<(String, String), (Evr, Id)> = BTreeMap::new();
        for id in ids {
            let Nevra { name, evr, arch } = self.nevra(*id);
            let key = (name, arch);
            if newest.get(&key).is_none_or(|(known, _)| evr.cmp(known) == Ordering::Greater) {
                newest.insert(key, (evr, *id));
            }
        }
        newest.into_values().map(|(_, id)| id).collect()
    }

    /// The newest installed version of a package, for the same architecture.
    pub fn newest_installed(&self, nevra: &Nevra) -> Nevra {
        let all = self.installed_called(&nevra.name).into_iter().map(|id| self.nevra(id));
        all.filter(|other| other.arch == nevra.arch).max_by(|a, b| a.evr.cmp(&b.evr)).unwrap_or_else(|| nevra.clone())
    }

    /// Installed packages beside newer ones in whose place they would have gone, each with the newest.
    pub fn duplicates(&self) -> Vec<(Id, Id)> {
        let all: Vec<(Nevra, Id)> = self.all_installed().into_iter().map(|id| (self.nevra(id), id)).collect();
        let mut found = Vec::new();
        for same in all.chunk_by(|(a, _), (b, _)| a.name == b.name) {
            for (at, (nevra, id)) in same.iter().enumerate() {
                let newer = same[at + 1..].iter().rev().find(|(newer, _)| newer.may_replace(nevra));
                found.extend(newer.map(|(_, newest)| (*id, *newest)));
            }
        }
        found
    }

    /// Names that look like a word, of what is installed or of what is offered; a few.
    pub fn similar(&self, word: &str, of_installed: bool) -> Vec<String> {
        const MOST: usize = 5;
        let ids = if of_installed { self.all_installed() } else { self.all_available().to_vec() };
        let names: BTreeSet<String> = ids.into_iter().map(|id| self.nevra(id).name).collect();
        if word.len() < 2 || names.contains(word) {
            return Vec::new();
        }
        names.into_iter().filter(|name| looks_alike(name, word)).take(MOST).collect()
    }

    /// Offered packages that a pattern fits and that are hidden because they are below a version that is never gone below (`minversions`).
    pub fn below_minimum(&self, pattern: &Pattern) -> Vec<Nevra> {
        let is_below = |nevra: &Nevra| self.least_above(nevra).is_some();
        let all = self.stocks.iter().flat_map(|stock| (0..stock.index.len()).filter_map(|at| stock.index.nevra(at)));
        let mut found: Vec<Nevra> = if self.min_versions.is_empty() { Vec::new() } else { all.filter(is_below).collect() };
        found.retain(|nevra| self.is_native(nevra) && pattern.fits(nevra));
        found.sort();
        found
    }

    /// Whether a package is made for this machine.
    pub fn is_native(&self, nevra: &Nevra) -> bool {
        nevra.arch == self.arch || nevra.arch == "noarch"
    }

    /// What is installed of one name and made for this machine.
    pub fn installed_native(&self, name: &str) -> Vec<Id> {
        self.installed_called(name).into_iter().filter(|id| self.is_native(&self.nevra(*id))).collect()
    }

    /// The newest installed version of a name, packages of other architectures aside.
    pub fn installed_evr(&self, name: &str) -> Option<Evr> {
        self.installed_native(name).into_iter().map(|id| self.nevra(id).evr).max()
    }

    /// Offered packages newer than what is installed of their name; of each the newest.
    pub fn updates(&self) -> Vec<Id> {
        self.compared(Ordering::Greater)
    }

    /// Offered packages older than what is installed of their name, and not installed beside it; of each the newest of those.
    pub fn downgrades(&self) -> Vec<Id> {
        self.compared(Ordering::Less)
    }

    fn compared(&self, wanted: Ordering) -> Vec<Id> {
        let names: BTreeSet<String> = self.installed.iter().map(|installed| installed.package.package.nevra.name.clone()).collect();
        let mut found = Vec::new();
        for name in names {
            let Some(installed) = self.installed_evr(&name) else { continue };
            let there: BTreeSet<Nevra> = self.installed_called(&name).into_iter().map(|id| self.nevra(id)).collect();
            let is_other = |nevra: &Nevra| nevra.evr.cmp(&installed) == wanted && !there.contains(nevra);
            found.extend(self.available_called(&name).into_iter().filter(|id| is_other(&self.nevra(*id))));
        }
        self.newest(&self.sorted(found))
    }

    /// Installed packages that no repository offers in the same version.
    pub fn extras(&self) -> Vec<Id> {
        let offered = |id: &Id| {
            let nevra = self.nevra(*id);
            self.stocks
                .iter()
                .any(|stock| stock.index.called(&nevra.name).into_iter().any(|at| stock.index.nevra(at).as_ref() == Some(&nevra)))
        };
        self.all_installed().into_iter().filter(|id| !offered(id)).collect()
    }
}
