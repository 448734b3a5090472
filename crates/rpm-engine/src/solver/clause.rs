//! Dependencies as clauses over sets of packages: `if one of each of these is there, one of those must be`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Standing;
use crate::dependency::{Capability, Dependency, Rich};
use crate::package::Package;

/// Packages by index.
pub(super) type Set = BTreeSet<usize>;

/// Where a package of each set in `when` is installed, one of `then` must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Clause {
    pub(super) when: Vec<Set>,
    pub(super) then: Set,
}

/// More clauses from one dependency are refused; it then counts as one that nothing satisfies.
const MOST_CLAUSES: usize = 256;

/// All packages there are, and who provides what.
pub(super) struct Universe<'a> {
    pub(super) packages: &'a [Package],
    /// Which packages are made for this machine.
    native: Vec<bool>,
    installed: Vec<bool>,
    by_capability: HashMap<&'a str, Vec<(usize, &'a Capability)>>,
    by_path: HashMap<&'a str, Vec<usize>>,
    by_name: BTreeMap<&'a str, Set>,
    obsoleted_by: HashMap<usize, Set>,
    standing: &'a [Standing],
}

/// A boolean combination of sets.
enum Formula {
    One(Set),
    All(Vec<Formula>),
    Any(Vec<Formula>),
    Not(Box<Formula>),
}

impl<'a> Universe<'a> {
    /// Of `packages`, those of other architectures count only where they are `installed`.
    pub(super) fn new(packages: &'a [Package], installed: &Set, arch: &str, standing: &'a [Standing]) -> Self {
        let native = packages.iter().map(|package| package.nevra.arch == arch || package.nevra.arch == "noarch").collect();
        let installed = (0..packages.len()).map(|index| installed.contains(&index)).collect();
        let (by_capability, by_path, by_name) = (HashMap::new(), HashMap::new(), BTreeMap::new());
        let mut universe = Self { packages, native, installed, by_capability, by_path, by_name, obsoleted_by: HashMap::new(), standing };
        for (index, package) in packages.iter().enumerate() {
            if universe.is_usable(index) {
                universe.index(index, package);
            }
        }
        universe.obsoleted_by = universe.find_obsoleted();
        universe
    }

    fn index(&mut self, index: usize, package: &'a Package) {
        for provided in &package.provides {
            self.by_capability.entry(&provided.name).or_default().push((index, provided));
        }
        for path in &package.paths {
            self.by_path.entry(path).or_default().push(index);
        }
        self.by_name.entry(&package.nevra.name).or_default().insert(index);
    }

    /// For each package the ones of other names that replace it.
    fn find_obsoleted(&self) -> HashMap<usize, Set> {
        let mut found: HashMap<usize, Set> = HashMap::new();
        for (index, package) in self.usable() {
            for target in package.obsoletes.iter().flat_map(|obsoleted| self.named(obsoleted)) {
                if self.packages[target].nevra.name != package.nevra.name {
                    found.entry(target).or_default().insert(index);
                }
            }
        }
        found
    }

    /// The packages that may be installed on this machine, or are.
    pub(super) fn usable(&self) -> impl Iterator<Item = (usize, &'a Package)> {
        self.packages.iter().enumerate().filter(|(index, _)| self.is_usable(*index))
    }

    /// Whether a package may be installed on this machine, or is.
    pub(super) fn is_usable(&self, index: usize) -> bool {
        self.native[index] || self.installed[index]
    }

    /// Where a package stands behind others.
    pub(super) fn standing(&self, index: usize) -> Standing {
        self.standing.get(index).copied().unwrap_or_default()
    }

    /// Whether a package is made for this machine.
    pub(super) fn is_native(&self, index: usize) -> bool {
        self.native[index]
    }

    /// Names and the packages that bear them.
    pub(super) fn names(&self) -> impl Iterator<Item = (&'a str, &Set)> {
        self.by_name.iter().map(|(name, set)| (*name, set))
    }

    /// All packages called `name`.
    pub(super) fn called(&self, name: &str) -> Set {
        self.by_name.get(name).cloned().unwrap_or_default()
    }

    /// All that provide `wanted`.
    pub(super) fn providers(&self, wanted: &Capability) -> Set {
        let provides = self.by_capability.get(wanted.name.as_str()).into_iter().flatten();
        let mut found: Set = provides.filter(|(_, provided)| wanted.satisfied_by(provided)).map(|(index, _)| *index).collect();
        if wanted.range.is_none() {
            found.extend(self.by_path.get(wanted.name.as_str()).into_iter().flatten());
        }
        found
    }

    /// All that bear the very name and a version in range, as obsoletes mean it.
    fn named(&self, wanted: &Capability) -> Set {
        self.called(&wanted.name).into_iter().filter(|index| self.packages[*index].is_named(wanted)).collect()
    }

