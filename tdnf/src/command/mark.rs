//! `tdnf mark`

use serde_json::json;

use super::change;
use crate::cli::args::MarkAs;
use crate::cli::error::CliError;
use crate::cli::session::{Session, need_root};
use crate::query::Pattern;
use rpm_engine::history::Reason;

/// Reports why packages are installed.
///
/// # Errors
/// When a word fits nothing installed, or the history cannot be written.
pub fn run(session: &mut Session, what: MarkAs, words: &[String]) -> Result<(), CliError> {
    need_root(session)?;
    let Some(locked) = change::lock(session)? else { return Err(CliError::NothingToDo) };
    let reason = match what {
        MarkAs::Install => Reason::User,
        MarkAs::Auto => Reason::Dependency,
    };
    let mut marked = Vec::new();
    for word in words {
        let pattern = Pattern::new(word);
        let all = session.installed.iter().map(|installed| &installed.package.package.nevra);
        let found: Vec<_> = all.filter(|nevra| pattern.fits(nevra)).collect();
        if found.is_empty() {
            session.console.note(format!("No package {word} installed"));
            return Err(CliError::NoMatch);
        }
        marked.extend(found);
    }
    let other = session.installed.iter().filter(|one| one.reason != reason && marked.contains(&&one.package.package.nevra));
    let other: Vec<_> = other.map(|one| (one.package.package.nevra.clone(), one.reason)).collect();
    let value = || json!({ "Marked": marked.iter().map(ToString::to_string).collect::<Vec<_>>(), "As": reason.word() });
    if session.console.refuses() {
        return Err(CliError::Aborted.after(session, value));
    }
    change::with_settings(session, |settings| locked.mark(&other, reason, settings.time, settings.command))?;
    let as_what = if reason == Reason::User { "user installed" } else { "auto installed" };
    if session.console.json {
        session.console.value(&value());
    }
    for nevra in &marked {
        session.console.note(format!("{nevra} marked as {as_what}"));
    }
    Ok(())
}
