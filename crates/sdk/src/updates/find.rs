//! Which of the newer versions can be fetched.

use std::collections::BTreeMap;

use super::held::Held;
use super::listing::{ListedFile, Listing};
use super::newer::{Scope, Update, newer};
use super::part::Part;
use crate::apt::Presence;

/// What a spec has, and what counts of what is newer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outdated {
    /// What the spec has.
    pub held: Held,
    /// The newest version; then the newest one that can be fetched, if that is another one.
    pub found: Vec<Found>,
}

/// A newer version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The version.
    pub update: Update,
    /// Why it cannot be fetched.
    pub obstacle: Option<Obstacle>,
}

/// Why a version cannot be fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// It has no file of a kind that the spec needs.
    #[error("it lists no `{part}`")]
    NotListed {
        /// The kind.
        part: Part,
    },
    /// No mirror has a listed file.
    #[error("no mirror has {file}")]
    Missing {
        /// The file.
        file: String,
    },
    /// It is not known whether a mirror has a listed file.
    #[error("cannot tell whether a mirror has {file}: {reason}")]
    Unknown {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
}

impl Outdated {
    /// The newest version that can be fetched.
    pub fn fetchable(&self) -> Option<&Update> {
        self.found.iter().find(|found| found.obstacle.is_none()).map(|found| &found.update)
    }
}

/// Compares what specs have with what is listed, without what is current. `addresses` returns where a file may be, and `ask` which of
/// several files are at one of their addresses; it is called once for the newest version of each, and again for older ones as long as a
/// version cannot be fetched.
///
/// # Errors
/// Those of `ask`.
pub fn outdated<E>(
    all: Vec<Held>,
    listing: &Listing,
    scope: Scope,
    addresses: impl Fn(&Held, &Update, &ListedFile) -> Vec<String>,
    ask: impl Fn(Vec<Vec<String>>) -> Result<Vec<Presence>, E>,
) -> Result<Vec<Outdated>, E> {
    let with_updates = all.into_iter().map(|held| (newer(&held, listing.of_held(&held), scope), held));
    let with_updates: Vec<(Vec<Update>, Held)> = with_updates.filter(|(updates, _)| !updates.is_empty()).collect();
    let mut known: BTreeMap<Vec<String>, Presence> = BTreeMap::new();
    let mut found: Vec<Vec<Found>> = with_updates.iter().map(|_| Vec::new()).collect();
    for round in 0.. {
        let pending = |found: &[Found]| found.iter().all(|one| one.obstacle.is_some());
        let open: Vec<(usize, &Held, &Update)> = with_updates
            .iter()
            .enumerate()
            .filter(|(at, _)| pending(&found[*at]))
            .filter_map(|(at, (updates, held))| Some((at, held, updates.get(round)?)))
            .collect();
        if open.is_empty() {
            break;
        }
        let places = open.iter().flat_map(|(_, held, update)| listed_files(update).map(|file| addresses(held, update, file)));
        let mut unknown: Vec<Vec<String>> = places.filter(|addresses| !known.contains_key(addresses)).collect();
        unknown.sort();
        unknown.dedup();
        let answers = ask(unknown.clone())?;
        known.extend(unknown.into_iter().zip(answers));
        for (at, held, update) in open {
            let presence = |file: &ListedFile| known.get(&addresses(held, update, file)).cloned();
            found[at].push(Found { update: update.clone(), obstacle: obstacle(update, presence) });
        }
    }
    let rows = with_updates.into_iter().zip(found);
    Ok(rows.map(|((_, held), found)| Outdated { held, found: counting(found) }).collect())
}

/// The files to ask for. None if one is not listed: the others are then of no use.
fn listed_files(update: &Update) -> impl Iterator<Item = &ListedFile> {
    let is_whole = update.files.iter().all(|(_, file)| file.is_some());
    update.files.iter().filter(move |_| is_whole).filter_map(|(_, file)| file.as_ref())
}

fn obstacle(update: &Update, presence: impl Fn(&ListedFile) -> Option<Presence>) -> Option<Obstacle> {
    let of_file = |(part, file): &(Part, Option<ListedFile>)| match file {
        None => Some(Obstacle::NotListed { part: part.clone() }),
        Some(file) => match presence(file) {
            Some(Presence::There) => None,
            Some(Presence::Missing) => Some(Obstacle::Missing { file: file.name.clone() }),
            Some(Presence::Unknown(reason)) => Some(Obstacle::Unknown { file: file.name.clone(), reason }),
            None => Some(Obstacle::Unknown { file: file.name.clone(), reason: "not asked".into() }),
        },
    };
    let is_not_listed = |(_, file): &&(Part, Option<ListedFile>)| file.is_none();
    update.files.iter().find(is_not_listed).and_then(of_file).or_else(|| update.files.iter().find_map(of_file))
}

