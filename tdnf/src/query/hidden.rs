//! Why a package that a repository has is not offered.

use super::{Id, Pattern, Sack};
use rpm_engine::dependency::Capability;
use rpm_engine::package::Nevra;

/// So many packages are named; there may be many versions.
const MOST: usize = 3;

/// A pattern of packages that are not offered.
#[derive(Debug)]
pub(super) struct Exclusion {
    pub(super) pattern: Pattern,
    text: String,
    /// Who says so.
    by: &'static str,
}

impl Exclusion {
    pub(super) fn new(text: &str, by: &'static str) -> Self {
        Self { pattern: Pattern::new(text), text: text.to_owned(), by }
    }
}

impl Sack<'_> {
    /// Packages that a pattern fits and that are not offered, the newest first, each in a sentence that says why.
    pub fn hidden(&self, pattern: &Pattern) -> Vec<String> {
        let mut found: Vec<(Nevra, String)> = self
            .all_offered()
            .filter_map(|id| {
                let nevra = self.nevra(id);
                let reason = if pattern.fits(&nevra) { self.reason_hidden(id, &nevra)? } else { return None };
                Some((nevra, reason))
            })
            .collect();
        found.sort();
        found.dedup();
        found.into_iter().rev().take(MOST).map(|(nevra, reason)| format!("{nevra} {reason}")).collect()
    }

    /// Packages that provide a capability and are not offered, each in a sentence that says why.
    pub fn hidden_providing(&self, wanted: &Capability) -> Vec<String> {
        let all = self.stocks.iter().enumerate();
        let all = all.flat_map(|(stock, all)| all.index.providing(&wanted.name).into_iter().map(move |at| Id::Available(stock, at)));
        let provides = |id: &Id| self.package(*id).is_some_and(|package| package.satisfies(wanted));
        let reason = |id: Id| {
            let nevra = self.nevra(id);
            self.reason_hidden(id, &nevra).map(|reason| format!("{nevra} {reason}"))
        };
        all.filter(provides).filter_map(reason).collect()
    }

    fn reason_hidden(&self, id: Id, nevra: &Nevra) -> Option<String> {
        let Id::Available(stock, _) = id else { return None };
        let repository = self.stocks[stock].id;
        if matches!(nevra.arch.as_str(), "src" | "nosrc") {
            return Some("is a source package; `--builddeps` installs what it needs to be built".into());
        }
        if !self.is_native(nevra) {
            return Some(format!("is made for {}, and this machine is {}", nevra.arch, self.arch()));
        }
        if let Some(exclusion) = self.excludes.iter().find(|exclusion| exclusion.pattern.fits(nevra)) {
            return Some(format!("is excluded by `{}` ({})", exclusion.text, exclusion.by));
        }
        let texts = self.stocks[stock].excludes;
        if let Some(at) = self.stock_excludes[stock].iter().position(|pattern| pattern.fits(nevra)) {
            return Some(format!("is excluded by `{}` (`excludepkgs` of the repository `{repository}`)", texts[at]));
        }
        let includes = &self.stock_includes[stock];
        if !includes.is_empty() && !includes.iter().any(|pattern| pattern.fits(nevra)) {
            return Some(format!("is not among `includepkgs` of the repository `{repository}`"));
        }
        Some(format!("is older than {}, below which `minversions` forbids to go", self.least_above(nevra)?))
    }
}
