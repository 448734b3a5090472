//! `resolvo`'s view of the packages.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use resolvo::utils::{Pool, VersionSet};
use resolvo::{
    Candidates, Condition, ConditionId, ConditionalRequirement, Dependencies, DependencyProvider, HintDependenciesAvailable, Interner,
    KnownDependencies, NameId, Requirement, SolvableId, SolverCache, StringId, VersionSetId, VersionSetUnionId,
};

use super::clause::{Clause, Set, Universe};
use crate::dependency::Capability;
use crate::version::Evr;

/// Some of the packages of one name, with the dependency they stand for.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Choice {
    packages: BTreeSet<usize>,
    label: String,
}

/// What the search chooses among.
#[derive(Clone, Debug)]
pub(super) enum Candidate {
    /// A package as a version of its name.
    Package { index: usize, evr: Evr },
    /// A way to satisfy a clause with conditions. The search knows conditions of its own, but explains them badly.
    Way { at: usize, way: Way },
}

/// How a clause with conditions is satisfied.
#[derive(Clone, Debug)]
pub(super) enum Way {
    /// None of these is there, so that the clause does not apply.
    Without(Set),
    /// One of these is there.
    With(Set),
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label)
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Package { evr, .. } => evr.fmt(f),
            Self::Way { way: Way::Without(_), .. } => f.write_str("(its condition)"),
            Self::Way { way: Way::With(_), .. } => f.write_str("(what it asks for)"),
        }
    }
}

impl VersionSet for Choice {
    type V = Candidate;
}

/// What is special about some of the packages.
#[derive(Clone, Debug, Default)]
pub(super) struct Roles {
    /// Those that are installed: tried before others of their name, unless that is `fresh`.
    pub(super) installed: Set,
    /// Those whose versions may be there side by side.
    pub(super) separate: Set,
    /// Names of which the newest is tried first.
    pub(super) fresh: BTreeSet<String>,
    /// Those of the installed that are to go: not tried before others.
    pub(super) going: Set,
}

impl Roles {
    fn stays(&self, index: usize) -> bool {
        self.installed.contains(&index) && !self.going.contains(&index)
    }
}

/// Of the packages of one key, one at most can be there.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) struct Key {
    shown: String,
    of: Bearer,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
enum Bearer {
    /// All of a name.
    Any,
    /// One package, where several of its name are installed.
    Package(usize),
    /// The ways to satisfy a package's clause.
    Clause(usize, usize),
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Key {
    fn shared(shown: impl Into<String>) -> Self {
        Self { shown: shown.into(), of: Bearer::Any }
    }
}

pub(super) struct Provider<'a> {
    universe: &'a Universe<'a>,
    roles: &'a Roles,
    pool: Pool<Choice, Key>,
    solvables: HashMap<usize, SolvableId>,
    by_name: HashMap<NameId, Vec<SolvableId>>,
    /// The ways to satisfy clauses with conditions, as far as the search came across them.
    ways: RefCell<HashMap<NameId, Vec<SolvableId>>>,
    /// The packages of which one at most can be there, by what the search calls them.
    by_key: BTreeMap<Key, Set>,
    /// Those that are wished for, but not required: of these the search itself does not see to it that they have their keys alone.
    wished: Set,
    /// Installed packages beside another of their name that is installed or made for this machine, by name.
    beside: HashMap<&'a str, Set>,
}

impl<'a> Provider<'a> {
    pub(super) fn new(universe: &'a Universe<'a>, roles: &'a Roles) -> Self {
        let (pool, by_key, beside) = (Pool::default(), BTreeMap::new(), beside(universe, roles));
        let (solvables, by_name, wished) = (HashMap::new(), HashMap::new(), Set::new());
        let ways = RefCell::default();
        let mut provider = Self { universe, roles, pool, solvables, by_name, ways, by_key, wished, beside };
        for index in universe.names().flat_map(|(_, packages)| packages) {
            let key = provider.key(*index);
            let name = provider.pool.intern_package_name(key.clone());
            let candidate = Candidate::Package { index: *index, evr: universe.packages[*index].nevra.evr.clone() };
            let solvable = provider.pool.intern_solvable(name, candidate);
            provider.solvables.insert(*index, solvable);
            provider.by_name.entry(name).or_default().push(solvable);
            provider.by_key.entry(key).or_default().insert(*index);
        }
        provider
    }

