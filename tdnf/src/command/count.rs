//! `tdnf count`

use serde_json::json;

use crate::cli::error::CliError;
use crate::cli::session::Session;

/// Counts the packages that are offered.
///
/// # Errors
/// When a repository cannot be used.
pub fn run(session: &Session) -> Result<(), CliError> {
    let repositories = session.open()?;
    let count = session.sack(&repositories).all_available().len();
    if session.console.json {
        session.console.value(&json!(count));
    } else {
        session.console.line(format!("Package count = {count}"));
    }
    Ok(())
}
