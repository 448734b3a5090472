//! Which packages to install: from what is asked for to a set that fits together.
//!
//! The search itself is `resolvo`'s; this module says what RPM's dependencies mean in its terms. Equal input produces equal output: among
//! several providers the package called like the capability wins, then the first by name; among versions the newest.

mod change;
mod clause;
mod needed;
mod provider;
mod standing;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeSet;
use std::fmt;

use resolvo::{ConditionalRequirement, Problem, Solver, UnsolvableOrCancelled};

use crate::dependency::{Capability, Dependency};
use crate::order;
use crate::package::Package;
use clause::Universe;
use provider::{Provider, Roles};

pub use change::{Goal, Need, Outcome, Situation, Skipped, Target, change};
pub use needed::{needs, problems, required, unneeded, with_dependents};
pub use standing::Standing;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// Each is a package's name, a capability, or a path; with a range of versions, perhaps.
    pub install: Vec<Capability>,
    /// Whether what packages recommend is installed too, where that is possible.
    pub weak: bool,
    /// The machine's architecture; packages of others but `noarch` are skipped.
    pub arch: String,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SolveError {
    /// No package is or provides what was asked for.
    #[error("no package provides {}", list(.missing))]
    Missing {
        /// All such requests.
        missing: Vec<String>,
        /// Names of packages that look alike.
        similar: Vec<String>,
    },
    /// There are packages, but they do not fit together.
    #[error("the requested packages cannot be installed together:\n{explanation}")]
    Conflict {
        /// The chain of reasons, a few lines.
        explanation: String,
    },
}