    /// What the search calls a package: of each key it chooses one at most.
    fn key(&self, index: usize) -> Key {
        let nevra = &self.universe.packages[index].nevra;
        if self.beside.get(nevra.name.as_str()).is_some_and(|beside| beside.contains(&index)) {
            return Key { shown: nevra.to_string(), of: Bearer::Package(index) };
        }
        Key::shared(shared_name(self.universe, self.roles, index))
    }

    /// One of these packages, in this order as far as they are of different names.
    pub(super) fn one_of(&self, packages: &[usize], label: &str) -> ConditionalRequirement {
        let mut sets: Vec<(Key, BTreeSet<usize>)> = Vec::new();
        for index in packages {
            let key = self.key(*index);
            match sets.iter_mut().find(|(known, _)| *known == key) {
                Some((_, set)) => drop(set.insert(*index)),
                None => sets.push((key, BTreeSet::from([*index]))),
            }
        }
        let choice = |(key, packages): (Key, _)| {
            self.pool.intern_version_set(self.pool.intern_package_name(key), Choice { packages, label: label.to_owned() })
        };
        let sets: Vec<VersionSetId> = sets.into_iter().map(choice).collect();
        self.union(&sets, label).into()
    }

    /// What the search calls the packages that are wished for.
    pub(super) fn wish(&mut self, packages: &[usize]) -> Vec<SolvableId> {
        self.wished.extend(packages);
        packages.iter().filter_map(|index| self.solvable(*index)).collect()
    }

    /// What the search calls a package; nothing, where it cannot be installed on this machine.
    fn solvable(&self, index: usize) -> Option<SolvableId> {
        self.solvables.get(&index).copied()
    }

    /// The package that the search calls so; none is a way to satisfy a clause.
    pub(super) fn index(&self, solvable: SolvableId) -> Option<usize> {
        match self.pool.resolve_solvable(solvable).record {
            Candidate::Package { index, .. } => Some(index),
            Candidate::Way { .. } => None,
        }
    }

    pub(super) fn request(&self, wanted: &Capability) -> ConditionalRequirement {
        self.requirement(&self.universe.requested(wanted), &wanted.name, &wanted.to_string()).into()
    }

    /// One of `set`; the names in it are tried in the order of preference.
    fn requirement(&self, set: &Set, capability: &str, label: &str) -> Requirement {
        self.union(&self.choices(set, capability, label), label)
    }

    fn union(&self, sets: &[VersionSetId], label: &str) -> Requirement {
        match sets {
            // A name nobody bears: the requirement cannot be met, and the solver says so with this label.
            [] => {
                let name = self.pool.intern_package_name(Key::shared(label));
                self.pool.intern_version_set(name, Choice { packages: BTreeSet::new(), label: String::new() }).into()
            }
            [one] => (*one).into(),
            [first, rest @ ..] => self.pool.intern_version_set_union(*first, rest.iter().copied()).into(),
        }
    }

    /// The set by names, in the order of preference.
    fn choices(&self, set: &Set, capability: &str, label: &str) -> Vec<VersionSetId> {
        let mut by_key: BTreeMap<Key, BTreeSet<usize>> = BTreeMap::new();
        for index in set {
            by_key.entry(self.key(*index)).or_default().insert(*index);
        }
        let mut keys: Vec<(Key, BTreeSet<usize>)> = by_key.into_iter().collect();
        let first = |(_, packages): &(Key, BTreeSet<usize>)| packages.iter().copied().min_by(|a, b| self.earlier(*a, *b, capability));
        keys.sort_by(|a, b| match (first(a), first(b)) {
            (Some(x), Some(y)) => self.earlier(x, y, capability).then_with(|| a.0.cmp(&b.0)),
            _ => Ordering::Equal,
        });
        let choice = |(key, packages): (Key, BTreeSet<usize>)| {
            let name = packages.first().map_or("", |index| self.universe.packages[*index].nevra.name.as_str());
            let other = name != capability;
            let label = if other { format!("(for {label})") } else { label.strip_prefix(name).unwrap_or(label).trim_start().to_owned() };
            self.pool.intern_version_set(self.pool.intern_package_name(key), Choice { packages, label })
        };
        keys.into_iter().map(choice).collect()
    }

    /// The order in which packages of different keys are tried for a capability.
    fn earlier(&self, a: usize, b: usize, capability: &str) -> Ordering {
        let away = |index: usize| !self.roles.stays(index);
        let preference = |index: usize| self.universe.preference(index, capability);
        away(a).cmp(&away(b)).then_with(|| preference(a).cmp(&preference(b))).then_with(|| self.universe.newer_first(a, b))
    }

