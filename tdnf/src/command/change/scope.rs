//! The packages that matter to a change: few of all there are, so that planning takes time by what it is about.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::cli::error::CliError;
use crate::query::{Id, Sack};
use rpm_engine::dependency::{Capability, Dependency};
use rpm_engine::package::Package;
use rpm_engine::solver::Standing;

/// The installed packages and what may come.
#[derive(Default)]
pub struct Scope {
    /// The packages.
    pub packages: Vec<Package>,
    /// What they are in the sack.
    pub ids: Vec<Id>,
    /// The indexes of those installed.
    pub installed: BTreeSet<usize>,
    /// The indexes of those whose versions may be there side by side.
    pub separate: BTreeSet<usize>,
    /// Where the packages stand behind those of other repositories.
    pub standing: Vec<Standing>,
    places: HashMap<Id, usize>,
}

/// What of packages is not looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Blind {
    /// Their conflicts (`--skipconflicts`).
    pub conflicts: bool,
    /// What they obsolete (`--skipobsoletes`).
    pub obsoletes: bool,
}

/// The offered packages that contain a path, by the full lists of files. Those are large: they are asked only where nothing else answers.
pub type FullLists<'a> = &'a dyn Fn(&str) -> Result<Vec<Id>, CliError>;

struct Gathering<'a, 's> {
    sack: &'a Sack<'s>,
    full: FullLists<'a>,
    blind: Blind,
    scope: Scope,
    queue: Vec<usize>,
    seen: HashSet<String>,
    /// For each name an installed package provides, the names of installed packages that require it.
    requirers: HashMap<String, BTreeSet<String>>,
    /// For each name on which a requirement of an installed package depends, as in `(a if name)`, what that requirement is about; and for
    /// each name in a conflict such as `(name unless a)` what that depends on.
    conditions: HashMap<String, Vec<Capability>>,
}

impl Scope {
    /// Everything installed, `wanted`, and whatever those may lead to. Other providers of what installed packages require come into play
    /// only where the present ones are replaced; those are found by way of the packages that replace them.
    ///
    /// # Errors
    /// When a list of files that is needed cannot be fetched.
    pub fn gather(sack: &Sack<'_>, wanted: &[Id], install_only: &[String], blind: Blind, full: FullLists<'_>) -> Result<Self, CliError> {
        let empty = Self::default();
        let (requirers, conditions) = (HashMap::new(), HashMap::new());
        let mut gathering = Gathering { sack, full, blind, scope: empty, queue: Vec::new(), seen: HashSet::new(), requirers, conditions };
        for id in sack.all_installed() {
            gathering.add(id);
        }
        gathering.find_requirers();
        gathering.queue.clear();
        wanted.iter().for_each(|id| gathering.add(*id));
        while let Some(index) = gathering.queue.pop() {
            gathering.follow(index)?;
        }
        let mut scope = gathering.scope;
        let is_separate =
            |package: &Package| install_only.iter().any(|name| package.nevra.name == *name || package.satisfies(&Capability::any(name)));
        scope.separate = (0..scope.packages.len()).filter(|index| is_separate(&scope.packages[*index])).collect();
        scope.standing = scope.ids.iter().map(|id| sack.standing(*id)).collect();
        Ok(scope)
    }

    /// The index of a package.
    pub fn place(&self, id: Id) -> Option<usize> {
        self.places.get(&id).copied()
    }

    /// The indexes of packages.
    pub fn places(&self, ids: &[Id]) -> Vec<usize> {
        ids.iter().filter_map(|id| self.place(*id)).collect()
    }
}

impl Gathering<'_, '_> {
    fn add(&mut self, id: Id) {
        if self.scope.places.contains_key(&id) {
            return;
        }
        let Some(mut package) = self.sack.package(id) else { return };
        if self.blind.conflicts {
            package.conflicts.clear();
        }
        if self.blind.obsoletes {
            package.obsoletes.clear();
        }
        let index = self.scope.packages.len();
        self.scope.places.insert(id, index);
        self.scope.packages.push(package);
        self.scope.ids.push(id);
        if matches!(id, Id::Installed(_)) {
            self.scope.installed.insert(index);
        }
        self.queue.push(index);
    }

    fn find_requirers(&mut self) {
        for package in &self.scope.packages {
            for capability in package.requires.iter().flat_map(capabilities) {
                self.requirers.entry(capability.name.clone()).or_default().insert(package.nevra.name.clone());
            }
            for (rich, tested) in package.requires.iter().flat_map(tested) {
                self.conditions.entry(tested.name.clone()).or_default().extend(capabilities(rich).into_iter().cloned());
            }
            // Beside what an installed package conflicts with only on a condition, that must be met.
            for (rich, tested) in package.conflicts.iter().flat_map(tested) {
                for named in capabilities(rich) {
                    self.conditions.entry(named.name.clone()).or_default().push(tested.clone());
                }
            }
        }
    }

