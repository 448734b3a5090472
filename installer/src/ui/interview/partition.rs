//! Partitions by hand.

use super::super::{Answer, Choice, Field};
use super::{Ask, Entry, Interview, accepted, entry};
use crate::plan::size;
use kickstart::{FileSystem, Kickstart, Partition};

const FILE_SYSTEMS: [FileSystem; 5] = [FileSystem::Ext4, FileSystem::Xfs, FileSystem::Btrfs, FileSystem::Vfat, FileSystem::Swap];

/// What a line consists of. Only file systems can be made whose programs are there.
pub(super) fn fields(programs: &[String]) -> Vec<Field> {
    let choice = |kind: FileSystem| Choice { label: kind.name().to_owned(), refusal: refusal(kind, programs) };
    let kinds = Field { label: "File system", example: "", choices: FILE_SYSTEMS.map(choice).into() };
    vec![Field::new("Mount point", "/var, or swap"), Field::new("Size", "1024, 20% or rest"), kinds]
}

fn refusal(kind: FileSystem, programs: &[String]) -> Option<String> {
    (!programs.iter().any(|program| program == kind.program())).then(|| format!("`{}` is not on the medium", kind.program()))
}

/// A partition in one line.
pub(super) fn describe(partition: &Partition) -> String {
    let size = match (partition.size, partition.sizepercent) {
        (Some(0), _) => "the rest".to_owned(),
        (Some(mib), _) => size(mib << 20),
        (_, percent) => format!("{} %", percent.unwrap_or_default()),
    };
    format!("{} {size} {}", partition.mountpoint.as_deref().unwrap_or("swap"), partition.filesystem.name())
}

impl Interview {
    /// `MOUNTPOINT SIZE [FILESYSTEM]`, or nothing more.
    pub(super) fn partition(&self, kickstart: &mut Kickstart, answer: &Answer) -> Result<Ask, String> {
        match entry(&mut kickstart.partitions, answer)? {
            Entry::Removed => Ok(Ask::Partitions),
            Entry::End if kickstart.partitions.is_empty() => Err("one partition must be mounted at `/`".into()),
            Entry::End => {
                accepted(kickstart, "partitions")?;
                self.plan_of(kickstart).map(|_| Ask::Packages)
            }
            Entry::Add(line) => {
                let partition = parse(line)?;
                refusal(partition.filesystem, &self.about.facts.programs).map_or(Ok(()), Err)?;
                kickstart.partitions.push(partition);
                // A root that is still to come is not a mistake yet.
                accepted(kickstart, "partitions[").map(|()| Ask::Partitions)
            }
        }
    }
}

fn parse(line: &str) -> Result<Partition, String> {
    let (at, given, kind) = match line.split_whitespace().collect::<Vec<_>>()[..] {
        [at, size] => (at, size, "ext4"),
        [at, size, kind] => (at, size, kind),
        _ => return Err("enter MOUNTPOINT SIZE [FILESYSTEM]".into()),
    };
    let kind = if at == "swap" { at } else { kind };
    let filesystem = FILE_SYSTEMS.into_iter().find(|known| known.name() == kind);
    let filesystem = filesystem.ok_or_else(|| format!("`{kind}` is not one of ext4, xfs, btrfs, vfat, swap"))?;
    let wrong = || format!("`{given}` is not a size such as `1024`, `20%` or `rest`");
    let (size, sizepercent) = match given.strip_suffix('%') {
        Some(percent) => (None, Some(percent.parse().map_err(|_| wrong())?)),
        None if given == "rest" => (Some(0), None),
        // The kickstart file's 0 for the rest would be a slip here; so would be more than a disk can have.
        None => (Some(given.parse().ok().filter(|mib| (1..=1 << 40).contains(mib)).ok_or_else(wrong)?), None),
    };
    let mountpoint = (filesystem != FileSystem::Swap).then(|| at.to_owned());
    Ok(Partition { mountpoint, size, sizepercent, filesystem, disk_id: None, mkfs_options: None, fs_options: None, btrfs: None })
}
