//! Whether there is room, before anything is written.

use std::collections::BTreeMap;
use std::io;

use nix::sys::statvfs::{FsFlags, Statvfs, fstatvfs};

use super::error::{ApplyError, Shortage};
use super::op::Op;
use super::plan::{FilePlan, Packages};
use crate::package::FileKind;
use crate::rpmdb;
use crate::transaction::beneath::Beneath;

/// What a transaction writes on one file system.
struct Demand {
    /// A directory on it.
    path: String,
    room: Statvfs,
    bytes: u64,
    files: u64,
}

/// Checks every file system that is written: not read-only, and room for all new files next to the old ones. Gives one directory on each.
pub(super) fn check(packages: Packages<'_>, plan: &FilePlan, disk: &mut Beneath<'_>) -> Result<Vec<String>, ApplyError> {
    let mut demands: BTreeMap<u64, Demand> = BTreeMap::new();
    let mut devices: BTreeMap<String, u64> = BTreeMap::new();
    let headers: u64 = packages.incoming.iter().map(|package| package.header_size_bytes()).sum();
    let database = database_bytes(headers);
    demand(&mut demands, &mut devices, disk, &format!("{}/x", rpmdb::DIRECTORY), database, 4)?;
    for (package, made) in packages.incoming.iter().zip(&plan.incoming) {
        for (file, content) in package.files.iter().zip(made.content_names()) {
            if let (FileKind::Regular { size, .. }, Some(path)) = (&file.kind, content) {
                demand(&mut demands, &mut devices, disk, path, *size, 0)?;
            }
        }
    }
    for op in plan.ops() {
        let files = u64::from(matches!(op, Op::Put { .. } | Op::MakeDirectory { .. }));
        demand(&mut demands, &mut devices, disk, op.path(), 0, files)?;
    }
    let mut short = Vec::new();
    for demand in demands.values() {
        if demand.room.flags().contains(FsFlags::ST_RDONLY) {
            return Err(ApplyError::ReadOnly { path: demand.path.clone() });
        }
        short.extend(shortage(demand));
    }
    if short.is_empty() { Ok(demands.into_values().map(|demand| demand.path).collect()) } else { Err(ApplyError::Space(short)) }
}

/// What the databases and the journal take while `headers` bytes come. SQLite writes changed pages twice; indexes take about as much as
/// the headers. What only goes must be possible on a full disk: just the journals of the pages that change are written.
fn database_bytes(headers: u64) -> u64 {
    const OF_REMOVAL: u64 = 256 << 10;
    const OF_INSTALLATION: u64 = 1 << 20;
    if headers == 0 { OF_REMOVAL } else { 4 * headers + OF_INSTALLATION }
}

fn shortage(demand: &Demand) -> Option<Shortage> {
    let free_bytes = demand.room.blocks_available().saturating_mul(demand.room.fragment_size());
    // File systems that make inodes as needed count none.
    let free_files = if demand.room.files() == 0 { u64::MAX } else { demand.room.files_available() };
    let (needed_bytes, needed_files) = (demand.bytes, demand.files);
    let fits = needed_bytes <= free_bytes && needed_files <= free_files;
    (!fits).then(|| Shortage { path: demand.path.clone(), needed_bytes, free_bytes, needed_files, free_files })
}

fn demand(
    demands: &mut BTreeMap<u64, Demand>,
    devices: &mut BTreeMap<String, u64>,
    disk: &mut Beneath<'_>,
    path: &str,
    bytes: u64,
    files: u64,
) -> Result<(), ApplyError> {
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    let device = match devices.get(directory) {
        Some(device) => *device,
        None => {
            let (device, demand) = look(disk, directory).map_err(|source| ApplyError::Change { path: directory.to_owned(), source })?;
            demands.entry(device).or_insert(demand);
            devices.insert(directory.to_owned(), device);
            device
        }
    };
    if let Some(demand) = demands.get_mut(&device) {
        let block = demand.room.fragment_size().max(512);
        demand.bytes = demand.bytes.saturating_add(bytes.checked_next_multiple_of(block).unwrap_or(u64::MAX));
        demand.files += files;
    }
    Ok(())
}

/// The file system of a directory, or of the nearest one above it that is there.
fn look(disk: &mut Beneath<'_>, directory: &str) -> io::Result<(u64, Demand)> {
    let mut path = directory;
    loop {
        if let Some(stat) = disk.stat(path)?
            && super::plan::kind_of(&stat) == nix::sys::stat::SFlag::S_IFDIR
        {
            let room = fstatvfs(disk.open_directory(path)?)?;
            return Ok((stat.st_dev, Demand { path: if path.is_empty() { "/".into() } else { path.into() }, room, bytes: 0, files: 0 }));
        }
        path = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removal_takes_less_than_the_smallest_installation() {
        assert_eq!(database_bytes(0), 262_144);
        assert_eq!(database_bytes(1000), 4000 + 1_048_576);
    }
}
