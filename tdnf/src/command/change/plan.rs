//! From what is asked for to what happens to which package.

mod leaving;

use std::collections::{BTreeMap, BTreeSet};

use super::barrier;
use super::request::{Dependents, Request, Wish, is_locked};
use super::scope::{Blind, Scope};
use crate::cli::error::CliError;
use crate::cli::local::Repositories;
use crate::cli::session::Session;
use crate::command::provides;
use crate::query::{Id, Pattern, Sack};
use rpm_engine::history::Reason;
use rpm_engine::solver::{self, Goal, Outcome, Situation, Skipped, SolveError, Target};

/// Why a package goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// It was asked for, or requires what goes.
    Asked,
    /// Nobody needs it any more.
    Unneeded,
}

/// What happens to a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It comes.
    Install {
        /// The package.
        new: Id,
        /// What it replaces.
        obsoleted: Vec<Id>,
        /// Why.
        reason: Reason,
    },
    /// It comes in place of older versions.
    Upgrade {
        /// The package.
        new: Id,
        /// Those.
        from: Vec<Id>,
        /// What else it replaces.
        obsoleted: Vec<Id>,
    },
    /// It comes in place of newer versions.
    Downgrade {
        /// The package.
        new: Id,
        /// Those.
        from: Vec<Id>,
    },
    /// It comes in its own place.
    Reinstall {
        /// The package.
        new: Id,
        /// The same, as installed.
        from: Id,
    },
    /// It goes.
    Erase {
        /// The package.
        old: Id,
        /// Why.
        why: Why,
    },
}

/// All that happens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// What happens to each package, sorted by name.
    pub changes: Vec<Change>,
    /// What was asked for and skipped, because it does not fit.
    pub skipped: Vec<Skipped>,
    /// Updates that do not fit.
    pub left: Vec<Skipped>,
}

/// What else goes with what is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// What nobody needs any more after this.
    pub newly_unneeded: bool,
    /// What nobody needs, whether or not that is new.
    pub all_unneeded: bool,
}

struct Planning<'a, 's> {
    session: &'a Session,
    sack: &'a Sack<'s>,
    scope: Scope,
}

/// Plans a request.
///
/// # Errors
/// When what is asked for does not fit, or something protected would go.
pub fn plan(session: &Session, repositories: &Repositories, sack: &Sack<'_>, request: &Request, sweep: Sweep) -> Result<Plan, CliError> {
    let mut wanted: Vec<Id> = request.wishes.iter().flat_map(|wish| wish.any_of.clone()).collect();
    for id in request.update.iter().chain(&request.released) {
        let name = sack.nevra(*id).name;
        wanted.extend(sack.available_called(&name));
        wanted.extend(sack.available_obsoleting(&name));
    }
    let blind = Blind { conflicts: session.common.skip_conflicts, obsoletes: session.common.skip_obsoletes };
    let full = |path: &str| provides::holding(session, repositories, sack, |index| index.holding(path));
    let scope = Scope::gather(sack, &wanted, &session.config.main.install_only, blind, &full)?;
    if session.common.debug_solver {
        scope.ids.iter().for_each(|id| session.console.warn(format!("considered: {} of {}", sack.nevra(*id), sack.origin(*id))));
    }
    let planning = Planning { session, sack, scope };
    let Outcome { mut there, mut skipped, mut left } = planning.there(request).map_err(|error| planning.with_barriers(request, error))?;
    planning.add_barriers(request, skipped.iter_mut().chain(&mut left));
    planning.limit(&mut there);
    let roots = planning.roots(request);
    let unneeded = planning.unneeded(&there, &roots, sweep);
    there.retain(|index| !unneeded.contains(index));
    let changes = planning.changes(request, &there, &unneeded);
    planning.protect(&there, &changes)?;
    Ok(Plan { changes, skipped, left })
}

