//! Disks: partitions, file systems, mounts, swap.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, Error as _, SeqAccess, Visitor};

use super::value::{AbsolutePath, Line, Word, Words};

/// Partitions of a disk that has none.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct DiskSetup {
    /// How they are recorded; it is always GPT.
    #[serde(default, rename = "table_type")]
    _table_type: TableType,
    /// The partitions.
    #[serde(default)]
    pub layout: Layout,
    /// Whether what is there is lost.
    #[serde(default)]
    pub overwrite: bool,
}

/// A kind of partition table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum TableType {
    /// GUID partition table.
    #[default]
    Gpt,
    /// That of the PC's BIOS.
    #[serde(alias = "msdos", alias = "dos")]
    Mbr,
}

/// Sizes of partitions in percent; none where the disk is to have none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout(pub Vec<u32>);

impl<'de> Deserialize<'de> for Layout {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let items = Vec::<Vec<Word>>::deserialize(deserializer)?;
        let mut parts = Vec::new();
        for item in &items {
            match &item[..] {
                [Word(word)] | [Word(word), _] => match word.as_str() {
                    "true" | "True" | "yes" | "on" => parts.push(100),
                    "false" | "False" | "no" | "off" => {}
                    number => match number.parse() {
                        Ok(percent @ 1..=100) => parts.push(percent),
                        _ => return Err(D::Error::custom("write true, or a list of sizes in percent")),
                    },
                },
                _ => return Err(D::Error::custom("write true, or a list of sizes in percent")),
            }
        }
        if parts.iter().sum::<u32>() > 100 && parts.len() > 1 {
            Err(D::Error::custom("together they are more than 100 percent"))
        } else {
            Ok(Self(parts))
        }
    }
}

/// A file system on a partition that has none.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct FsSetup {
    /// The partition, or the disk with `partition`.
    pub device: Line,
    /// The kind; the program `mkfs.KIND` makes it.
    pub filesystem: Line,
    /// Its name.
    #[serde(default)]
    pub label: Option<Line>,
    /// The number of the partition; `auto`, `any` and `none` for what `device` says.
    #[serde(default)]
    pub partition: Option<Word>,
    /// Further words for the program.
    #[serde(default)]
    pub extra_opts: Words,
    /// Whether what is there is lost.
    #[serde(default)]
    pub overwrite: bool,
}

/// How long a name may be, in bytes (mke2fs(8), mkfs.xfs(8), mkfs.fat(8), mkswap(8), mkfs.btrfs(8)).
const LABELS_BYTES: [(&str, usize); 8] =
    [("ext2", 16), ("ext3", 16), ("ext4", 16), ("xfs", 12), ("fat", 11), ("vfat", 11), ("swap", 16), ("btrfs", 255)];

impl FsSetup {
    /// What is wrong with its name: some programs cut it, so that nothing finds the file system by it.
    pub fn label_too_long(&self) -> Option<String> {
        let (kind, most) = LABELS_BYTES.into_iter().find(|(kind, _)| *kind == self.filesystem.0)?;
        let label = &self.label.as_ref()?.0;
        (label.len() > most).then(|| format!("the label `{label}` is longer than the {most} bytes that {kind} has for it"))
    }
}

/// An entry of fstab(5): device, directory, kind, options, dump, pass. Fields may be left out at the end or be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mount(pub Vec<Option<String>>);

impl<'de> Deserialize<'de> for Mount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Mount;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("each entry as a list: [device, directory, kind, options, dump, pass]")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Mount, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = list.next_element::<Option<Line>>()? {
                    fields.push(field.map(|Line(text)| text).filter(|text| !matches!(text.as_str(), "" | "None")));
                }
                if fields.is_empty() || fields.len() > 6 {
                    return Err(de::Error::custom("write a list of device, directory, kind, options, dump, pass"));
                }
                match fields.get(1) {
                    Some(Some(folder)) if !is_mount_point(folder) => {
                        Err(de::Error::custom(format!("`{folder}` is not an absolute path of a directory")))
                    }
                    Some(_) | None => Ok(Mount(fields)),
                }
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// Kinds of file systems that are on devices; `auto` is one of them.
const ON_DEVICES: [&str; 11] = ["auto", "btrfs", "exfat", "ext2", "ext3", "ext4", "iso9660", "ntfs", "swap", "vfat", "xfs"];

/// A device by its path; names without one are of /dev, as cloud-init reads them.
pub(crate) fn device(name: &str) -> String {
    let is_other =
        name.starts_with('/') || name.contains(['=', ':']) || matches!(name, "swap" | "none" | "tmpfs" | "proc" | "sysfs" | "overlay");
    let is_disk = ["sd", "vd", "xvd", "nvme", "hd", "sr", "md", "mapper/", "disk/"].iter().any(|start| name.starts_with(start));
    if !is_other && is_disk { format!("/dev/{name}") } else { name.to_owned() }
}

