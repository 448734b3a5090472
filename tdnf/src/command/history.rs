//! `tdnf history`

use serde_json::{Value, json};

use super::change::{self, Request, Wish};
use super::repoquery::day;
use crate::cli::args::{HistoryAction, HistoryRange, HistorySpan};
use crate::cli::error::CliError;
use crate::cli::local::Repositories;
use crate::cli::session::{Session, need_root};
use crate::query::{Id, Sack};
use rpm_engine::history::{Action, Change, Entry};

/// Shows what was done, or takes it back.
///
/// # Errors
/// When there is no such transaction, or its packages are not offered any more.
pub fn run(session: &mut Session, action: Option<HistoryAction>) -> Result<(), CliError> {
    match action.unwrap_or(HistoryAction::List(HistoryRange::default())) {
        HistoryAction::List(range) => show(session, &range, false),
        HistoryAction::Info(range) => show(session, &range, true),
        HistoryAction::Update => update(session),
        HistoryAction::Rollback { to } => {
            let changes = match session.system.history()? {
                Some(history) => history.rollback(to).map_err(rpm_engine::system::SystemError::from)?,
                None => return Err(CliError::NothingToDo),
            };
            back(session, &changes)
        }
        HistoryAction::Undo(span) => undo(session, &span),
        HistoryAction::Redo(span) => redo(session, &span),
    }
}

/// Takes note of what other programs did.
fn update(session: &mut Session) -> Result<(), CliError> {
    need_root(session)?;
    let Some(locked) = change::lock(session)? else { return Err(CliError::NothingToDo) };
    let noted = change::with_settings(session, |settings| locked.catch_up(settings.time, settings.command))?;
    if session.console.json {
        session.console.value(&json!({ "Id": noted }));
        return Ok(());
    }
    match noted {
        Some(id) => session.console.note(format!("Changes made without tdnf were recorded as transaction {id}.")),
        None => session.console.note("The history is complete."),
    }
    Ok(())
}

fn entries(session: &Session) -> Result<Vec<Entry>, CliError> {
    match session.system.history()? {
        Some(history) => Ok(history.list().map_err(rpm_engine::system::SystemError::from)?),
        None => Ok(Vec::new()),
    }
}

fn show(session: &Session, range: &HistoryRange, in_full: bool) -> Result<(), CliError> {
    let wanted = |entry: &Entry| range.from.is_none_or(|from| entry.id >= from) && range.to.is_none_or(|to| entry.id <= to);
    let mut entries: Vec<Entry> = entries(session)?.into_iter().filter(wanted).collect();
    if range.reverse {
        entries.reverse();
    }
    if session.console.json {
        session.console.value(&Value::Array(entries.iter().map(|entry| in_json(entry, in_full)).collect()));
        return Ok(());
    }
    session.console.line(format!("{:>4} {:<40} {:<21} +add  / -rem", "ID", "cmd line", "date/time"));
    for entry in &entries {
        let time = u64::from(entry.record.time);
        let clock = format!("{} {:02}:{:02}", day(time), time / 3600 % 24, time / 60 % 60);
        let (added, removed) = parts(entry);
        let line = format!("{:>4} {:<40} {clock:<21} +{:<4} / -{}", entry.id, entry.record.command, added.len(), removed.len());
        session.console.line(line);
        if in_full {
            for (title, all) in [("added", added), ("removed", removed)].into_iter().filter(|(_, all)| !all.is_empty()) {
                session.console.line(format!("{title}: {}", all.join(", ")));
            }
            session.console.line("");
        }
    }
    Ok(())
}

/// What came and what went.
fn parts(entry: &Entry) -> (Vec<String>, Vec<String>) {
    let names = |removes: bool| {
        let changes = entry.record.changes.iter().filter(|change| change.action.removes() == removes);
        changes.map(|change| change.nevra.to_string()).collect()
    };
    (names(false), names(true))
}

fn in_json(entry: &Entry, in_full: bool) -> Value {
    let (added, removed) = parts(entry);
    let mut value = json!({
        "Id": entry.id,
        "CmdLine": entry.record.command,
        "TimeStamp": entry.record.time,
        "AddedCount": added.len(),
        "RemovedCount": removed.len(),
    });
    if in_full {
        value["Added"] = json!(added);
        value["Removed"] = json!(removed);
    }
    value
}

fn undo(session: &mut Session, span: &HistorySpan) -> Result<(), CliError> {
    let Some(history) = session.system.history()? else { return Err(CliError::NothingToDo) };
    let mut changes = Vec::new();
    for id in (span.from..=span.to.unwrap_or(span.from)).rev() {
        changes.extend(history.undo(id).map_err(rpm_engine::system::SystemError::from)?);
    }
    back(session, &changes)
}

fn redo(session: &mut Session, span: &HistorySpan) -> Result<(), CliError> {
    let Some(history) = session.system.history()? else { return Err(CliError::NothingToDo) };
    let mut changes = Vec::new();
    for id in span.from..=span.to.unwrap_or(span.from) {
        changes.extend(history.get(id).map_err(rpm_engine::system::SystemError::from)?.record.changes);
    }
    back(session, &changes)
}

/// Makes the changes; every package that comes must still be offered in that very version.
fn back(session: &mut Session, changes: &[Change]) -> Result<(), CliError> {
    need_root(session)?;
    let locked = change::lock(session)?;
    // What only goes is offered by nobody.
    let brings = changes.iter().any(|change| !change.action.removes());
    let repositories = if brings { session.open()? } else { Repositories::none() };
    let sack = session.sack(&repositories);
    let mut request = Request { strict: true, ..Request::default() };
    for change in changes {
        one(&sack, change, &mut request);
    }
    // What comes again was not removed, whatever happened in between.
    let coming: Vec<String> = request.wishes.iter().map(|wish| wish.label.clone()).collect();
    request.erase.retain(|id| !coming.contains(&sack.nevra(*id).name));
    if !request.unresolved.is_empty() {
        session.console.note("The following packages could not be resolved:\n");
        request.unresolved.iter().for_each(|word| session.console.note(word));
        session.console.note("\nThey are no longer in the enabled repositories.");
        return Err(CliError::NoMatch);
    }
    change::carry_out(session, locked.as_ref(), &repositories, &sack, &request, change::Sweep::NONE)
}

fn one(sack: &Sack<'_>, change: &Change, request: &mut Request) {
    let nevra = &change.nevra;
    let there = || sack.installed_called(&nevra.name);
    if change.action.removes() {
        if matches!(change.action, Action::Erase | Action::Obsoleted) {
            request.erase.extend(there().into_iter().filter(|id| sack.nevra(*id) == *nevra));
        }
        return;
    }
    if there().iter().any(|id| sack.nevra(*id) == *nevra) {
        return;
    }
    match sack.available_called(&nevra.name).into_iter().find(|id| sack.nevra(*id) == *nevra) {
        Some(id @ Id::Available(..)) => {
            if matches!(change.action, Action::Upgrade | Action::Downgrade) {
                request.released.extend(there());
            }
            request.wishes.retain(|wish| wish.label != nevra.name);
            request.wishes.push(Wish::new(&nevra.name, vec![id], change.reason));
        }
        _ => request.unresolved.push(nevra.to_string()),
    }
}
