//! `tdnf clean`

use clap::ValueEnum as _;
use serde_json::json;

use crate::cache::{self, Clean};
use crate::cli::args::CleanWhat;
use crate::cli::error::CliError;
use crate::cli::session::Session;

/// Removes what is cached of the enabled repositories; `all` of whatever repository.
///
/// # Errors
/// When something cannot be removed.
pub fn run(session: &Session, what: &[CleanWhat]) -> Result<(), CliError> {
    let enabled = session.config.enabled();
    for what in what {
        let cleaned = match what {
            CleanWhat::Packages => Clean::Packages,
            CleanWhat::Metadata => Clean::Metadata,
            CleanWhat::Dbcache => Clean::Indexes,
            CleanWhat::ExpireCache => Clean::Expiry,
            CleanWhat::All => Clean::All,
            CleanWhat::Keys => {
                enabled.iter().try_for_each(|repository| cache::forget(repository, session.persistent_directory()))?;
                continue;
            }
            CleanWhat::Plugins => continue,
        };
        let of = if cleaned == Clean::All { None } else { Some(&enabled[..]) };
        cache::clean(session.cache_directory(), of, cleaned)?;
    }
    if session.console.json {
        let names = what.iter().filter_map(|what| Some(what.to_possible_value()?.get_name().to_owned()));
        session.console.value(&json!({ "Cleaned": names.collect::<Vec<_>>() }));
    }
    session.console.note("Done.");
    Ok(())
}