impl Planning<'_, '_> {
    /// What is there afterwards, unneeded packages still counted.
    fn there(&self, request: &Request) -> Result<Outcome, CliError> {
        let (scope, arch) = (&self.scope, self.sack.arch());
        let place = |ids: &BTreeSet<Id>| -> BTreeSet<usize> { ids.iter().filter_map(|id| scope.place(*id)).collect() };
        let erase = self.erased(request)?;
        if request.wishes.is_empty() && request.update.is_empty() {
            return Ok(Outcome { there: &scope.installed - &erase, ..Outcome::default() });
        }
        let (common, main) = (&self.session.common, &self.session.config.main);
        let target = |wish: &Wish| Target { label: wish.label.clone(), any_of: scope.places(&wish.any_of), need: wish.need };
        let targets: Vec<Target> = request.wishes.iter().map(target).collect();
        if common.no_dependencies {
            return Ok(Outcome { there: self.without_dependencies(request, &targets, &erase), ..Outcome::default() });
        }
        let update = place(&request.update).into_iter().filter(|index| !scope.separate.contains(index)).collect();
        let goal = Goal {
            targets,
            update,
            keep_name: place(&request.keep_name),
            kept: scope.installed.iter().copied().filter(|index| self.is_kept(scope.ids[*index])).collect(),
            released: place(&request.released),
            erase,
            allow_erasing: common.allow_erasing,
            others_stay: request.dependents == Dependents::StayOnReturn,
            skip_broken: main.skip_broken,
            best: main.best,
            weak: main.weak && !request.strict,
        };
        let Scope { packages, installed, separate, standing, .. } = scope;
        let situation = Situation { packages, installed, separate, arch, standing };
        Ok(solver::change(situation, &goal)?)
    }