    /// Adds a clause of the package at `index`.
    fn add(&self, (index, number): (usize, usize), clause: &Clause, label: &str, known: &mut KnownDependencies) {
        let name = label.split(' ').next().unwrap_or(label);
        let Some(when) = self.beside_itself(index, &clause.when) else { return };
        if let ([bad], true) = (&when[..], clause.then.is_empty()) {
            known.constrains.extend(self.all_but(bad, label));
            return;
        }
        let requirement =
            if when.is_empty() { self.requirement(&clause.then, name, label) } else { self.ways((index, number), when, clause, label) };
        known.requirements.push(requirement.into());
    }

    /// One of the ways to satisfy a clause: what it asks for comes only where its conditions cannot be left unmet.
    fn ways(&self, (index, number): (usize, usize), when: Vec<Set>, clause: &Clause, label: &str) -> Requirement {
        let name = self.pool.intern_package_name(Key { shown: label.to_owned(), of: Bearer::Clause(index, number) });
        let with = Some(clause.then.clone()).filter(|then| !then.is_empty()).map(Way::With);
        let ways = when.into_iter().map(Way::Without).chain(with).enumerate();
        let solvables = || ways.map(|(at, way)| self.pool.intern_solvable(name, Candidate::Way { at, way })).collect();
        self.ways.borrow_mut().entry(name).or_insert_with(solvables);
        self.pool.intern_version_set(name, Choice { packages: BTreeSet::new(), label: String::new() }).into()
    }

    /// What must be there for a clause of the package at `index` to apply, other than itself; nothing, if it cannot be there beside it. The
    /// search must never see a clause that speaks of one package twice.
    fn beside_itself(&self, index: usize, when: &[Set]) -> Option<Vec<Set>> {
        let rivals = self.by_key.get(&self.key(index)).cloned().unwrap_or_default();
        let others: Vec<Set> = when.iter().filter(|set| !set.contains(&index)).map(|set| set - &rivals).collect();
        others.iter().all(|set| !set.is_empty()).then_some(others)
    }

    /// The installed packages of keys of their own in whose place a new package comes.
    fn replaced_beside(&self, index: usize) -> Set {
        let nevra = &self.universe.packages[index].nevra;
        let new = !self.roles.installed.contains(&index) && !self.roles.separate.contains(&index);
        let beside = self.beside.get(nevra.name.as_str()).filter(|_| new).into_iter().flatten().copied();
        beside.filter(|old| nevra.may_replace(&self.universe.packages[*old].nevra)).collect()
    }

    /// For each name in `bad`, the packages of that name that are not.
    fn all_but(&self, bad: &Set, label: &str) -> Vec<VersionSetId> {
        let keys: BTreeSet<Key> = bad.iter().map(|index| self.key(*index)).collect();
        let others = |key: Key| {
            let packages = self.by_key.get(&key).map(|all| all - bad).unwrap_or_default();
            self.pool.intern_version_set(self.pool.intern_package_name(key), Choice { packages, label: format!("(without {label})") })
        };
        keys.into_iter().map(others).collect()
    }
}

/// What packages of which one at most can be there have in common: the name, or the name and version of those that may be side by side.
fn shared_name(universe: &Universe<'_>, roles: &Roles, index: usize) -> String {
    let nevra = &universe.packages[index].nevra;
    if roles.separate.contains(&index) { format!("{}-{}", nevra.name, nevra.evr) } else { nevra.name.clone() }
}

/// The installed packages that already are beside another one of their name: those of other architectures, and where an earlier
/// transaction was broken off, all but the newest.
fn beside<'a>(universe: &Universe<'a>, roles: &Roles) -> HashMap<&'a str, Set> {
    let mut first: HashMap<String, usize> = HashMap::new();
    let mut beside: HashMap<&str, Set> = HashMap::new();
    for index in roles.installed.iter().copied() {
        let mut other = index;
        if universe.is_native(index) {
            let known = first.entry(shared_name(universe, roles, index)).or_insert(index);
            if *known == index {
                continue;
            }
            if universe.newer_first(index, *known).is_lt() {
                other = std::mem::replace(known, index);
            }
        }
        beside.entry(&universe.packages[other].nevra.name).or_default().insert(other);
    }
    beside
}