    /// What answers a request: the providers, but instead of an obsoleted package the one that replaces it.
    pub(super) fn requested(&self, wanted: &Capability) -> Set {
        let providers = self.providers(wanted);
        let current: Set = providers.iter().copied().filter(|index| !self.is_obsoleted(*index)).collect();
        if !current.is_empty() {
            return current;
        }
        let heirs: Set = providers.iter().flat_map(|index| self.heirs(*index)).collect();
        if heirs.is_empty() { providers } else { heirs }
    }

    /// The packages of other names that replace this one, once they are there.
    pub(super) fn replacing(&self, index: usize) -> impl Iterator<Item = usize> + '_ {
        self.obsoleted_by.get(&index).into_iter().flatten().copied()
    }

    /// Those of them that come in its place: none from a repository that comes after those that offer it.
    pub(super) fn heirs(&self, index: usize) -> Set {
        self.replacing(index).filter(|heir| self.may_succeed(*heir, index)).collect()
    }

    fn may_succeed(&self, heir: usize, index: usize) -> bool {
        !self.standing(heir).is_hidden && self.standing(heir).priority <= self.standing(index).priority
    }

    /// Whether another package comes in the place of this one.
    pub(super) fn is_obsoleted(&self, index: usize) -> bool {
        self.replacing(index).any(|heir| self.may_succeed(heir, index))
    }

    /// What the package at `index` demands: its requirements, conflicts and obsoletes. Of an installed one only what holds now, as in
    /// libsolv: what was broken before stops nothing.
    pub(super) fn clauses(&self, index: usize) -> Vec<(Clause, String)> {
        let package = &self.packages[index];
        let mut clauses = Vec::new();
        let mut add = |formula: &Formula, label: &dyn ToString| {
            let impossible = || vec![Clause { when: Vec::new(), then: Set::new() }];
            for clause in normal_form(formula, true).unwrap_or_else(impossible) {
                clauses.push((clause, label.to_string()));
            }
        };
        for required in &package.requires {
            add(&self.formula(required, None), required);
        }
        for conflict in &package.conflicts {
            // A package never conflicts with itself, whatever it provides.
            add(&Formula::Not(Box::new(self.formula(conflict, Some(index)))), conflict);
        }
        for obsoleted in &package.obsoletes {
            let mut targets = self.named(obsoleted);
            targets.remove(&index);
            add(&Formula::Not(Box::new(Formula::One(targets))), obsoleted);
        }
        clauses.retain(|(clause, _)| !clause.then.contains(&index) && clause.when.iter().all(|set| !set.is_empty()));
        if self.installed[index] {
            clauses = clauses.into_iter().filter_map(|(clause, label)| Some((self.as_far_as_it_held(clause)?, label))).collect();
        }
        clauses
    }

    /// What is left of a clause of an installed package. One that the installed packages violate is dropped; of a conflict what has not
    /// happened yet remains.
    fn as_far_as_it_held(&self, mut clause: Clause) -> Option<Clause> {
        let is_there = |set: &Set| set.iter().any(|index| self.installed[*index]);
        if !clause.when.iter().all(is_there) || is_there(&clause.then) {
            return Some(clause);
        }
        let ([bad], true) = (&mut clause.when[..], clause.then.is_empty()) else { return None };
        bad.retain(|index| !self.installed[*index]);
        (!bad.is_empty()).then_some(clause)
    }

    /// The first thing that a package requires and nobody provides, as a sentence.
    pub(super) fn lacks(&self, index: usize) -> Option<String> {
        let package = &self.packages[index];
        let lacks = |required: &&Dependency| matches!(required, Dependency::Simple(wanted) if self.providers(wanted).is_empty());
        package.requires.iter().find(lacks).map(|required| format!("nothing provides {required} needed by {}", package.nevra))
    }

    /// Whether `dependency` is satisfied by the packages in `installed`.
    pub(super) fn holds(&self, dependency: &Dependency, installed: &Set) -> bool {
        self.holds_without(dependency, installed, None)
    }

    /// Whether a package has a conflict with others in `installed` that it does not have with those `before`. Only one with a condition
    /// comes about where packages go.
    pub(super) fn newly_conflicts(&self, index: usize, installed: &Set, before: &Set) -> bool {
        let holds = |conflict: &Dependency, there: &Set| self.holds_without(conflict, there, Some(index));
        let mut conflicts = self.packages[index].conflicts.iter().filter(|conflict| matches!(conflict, Dependency::Rich(_)));
        conflicts.any(|conflict| holds(conflict, installed) && !holds(conflict, before))
    }

    fn holds_without(&self, dependency: &Dependency, installed: &Set, without: Option<usize>) -> bool {
        fn holds(formula: &Formula, installed: &Set) -> bool {
            match formula {
                Formula::One(set) => !set.is_disjoint(installed),
                Formula::All(all) => all.iter().all(|each| holds(each, installed)),
                Formula::Any(any) => any.iter().any(|each| holds(each, installed)),
                Formula::Not(formula) => !holds(formula, installed),
            }
        }
        holds(&self.formula(dependency, without), installed)
    }

    /// The package that a simple dependency would be satisfied with, were there no others.
    pub(super) fn first_choice(&self, dependency: &Dependency) -> Option<usize> {
        let (set, name) = match dependency {
            Dependency::Simple(capability) => (self.requested(capability), capability.name.as_str()),
            Dependency::Rich(rich) => (self.set(rich, None), ""),
        };
        set.into_iter().min_by(|a, b| self.preference(*a, name).cmp(&self.preference(*b, name)).then_with(|| self.newer_first(*a, *b)))
    }

    /// The order in which packages are tried for a capability.
    pub(super) fn preference(&self, index: usize, capability: &str) -> (Standing, bool, bool, &'a str) {
        let name = self.packages[index].nevra.name.as_str();
        (self.standing(index), self.is_obsoleted(index), name != capability, name)
    }

    /// The order in which versions of one name are tried.
    pub(super) fn version_order(&self, a: usize, b: usize) -> std::cmp::Ordering {
        self.standing(a).cmp(&self.standing(b)).then_with(|| self.newer_first(a, b))
    }

    /// The newest first; of equal versions that of the machine's own architecture.
    pub(super) fn newer_first(&self, a: usize, b: usize) -> std::cmp::Ordering {
        let (a, b) = (&self.packages[a].nevra, &self.packages[b].nevra);
        b.evr.cmp(&a.evr).then_with(|| (a.arch == "noarch").cmp(&(b.arch == "noarch")))
    }

    fn formula(&self, dependency: &Dependency, without: Option<usize>) -> Formula {
        match dependency {
            Dependency::Simple(capability) => Formula::One(self.leaf(capability, without)),
            Dependency::Rich(rich) => self.rich(rich, without),
        }
    }

    fn leaf(&self, capability: &Capability, without: Option<usize>) -> Set {
        let mut set = self.providers(capability);
        if let Some(index) = without {
            set.remove(&index);
        }
        set
    }

    fn rich(&self, rich: &Rich, without: Option<usize>) -> Formula {
        let of = |rich: &Rich| self.rich(rich, without);
        let not = |rich: &Rich| Formula::Not(Box::new(of(rich)));
        match rich {
            Rich::Leaf(_) | Rich::With(_) | Rich::Without(..) => Formula::One(self.set(rich, without)),
            Rich::And(all) => Formula::All(all.iter().map(of).collect()),
            Rich::Or(any) => Formula::Any(any.iter().map(of).collect()),
            Rich::If(then, condition, None) => Formula::Any(vec![of(then), not(condition)]),
            Rich::If(then, condition, Some(otherwise)) => {
                Formula::All(vec![Formula::Any(vec![of(then), not(condition)]), Formula::Any(vec![of(condition), of(otherwise)])])
            }
            Rich::Unless(then, condition, None) => Formula::All(vec![of(then), not(condition)]),
            Rich::Unless(then, condition, Some(otherwise)) => {
                Formula::Any(vec![Formula::All(vec![of(then), not(condition)]), Formula::All(vec![of(otherwise), of(condition)])])
            }
        }
    }

    /// The single packages that satisfy an expression by themselves.
    fn set(&self, rich: &Rich, without: Option<usize>) -> Set {
        match rich {
            Rich::Leaf(capability) => self.leaf(capability, without),
            Rich::With(all) | Rich::And(all) => {
                let mut sets = all.iter().map(|each| self.set(each, without));
                let first = sets.next().unwrap_or_default();
                sets.fold(first, |common, set| &common & &set)
            }
            Rich::Or(any) => any.iter().flat_map(|each| self.set(each, without)).collect(),
            Rich::Without(first, second) => &self.set(first, without) - &self.set(second, without),
            Rich::If(then, ..) | Rich::Unless(then, ..) => self.set(then, without),
        }
    }
}

