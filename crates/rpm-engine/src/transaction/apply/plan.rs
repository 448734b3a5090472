//! From packages that come and go to the single changes of the file system, decided before anything is written.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;

use nix::sys::stat::{FileStat, SFlag};

use super::config_policy::{self, OnDisk, Policy};
use super::error::ApplyError;
use super::op::{Attributes, Op, Ownership, Stage};
use crate::checksum::Checksum;
use crate::layout::{Conflict, LayoutError};
use crate::package::{FileKind, PackageFile};
use crate::rpmdb::{self, InstalledPackage};
use crate::rpmfile::RpmFile;
use crate::system;
use crate::transaction::TransactionError;
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

impl<'a> Planner<'a> {
    /// The places of the files of the packages that go; none for files that were never there.
    fn leaving(&mut self) -> Result<Vec<Vec<Option<String>>>, ApplyError> {
        let mut all = Vec::new();
        for package in self.packages.outgoing {
            let mut places = Vec::with_capacity(package.files.len());
            for (file, present) in package.files.iter().zip(package.present()) {
                if !present || file.path == "/" {
                    places.push(None);
                    continue;
                }
                let place = self.now.place(&file.path).map_err(change(&file.path))?;
                if !file.flags.ghost {
                    self.leaving.insert(place.clone(), file);
                }
                places.push(Some(place));
            }
            all.push(places);
        }
        Ok(all)
    }

    /// Tells the future which links come and which go.
    fn links(&mut self, going: &[Vec<Option<String>>]) -> Result<(), ApplyError> {
        let is_link = |file: &&PackageFile| matches!(file.kind, FileKind::Symlink { .. }) && !file.flags.ghost;
        let kept: HashSet<&str> =
            self.packages.staying.iter().flat_map(|package| &package.files).filter(is_link).map(|file| file.path.as_str()).collect();
        for (package, places) in self.packages.outgoing.iter().zip(going) {
            for (_, place) in package.files.iter().zip(places).filter(|(file, _)| is_link(file) && !kept.contains(file.path.as_str())) {
                if let Some(place) = place {
                    self.then.without(place.clone());
                }
            }
        }
        for package in self.packages.incoming {
            behind_own_link(package)?;
            for file in package.files.iter().filter(is_link) {
                if let FileKind::Symlink { target } = &file.kind {
                    let place = self.then.place(&file.path).map_err(change(&file.path))?;
                    self.then.with(place, target.clone());
                }
            }
        }
        Ok(())
    }

    /// The places of the files of the new packages. A link to a directory counts as that directory.
    fn coming(&mut self) -> Result<Vec<Vec<Option<String>>>, ApplyError> {
        let mut all = Vec::new();
        for package in self.packages.incoming {
            let mut places = Vec::with_capacity(package.files.len());
            for file in &package.files {
                if file.path == "/" {
                    places.push(None);
                    continue;
                }
                let mut place = self.then.place(&file.path).map_err(change(&file.path))?;
                if file.kind == FileKind::Directory {
                    place = self.then.follow(&place).map_err(change(&file.path))?;
                }
                places.push(Some(place).filter(|place| !place.is_empty()));
            }
            all.push(places);
        }
        Ok(all)
    }

    /// Finds which of the places in question belong to packages that stay.
    fn staying(&mut self, going: &[Vec<Option<String>>], coming: &[Vec<Option<String>>]) -> Result<(), ApplyError> {
        let touched: HashSet<&str> = going.iter().chain(coming).flatten().flatten().map(String::as_str).collect();
        for (index, package) in self.packages.staying.iter().enumerate() {
            for (file, present) in package.files.iter().zip(package.present()) {
                let place = self.now.place(&file.path).map_err(change(&file.path))?;
                if present && touched.contains(place.as_str()) {
                    // A ghost's claim is the weakest.
                    let holder = self.staying.entry(place).or_insert((index, file));
                    if holder.1.flags.ghost {
                        *holder = (index, file);
                    }
                }
            }
        }
        Ok(())
    }