/// The newest version and, if that is another one, the newest that can be fetched.
fn counting(found: Vec<Found>) -> Vec<Found> {
    let counts = |(at, one): &(usize, Found)| *at == 0 || one.obstacle.is_none();
    found.into_iter().enumerate().filter(counts).map(|(_, one)| one).collect()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::convert::Infallible;

    use super::*;
    use crate::apt::IndexKind;
    use base::digest::Digest;

    fn held(package: &str, parts: &[Part]) -> Held {
        Held {
            spec: package.parse().unwrap(),
            index: IndexKind::Sources,
            source: package.into(),
            package: package.into(),
            version: "1-1".into(),
            files: parts.iter().map(|part| (part.clone(), Digest::of_bytes("old"))).collect(),
        }
    }

    /// An index that lists both files of these versions of `x`, and only upstream's of `half`.
    fn listing(versions: &[&str]) -> Listing {
        let digest = Digest::of_bytes("");
        let mut text = String::new();
        for version in versions {
            let upstream = version.split('-').next().unwrap();
            text += &format!(
                "Package: x\nVersion: {version}\nChecksums-Sha256:\n {digest} 1 x_{upstream}.orig.tar.gz\n {digest} 1 x_{version}.debian.tar.xz\n\n\
                 Package: half\nVersion: {version}\nChecksums-Sha256:\n {digest} 1 half_{upstream}.orig.tar.gz\n\n"
            );
        }
        let wanted = ["x", "half"].map(|name| (IndexKind::Sources, name.to_owned())).into();
        let mut listing = Listing::default();
        listing.add(&"trixie".parse().unwrap(), &[(IndexKind::Sources, &text)], &wanted);
        listing
    }

    /// The rows for `x`, with the archive that has `there`, and how many files were asked for in each round.
    fn rows(all: Vec<Held>, there: &[&str], silent: bool) -> (Vec<String>, Vec<usize>) {
        let asked = RefCell::new(Vec::new());
        let ask = |files: Vec<Vec<String>>| {
            asked.borrow_mut().push(files.len());
            let presence = |addresses: &Vec<String>| match (silent, there.contains(&&*addresses[0])) {
                (true, _) => Presence::Unknown("down".into()),
                (false, true) => Presence::There,
                (false, false) => Presence::Missing,
            };
            Ok::<_, Infallible>(files.iter().map(presence).collect())
        };
        let address = |_: &Held, _: &Update, file: &ListedFile| vec![file.name.clone()];
        let Ok(found) = outdated(all, &listing(&["1-1", "2-1", "2-2", "3-1"]), Scope::All, address, ask);
        let row = |outdated: &Outdated, found: &Found| {
            let state = found.obstacle.as_ref().map_or_else(|| "well".to_owned(), ToString::to_string);
            format!("{} {}: {state}", outdated.held.spec, found.update.version)
        };
        (found.iter().flat_map(|one| one.found.iter().map(|found| row(one, found))).collect(), asked.into_inner())
    }

    #[test]
    fn the_newest_and_the_newest_that_can_be_fetched_count() {
        let both = [Part::Upstream, Part::Packaging];
        let all = ["x_3.orig.tar.gz", "x_3-1.debian.tar.xz", "x_2.orig.tar.gz", "x_2-2.debian.tar.xz", "x_2-1.debian.tar.xz"];
        for (there, silent, expected, asked) in [
            (&all[..], false, &["x 3-1: well"][..], &[2][..]),
            (&all[1..], false, &["x 3-1: no mirror has x_3.orig.tar.gz", "x 2-2: well"], &[2, 2]),
            (&["x_2.orig.tar.gz", "x_2-1.debian.tar.xz"], false, &["x 3-1: no mirror has x_3.orig.tar.gz", "x 2-1: well"], &[2, 2, 1]),
            (&[], false, &["x 3-1: no mirror has x_3.orig.tar.gz"], &[2, 2, 1]),
            (&all, true, &["x 3-1: cannot tell whether a mirror has x_3.orig.tar.gz: down"], &[2, 2, 1]),
        ] {
            assert_eq!(
                rows(vec![held("x", &both)], there, silent),
                (expected.iter().map(|row| (*row).to_owned()).collect(), asked.to_vec()),
                "{there:?}"
            );
        }
        let (found, asked) = rows(vec![held("half", &both), held("x", &both), held("x", &both[..1])], &all, false);
        assert_eq!(found, ["half 3-1: it lists no `.debian.tar`", "x 3-1: well", "x 3-1: well"]);
        assert_eq!(asked[0], 2, "a file is asked for once, and what is of no use not at all");
        let current = Held { version: "3-1".into(), ..held("x", &both) };
        assert_eq!(rows(vec![current], &all, false).0, [""; 0]);
    }
}
