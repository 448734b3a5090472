//! From packages that come and go to the single changes of the file system, decided before anything is written.

mod coming;
mod directories;
mod going;
mod places;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;

use nix::sys::stat::{FileStat, SFlag};

use super::config_policy::OnDisk;
use super::error::ApplyError;
use super::op::{Attributes, Op, Stage};
use crate::checksum::Checksum;
use crate::layout::Conflict;
use crate::package::PackageFile;
use crate::rpmdb::InstalledPackage;
use crate::rpmfile::RpmFile;
use crate::transaction::beneath::Beneath;
use crate::transaction::place::Places;

/// The packages of a transaction.
#[derive(Clone, Copy)]
pub(super) struct Packages<'a> {
    /// What comes, in the order of installation.
    pub(super) incoming: &'a [&'a RpmFile],
    /// What goes.
    pub(super) outgoing: &'a [&'a InstalledPackage],
    /// What stays.
    pub(super) staying: &'a [&'a InstalledPackage],
}

/// The changes of one package.
#[derive(Debug, Default)]
pub(super) struct PackagePlan {
    /// What is written first.
    stages: Vec<(Put, Stage)>,
    /// For each file of the package what its content becomes.
    contents: Vec<Option<Put>>,
    /// What is done when all is written.
    pub(super) ops: Vec<Op>,
}

/// The place of an [`Op::Put`] among the changes of its package: it knows the temporary name, which thus is kept once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Put(usize);

impl PackagePlan {
    /// What is written first, and the temporary name it gets.
    pub(super) fn stages(&self) -> impl Iterator<Item = (&str, &Stage)> {
        self.stages.iter().map(|(put, stage)| (self.temporary(*put), stage))
    }

    /// For each file of the package the temporary name its content is written to.
    pub(super) fn content_names(&self) -> Vec<Option<&str>> {
        self.contents.iter().map(|put| Some(self.temporary((*put)?))).collect()
    }

    /// The temporary name of what is put somewhere.
    pub(super) fn temporary(&self, put: Put) -> &str {
        match &self.ops[put.0] {
            Op::Put { new, .. } => new,
            other => other.path(),
        }
    }

    /// Adds a change that puts what `stage` writes to `new`.
    fn put(&mut self, op: Op, stage: Stage) -> Put {
        let put = Put(self.ops.len());
        self.ops.push(op);
        self.stages.push((put, stage));
        put
    }
}

/// The changes of a transaction.
#[derive(Debug, Default)]
pub(super) struct FilePlan {
    /// Directories to make, parents first.
    pub(super) prepare: Vec<Op>,
    /// For each package that comes.
    pub(super) incoming: Vec<PackagePlan>,
    /// For each package that goes.
    pub(super) outgoing: Vec<PackagePlan>,
    /// Directories that get other permissions.
    pub(super) adjust: Vec<Op>,
    /// Directories that go at the very end, children first.
    pub(super) last: Vec<Op>,
    /// What a user should know: files kept next to others.
    pub(super) notes: Vec<String>,
}

impl FilePlan {
    /// All changes, in the order they are done in.
    pub(super) fn ops(&self) -> impl Iterator<Item = &Op> {
        let packages = self.incoming.iter().chain(&self.outgoing).flat_map(|package| &package.ops);
        self.prepare.iter().chain(packages).chain(&self.adjust).chain(&self.last)
    }
}

/// Decides. `disk` is the root as it is, `id` makes the temporary names of this transaction.
pub(super) fn plan(packages: Packages<'_>, disk: Beneath<'static>, places: [Places; 2], id: &str) -> Result<FilePlan, ApplyError> {
    let [now, then] = places;
    let mut planner = Planner {
        packages,
        disk,
        now,
        then,
        id,
        names: 0,
        leaving: HashMap::new(),
        staying: HashMap::new(),
        new: HashMap::new(),
        directories: BTreeMap::new(),
        known: HashSet::new(),
        gone: HashSet::new(),
        conflicts: Vec::new(),
        plan: FilePlan::default(),
    };
    let going = planner.leaving()?;
    planner.links(&going)?;
    let coming = planner.coming()?;
    planner.staying(&going, &coming)?;
    for (index, places) in coming.iter().enumerate() {
        let package = planner.install(index, places)?;
        planner.plan.incoming.push(package);
    }
    planner.close()?;
    for (index, places) in going.iter().enumerate() {
        let package = planner.erase(index, places)?;
        planner.plan.outgoing.push(package);
    }
    planner.finish()
}

struct Planner<'a> {
    packages: Packages<'a>,
    disk: Beneath<'static>,
    /// Where paths are now.
    now: Places,
    /// Where they will be.
    then: Places,
    id: &'a str,
    names: usize,
    /// What the packages that go had content at, by place.
    leaving: HashMap<String, &'a PackageFile>,
    /// Whose the places are that packages share with those that stay.
    staying: HashMap<String, (usize, &'a PackageFile)>,
    /// What the packages that come lay claim to.
    new: HashMap<String, (usize, &'a PackageFile)>,
    directories: BTreeMap<String, (Attributes, Option<usize>)>,
    /// Directories that are known to be there.
    known: HashSet<String>,
    /// Places seen to already.
    gone: HashSet<String>,
    conflicts: Vec<Conflict>,
    plan: FilePlan,
}

fn change(path: &str) -> impl FnOnce(io::Error) -> ApplyError {
    let path = path.to_owned();
    move |source| ApplyError::Change { path, source }
}

impl Planner<'_> {
    fn temporary(&mut self, place: &str, kind: char) -> String {
        self.names += 1;
        let directory = place.rsplit_once('/').map_or("", |(directory, _)| directory);
        format!("{directory}/.tdnf-{}-{}{kind}", self.id, self.names)
    }

    fn name(&self, package: Option<usize>) -> String {
        package.map_or_else(String::new, |index| self.packages.incoming[index].package.nevra.to_string())
    }

    /// What is at a place; what is in it only as far as that is compared with files of packages.
    fn on_disk(&mut self, place: &str, compared: &[&PackageFile]) -> Result<OnDisk, ApplyError> {
        let mut kinds: Vec<Checksum> = compared.iter().filter_map(|file| Checksum::of(file.kind.digest()?)).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let Some(stat) = self.disk.stat(place).map_err(change(place))? else { return Ok(OnDisk::Nothing) };
        Ok(match kind_of(&stat) {
            SFlag::S_IFDIR => OnDisk::Directory,
            SFlag::S_IFREG => {
                let digests = kinds.into_iter().map(|kind| self.digest(place, kind));
                OnDisk::File { digests: digests.collect::<io::Result<_>>().map_err(change(place))? }
            }
            SFlag::S_IFLNK if compared.is_empty() => OnDisk::Link { target: String::new() },
            SFlag::S_IFLNK => OnDisk::Link { target: self.disk.read_link(place).map_err(change(place))?.unwrap_or_default() },
            _ => OnDisk::Other,
        })
    }

    fn digest(&mut self, place: &str, kind: Checksum) -> io::Result<String> {
        Ok(kind.hasher().read(&mut self.disk.read(place)?)?.hex())
    }
}

pub(super) fn kind_of(stat: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits())
}