    fn temporary(&mut self, place: &str, kind: char) -> String {
        self.names += 1;
        let directory = place.rsplit_once('/').map_or("", |(directory, _)| directory);
        format!("{directory}/.tdnf-{}-{}{kind}", self.id, self.names)
    }

    /// The changes of one package that comes.
    fn install(&mut self, index: usize, places: &[Option<String>]) -> Result<PackagePlan, ApplyError> {
        let package = self.packages.incoming[index];
        let name = package.package.nevra.to_string();
        let mut leaders: HashMap<u32, Put> = HashMap::new();
        let mut made = PackagePlan { contents: vec![None; package.files.len()], ..PackagePlan::default() };
        for (at, (file, place)) in package.files.iter().zip(places).enumerate() {
            let Some(place) = place else { continue };
            own_database(file, place, &name)?;
            if !self.claim(index, place, file) || file.flags.ghost {
                continue;
            }
            if file.kind == FileKind::Directory {
                self.directories.insert(place.clone(), (Attributes::of(file), Some(index)));
                continue;
            }
            self.parents(place, &name)?;
            let Some((target, aside)) = self.target(place, file, &name, &mut made)? else { continue };
            let new = self.temporary(&target, 'n');
            let stage = match &file.kind {
                FileKind::Symlink { .. } => Stage::Symlink(at),
                FileKind::Regular { hardlink: Some(group), .. } if leaders.contains_key(group) => Stage::Hardlink { to: leaders[group] },
                _ => Stage::Content(at),
            };
            let is_content = matches!(stage, Stage::Content(_));
            let put = made.put(Op::Put { path: target, new, aside }, stage);
            if let FileKind::Regular { hardlink: Some(group), .. } = &file.kind {
                leaders.entry(*group).or_insert(put);
            }
            made.contents[at] = is_content.then_some(put);
        }
        // The content of a file with several names may come with any of them.
        for (file, content) in package.files.iter().zip(&mut made.contents) {
            if let FileKind::Regular { hardlink: Some(group), .. } = &file.kind {
                *content = leaders.get(group).copied();
            }
        }
        Ok(made)
    }

    /// Whether a package is the one that writes what is at `place`; others that want the same may be there already.
    fn claim(&mut self, index: usize, place: &str, file: &'a PackageFile) -> bool {
        let name = |package: &RpmFile| package.package.nevra.to_string();
        let clash =
            |first: String, packages: &Packages<'_>| Conflict { path: file.path.clone(), first, second: name(packages.incoming[index]) };
        if let Some((owner, theirs)) = self.staying.get(place)
            && !shareable(file, theirs)
        {
            self.conflicts.push(clash(self.packages.staying[*owner].package.nevra.to_string(), &self.packages));
            return false;
        }
        match self.new.get(place) {
            Some((first, theirs)) if !theirs.flags.ghost || file.flags.ghost => {
                let is_same_package = *first == index;
                if !shareable(file, theirs) || (is_same_package && file.kind != FileKind::Directory) {
                    self.conflicts.push(clash(name(self.packages.incoming[*first]), &self.packages));
                    return false;
                }
                file.kind == FileKind::Directory
            }
            _ => {
                self.new.insert(place.to_owned(), (index, file));
                true
            }
        }
    }

    /// Where a file is laid and the name under which what is there is kept; none where it is not laid down at all.
    fn target(
        &mut self,
        place: &str,
        file: &PackageFile,
        package: &str,
        made: &mut PackagePlan,
    ) -> Result<Option<(String, Option<String>)>, ApplyError> {
        let old =
            self.leaving.get(place).copied().or_else(|| self.staying.get(place).map(|(_, file)| *file).filter(|file| !file.flags.ghost));
        let edited = file.flags.config || old.is_some_and(|old| old.flags.config);
        let compared: Vec<&PackageFile> = old.into_iter().chain([file]).filter(|_| edited).collect();
        let there = self.on_disk(place, &compared)?;
        // Whoever removed a file that may be missing does not want it back.
        if there == OnDisk::Nothing && file.flags.missing_ok && self.leaving.contains_key(place) {
            return Ok(None);
        }
        if there == OnDisk::Directory {
            let reason = "a directory exists there, and a package must not replace a directory";
            return Err(ApplyError::InTheWay { path: place.to_owned(), package: package.to_owned(), reason });
        }
        let aside = |this: &mut Self| (there != OnDisk::Nothing).then(|| this.temporary(place, 'o'));
        match config_policy::of_new(file, old, &there) {
            Policy::Keep => Ok(None),
            Policy::Replace => Ok(Some((place.to_owned(), aside(self)))),
            Policy::Aside => {
                let beside = format!("{place}.rpmnew");
                self.plan.notes.push(format!("`{place}` was edited and is kept; the file of {package} is `{beside}`"));
                let there = self.on_disk(&beside, &[])?;
                let aside = (there != OnDisk::Nothing).then(|| self.temporary(&beside, 'o'));
                Ok(Some((beside, aside)))
            }
            Policy::Save(suffix) => {
                self.save(place, suffix, made)?;
                Ok(Some((place.to_owned(), aside(self))))
            }
        }
    }

