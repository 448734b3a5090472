//! What is to be removed.

use super::{Dependents, Request, is_install_only};
use crate::cli::session::Session;
use crate::query::{Id, Pattern, Sack};
use rpm_engine::dependency::Capability;

pub(super) fn erase(sack: &Sack<'_>, word: &str, request: &mut Request) {
    let mut found = sack.installed_matching(&Pattern::new(word));
    if found.is_empty() {
        found = sack.installed_providing(&Capability::parse(word).unwrap_or_else(|| Capability::any(word)));
    }
    if found.is_empty() {
        request.unresolved.push(word.to_owned());
    }
    request.erase.extend(found);
}

/// The older versions of what is there more than once, and should not be.
pub(super) fn duplicates(session: &Session, sack: &Sack<'_>, words: &[String], request: &mut Request) {
    request.dependents = Dependents::Stay;
    let patterns: Vec<Pattern> = words.iter().map(|text| Pattern::new(text)).collect();
    let is_meant = |id: &Id| patterns.is_empty() || patterns.iter().any(|pattern| pattern.fits(&sack.nevra(*id)));
    let older = sack.duplicates().into_iter().map(|(older, _)| older);
    request.erase.extend(older.filter(|id| is_meant(id) && !is_install_only(session, sack, &[*id])));
    request.unresolved.extend(words.iter().filter(|word| sack.installed_matching(&Pattern::new(word)).is_empty()).cloned());
}
