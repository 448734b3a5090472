//! All packages there are, installed and offered, and what can be asked of them.

mod hidden;
mod pattern;
mod replacement;
mod versions;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, OnceLock, PoisonError};

use rpm_engine::dependency::Capability;
use rpm_engine::history::Reason;
use rpm_engine::package::{Details, Nevra, Package};
use rpm_engine::repo::{Index, Offer};
use rpm_engine::rpmfile;
use rpm_engine::solver::Standing;
use rpm_engine::system::Installed;
use rpm_engine::version::Evr;

use hidden::Exclusion;
pub use pattern::Pattern;

/// How the reference calls what is installed, where it names repositories.
pub const SYSTEM: &str = "@System";

/// A package: the number of an installed one, or of a repository and one of its packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Id {
    /// By its place among the installed.
    Installed(usize),
    /// By the repository's place, and the package's in its index.
    Available(usize, usize),
}

/// A repository's packages and what of them may be seen.
#[derive(Clone, Copy, Debug)]
pub struct Stock<'a> {
    /// The repository's name.
    pub id: &'a str,
    /// A package of a smaller number hides those of the same name with a larger one.
    pub priority: i32,
    /// Its packages.
    pub index: &'a Index,
    /// Patterns of packages skipped.
    pub excludes: &'a [String],
    /// Patterns of the only packages taken; empty is all.
    pub includes: &'a [String],
}

/// What of the offered packages is skipped wherever it comes from.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Patterns of packages, each with what says so.
    pub excludes: Vec<(String, &'static str)>,
    /// Packages by name that are never taken below a version.
    pub min_versions: Vec<(String, String)>,
}

/// All packages.
#[derive(Debug)]
pub struct Sack<'a> {
    /// Those installed.
    pub installed: &'a [Installed],
    /// Those offered.
    pub stocks: Vec<Stock<'a>>,
    arch: String,
    excludes: Vec<Exclusion>,
    stock_excludes: Vec<Vec<Pattern>>,
    stock_includes: Vec<Vec<Pattern>>,
    min_versions: BTreeMap<String, Evr>,
    available: OnceLock<Vec<Id>>,
    provided: OnceLock<HashMap<&'a str, Vec<Id>>>,
    by_name: OnceLock<HashMap<&'a str, Vec<Id>>>,
    offered: Mutex<HashMap<Id, Provides>>,
}

/// What an offered package provides, by name.
type Provides = HashMap<String, Vec<Capability>>;

impl<'a> Sack<'a> {
    /// All packages, for a machine of the architecture `arch`.
    pub fn new(installed: &'a [Installed], stocks: Vec<Stock<'a>>, arch: &str, filter: &Filter) -> Self {
        let patterns = |texts: &[String]| texts.iter().map(|text| Pattern::new(text)).collect::<Vec<_>>();
        Self {
            installed,
            arch: arch.to_owned(),
            excludes: filter.excludes.iter().map(|(text, by)| Exclusion::new(text, by)).collect(),
            stock_excludes: stocks.iter().map(|stock| patterns(stock.excludes)).collect(),
            stock_includes: stocks.iter().map(|stock| patterns(stock.includes)).collect(),
            min_versions: filter.min_versions.iter().map(|(name, version)| (name.clone(), Evr::parse(version))).collect(),
            stocks,
            available: OnceLock::new(),
            provided: OnceLock::new(),
            by_name: OnceLock::new(),
            offered: Mutex::default(),
        }
    }

    /// The machine's architecture.
    pub fn arch(&self) -> &str {
        &self.arch
    }

    /// The name, version and architecture.
    pub fn nevra(&self, id: Id) -> Nevra {
        let unknown = || Nevra { name: String::new(), evr: Evr::new(0, "", None), arch: String::new() };
        match id {
            Id::Installed(at) => self.installed[at].package.package.nevra.clone(),
            Id::Available(stock, at) => self.stocks[stock].index.nevra(at).unwrap_or_else(unknown),
        }
    }

