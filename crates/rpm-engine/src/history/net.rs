//! Several transactions as one: the difference between what was there before the first and what is there after the last.

use std::collections::BTreeMap;

use super::record::{Action, Change, Reason};
use crate::package::Nevra;

/// Why a package was there before, and why it is there afterwards; `None` if it was or is not.
#[derive(Clone, Copy)]
struct Ends {
    before: Option<Reason>,
    after: Option<Reason>,
}

/// The difference that `changes`, in the order in which they were made, make together. What went stands before what came in its place.
pub(super) fn net(changes: &[Change]) -> Vec<Change> {
    let mut by_name: BTreeMap<&str, Vec<(&Nevra, Ends)>> = BTreeMap::new();
    for (nevra, ends) in ends(changes) {
        by_name.entry(&nevra.name).or_default().push((nevra, ends));
    }
    by_name.into_values().flat_map(|versions| difference(&versions)).collect()
}

fn ends(changes: &[Change]) -> BTreeMap<&Nevra, Ends> {
    let mut all: BTreeMap<&Nevra, Ends> = BTreeMap::new();
    for Change { action, nevra, reason } in changes {
        if matches!(action, Action::Upgrade | Action::Downgrade) {
            // What another program installed meanwhile is not recorded, but was replaced as well.
            all.iter_mut().filter(|(old, _)| nevra.may_replace(old)).for_each(|(_, ends)| ends.after = None);
        }
        let was_there = action.removes() || action.is_mark();
        let ends = all.entry(nevra).or_insert(Ends { before: was_there.then_some(*reason), after: None });
        match action {
            Action::Install | Action::Upgrade | Action::Downgrade | Action::Reinstall | Action::Marked => ends.after = Some(*reason),
            Action::Erase | Action::Upgraded | Action::Downgraded | Action::Obsoleted | Action::Reinstalled => ends.after = None,
            Action::Unmarked => {}
        }
    }
    all
}

/// The difference between the versions of one name.
fn difference(versions: &[(&Nevra, Ends)]) -> Vec<Change> {
    let change = |action, nevra: &Nevra, reason| Change { action, nevra: nevra.clone(), reason };
    let (mut gone, mut come, mut stayed) = (Vec::new(), Vec::new(), Vec::new());
    for (nevra, ends) in versions {
        match (ends.before, ends.after) {
            (Some(was), None) => gone.push((*nevra, was)),
            (None, Some(is)) => come.push((*nevra, is)),
            (Some(was), Some(is)) if was != is => {
                stayed.extend([change(Action::Unmarked, nevra, was), change(Action::Marked, nevra, is)]);
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
    }
    let mut all = Vec::new();
    for (new, is) in come {
        match gone.iter().position(|(old, _)| new.may_replace(old)) {
            None => all.push(change(Action::Install, new, is)),
            Some(at) => {
                let (old, was) = gone.remove(at);
                let (went, came) =
                    if old.evr > new.evr { (Action::Downgraded, Action::Downgrade) } else { (Action::Upgraded, Action::Upgrade) };
                all.extend([change(went, old, was), change(came, new, is)]);
            }
        }
    }
    let erased = gone.into_iter().map(|(old, was)| change(Action::Erase, old, was));
    erased.chain(all).chain(stayed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::Evr;

    /// Changes in words: `install a-1 user`.
    fn changes(lines: &[&str]) -> Vec<Change> {
        let change = |line: &&str| {
            let words: Vec<&str> = line.split(' ').collect();
            let (name, version) = words[1].split_once('-').unwrap();
            let nevra = Nevra { name: name.into(), evr: Evr::parse(&format!("{version}-1")), arch: "noarch".into() };
            Change { action: Action::parse(words[0]).unwrap(), nevra, reason: Reason::parse(words[2]).unwrap() }
        };
        lines.iter().map(change).collect()
    }

    #[test]
    fn only_the_difference_remains() {
        let table: [(&[&str], &[&str]); 11] = [
            (&["install a-1 user", "erase a-1 user"], &[]),
            (&["erase a-1 user", "install a-1 user"], &[]),
            (&["reinstalled a-1 user", "reinstall a-1 user"], &[]),
            (&["install a-1 user", "upgraded a-1 user", "upgrade a-2 user"], &["install a-2 user"]),
            (&["upgraded a-1 user", "upgrade a-2 user", "erase a-2 user"], &["erase a-1 user"]),
            (
                &["upgraded a-1 user", "upgrade a-2 user", "upgraded a-2 user", "upgrade a-3 user"],
                &["upgraded a-1 user", "upgrade a-3 user"],
            ),
            (&["erase a-2 user", "install a-1 user"], &["downgraded a-2 user", "downgrade a-1 user"]),
            // Side by side: which of them is paired with which means nothing.
            (
                &["install k-2 user", "install k-3 user", "erase k-0 user", "erase k-1 user", "install k-4 user", "erase k-2 user"],
                &["upgraded k-0 user", "upgrade k-3 user", "upgraded k-1 user", "upgrade k-4 user"],
            ),
            // What was there for another reason.
            (&["erase a-1 user", "install a-1 dependency"], &["unmarked a-1 user", "marked a-1 dependency"]),
            (
                &["unmarked a-1 user", "marked a-1 dependency", "upgraded a-1 dependency", "upgrade a-2 dependency"],
                &["upgraded a-1 user", "upgrade a-2 dependency"],
            ),
            // Another program brought a-2.
            (&["install a-1 user", "upgraded a-2 user", "upgrade a-3 user"], &["upgraded a-2 user", "upgrade a-3 user"]),
        ];
        for (made, expected) in table {
            assert_eq!(net(&changes(made)), changes(expected), "{made:?}");
        }
    }
}
