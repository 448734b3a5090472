//! `filelists.xml`: all paths of each package.

use std::io::BufRead;

use super::RepoError;
use super::primary::path;
use super::xml::walk;

/// Gives `each` the digest of each package's file, and all its paths, sorted.
pub(super) fn parse(xml: impl BufRead, mut each: impl FnMut(&str, Vec<String>) -> Result<(), RepoError>) -> Result<(), RepoError> {
    let mut paths = Vec::new();
    walk("filelists.xml", "filelists", xml, |stack| {
        match stack {
            [_, package, file] if package.name == "package" && file.name == "file" => paths.push(path("filelists.xml", &file.text)?),
            [_, package] if package.name == "package" => {
                let mut all = std::mem::take(&mut paths);
                if let Some(digest) = package.attribute("pkgid") {
                    all.sort_unstable();
                    each(digest, all)?;
                }
            }
            _ => {}
        }
        Ok(())
    })
}
