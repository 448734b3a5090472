//! Files that stand for disks. Nothing is mounted: the system is put together in a directory, and file systems are made of its parts.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use disk_layout::SECTOR_BYTES;

use super::table::Sink as _;
use super::{ApplyError, Target, filesystem, owners, program, table};
use crate::plan::{Place, Plan, Step};
use kickstart::FileSystem;
use system::SystemError;

/// What will be on disks that are files.
#[derive(Debug)]
pub(super) struct DiskFiles {
    /// The files, that of the root first.
    disks: Vec<PathBuf>,
    /// Where the parts are put together, next to the first file.
    folder: PathBuf,
    tree: PathBuf,
    file_systems: Vec<Planned>,
    /// Where each partition is seen from the installed system: file, number, path.
    mounts: BTreeMap<(String, usize), String>,
}

/// A file system that is made at the end.
#[derive(Debug)]
struct Planned {
    place: Place,
    filesystem: FileSystem,
    label: String,
    uuid: String,
    options: Vec<String>,
}

impl DiskFiles {
    /// The files of a plan, if its disks are files.
    pub fn of(plan: &Plan) -> Option<Self> {
        let disks = plan.steps.iter().filter_map(|step| match step {
            Step::DiskFile { path, .. } => Some(PathBuf::from(path)),
            _ => None,
        });
        let disks: Vec<PathBuf> = disks.collect();
        let mut folder = disks.first()?.clone().into_os_string();
        folder.push(".parts");
        let folder = PathBuf::from(folder);
        Some(Self { tree: folder.join("root"), disks, folder, file_systems: Vec::new(), mounts: BTreeMap::new() })
    }

    /// Where the system is put together.
    pub fn tree(&self) -> &Path {
        &self.tree
    }

    /// Removes what is no longer needed; the files themselves too where they are not finished.
    pub fn tidy(&self, is_finished: bool) -> Result<(), ApplyError> {
        if !is_finished {
            // The failure that led here counts, not what is left behind.
            self.disks.iter().for_each(|disk| drop(fs::remove_file(disk)));
        }
        fs::remove_dir_all(&self.folder).map_err(ApplyError::io("remove", &self.folder))
    }

    pub fn plan_file_system(
        &mut self,
        place: &Place,
        filesystem: FileSystem,
        label: &str,
        uuid: &str,
        options: &[String],
    ) -> Result<(), ApplyError> {
        let (label, uuid, options) = (label.to_owned(), uuid.to_owned(), options.to_vec());
        self.file_systems.push(Planned { place: place.clone(), filesystem, label, uuid, options });
        Ok(())
    }

    pub fn plan_mount(&mut self, place: &Place, at: &str) {
        self.mounts.insert((place.disk.clone(), place.number), at.to_owned());
    }

    /// The directory with what will be on a partition.
    pub fn content_of(&self, place: &Place) -> Result<PathBuf, ApplyError> {
        let path = match self.mounted_at(place) {
            Some(at) => self.tree.join(at.trim_start_matches('/')),
            None => self.own_folder(place),
        };
        fs::create_dir_all(&path).map_err(ApplyError::io("make", &path))?;
        Ok(path)
    }

    fn mounted_at(&self, place: &Place) -> Option<&String> {
        self.mounts.get(&(place.disk.clone(), place.number))
    }

    /// Where what is on a partition is once it is out of the tree.
    fn own_folder(&self, place: &Place) -> PathBuf {
        let disk = self.disks.iter().position(|disk| disk == Path::new(&place.disk)).unwrap_or(0);
        self.folder.join(format!("part{disk}-{}", place.number))
    }

