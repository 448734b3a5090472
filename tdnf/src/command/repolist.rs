//! `tdnf repolist`

use serde_json::{Value, json};

use crate::cli::args::Which;
use crate::cli::error::CliError;
use crate::cli::session::Session;

/// Shows the repositories.
///
/// # Errors
/// None so far.
pub fn run(session: &Session, which: Which) -> Result<(), CliError> {
    let wanted = |enabled: bool| match which {
        Which::All => true,
        Which::Enabled => enabled,
        Which::Disabled => !enabled,
    };
    let repositories: Vec<_> = session.config.repositories.iter().filter(|repository| wanted(repository.enabled)).collect();
    if session.console.json {
        let one = |id: &str, name: &str, enabled: bool| json!({ "Repo": id, "RepoName": name, "Enabled": enabled });
        let all: Vec<Value> = repositories.iter().map(|all| one(&all.id, &all.name, all.enabled)).collect();
        session.console.value(&Value::Array(all));
        return Ok(());
    }
    if session.config.repositories.is_empty() {
        session.console.warn("no repository is configured");
    }
    if !repositories.is_empty() {
        session.console.line(format!("{:<20} {:<40} {}", "repo id", "repo name", "status"));
    }
    for repository in repositories {
        let status = if repository.enabled { "enabled" } else { "disabled" };
        session.console.line(format!("{:<20} {:<40} {status}", repository.id, repository.name));
    }
    Ok(())
}
