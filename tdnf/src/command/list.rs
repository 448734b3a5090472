//! `tdnf list`

use serde_json::{Value, json};

use super::check_update;
use crate::cli::args::Listing;
use crate::cli::error::CliError;
use crate::cli::local::Repositories;
use crate::cli::session::Session;
use crate::query::{Id, Pattern, Sack};

/// A package is recent if it was built in the last seven days, as dnf counts.
const RECENT_SECONDS: u64 = 7 * 86_400;

/// Which packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    All,
    Installed,
    Available,
    Updates,
    Downgrades,
    Extras,
    Obsoletes,
    Recent,
}

/// What is asked for: which packages, and of those the ones that fit.
pub(super) struct Asked {
    scope: Scope,
    patterns: Vec<Pattern>,
}

/// Shows packages, a line each.
///
/// # Errors
/// When a repository cannot be used, or nothing fits.
pub fn run(session: &Session, listing: Listing) -> Result<(), CliError> {
    let asked = Asked::of(listing);
    let repositories = asked.repositories(session)?;
    let sack = session.sack(&repositories);
    let found = asked.select(session, &sack);
    if session.console.json {
        session.console.value(&Value::Array(found.unwrap_or_default().into_iter().map(|id| summary(&sack, id)).collect()));
        return Ok(());
    }
    for id in found? {
        row(session, &sack, id);
    }
    Ok(())
}

/// One line of a list of packages.
pub(super) fn row(session: &Session, sack: &Sack<'_>, id: Id) {
    let nevra = sack.nevra(id);
    let name = format!("{}.{}", nevra.name, nevra.arch);
    session.console.columns(&[(&name, 55), (&nevra.evr.to_string(), 25), (sack.origin(id), 15)], true);
}

/// A package in JSON.
pub(super) fn summary(sack: &Sack<'_>, id: Id) -> Value {
    let nevra = sack.nevra(id);
    json!({ "Name": nevra.name, "Arch": nevra.arch, "Evr": nevra.evr.to_string(), "Repo": sack.origin(id) })
}

impl Asked {
    /// What a command line says.
    pub(super) fn of(listing: Listing) -> Self {
        let (scope, words) = scope(listing);
        Self { scope, patterns: words.iter().map(|word| Pattern::new(word)).collect() }
    }

    /// The repositories it is about: none where only what is installed counts, which must be seen whatever became of the network.
    ///
    /// # Errors
    /// When one that is needed cannot be used.
    pub(super) fn repositories(&self, session: &Session) -> Result<Repositories, CliError> {
        if self.scope == Scope::Installed { Ok(Repositories::none()) } else { session.open() }
    }

    /// The packages.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn select(&self, session: &Session, sack: &Sack<'_>) -> Result<Vec<Id>, CliError> {
        let mut found = of_scope(session, sack, self.scope, &self.patterns);
        if !self.patterns.is_empty() {
            found.retain(|id| {
                let nevra = sack.nevra(*id);
                self.patterns.iter().any(|pattern| pattern.fits(&nevra))
            });
        }
        // That there are no updates is good news.
        let may_be_none = self.scope == Scope::Updates && self.patterns.is_empty();
        if !found.is_empty() || may_be_none {
            return Ok(found);
        }
        let of_installed = self.scope == Scope::Installed;
        for pattern in self.patterns.iter().filter(|pattern| !pattern.is_glob()) {
            let similar = sack.similar(pattern.text(), of_installed);
            if !similar.is_empty() {
                session.console.note(format!("No package {}; did you mean {}?", pattern.text(), similar.join(", ")));
            }
        }
        Err(CliError::NoMatch)
    }
}

fn of_scope(session: &Session, sack: &Sack<'_>, scope: Scope, patterns: &[Pattern]) -> Vec<Id> {
    let available = || match patterns.iter().any(Pattern::is_glob) || patterns.is_empty() {
        true => sack.all_available().to_vec(),
        false => sack.sorted(patterns.iter().flat_map(|pattern| sack.available_matching(pattern)).collect()),
    };
    match scope {
        Scope::All => [sack.all_installed(), available()].concat(),
        Scope::Installed => sack.all_installed(),
        Scope::Available => available(),
        Scope::Updates => check_update::updates(session, sack),
        Scope::Downgrades => sack.downgrades(),
        Scope::Extras => sack.extras(),
        Scope::Obsoletes => check_update::heirs(session, sack),
        Scope::Recent => {
            let since = session.now.saturating_sub(RECENT_SECONDS);
            available().into_iter().filter(|id| sack.details(*id).build_time >= since).collect()
        }
    }
}

/// What the options say, else the first word if it is one, else all.
fn scope(listing: Listing) -> (Scope, Vec<String>) {
    let mut words = listing.words;
    let options = [
        (listing.all, Scope::All),
        (listing.installed, Scope::Installed),
        (listing.available, Scope::Available),
        (listing.updates, Scope::Updates),
        (listing.downgrades, Scope::Downgrades),
        (listing.extras, Scope::Extras),
        (listing.obsoletes, Scope::Obsoletes),
        (listing.recent, Scope::Recent),
    ];
    if let Some((_, scope)) = options.into_iter().find(|(set, _)| *set) {
        return (scope, words);
    }
    let scope = words.first().and_then(|word| {
        Some(match word.as_str() {
            "all" => Scope::All,
            "installed" => Scope::Installed,
            "available" => Scope::Available,
            "updates" | "upgrades" => Scope::Updates,
            "downgrades" => Scope::Downgrades,
            "extras" => Scope::Extras,
            "obsoletes" => Scope::Obsoletes,
            "recent" => Scope::Recent,
            _ => return None,
        })
    });
    if scope.is_some() {
        words.remove(0);
    }
    (scope.unwrap_or(Scope::All), words)
}