fn list(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Chooses among `packages`; the answer's indexes come in the order of installation.
///
/// # Errors
/// When a request has no provider, or the packages do not fit together.
pub fn solve(packages: &[Package], request: &Request) -> Result<Vec<usize>, SolveError> {
    let universe = Universe::new(packages, &BTreeSet::new(), &request.arch, &[]);
    missing(&universe, request)?;
    let mut chosen = search(&universe, request, &[])?;
    if request.weak {
        chosen = with_weak(&universe, request, chosen);
    }
    let facts: Vec<&Package> = chosen.iter().map(|index| &packages[*index]).collect();
    Ok(order::by_dependencies(&facts).into_iter().map(|at| chosen[at]).collect())
}

fn missing(universe: &Universe<'_>, request: &Request) -> Result<(), SolveError> {
    let missing: Vec<&Capability> = request.install.iter().filter(|wanted| universe.requested(wanted).is_empty()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let similar = |package: &&Package| missing.iter().any(|wanted| looks_alike(&package.nevra.name, &wanted.name));
    let names: BTreeSet<&str> = universe.packages.iter().filter(similar).map(|package| package.nevra.name.as_str()).collect();
    Err(SolveError::Missing {
        missing: missing.iter().map(ToString::to_string).collect(),
        similar: names.into_iter().take(5).map(str::to_owned).collect(),
    })
}

/// Whether one name is part of the other, or they differ by two neighbouring letters at most.
pub fn looks_alike(a: &str, b: &str) -> bool {
    let (a, b) = (a.to_lowercase(), b.to_lowercase());
    if a.len().min(b.len()) > 2 && (a.contains(&b) || b.contains(&a)) {
        return true;
    }
    let same_start = a.chars().zip(b.chars()).take_while(|(x, y)| x == y).count();
    let same_end = a.chars().rev().zip(b.chars().rev()).take_while(|(x, y)| x == y).count();
    let longest = a.chars().count().max(b.chars().count());
    longest > 3 && same_start + same_end + 2 >= longest
}

/// One search; `soft` packages are added where they fit.
fn search(universe: &Universe<'_>, request: &Request, soft: &[usize]) -> Result<Vec<usize>, SolveError> {
    let roles = Roles::default();
    let provider = Provider::new(universe, &roles);
    let requirements = request.install.iter().map(|wanted| provider.request(wanted)).collect();
    answer(universe, provider, requirements, soft)
}

/// Runs the search.
fn answer(
    universe: &Universe<'_>,
    mut provider: Provider<'_>,
    requirements: Vec<ConditionalRequirement>,
    soft: &[usize],
) -> Result<Vec<usize>, SolveError> {
    let wished = provider.wish(soft);
    let mut solver = Solver::new(provider);
    match solver.solve(Problem::new().requirements(requirements).soft_requirements(wished)) {
        Ok(solvables) => {
            let mut chosen: Vec<usize> = solvables.into_iter().filter_map(|solvable| solver.provider().index(solvable)).collect();
            chosen.sort_by(|a, b| universe.packages[*a].nevra.cmp(&universe.packages[*b].nevra));
            Ok(chosen)
        }
        Err(UnsolvableOrCancelled::Unsolvable(conflict)) => {
            Err(SolveError::Conflict { explanation: brief(&conflict.display_user_friendly(&solver)) })
        }
        // This provider never cancels.
        Err(UnsolvableOrCancelled::Cancelled(_)) => Err(SolveError::Conflict { explanation: "the search was cancelled".into() }),
    }
}

/// Adds what the chosen packages recommend, and what supplements them, until nothing new is wished for. What does not fit is left out.
fn with_weak(universe: &Universe<'_>, request: &Request, mut chosen: Vec<usize>) -> Vec<usize> {
    let mut wished: Vec<usize> = Vec::new();
    loop {
        let all: BTreeSet<usize> = chosen.iter().copied().collect();
        let recommended: Vec<&Dependency> = all.iter().flat_map(|index| &universe.packages[*index].recommends).collect();
        let wishes = weak_wishes(universe, &recommended, &all, &BTreeSet::new());
        let new: Vec<usize> = wishes.into_iter().filter(|index| !wished.contains(index)).collect();
        if new.is_empty() {
            return chosen;
        }
        wished.extend(new);
        // The same requests were answered before, so they are again.
        match search(universe, request, &wished) {
            Ok(found) => chosen = found,
            Err(_) => return chosen,
        }
    }
}

/// For each of the `recommended` things that is not there yet, the provider that would be taken first; and what supplements the `chosen`
/// packages, but not what supplemented those that were there `before`: it was not wanted.
fn weak_wishes(
    universe: &Universe<'_>,
    recommended: &[&Dependency],
    chosen: &BTreeSet<usize>,
    before: &BTreeSet<usize>,
) -> BTreeSet<usize> {
    let missing = recommended.iter().filter(|dependency| !universe.holds(dependency, chosen));
    let mut wishes: BTreeSet<usize> = missing.filter_map(|dependency| universe.first_choice(dependency)).collect();
    let names: BTreeSet<&str> = chosen.iter().map(|index| universe.packages[*index].nevra.name.as_str()).collect();
    let is_new = |dependency: &Dependency| universe.holds(dependency, chosen) && !universe.holds(dependency, before);
    for (index, package) in universe.usable() {
        if !names.contains(package.nevra.name.as_str()) && package.supplements.iter().any(is_new) {
            wishes.insert(index);
        }
    }
    wishes
}

/// A package and the only thing it lacks, in one line, as libsolv says it and scripts look for it.
fn said_at_once(lines: &[&str]) -> Vec<String> {
    let depth = |line: &str| line.find("─ ").map_or(0, |at| line[..at].chars().count());
    let mut said = Vec::new();
    let mut rest = lines;
    while let Some((first, after)) = rest.split_first() {
        let missing =
            after.first().and_then(|next| Some((next.split_once("─ ")?.1.strip_suffix(", for which no candidates were found.")?, *next)));
        let is_only = |next: &str| after.get(1).is_none_or(|third| depth(third) < depth(next));
        match (first.strip_suffix(" would require"), missing) {
            (Some(package), Some((missing, next))) if depth(next) > depth(first) && is_only(next) => {
                let (tree, package) = package.split_once("─ ").map_or(("", package), |(tree, package)| (tree, package));
                let dash = if first.contains("─ ") { "─ " } else { "" };
                let package = package.rsplit(' ').next().unwrap_or(package);
                said.push(format!("{tree}{dash}nothing provides {missing} needed by {package}"));
                rest = &after[1..];
            }
            _ => {
                said.push((*first).to_owned());
                rest = after;
            }
        }
    }
    said
}

/// The first lines of an explanation; what follows in long ones repeats itself for every version.
fn brief(explanation: &dyn fmt::Display) -> String {
    const LINES: usize = 12;
    let text = explanation.to_string();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let lines = said_at_once(&lines);
    let mut brief = lines[..lines.len().min(LINES)].join("\n");
    if lines.len() > LINES {
        brief.push_str("\n…");
    }
    brief
}