    /// Keeps what is at `place` under its name with a suffix.
    fn save(&mut self, place: &str, suffix: &str, made: &mut PackagePlan) -> Result<(), ApplyError> {
        let beside = format!("{place}{suffix}");
        self.plan.notes.push(format!("`{place}` was edited; it is saved as `{beside}`"));
        let new = self.temporary(place, 'n');
        let there = self.on_disk(&beside, &[])?;
        let aside = (there != OnDisk::Nothing).then(|| self.temporary(&beside, 'o'));
        made.put(Op::Put { path: beside, new, aside }, Stage::Keep { path: place.to_owned() });
        Ok(())
    }

    /// The changes of one package that goes.
    fn erase(&mut self, index: usize, places: &[Option<String>]) -> Result<PackagePlan, ApplyError> {
        let package = self.packages.outgoing[index];
        let mut made = PackagePlan::default();
        for (file, place) in package.files.iter().zip(places) {
            let Some(place) = place else { continue };
            if self.staying.contains_key(place) || self.new.contains_key(place) || self.directories.contains_key(place) {
                continue;
            }
            // Of packages that share a place and both go, the first takes it away.
            if !self.gone.insert(place.clone()) {
                continue;
            }
            let compared = [file];
            let there = self.on_disk(place, if file.flags.config { &compared } else { &[] })?;
            match (&file.kind, &there) {
                (FileKind::Directory, OnDisk::Directory) => self.plan.last.push(Op::RemoveDirectory { path: place.clone() }),
                (FileKind::Directory, _) | (_, OnDisk::Nothing | OnDisk::Directory) => {}
                // Settings that no package wrote stay, as RPM has it: nobody knows what they were.
                _ if file.flags.ghost && file.flags.config => {}
                _ => {
                    if config_policy::is_saved(file, &there) {
                        self.save(place, ".rpmsave", &mut made)?;
                    }
                    let aside = self.temporary(place, 'o');
                    made.ops.push(Op::Remove { path: place.clone(), aside });
                }
            }
        }
        Ok(made)
    }

    /// Sees to it that the directories above `place` are there or will be.
    fn parents(&mut self, place: &str, package: &str) -> Result<(), ApplyError> {
        let mut rest = place;
        while let Some((parent, _)) = rest.rsplit_once('/').filter(|(parent, _)| !parent.is_empty()) {
            if self.known.contains(parent) {
                break;
            }
            let stat = self.disk.stat(parent).map_err(change(parent))?;
            let is_directory = stat.is_some_and(|stat| kind_of(&stat) == SFlag::S_IFDIR);
            if !is_directory && !self.directories.contains_key(parent) {
                let displaced = stat.is_some() && self.leaving.contains_key(parent);
                if stat.is_some() && !displaced {
                    let reason = "its parent is not a directory";
                    return Err(ApplyError::InTheWay { path: place.to_owned(), package: package.to_owned(), reason });
                }
                self.directories.insert(parent.to_owned(), (Attributes::implied(), None));
            }
            self.known.insert(parent.to_owned());
            rest = parent;
        }
        Ok(())
    }

