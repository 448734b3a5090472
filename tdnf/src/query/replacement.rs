//! Which packages replace others of another name (`Obsoletes`).

use std::collections::BTreeSet;

use rpm_engine::package::Package;

use super::{Id, Sack};

impl Sack<'_> {
    /// What is offered, may be seen and obsoletes a name, in whatever version. Of each package only the newest counts: it may have taken
    /// that back.
    pub fn available_obsoleting(&self, name: &str) -> Vec<Id> {
        self.in_stocks(|index| index.obsoleting(name)).into_iter().filter(|id| self.is_newest(*id)).collect()
    }

    /// What is offered, bears another name and replaces a package; the newest of each name. A repository that comes after those that offer
    /// the package replaces nothing.
    pub fn heirs(&self, id: Id) -> Vec<Id> {
        let Some(package) = self.package(id) else { return Vec::new() };
        let replaces = |heir: &Id| self.package(*heir).is_some_and(|heir| replaces(&heir, &package));
        let standing = self.standing(id);
        let comes_after = |heir: &Id| self.standing(*heir).priority > standing.priority;
        let heirs = self.available_obsoleting(&package.nevra.name).into_iter();
        self.newest(&self.sorted(heirs.filter(|heir| replaces(heir) && !comes_after(heir)).collect()))
    }

    /// Whether a package, or the newest version of its name, would replace its heir again, by itself or by way of others.
    pub fn comes_back(&self, heir: Id, id: Id) -> bool {
        let Some(package) = self.package(id) else { return false };
        let (mut seen, mut queue) = (BTreeSet::from([heir]), vec![heir]);
        while let Some(at) = queue.pop() {
            let next = self.heirs(at);
            let by_name = next.iter().any(|next| self.nevra(*next).name == package.nevra.name);
            if by_name || self.package(at).is_some_and(|at| replaces(&package, &at)) {
                return true;
            }
            queue.extend(next.into_iter().filter(|next| seen.insert(*next)));
        }
        false
    }

    /// Offered packages that obsolete installed ones, each with what it obsoletes.
    pub fn obsoleting(&self) -> Vec<(Id, Id)> {
        let with_heirs = self.all_installed().into_iter().flat_map(|old| self.heirs(old).into_iter().map(move |heir| (heir, old)));
        with_heirs.filter(|(heir, old)| !self.comes_back(*heir, *old)).collect()
    }
}

/// Whether a package of another name replaces another.
fn replaces(new: &Package, old: &Package) -> bool {
    new.nevra.name != old.nevra.name && new.obsoletes.iter().any(|wanted| old.is_named(wanted))
}
