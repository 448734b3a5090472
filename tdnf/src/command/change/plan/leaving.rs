//! What goes, and what becomes of the packages that require it.

use std::collections::BTreeSet;

use super::Planning;
use crate::cli::error::CliError;
use crate::command::change::request::{Dependents, Request};
use rpm_engine::solver;

impl Planning<'_, '_> {
    /// The installed packages that go, with those that require them.
    pub(super) fn erased(&self, request: &Request) -> Result<BTreeSet<usize>, CliError> {
        let scope = &self.scope;
        let asked = scope.places(&request.erase.iter().copied().collect::<Vec<_>>()).into_iter().collect();
        let dependents = |there: &BTreeSet<usize>, gone: &BTreeSet<usize>| {
            &(&solver::with_dependents(&scope.packages, there, gone, self.sack.arch()) & &scope.installed) - gone
        };
        let named = |broken: &BTreeSet<usize>| broken.iter().map(|index| scope.packages[*index].nevra.to_string()).collect();
        let broken = match request.dependents {
            Dependents::Go => dependents(&scope.installed, &asked),
            Dependents::Stay => {
                let broken = dependents(&scope.installed, &asked);
                if !broken.is_empty() {
                    return Err(CliError::OlderRequired(named(&broken)));
                }
                broken
            }
            Dependents::StayOnReturn => {
                let coming: BTreeSet<usize> = request.wishes.iter().flat_map(|wish| scope.places(&wish.any_of)).collect();
                let gone = &asked | &self.replaced(&coming);
                let broken = dependents(&(&scope.installed | &coming), &gone);
                if !broken.is_empty() && !self.session.common.allow_erasing {
                    return Err(CliError::StillRequired(named(&broken)));
                }
                broken
            }
        };
        Ok(&asked | &broken)
    }

    /// The installed packages in whose place others come.
    fn replaced(&self, coming: &BTreeSet<usize>) -> BTreeSet<usize> {
        let packages = &self.scope.packages;
        let replaces = |new: usize, old: usize| {
            let same_name = !self.scope.separate.contains(&new) && packages[new].nevra.may_replace(&packages[old].nevra);
            same_name || packages[new].obsoletes.iter().any(|obsoleted| packages[old].is_named(obsoleted))
        };
        self.scope.installed.iter().copied().filter(|old| coming.iter().any(|new| replaces(*new, *old))).collect()
    }
}
