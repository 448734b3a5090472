//! `tdnf clean`

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
            CleanWhat::Plugins => continue,
        };
        let of = if cleaned == Clean::All { None } else { Some(&enabled[..]) };
        cache::clean(session.cache_directory(), of, cleaned)?;
    }
    session.console.note("Done.");
    Ok(())
}