/// The clauses that together say `formula`, or its opposite; `None` where they would be too many.
fn normal_form(formula: &Formula, positive: bool) -> Option<Vec<Clause>> {
    match (formula, positive) {
        (Formula::One(set), true) => Some(vec![Clause { when: Vec::new(), then: set.clone() }]),
        (Formula::One(set), false) => Some(vec![Clause { when: vec![set.clone()], then: Set::new() }]),
        (Formula::Not(formula), _) => normal_form(formula, !positive),
        (Formula::All(parts), true) | (Formula::Any(parts), false) => {
            let mut clauses = Vec::new();
            for part in parts {
                clauses.extend(normal_form(part, positive)?);
            }
            (clauses.len() <= MOST_CLAUSES).then_some(clauses)
        }
        (Formula::Any(parts), true) | (Formula::All(parts), false) => {
            let mut clauses = vec![Clause { when: Vec::new(), then: Set::new() }];
            for part in parts {
                let right = normal_form(part, positive)?;
                if clauses.len() * right.len() > MOST_CLAUSES {
                    return None;
                }
                clauses = clauses.iter().flat_map(|left| right.iter().map(|right| left.or(right))).collect();
            }
            Some(clauses)
        }
    }
}

impl Clause {
    fn or(&self, other: &Self) -> Self {
        Self { when: self.when.iter().chain(&other.when).cloned().collect(), then: &self.then | &other.then }
    }
}