impl Interner for Provider<'_> {
    type NameId = NameId;
    type SolvableId = SolvableId;

    fn display_solvable(&self, solvable: SolvableId) -> impl fmt::Display + '_ {
        let record = &self.pool.resolve_solvable(solvable).record;
        self.index(solvable).map_or_else(|| record.to_string(), |index| self.universe.packages[index].nevra.to_string())
    }

    fn display_name(&self, name: NameId) -> impl fmt::Display + '_ {
        self.pool.resolve_package_name(name)
    }

    fn display_version_set(&self, choice: VersionSetId) -> impl fmt::Display + '_ {
        self.pool.resolve_version_set(choice)
    }

    fn display_string(&self, string: StringId) -> impl fmt::Display + '_ {
        self.pool.resolve_string(string)
    }

    fn version_set_name(&self, choice: VersionSetId) -> NameId {
        self.pool.resolve_version_set_package_name(choice)
    }

    fn solvable_name(&self, solvable: SolvableId) -> NameId {
        self.pool.resolve_solvable(solvable).name
    }

    fn version_sets_in_union(&self, union: VersionSetUnionId) -> impl Iterator<Item = VersionSetId> {
        self.pool.resolve_version_set_union(union)
    }

    fn resolve_condition(&self, condition: ConditionId) -> Condition {
        self.pool.resolve_condition(condition).clone()
    }
}

impl DependencyProvider for Provider<'_> {
    async fn filter_candidates(&self, candidates: &[SolvableId], choice: VersionSetId, inverse: bool) -> Vec<SolvableId> {
        let choice = self.pool.resolve_version_set(choice);
        let fits = |candidate: SolvableId| self.index(candidate).is_none_or(|index| choice.packages.contains(&index));
        candidates.iter().copied().filter(|candidate| fits(*candidate) != inverse).collect()
    }

    async fn sort_candidates(&self, _: &SolverCache<Self>, solvables: &mut [SolvableId]) {
        let away = |index: usize| {
            let fresh = self.roles.fresh.contains(&self.universe.packages[index].nevra.name);
            !self.roles.stays(index) || fresh
        };
        let obsoleted = |index: usize| self.universe.is_obsoleted(index);
        let record = |solvable: SolvableId| &self.pool.resolve_solvable(solvable).record;
        solvables.sort_by(|a, b| match (record(*a), record(*b)) {
            (Candidate::Package { index: a, .. }, Candidate::Package { index: b, .. }) => {
                let (a, b) = (*a, *b);
                let standing = |index: usize| self.universe.standing(index);
                let first = away(a).cmp(&away(b)).then_with(|| standing(a).cmp(&standing(b)));
                first.then_with(|| obsoleted(a).cmp(&obsoleted(b))).then_with(|| self.universe.newer_first(a, b))
            }
            (Candidate::Way { at: a, .. }, Candidate::Way { at: b, .. }) => a.cmp(b),
            // No key has both.
            (Candidate::Package { .. }, Candidate::Way { .. }) | (Candidate::Way { .. }, Candidate::Package { .. }) => Ordering::Equal,
        });
    }

    async fn get_candidates(&self, name: NameId) -> Option<Candidates> {
        let candidates = self.by_name.get(&name).cloned().or_else(|| self.ways.borrow().get(&name).cloned())?;
        Some(Candidates { candidates, hint_dependencies_available: HintDependenciesAvailable::All, ..Candidates::default() })
    }

    async fn get_dependencies(&self, solvable: SolvableId) -> Dependencies {
        let mut known = KnownDependencies::default();
        let index = match &self.pool.resolve_solvable(solvable).record {
            Candidate::Package { index, .. } => *index,
            Candidate::Way { way, .. } => {
                let label = self.pool.resolve_package_name(self.solvable_name(solvable)).to_string();
                match way {
                    Way::Without(set) => known.constrains.extend(self.all_but(set, &label)),
                    Way::With(set) => known.requirements.push(self.requirement(set, "", &label).into()),
                }
                return Dependencies::Known(known);
            }
        };
        for (number, (clause, label)) in self.universe.clauses(index).into_iter().enumerate() {
            self.add((index, number), &clause, &label, &mut known);
        }
        let mut replaced = self.replaced_beside(index);
        if self.wished.contains(&index) {
            replaced.extend(self.by_key.get(&self.key(index)).into_iter().flatten().filter(|rival| **rival != index));
        }
        if !replaced.is_empty() {
            known.constrains.extend(self.all_but(&replaced, &self.universe.packages[index].nevra.name));
        }
        Dependencies::Known(known)
    }
}
