//! `tdnf makecache`

use serde_json::{Value, json};

use crate::cli::error::CliError;
use crate::cli::session::{Session, need_repositories};

/// Fetches all metadata of the enabled repositories and makes the indexes.
///
/// # Errors
/// When a repository cannot be used.
pub fn run(session: &mut Session) -> Result<(), CliError> {
    need_repositories(session)?;
    session.common.refresh = true;
    let repositories = session.open()?;
    let mut made = Vec::new();
    for opened in &repositories.opened {
        session.with_context(|context| opened.complete(context))?;
        session.console.note(format!("{}: {} packages", opened.repository.id, opened.index.len()));
        made.push(json!({ "Repo": opened.repository.id, "Packages": opened.index.len() }));
    }
    if session.console.json {
        session.console.value(&Value::Array(made));
    }
    session.console.note("Metadata cache created.");
    Ok(())
}
