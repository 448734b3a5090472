//! `tdnf search`

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::query::Sack;

/// Looks for all of the words in names, summaries and descriptions, whatever their case. Names that contain all of them come first.
///
/// # Errors
/// When a repository cannot be used, or nothing is found.
pub fn run(session: &Session, words: &[String]) -> Result<(), CliError> {
    let repositories = session.open()?;
    let sack = session.sack(&repositories);
    let found = matching(&sack, words);
    if session.console.json {
        let one = |(name, summary): &(String, String)| json!({ "Name": name, "Summary": summary });
        session.console.value(&Value::Array(found.iter().map(one).collect()));
        return Ok(());
    }
    if found.is_empty() {
        return Err(CliError::NoSearchResults);
    }
    for (name, summary) in found {
        session.console.line(format!("{name} : {summary}"));
    }
    Ok(())
}

fn matching(sack: &Sack<'_>, words: &[String]) -> Vec<(String, String)> {
    let words: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    let mut found: BTreeMap<(bool, String), String> = BTreeMap::new();
    for id in sack.all_available().iter().copied().chain(sack.all_installed()) {
        let (name, details) = (sack.nevra(id).name, sack.details(id));
        let lower = [name.to_lowercase(), details.summary.to_lowercase(), details.description.to_lowercase()];
        if words.iter().all(|word| lower.iter().any(|text| text.contains(word.as_str()))) {
            let elsewhere = !words.iter().all(|word| lower[0].contains(word.as_str()));
            found.insert((elsewhere, name), details.summary);
        }
    }
    found.into_iter().map(|((_, name), summary)| (name, summary)).collect()
}