    /// What a repository says of one of its packages.
    pub fn offer(&self, id: Id) -> Option<Offer> {
        match id {
            Id::Installed(_) => None,
            Id::Available(stock, at) => self.stocks[stock].index.offer(at),
        }
    }

    /// What the solver needs.
    pub fn package(&self, id: Id) -> Option<Package> {
        match id {
            Id::Installed(at) => Some(self.installed[at].package.package.clone()),
            Id::Available(stock, at) => self.stocks[stock].index.package(at),
        }
    }

    /// What people want to know.
    pub fn details(&self, id: Id) -> Details {
        match id {
            Id::Installed(at) => self.installed[at].package.metadata().map(|metadata| rpmfile::details(&metadata)).unwrap_or_default(),
            Id::Available(..) => self.offer(id).map(|offer| offer.details).unwrap_or_default(),
        }
    }

    /// The repository's name, or [`SYSTEM`].
    pub fn origin(&self, id: Id) -> &str {
        match id {
            Id::Installed(_) => SYSTEM,
            Id::Available(stock, _) => self.stocks[stock].id,
        }
    }

    /// Why an installed package is there.
    pub fn reason(&self, id: Id) -> Option<Reason> {
        match id {
            Id::Installed(at) => Some(self.installed[at].reason),
            Id::Available(..) => None,
        }
    }

    /// All that is installed, sorted by name and version.
    pub fn all_installed(&self) -> Vec<Id> {
        self.sorted((0..self.installed.len()).map(Id::Installed).collect())
    }

    /// All that is offered and may be seen, sorted by name and version.
    pub fn all_available(&self) -> &[Id] {
        self.available.get_or_init(|| {
            let mut named: Vec<(Nevra, Id)> = self.all_offered().map(|id| (self.nevra(id), id)).collect();
            named.sort();
            let best = self.best_priorities(&named);
            named.retain(|(nevra, id)| self.is_visible(*id, nevra) && best.get(&nevra.name).is_none_or(|best| self.priority(*id) == *best));
            named.into_iter().map(|(_, id)| id).collect()
        })
    }

    /// For each name that several repositories have, the smallest priority number.
    fn best_priorities(&self, named: &[(Nevra, Id)]) -> BTreeMap<String, i32> {
        if self.is_even() {
            return BTreeMap::new();
        }
        let mut best = BTreeMap::new();
        for (nevra, id) in named.iter().filter(|(nevra, id)| self.is_visible(*id, nevra)) {
            let least = best.entry(nevra.name.clone()).or_insert(i32::MAX);
            *least = self.priority(*id).min(*least);
        }
        best
    }

    fn priority(&self, id: Id) -> i32 {
        match id {
            Id::Installed(_) => i32::MIN,
            Id::Available(stock, _) => self.stocks[stock].priority,
        }
    }

    /// Where a package stands behind those of other repositories.
    pub fn standing(&self, id: Id) -> Standing {
        if self.is_even() {
            return Standing::default();
        }
        let offered = self.available_called(&self.nevra(id).name);
        match id {
            Id::Installed(_) => {
                let priority = offered.iter().map(|id| self.priority(*id)).min().unwrap_or(i32::MAX);
                Standing { priority, is_hidden: false }
            }
            Id::Available(..) => Standing { priority: self.priority(id), is_hidden: !offered.contains(&id) },
        }
    }

    /// Sorted as [`Sack::sorted`], but what is taken first comes first.
    pub fn by_standing(&self, ids: Vec<Id>) -> Vec<Id> {
        let mut sorted = self.sorted(ids);
        sorted.sort_by_cached_key(|id| self.standing(*id));
        sorted
    }

