//! `filelists.xml`: all paths of each package.

use std::collections::HashMap;

use super::primary::path;
use super::xml::walk;
use super::{Offer, RepoError};

/// Adds the paths to the packages, which are found by the digest of their file.
pub(super) fn add(xml: &str, offers: &mut [Offer]) -> Result<(), RepoError> {
    let by_digest: HashMap<String, usize> = offers.iter().enumerate().map(|(index, offer)| (offer.sha256.clone(), index)).collect();
    let mut paths = Vec::new();
    walk("filelists.xml", "filelists", xml, |stack| {
        match stack {
            [_, package, file] if package.name == "package" && file.name == "file" => paths.push(path("filelists.xml", &file.text)?),
            [_, package] if package.name == "package" => {
                let mut all = std::mem::take(&mut paths);
                let known = package.attribute("pkgid").and_then(|id| by_digest.get(id));
                if let Some(offer) = known.and_then(|index| offers.get_mut(*index)) {
                    all.sort_unstable();
                    offer.package.paths = all;
                }
            }
            _ => {}
        }
        Ok(())
    })
}
