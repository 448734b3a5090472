//! Disks: partitions, file systems, mounts, swap.

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

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

/// An entry of fstab(5): device, directory, kind, options, dump, pass. Fields may be left out at the end or be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mount(pub Vec<Option<String>>);

impl<'de> Deserialize<'de> for Mount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Vec::<Option<Line>>::deserialize(deserializer)?;
        if fields.is_empty() || fields.len() > 6 {
            return Err(D::Error::custom("write a list of device, directory, kind, options, dump, pass"));
        }
        Ok(Self(fields.into_iter().map(|field| field.map(|Line(text)| text).filter(|text| !text.is_empty())).collect()))
    }
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
        let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
        let shift = match text[digits.len()..].to_ascii_uppercase().as_str() {
            "" | "B" => 0,
            "K" | "KB" | "KIB" => 10,
            "M" | "MB" | "MIB" => 20,
            "G" | "GB" | "GIB" => 30,
            "T" | "TB" | "TIB" => 40,
            _ => return Err("write a size such as `1G`, or `auto`".to_owned()),
        };
        let bytes = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift));
        bytes.map(|bytes| Self(Some(bytes))).ok_or_else(|| "write a size such as `1G`, or `auto`".to_owned())
    }
}