    /// Adds the directories above those that packages contain.
    fn close(&mut self) -> Result<(), ApplyError> {
        let wanted: Vec<(String, Option<usize>)> = self.directories.iter().map(|(path, (_, package))| (path.clone(), *package)).collect();
        wanted.into_iter().try_for_each(|(path, package)| self.parents(&path, &self.name(package)))
    }

    fn name(&self, package: Option<usize>) -> String {
        package.map_or_else(String::new, |index| self.packages.incoming[index].package.nevra.to_string())
    }

    /// What to do for each directory, now that all are known.
    fn finish(mut self) -> Result<FilePlan, ApplyError> {
        if !self.conflicts.is_empty() {
            return Err(ApplyError::Conflicts(self.conflicts));
        }
        for (path, (attributes, package)) in std::mem::take(&mut self.directories) {
            let other = self.new.get(&path).filter(|(_, file)| file.kind != FileKind::Directory && !file.flags.ghost);
            if let Some((index, _)) = other {
                let package = self.name(Some(*index));
                return Err(ApplyError::InTheWay { path, package, reason: "it contains another file" });
            }
            match self.disk.stat(&path).map_err(change(&path))? {
                None => self.plan.prepare.push(Op::MakeDirectory { path, attributes }),
                Some(stat) if kind_of(&stat) == SFlag::S_IFDIR => {
                    let was = Ownership { mode: (stat.st_mode & 0o7777) as u16, user: stat.st_uid, group: stat.st_gid };
                    if package.is_some() {
                        self.plan.adjust.push(Op::Adjust { path, attributes, was });
                    }
                }
                Some(_) if self.leaving.contains_key(&path) => {
                    let aside = self.temporary(&path, 'o');
                    self.plan.prepare.push(Op::Displace { path: path.clone(), aside });
                    self.plan.prepare.push(Op::MakeDirectory { path, attributes });
                }
                Some(_) => {
                    let name = self.name(package);
                    return Err(ApplyError::InTheWay { path, package: name, reason: "something exists there that is not a directory" });
                }
            }
        }
        self.plan.last.sort_by(|a, b| b.path().cmp(a.path()));
        Ok(self.plan)
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

/// Whether two packages may both have a file: directories always, ghosts too, anything else if it is the same.
fn shareable(a: &PackageFile, b: &PackageFile) -> bool {
    let ghost = (a.flags.ghost || b.flags.ghost) && (a.kind == FileKind::Directory) == (b.kind == FileKind::Directory);
    let alike = || (a.mode, &a.user, &a.group) == (b.mode, &b.user, &b.group);
    let directories = a.kind == FileKind::Directory && b.kind == FileKind::Directory;
    let links = matches!((&a.kind, &b.kind), (FileKind::Symlink { .. }, FileKind::Symlink { .. }));
    directories || ghost || (config_policy::same(&a.kind, &b.kind) && (links || alike()))
}

/// A package that reaches one of its files through one of its own links was not built from a directory.
fn behind_own_link(package: &RpmFile) -> Result<(), ApplyError> {
    let links: HashSet<&str> =
        package.files.iter().filter(|file| matches!(file.kind, FileKind::Symlink { .. })).map(|file| file.path.as_str()).collect();
    for file in package.files.iter().filter(|_| !links.is_empty()) {
        let mut above = file.path.match_indices('/').skip(1).map(|(at, _)| &file.path[..at]);
        if let Some(link) = above.find(|above| links.contains(above)) {
            let (package, path, link) = (package.package.nevra.to_string(), file.path.clone(), link.to_owned());
            return Err(TransactionError::Layout(LayoutError::BehindOwnLink { package, path, link }).into());
        }
    }
    Ok(())
}

/// The databases of the package manager are no package's.
fn own_database(file: &PackageFile, place: &str, package: &str) -> Result<(), ApplyError> {
    let within = |directory: &str| place.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'));
    if file.flags.ghost || !(within(rpmdb::DIRECTORY) || within(system::DIRECTORY)) {
        return Ok(());
    }
    let reason = "the package manager keeps its databases there";
    Err(ApplyError::InTheWay { path: place.to_owned(), package: package.to_owned(), reason })
}