/// Whether no system has a device by this name, as is so with cloud-init's `ephemeral0`.
pub(super) fn is_nowhere(name: &str) -> bool {
    !device(name).starts_with('/') && !name.contains(['=', ':'])
}

impl Mount {
    /// A field, by its number from 0, of this entry or else of `defaults`.
    pub(crate) fn field(&self, index: usize, defaults: Option<&Self>) -> Option<String> {
        let own = |mount: &Self| mount.0.get(index).cloned().flatten();
        own(self).or_else(|| defaults.and_then(own))
    }

    /// The device, if it is one that no system has by this name, such as cloud-init's `ephemeral0`: fstab(5) would wait for it at every start.
    pub(super) fn nowhere(&self, defaults: Option<&Self>) -> Option<&str> {
        let kind = self.field(2, defaults).unwrap_or_else(|| "auto".to_owned());
        let source = self.0.first()?.as_deref()?;
        let is_mounted = self.0.get(1).is_some_and(Option::is_some);
        (is_mounted && is_nowhere(source) && ON_DEVICES.contains(&kind.as_str())).then_some(source)
    }
}

/// Whether something can be mounted there, or is swapped to.
fn is_mount_point(folder: &str) -> bool {
    matches!(folder, "none" | "swap") || folder.starts_with('/') && folder.split('/').all(|part| part != "..")
}

/// A file to swap to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Swap {
    /// Where it is; `/swap.img` by default.
    #[serde(default)]
    pub filename: Option<AbsolutePath>,
    /// Its size.
    pub size: Size,
    /// The largest size of one made as `auto` says.
    #[serde(default)]
    pub maxsize: Option<Size>,
}

const NO_SIZE: &str = "write a size such as `1G`, or `auto`";

/// A decimal number, with or without a fraction, times a unit, rounded down; none if that is too large.
fn times(number: &str, unit: u64) -> Result<Option<u64>, &'static str> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits =
        |text: &str| Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit())).and_then(|text| text.parse::<u64>().ok());
    // Nine digits tell sizes in the largest unit to 1 KiB.
    let fraction = &fraction[..fraction.len().min(9)];
    let scale = 10_u128.pow(u32::try_from(fraction.len()).unwrap_or_default());
    let (whole, part) = (digits(whole).ok_or(NO_SIZE)?, digits(fraction).ok_or(NO_SIZE)?);
    let part = u64::try_from(u128::from(part) * u128::from(unit) / scale).map_err(|_| NO_SIZE)?;
    Ok(whole.checked_mul(unit).and_then(|bytes| bytes.checked_add(part)))
}

/// A size in bytes; none for as much as suits the machine's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Word")]
pub struct Size(pub Option<u64>);

impl TryFrom<Word> for Size {
    type Error = String;

    fn try_from(Word(text): Word) -> Result<Self, String> {
        let text = text.trim();
        if text == "auto" {
            return Ok(Self(None));
        }
        let number = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
        let shift = match text[number.len()..].to_ascii_uppercase().as_str() {
            "" | "B" => 0,
            "K" | "KB" | "KIB" => 10,
            "M" | "MB" | "MIB" => 20,
            "G" | "GB" | "GIB" => 30,
            "T" | "TB" | "TIB" => 40,
            _ => return Err(NO_SIZE.to_owned()),
        };
        /// Smaller ones are numbers without the unit that was meant, larger ones fit on no disk.
        const SENSIBLE: std::ops::RangeInclusive<u64> = 1 << 20..=16 << 40;
        let bytes = times(number, 1 << shift)?;
        match bytes {
            Some(0) => Ok(Self(Some(0))),
            Some(bytes) if SENSIBLE.contains(&bytes) => Ok(Self(Some(bytes))),
            Some(_) | None => Err("the size must be from `1M` to `16T`, in bytes where no unit is written".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_may_have_a_fraction() {
        let table = [
            ("2.5G", Some(Some(5 << 29))),
            ("1.5 M", None),
            ("0.5T", Some(Some(1 << 39))),
            ("1.0000000000001G", Some(Some(1 << 30))),
            ("2G", Some(Some(2 << 30))),
            ("1048576", Some(Some(1 << 20))),
            ("0", Some(Some(0))),
            ("auto", Some(None)),
            ("0.5M", None),
            ("17T", None),
            ("99999999999999999999T", None),
            ("2.5.1G", None),
            ("2.G", None),
            (".5G", None),
            ("-1G", None),
            ("1e3M", None),
            ("2,5G", None),
        ];
        for (text, expected) in table {
            assert_eq!(Size::try_from(Word(text.to_owned())).ok().map(|size| size.0), expected, "{text}");
        }
    }
}