    /// What a package that may come leads to.
    fn follow(&mut self, index: usize) -> Result<(), CliError> {
        let package = self.scope.packages[index].clone();
        let name = package.nevra.name.clone();
        for capability in package.requires.iter().chain(&package.recommends).flat_map(capabilities) {
            self.providers(capability)?;
        }
        for capability in package.conflicts.iter().flat_map(capabilities) {
            self.versions(&capability.name);
        }
        // `(a unless b)` is no conflict beside b.
        for (_, condition) in package.conflicts.iter().flat_map(tested) {
            self.providers(condition)?;
        }
        package.obsoletes.iter().for_each(|capability| self.versions(&capability.name));
        self.heirs(&name);
        for provided in &package.provides {
            self.supplementers(&provided.name);
        }
        // With this package installed packages may require what they did not.
        let names = package.provides.iter().map(|provided| &provided.name).chain(&package.paths);
        let newly_required: Vec<Capability> = names.filter_map(|name| self.conditions.remove(name)).flatten().collect();
        for capability in &newly_required {
            self.providers(capability)?;
        }
        // What stands where an installed package stood may lack what others require of that: those may have to be updated too.
        for old in self.sack.installed_called(&name) {
            self.versions(&name);
            let Some(old) = self.sack.package(old) else { continue };
            let names = old.provides.iter().map(|provided| &provided.name).chain(&old.paths);
            let requirers: BTreeSet<String> = names.filter_map(|name| self.requirers.get(name)).flatten().cloned().collect();
            requirers.iter().for_each(|name| self.versions(name));
            for lost in old.provides.iter().filter(|lost| !package.provides.iter().any(|kept| lost.satisfied_by(kept))) {
                self.providers(&Capability::any(&lost.name))?;
            }
            let missed = |path: &&String| self.requirers.contains_key(*path) && !package.paths.contains(path) && !is_in_short_list(path);
            let missed: Vec<String> = old.paths.iter().filter(missed).cloned().collect();
            missed.iter().try_for_each(|path| self.holders(path))?;
        }
        Ok(())
    }

    fn providers(&mut self, wanted: &Capability) -> Result<(), CliError> {
        if !self.seen.insert(format!("provides {wanted}")) {
            return Ok(());
        }
        let found = self.sack.available_providing(wanted);
        let is_open = found.is_empty() && wanted.name.starts_with('/') && !is_in_short_list(&wanted.name);
        found.into_iter().for_each(|id| self.add(id));
        if is_open && self.sack.installed_providing(wanted).is_empty() { self.holders(&wanted.name) } else { Ok(()) }
    }

    /// Packages of which only the full lists of files say that they contain a path.
    fn holders(&mut self, path: &str) -> Result<(), CliError> {
        if !self.seen.insert(format!("holds {path}")) {
            return Ok(());
        }
        for id in (self.full)(path)? {
            self.add(id);
            if let Some(place) = self.scope.places.get(&id) {
                let paths = &mut self.scope.packages[*place].paths;
                if let Err(at) = paths.binary_search_by(|known| known.as_str().cmp(path)) {
                    paths.insert(at, path.to_owned());
                }
            }
        }
        Ok(())
    }

    fn versions(&mut self, name: &str) {
        if self.sack.installed_called(name).is_empty() || !self.seen.insert(format!("versions {name}")) {
            return;
        }
        for id in self.sack.available_called(name) {
            self.add(id);
        }
        self.heirs(name);
    }

    fn heirs(&mut self, name: &str) {
        if !self.seen.insert(format!("heirs {name}")) {
            return;
        }
        for id in self.sack.available_obsoleting(name) {
            self.add(id);
        }
    }

    fn supplementers(&mut self, name: &str) {
        if !self.seen.insert(format!("supplements {name}")) {
            return;
        }
        for id in self.sack.available_supplementing(name) {
            self.add(id);
        }
    }
}

/// Whether the list of packages itself names a path: createrepo's rule, which all follow.
fn is_in_short_list(path: &str) -> bool {
    path.starts_with("/etc/") || path == "/usr/lib/sendmail" || path.rsplit_once('/').is_some_and(|(folder, _)| folder.ends_with("bin"))
}

/// What a boolean dependency makes its demand depend on, each with the dependency.
fn tested(dependency: &Dependency) -> Vec<(&Dependency, &Capability)> {
    match dependency {
        Dependency::Simple(_) => Vec::new(),
        Dependency::Rich(rich) => {
            rich.leaves().into_iter().filter(|(_, tested)| *tested).map(|(capability, _)| (dependency, capability)).collect()
        }
    }
}

fn capabilities(dependency: &Dependency) -> Vec<&Capability> {
    match dependency {
        Dependency::Simple(capability) => vec![capability],
        Dependency::Rich(rich) => rich.leaves().into_iter().map(|(capability, _)| capability).collect(),
    }
}