    /// Makes all file systems with what belongs on them.
    pub fn write(&self, target: &Target) -> Result<(), ApplyError> {
        let owners = owners::of(target)?;
        let mut planned: Vec<(&Planned, &str)> = Vec::new();
        for one in &self.file_systems {
            planned.push((one, self.mounted_at(&one.place).map_or("", String::as_str)));
        }
        // What is in another is taken out before that other is looked at.
        planned.sort_by_key(|(_, at)| std::cmp::Reverse(at.len()));
        for (planned, at) in planned {
            let content = if at == "/" { self.tree.clone() } else { self.own_folder(&planned.place) };
            if !matches!(at, "" | "/") {
                take_out(&target.folder(at)?, &content)?;
            }
            match planned.filesystem {
                FileSystem::Ext4 => {
                    planned.ext4(&content)?;
                    owners.set_on(&planned.place, at, &self.folder)?;
                }
                FileSystem::Vfat => planned.fat(&content)?,
                FileSystem::Swap => planned.swap(&self.folder)?,
                FileSystem::Xfs | FileSystem::Btrfs => {
                    return Err(SystemError::refused(&format!("{} cannot be created in a file", planned.filesystem.name())).into());
                }
            }
        }
        Ok(())
    }
}

/// Moves a directory away and leaves an empty one, as a mount point, in its place.
fn take_out(from: &Path, to: &Path) -> Result<(), ApplyError> {
    let mode = fs::metadata(from).map_err(ApplyError::io("read", from))?.permissions().mode();
    fs::rename(from, to).map_err(ApplyError::io("move", from))?;
    fs::create_dir(from).map_err(ApplyError::io("make", from))?;
    fs::set_permissions(from, fs::Permissions::from_mode(mode)).map_err(ApplyError::io("change", from))
}

impl Planned {
    fn file(&self) -> String {
        self.place.disk.clone()
    }

    fn ext4(&self, content: &Path) -> Result<(), ApplyError> {
        // Extended options are given once; those of the user go to the others.
        let (mut own, mut extended) = (Vec::new(), format!(",offset={},nodiscard", self.place.offset_bytes));
        let mut options = self.options.iter();
        while let Some(word) = options.next() {
            match (word.as_str(), options.len()) {
                ("-E", 1..) => extended.extend([",", options.next().map_or("", String::as_str)]),
                _ => own.push(word.clone()),
            }
        }
        let mut words = filesystem::words(self.filesystem, self.place.size_bytes, &self.label, &self.uuid, &extended);
        words.extend(own);
        if content.is_dir() {
            words.extend(["-d".to_owned(), content.display().to_string()]);
        }
        words.extend([self.file(), format!("{}k", self.place.size_bytes / 1024)]);
        program::run_as_owner(self.filesystem.program(), &words)?;
        Ok(())
    }

    fn fat(&self, content: &Path) -> Result<(), ApplyError> {
        let mut words = filesystem::words(self.filesystem, self.place.size_bytes, &self.label, &self.uuid, "");
        words.extend(self.options.iter().cloned());
        words.push(format!("--offset={}", self.place.offset_bytes / SECTOR_BYTES));
        words.extend([self.file(), (self.place.size_bytes / 1024).to_string()]);
        program::run(self.filesystem.program(), &words, None)?;
        let entries = fs::read_dir(content).into_iter().flatten().flatten().map(|entry| entry.path().display().to_string());
        let mut entries: Vec<String> = entries.collect();
        entries.sort();
        if entries.is_empty() {
            return Ok(());
        }
        let image = format!("{}@@{}", self.file(), self.place.offset_bytes);
        let words = ["-s", "-i", &image].map(str::to_owned).into_iter().chain(entries).chain(["::/".to_owned()]);
        program::run("mcopy", &words.collect::<Vec<_>>(), None)?;
        Ok(())
    }

    /// The header is all there is to swap space: it is made in a file of its own.
    fn swap(&self, folder: &Path) -> Result<(), ApplyError> {
        const HEADER_BYTES: usize = 4096;
        let path = folder.join("swap");
        super::files::make_sparse(&path, self.place.size_bytes)?;
        let mut words = filesystem::words(self.filesystem, self.place.size_bytes, &self.label, &self.uuid, "");
        words.extend(self.options.iter().cloned());
        words.push(path.display().to_string());
        program::run(self.filesystem.program(), &words, None)?;
        let mut header = vec![0; HEADER_BYTES];
        File::open(&path).and_then(|mut file| file.read_exact(&mut header)).map_err(ApplyError::io("read", &path))?;
        fs::remove_file(&path).map_err(ApplyError::io("remove", &path))?;
        let disk = Path::new(&self.place.disk);
        table::open(disk)?.put(self.place.offset_bytes, &header).map_err(ApplyError::io("write", disk))
    }
}
