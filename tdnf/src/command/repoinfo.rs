//! `tdnf repoinfo`

use serde_json::{Value, json};

use crate::cache;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::download::shown;
use rpm_engine::config::{ConfigError, RepositoryConfig, matches};

/// Shows repositories as they are configured, and what of them is in the cache. Nothing is fetched.
///
/// # Errors
/// When a word fits no repository.
pub fn run(session: &Session, words: &[String]) -> Result<(), CliError> {
    let all = &session.config.repositories;
    if let Some(id) = words.iter().find(|word| !all.iter().any(|repository| matches(word, &repository.id))) {
        return Err(ConfigError::NoSuchRepository { id: id.clone() }.into());
    }
    let is_wanted = |repository: &&RepositoryConfig| match words.is_empty() {
        true => repository.enabled,
        false => words.iter().any(|word| matches(word, &repository.id)),
    };
    let described: Vec<_> = all.iter().filter(is_wanted).map(|repository| facts(session, repository)).collect();
    if session.console.json {
        let one = |facts: &Vec<(&str, String)>| facts.iter().map(|(name, value)| (name.replace(' ', ""), json!(value))).collect();
        session.console.value(&Value::Array(described.iter().map(|facts| Value::Object(one(facts))).collect()));
        return Ok(());
    }
    for facts in described {
        for (name, value) in facts {
            session.console.line(format!("{name:<15} : {value}"));
        }
        session.console.line("");
    }
    Ok(())
}

fn facts(session: &Session, repository: &RepositoryConfig) -> Vec<(&'static str, String)> {
    let transport = &repository.transport;
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let addresses = |all: &[String]| all.iter().map(|url| shown(url)).collect::<Vec<_>>().join(" ");
    let expire = transport.metadata_expire.map_or_else(|| "never".to_owned(), |expire| format!("{} s", expire.as_secs()));
    let (revision, updated) = session.with_context(|context| cache::state(repository, context)).unwrap_or_default();
    let facts = [
        ("Repo id", repository.id.clone()),
        ("Repo name", repository.name.clone()),
        ("Status", if repository.enabled { "enabled" } else { "disabled" }.to_owned()),
        ("Base URL", addresses(&repository.base_urls)),
        ("Mirror list", repository.mirror_list.as_deref().map(shown).unwrap_or_default()),
        ("Metalink", repository.metalink.as_deref().map(shown).unwrap_or_default()),
        ("Packages signed", yes(transport.gpgcheck)),
        ("Index signed", yes(transport.repo_gpgcheck)),
        ("Keys", addresses(&repository.keys)),
        ("Priority", repository.priority.to_string()),
        ("Expires after", expire),
        ("Revision", revision),
        ("Fetched", updated),
        ("Configured in", repository.place.to_string()),
    ];
    facts.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}
