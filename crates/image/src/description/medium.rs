//! The live medium of an image.

use std::path::PathBuf;

use serde::Serialize;

use base::digest::Digest;
use base::document::Table;
use base::name::PackageName;

/// The live medium.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Iso {
    /// Volume label: 1 to 32 capital letters, digits and `_` (ECMA-119, d-characters).
    pub label: String,
    /// Kernel arguments beyond those the boot path needs.
    pub arguments: Vec<String>,
    /// Packages that the live system contains beyond the image's.
    pub live: Vec<PackageName>,
    /// Packages that can be installed from the medium, with everything they need, the kernel, and what a disk needs. If empty, there is no
    /// repository.
    pub install: Vec<PackageName>,
    /// What else is on it.
    pub files: Vec<MediumFile>,
    /// An additional first entry of the menu: its title, and the kernel arguments it adds.
    pub entry: Option<(String, String)>,
}

/// A medium that starts the image and has nothing to install.
impl Default for Iso {
    fn default() -> Self {
        Self { label: "KAON".to_owned(), arguments: vec![], live: vec![], install: vec![], files: vec![], entry: None }
    }
}

/// A file or directory on a medium.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MediumFile {
    /// Its path on the medium, relative.
    pub at: String,
    /// Its path on this machine.
    #[serde(skip)]
    pub from: PathBuf,
    /// Digest of its content.
    pub digest: Digest,
}

pub(super) fn iso(top: &Table<'_>, has_kernel: bool) -> Option<Iso> {
    let Some(table) = top.table("iso") else { return has_kernel.then(Iso::default) };
    let label = table.string("label");
    let arguments = table.strings("arguments").into_iter().map(|argument| argument.value).collect();
    let names = |key| table.parsed_list(key).into_iter().map(|name| name.value).collect();
    let (live, install) = (names("live"), names("install"));
    table.finish();
    let Some(label) = label else { return Some(Iso { arguments, live, install, ..Iso::default() }) };
    let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    if label.value.len() > 32 || !label.value.bytes().all(allowed) {
        table.problem(label.span, format!("`{}` is not a volume label: use at most 32 capital letters, digits and `_`", label.value));
        return None;
    }
    Some(Iso { label: label.value, arguments, live, install, ..Iso::default() })
}
