//! The users and groups of a tree: names in packages are numbers on disk.

use std::collections::HashMap;
use std::io::{self, Read as _};

use super::op::Attributes;
use crate::transaction::beneath::Beneath;
use crate::transaction::place::Places;

/// A line of `/etc/passwd` that is longer makes no sense, nor does a file with more of them than fit here.
const LONGEST_FILE_BYTES: u64 = 16 << 20;

/// The numbers of users and groups.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    users: HashMap<String, u32>,
    groups: HashMap<String, u32>,
}

impl Accounts {
    /// Reads the tree's own `/etc/passwd` and `/etc/group`, where it has them.
    pub(super) fn read(root: &mut Beneath<'_>, places: &mut Places) -> io::Result<Self> {
        let users = numbers(&text(root, places, "/etc/passwd")?);
        let groups = numbers(&text(root, places, "/etc/group")?);
        Ok(Self { users, groups })
    }

    /// Owner and group as numbers; none where the tree does not know a name.
    pub(super) fn find(&self, attributes: &Attributes) -> Option<(u32, u32)> {
        Some((number(&self.users, &attributes.user)?, number(&self.groups, &attributes.group)?))
    }

    /// Owner and group; root in place of those that the tree does not have.
    pub(super) fn find_or_root(&self, attributes: &Attributes) -> (u32, u32) {
        (number(&self.users, &attributes.user).unwrap_or(0), number(&self.groups, &attributes.group).unwrap_or(0))
    }
}

fn number(known: &HashMap<String, u32>, name: &str) -> Option<u32> {
    known.get(name).copied().or_else(|| (name == "root").then_some(0))
}

fn text(root: &mut Beneath<'_>, places: &mut Places, path: &str) -> io::Result<String> {
    let place = places.place(path).and_then(|place| places.follow(&place))?;
    let mut bytes = Vec::new();
    match root.read(&place) {
        Ok(file) => file.take(LONGEST_FILE_BYTES).read_to_end(&mut bytes)?,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => 0,
        Err(error) => return Err(error),
    };
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// `name:password:number:…`, in both files.
fn numbers(text: &str) -> HashMap<String, u32> {
    let mut numbers = HashMap::new();
    for line in text.lines() {
        let mut fields = line.split(':');
        if let (Some(name), Some(number)) = (fields.next(), fields.nth(1).and_then(|number| number.parse().ok())) {
            numbers.entry(name.to_owned()).or_insert(number);
        }
    }
    numbers
}
