//! `deb`: a binary package of the Debian archive, of which a file or folder is the source.

use super::{inner_path, refuse, substituted};
use crate::spec::Origin;
use base::digest::Digest;
use base::document::{Spanned, Table};

/// A binary package, and what of it is used.
pub struct Deb {
    source: String,
    file: String,
    /// The file or folder, relative to the root of the package's files.
    pub path: String,
}

/// The keys of a binary package. The outer `None` if the table has no `deb`, the inner one if something is wrong with it.
pub fn read(table: &Table<'_>, version: &str) -> Option<Option<Deb>> {
    let file = table.string("deb");
    let from = table.string("from");
    let path = table.string("path");
    let Some(file) = file else {
        refuse(table, &["from", "path"], "has a meaning only together with `deb`");
        return None;
    };
    refuse(table, &["url", "debian"], "cannot be an origin beside `deb`: other bytes are unpacked in another way");
    refuse(table, &["patches"], "has no meaning together with `deb`: copy the patches beside the spec, and list them as `[[patch]]`");
    if table.boolean("unpack", true) {
        Some(deb(table, file, from, path, version))
    } else {
        table.problem_with_hint(file.span, "a binary package is always unpacked", "remove `unpack = false`, and name the file in `path`");
        Some(None)
    }
}

fn deb(
    table: &Table<'_>,
    file: Spanned<String>,
    from: Option<Spanned<String>>,
    path: Option<Spanned<String>>,
    version: &str,
) -> Option<Deb> {
    let file = substituted(table, file, version);
    let is_clean = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.~".contains(&byte));
    let Some([package, ..]) = parts(&file.value).filter(|parts| parts.iter().all(|part| is_clean(part))) else {
        let hint = "write `NAME_VERSION_ARCH.deb`, as in `linux-source-6.12_6.12.118-1_all.deb`";
        table.problem_with_hint(file.span, format!("`{}` is not a binary package of the Debian archive", file.value), hint);
        return None;
    };
    let source = match from {
        Some(from) if is_clean(&from.value) => from.value,
        Some(from) => {
            table.problem(from.span, format!("`{}` is not the name of a source package", from.value));
            return None;
        }
        None => package.to_owned(),
    };
    let Some(path) = path else {
        let hint =
            "add `path = \"usr/src/x.tar.xz\"`: a file that is an archive, or a folder; `dpkg-deb --contents FILE` lists what there is";
        table.problem_with_hint(file.span, "this binary package lacks `path`", hint);
        return None;
    };
    let path = inner_path(table, substituted(table, path, version))?;
    Some(Deb { source, file: file.value, path })
}

/// Name, version and architecture of a file's name (Debian Policy, 5.6.1 and 5.6.12).
fn parts(file: &str) -> Option<[&str; 3]> {
    let mut parts = file.strip_suffix(".deb")?.split('_');
    let found = [parts.next()?, parts.next()?, parts.next()?];
    parts.next().is_none().then_some(found)
}

impl Deb {
    /// Where the package is fetched from.
    pub fn origin(&self, sha256: Digest) -> Origin {
        let [package, version, arch] = parts(&self.file).unwrap_or_default().map(str::to_owned);
        Origin::Deb { source: self.source.clone(), package, version, arch, file: self.file.clone(), sha256 }
    }
}