    /// Whether a package fits the machine and is not skipped; other repositories' priorities not counted.
    fn is_visible(&self, id: Id, nevra: &Nevra) -> bool {
        let Id::Available(stock, _) = id else { return true };
        let fits = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.fits(nevra));
        self.is_native(nevra)
            && !self.is_excluded(nevra)
            && !fits(&self.stock_excludes[stock])
            && (self.stock_includes[stock].is_empty() || fits(&self.stock_includes[stock]))
            && self.least_above(nevra).is_none()
    }

    /// Whether `--exclude` or `excludepkgs` of `[main]` excludes a package, be it installed.
    pub fn is_excluded(&self, nevra: &Nevra) -> bool {
        self.excludes.iter().any(|exclusion| exclusion.pattern.fits(nevra))
    }

    /// The version below which a package is never taken (`minversions`), if it is older. Without a release all of its releases will do.
    fn least_above(&self, nevra: &Nevra) -> Option<&Evr> {
        let order =
            |least: &Evr| nevra.evr.compare_version(least).then_with(|| nevra.evr.compare_release(least).unwrap_or(Ordering::Equal));
        self.min_versions.get(&nevra.name).filter(|least| order(least).is_lt())
    }

    /// What is offered of one name and may be seen.
    pub fn available_called(&self, name: &str) -> Vec<Id> {
        self.preferred(self.visible_called(name))
    }

    /// What is offered of one name and fits the machine, whatever the priorities of repositories.
    fn visible_called(&self, name: &str) -> Vec<Id> {
        let all = self.stocks.iter().enumerate();
        let all = all.flat_map(|(stock, all)| all.index.called(name).into_iter().map(move |at| Id::Available(stock, at)));
        all.filter(|id| self.is_visible(*id, &self.nevra(*id))).collect()
    }

    /// What is offered under exactly this name and version and may be seen. Priorities decide only among those.
    pub fn available_as(&self, nevra: &Nevra) -> Option<Id> {
        let same = self.visible_called(&nevra.name).into_iter().filter(|id| self.nevra(*id) == *nevra);
        self.preferred(same.collect()).first().copied()
    }

    /// Whether no repository goes before another.
    fn is_even(&self) -> bool {
        self.stocks.windows(2).all(|pair| pair[0].priority == pair[1].priority)
    }

    /// All that repositories have, seen or not.
    fn all_offered(&self) -> impl Iterator<Item = Id> {
        self.stocks.iter().enumerate().flat_map(|(stock, all)| (0..all.index.len()).map(move |at| Id::Available(stock, at)))
    }

    /// Of each name those of the smallest priority number.
    fn preferred(&self, mut ids: Vec<Id>) -> Vec<Id> {
        if self.is_even() {
            return ids;
        }
        let mut best: HashMap<String, i32> = HashMap::new();
        for id in &ids {
            let least = best.entry(self.nevra(*id).name).or_insert(i32::MAX);
            *least = self.priority(*id).min(*least);
        }
        ids.retain(|id| best.get(&self.nevra(*id).name) == Some(&self.priority(*id)));
        ids
    }

    /// What is installed of one name.
    pub fn installed_called(&self, name: &str) -> Vec<Id> {
        let index = || {
            let mut by_name: HashMap<&str, Vec<Id>> = HashMap::new();
            for (at, installed) in self.installed.iter().enumerate() {
                by_name.entry(&installed.package.package.nevra.name).or_default().push(Id::Installed(at));
            }
            by_name
        };
        self.by_name.get_or_init(index).get(name).cloned().unwrap_or_default()
    }

    /// What is offered, may be seen and provides a capability, by a provide or by a path that dependencies usually name.
    pub fn available_providing(&self, wanted: &Capability) -> Vec<Id> {
        let mut found = BTreeSet::new();
        for (stock, all) in self.stocks.iter().enumerate() {
            let candidates = all.index.providing(&wanted.name).into_iter().chain(all.index.holding(&wanted.name));
            for at in candidates {
                let id = Id::Available(stock, at);
                if self.is_offering(id, wanted) {
                    found.insert(id);
                }
            }
        }
        // What only a repository of lower priority has is better than nothing.
        self.preferred(found.into_iter().filter(|id| self.is_visible(*id, &self.nevra(*id))).collect())
    }

    /// Whether an offered package, of which its repository's index says that it has the name of `wanted`, provides it. What a package provides
    /// is read once: it may be thousands of names, each asked for.
    fn is_offering(&self, id: Id, wanted: &Capability) -> bool {
        if wanted.range.is_none() {
            return true;
        }
        let read = || {
            let mut provides = Provides::new();
            for provided in self.package(id).into_iter().flat_map(|package| package.provides) {
                provides.entry(provided.name.clone()).or_default().push(provided);
            }
            provides
        };
        let mut offered = self.offered.lock().unwrap_or_else(PoisonError::into_inner);
        let of_name = offered.entry(id).or_insert_with(read).get(&wanted.name);
        of_name.is_some_and(|provided| provided.iter().any(|provided| wanted.satisfied_by(provided)))
    }

    /// What is installed and provides a capability.
    pub fn installed_providing(&self, wanted: &Capability) -> Vec<Id> {
        let satisfies = |id: &Id| matches!(id, Id::Installed(at) if self.installed[*at].package.package.satisfies(wanted));
        self.installed_providing_name(&wanted.name).iter().copied().filter(satisfies).collect()
    }

    /// What is installed and provides a name or path, in whatever version.
    pub fn installed_providing_name(&self, name: &str) -> &[Id] {
        let index = || {
            let mut by_name: HashMap<&str, Vec<Id>> = HashMap::new();
            for (at, installed) in self.installed.iter().enumerate() {
                let package = &installed.package.package;
                let names = package.provides.iter().map(|provided| provided.name.as_str());
                for name in names.chain(package.paths.iter().map(String::as_str)) {
                    let all = by_name.entry(name).or_default();
                    if all.last() != Some(&Id::Installed(at)) {
                        all.push(Id::Installed(at));
                    }
                }
            }
            by_name
        };
        self.provided.get_or_init(index).get(name).map_or(&[], Vec::as_slice)
    }

    /// Whether nothing newer of the same name and architecture is offered.
    fn is_newest(&self, id: Id) -> bool {
        let nevra = self.nevra(id);
        let mut others = self.available_called(&nevra.name).into_iter().map(|other| self.nevra(other));
        !others.any(|other| other.arch == nevra.arch && other.evr > nevra.evr)
    }

    /// What is offered, may be seen and supplements a name.
    pub fn available_supplementing(&self, name: &str) -> Vec<Id> {
        self.in_stocks(|index| index.supplementing(name))
    }

    fn in_stocks(&self, find: impl Fn(&Index) -> Vec<usize>) -> Vec<Id> {
        let all = self.stocks.iter().enumerate();
        let all = all.flat_map(|(stock, all)| find(all.index).into_iter().map(move |at| Id::Available(stock, at)));
        all.filter(|id| self.is_offered(*id)).collect()
    }

    /// Whether an offered package may be seen, priorities counted.
    pub fn is_offered(&self, id: Id) -> bool {
        let nevra = self.nevra(id);
        self.is_visible(id, &nevra) && self.available_called(&nevra.name).contains(&id)
    }

    /// The offered packages that a pattern fits. Priorities decide among those: who names a version wants it, wherever it is.
    pub fn available_matching(&self, pattern: &Pattern) -> Vec<Id> {
        let candidates: Vec<Id> = match pattern.is_glob() {
            true if self.is_even() => self.all_available().to_vec(),
            true => self.all_offered().filter(|id| self.is_visible(*id, &self.nevra(*id))).collect(),
            false => pattern.names().into_iter().flat_map(|name| self.visible_called(name)).collect::<BTreeSet<_>>().into_iter().collect(),
        };
        self.sorted(self.preferred(candidates.into_iter().filter(|id| pattern.fits(&self.nevra(*id))).collect()))
    }

    /// The newest offered source package that a pattern fits. Nothing else sees source packages.
    pub fn source(&self, pattern: &Pattern) -> Option<Id> {
        let fits = |nevra: &Nevra| matches!(nevra.arch.as_str(), "src" | "nosrc") && pattern.fits(nevra);
        self.all_offered().map(|id| (self.nevra(id), id)).filter(|(nevra, _)| fits(nevra)).max().map(|(_, id)| id)
    }

    /// The installed packages that a pattern fits.
    pub fn installed_matching(&self, pattern: &Pattern) -> Vec<Id> {
        self.all_installed().into_iter().filter(|id| pattern.fits(&self.nevra(*id))).collect()
    }
}