    /// Adds to the reasons the locks and exclusions that may be behind them.
    fn add_barriers<'b>(&self, request: &Request, all: impl Iterator<Item = &'b mut Skipped>) {
        for skipped in all {
            let wish = request.wishes.iter().find(|wish| wish.label == skipped.label);
            let by_name = || self.scope.ids.iter().copied().find(|id| self.sack.nevra(*id).to_string() == skipped.label);
            let wanted = wish.map_or_else(|| by_name().into_iter().collect(), |wish| wish.any_of.clone());
            for line in barrier::of(self.session, self.sack, &wanted) {
                skipped.reason.push('\n');
                skipped.reason.push_str(&line);
            }
        }
    }

    /// An error of the solver, with the locks and exclusions that may be behind it.
    fn with_barriers(&self, request: &Request, error: CliError) -> CliError {
        let CliError::Solve(SolveError::Conflict { explanation }) = error else { return error };
        let wanted: Vec<Id> = request.wishes.iter().flat_map(|wish| wish.any_of.clone()).collect();
        let lines = [vec![explanation], barrier::of(self.session, self.sack, &wanted)].concat();
        SolveError::Conflict { explanation: lines.join("\n") }.into()
    }

    /// Whether an installed package is to be left as it is.
    fn is_kept(&self, id: Id) -> bool {
        self.sack.is_excluded(&self.sack.nevra(id)) || is_locked(self.session, self.sack, id)
    }

    /// `--nodeps`: just what was asked for.
    fn without_dependencies(&self, request: &Request, targets: &[Target], erase: &BTreeSet<usize>) -> BTreeSet<usize> {
        let mut there = &self.scope.installed - erase;
        let newest =
            |found: &[usize]| found.iter().copied().max_by(|a, b| self.scope.packages[*a].nevra.cmp(&self.scope.packages[*b].nevra));
        let mut coming: Vec<usize> = targets.iter().filter_map(|target| newest(&target.any_of)).collect();
        for id in &request.update {
            let name = self.sack.nevra(*id).name;
            coming.extend(newest(&self.scope.places(&self.sack.available_called(&name))));
        }
        for index in coming {
            let nevra = &self.scope.packages[index].nevra;
            if !self.scope.separate.contains(&index) {
                there.retain(|other| !nevra.may_replace(&self.scope.packages[*other].nevra));
            }
            there.insert(index);
        }
        there
    }

    /// Of packages whose versions are side by side only so many stay, the newest and the running kernel first. What requires one that goes
    /// goes with it; where that must stay, both do.
    fn limit(&self, there: &mut BTreeSet<usize>) {
        let limit = self.session.config.main.install_only_limit as usize;
        let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for index in there.iter().filter(|index| self.scope.separate.contains(index)) {
            by_name.entry(self.name(*index)).or_default().push(*index);
        }
        for mut versions in by_name.into_values().filter(|versions| limit > 0 && versions.len() > limit) {
            // Nothing is removed only because the number was lowered: something must have come.
            if versions.iter().all(|index| self.scope.installed.contains(index)) {
                continue;
            }
            versions.sort_by(|a, b| self.scope.packages[*a].nevra.cmp(&self.scope.packages[*b].nevra));
            let mut over = versions.len() - limit;
            for index in versions {
                if over == 0 || !self.scope.installed.contains(&index) || self.is_running(index) {
                    continue;
                }
                let going = solver::with_dependents(&self.scope.packages, there, &BTreeSet::from([index]), self.sack.arch());
                if going.iter().all(|other| self.may_go(*other) || *other == index) {
                    there.retain(|other| !going.contains(other));
                }
                over -= 1;
            }
        }
    }

    /// Whether a package may be removed for the sake of others.
    fn may_go(&self, index: usize) -> bool {
        let protected = self.session.config.main.protected.iter().any(|name| name == self.name(index));
        self.scope.installed.contains(&index) && !protected && !self.is_running(index)
    }

    /// Whether a package contains the modules of the kernel that runs.
    fn is_running(&self, index: usize) -> bool {
        let Ok(name) = nix::sys::utsname::uname() else { return false };
        let modules = format!("/lib/modules/{}/", name.release().to_string_lossy());
        self.session.system.is_running() && self.scope.packages[index].paths.iter().any(|path| path.contains(&modules))
    }

    /// What is wanted for itself.
    fn roots(&self, request: &Request) -> BTreeSet<usize> {
        let asked = request.wishes.iter().flat_map(|wish| &wish.any_of).filter_map(|id| self.scope.place(*id));
        let names: BTreeSet<&str> =
            self.scope.installed.iter().filter(|index| self.is_wanted(**index)).map(|index| self.name(*index)).collect();
        let heirs = |index: &usize| names.contains(self.name(*index)) || self.replaces(*index, &names);
        (0..self.scope.packages.len()).filter(heirs).chain(asked).collect()
    }

    fn name(&self, index: usize) -> &str {
        &self.scope.packages[index].nevra.name
    }

    fn replaces(&self, index: usize, names: &BTreeSet<&str>) -> bool {
        self.scope.packages[index].obsoletes.iter().any(|obsoleted| names.contains(obsoleted.name.as_str()))
    }

    /// Whether an installed package is there for itself: somebody asked for it, it must stay, or it is one of several versions.
    fn is_wanted(&self, index: usize) -> bool {
        let protected = &self.session.config.main.protected;
        let asked = self.sack.reason(self.scope.ids[index]) == Some(Reason::User);
        asked || self.scope.separate.contains(&index) || protected.iter().any(|name| name == self.name(index))
    }

    fn unneeded(&self, there: &BTreeSet<usize>, roots: &BTreeSet<usize>, sweep: Sweep) -> BTreeSet<usize> {
        if !sweep.newly_unneeded && !sweep.all_unneeded {
            return BTreeSet::new();
        }
        let after = solver::unneeded(&self.scope.packages, there, roots);
        // What comes now was just found to be needed.
        let mut after: BTreeSet<usize> = after.intersection(&self.scope.installed).copied().collect();
        if !sweep.all_unneeded {
            // What only a removed package kept there goes with it, though nobody wanted that one either.
            let gone = &self.scope.installed - there;
            let before = solver::unneeded(&self.scope.packages, &self.scope.installed, &(roots | &gone));
            after.retain(|index| !before.contains(index));
        }
        after
    }

    /// What happens, sorted by the names of packages.
    fn changes(&self, request: &Request, there: &BTreeSet<usize>, unneeded: &BTreeSet<usize>) -> Vec<Change> {
        let scope = &self.scope;
        let mut going: BTreeSet<usize> = &scope.installed - there;
        let mut changes = Vec::new();
        let required = solver::required(&scope.packages, there);
        for index in there - &scope.installed {
            let package = &scope.packages[index];
            let evr = &package.nevra.evr;
            let separate = scope.separate.contains(&index);
            let from: Vec<usize> =
                going.iter().copied().filter(|old| !separate && package.nevra.may_replace(&scope.packages[*old].nevra)).collect();
            let replaces =
                |old: &usize| package.obsoletes.iter().any(|wanted| scope.packages[*old].is_named(wanted)) && !from.contains(old);
            let obsoleted: Vec<usize> = going.iter().copied().filter(replaces).collect();
            going.retain(|old| !from.contains(old) && !obsoleted.contains(old));
            let newer = from.iter().all(|old| scope.packages[*old].nevra.evr <= *evr);
            let ids = |all: &[usize]| all.iter().map(|index| scope.ids[*index]).collect::<Vec<_>>();
            let new = scope.ids[index];
            changes.push(match (from.is_empty(), newer) {
                (true, _) => Change::Install { new, obsoleted: ids(&obsoleted), reason: self.reason(request, index, &required) },
                (false, true) => Change::Upgrade { new, from: ids(&from), obsoleted: ids(&obsoleted) },
                (false, false) => {
                    // A downgrade replaces its own name only; what else it obsoletes goes by itself.
                    going.extend(&obsoleted);
                    Change::Downgrade { new, from: ids(&from) }
                }
            });
        }
        for index in going {
            let why = if unneeded.contains(&index) { Why::Unneeded } else { Why::Asked };
            changes.push(Change::Erase { old: scope.ids[index], why });
        }
        changes.extend(request.reinstall.iter().map(|(from, new)| Change::Reinstall { new: *new, from: *from }));
        changes.sort_by_key(|change| self.sack.nevra(subject(change)));
        changes
    }

    /// Why a package comes: for itself, or because others that are there require or only recommend it.
    fn reason(&self, request: &Request, index: usize, required: &BTreeSet<usize>) -> Reason {
        let id = self.scope.ids[index];
        if let Some(wish) = request.wishes.iter().find(|wish| wish.any_of.contains(&id)) {
            return wish.reason;
        }
        let package = &self.scope.packages[index];
        let mut replaced = package
            .obsoletes
            .iter()
            .flat_map(|wanted| self.scope.installed.iter().filter(move |old| self.scope.packages[**old].is_named(wanted)));
        let heir_of_wanted = replaced.any(|old| self.is_wanted(*old));
        match (heir_of_wanted, required.contains(&index)) {
            (true, _) => Reason::User,
            (false, true) => Reason::Dependency,
            (false, false) => Reason::WeakDependency,
        }
    }

    /// Refuses to remove or replace what must stay.
    fn protect(&self, there: &BTreeSet<usize>, changes: &[Change]) -> Result<(), CliError> {
        let stays = |name: &str| there.iter().any(|index| self.name(*index) == name);
        let (mut hit, mut locked, mut left_out) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let excluded: Vec<Pattern> = self.session.common.exclude.iter().map(|text| Pattern::new(text)).collect();
        for change in changes {
            let (replaced, going): (&[Id], Vec<Id>) = match change {
                Change::Erase { old, .. } => (&[], vec![*old]),
                Change::Install { obsoleted, .. } => (&[], obsoleted.clone()),
                Change::Upgrade { from, obsoleted, .. } => (from, obsoleted.clone()),
                Change::Downgrade { from, .. } => (from, Vec::new()),
                Change::Reinstall { .. } => (&[], Vec::new()),
            };
            for old in &going {
                let nevra = self.sack.nevra(*old);
                let running = self.scope.place(*old).is_some_and(|index| self.is_running(index));
                if running || (self.session.config.main.protected.contains(&nevra.name) && !stays(&nevra.name)) {
                    hit.insert(nevra.name.clone());
                }
                if matches!(change, Change::Erase { .. }) && excluded.iter().any(|pattern| pattern.fits(&nevra)) {
                    left_out.insert(nevra.to_string());
                }
            }
            let kept = going.iter().chain(replaced).filter(|old| is_locked(self.session, self.sack, **old));
            locked.extend(kept.map(|old| self.sack.nevra(*old).to_string()));
        }
        if !hit.is_empty() {
            return Err(CliError::Protected(hit.into_iter().collect()));
        }
        if !locked.is_empty() {
            return Err(CliError::Locked(locked.into_iter().collect()));
        }
        if left_out.is_empty() { Ok(()) } else { Err(CliError::Excluded(left_out.into_iter().collect())) }
    }
}

/// The package a change is about.
pub fn subject(change: &Change) -> Id {
    match change {
        Change::Install { new, .. } | Change::Upgrade { new, .. } | Change::Downgrade { new, .. } | Change::Reinstall { new, .. } => *new,
        Change::Erase { old, .. } => *old,
    }
}

impl Plan {
    /// What is there afterwards in an installed package's place: itself, another version, or nothing.
    pub fn in_place_of(&self, id: Id) -> Option<Id> {
        for change in &self.changes {
            match change {
                Change::Upgrade { new, from, .. } | Change::Downgrade { new, from } if from.contains(&id) => return Some(*new),
                Change::Install { obsoleted, .. } | Change::Upgrade { obsoleted, .. } if obsoleted.contains(&id) => return None,
                Change::Erase { old, .. } if *old == id => return None,
                Change::Install { .. }
                | Change::Upgrade { .. }
                | Change::Downgrade { .. }
                | Change::Reinstall { .. }
                | Change::Erase { .. } => {}
            }
        }
        Some(id)
    }

    /// The packages that come.
    pub fn coming(&self) -> Vec<Id> {
        let coming = |change: &&Change| !matches!(change, Change::Erase { .. });
        self.changes.iter().filter(coming).map(subject).collect()
    }
}
