//! `tdnf history`

use std::ops::RangeInclusive;

use serde_json::{Value, json};

use super::change::{self, Dependents, Request, Wish, is_install_only};
use crate::calendar;
use crate::cli::args::{HistoryAction, HistoryArguments, HistoryRange, HistoryShown, HistorySpan};
use crate::cli::error::CliError;
use crate::cli::local::Repositories;
use crate::cli::session::{Session, need_root};
use crate::query::{Id, Pattern, Sack};
use rpm_engine::history::{Action, Change, Entry, History};

/// The width of the column of command lines.
const COMMAND_WIDTH: usize = 40;

/// Shows what was done, or takes it back.
///
/// # Errors
/// When there is no such transaction, or its packages are not offered any more.
pub fn run(session: &mut Session, asked: HistoryArguments) -> Result<(), CliError> {
    let HistoryArguments { range: outer, info, action } = asked;
    match action.unwrap_or(HistoryAction::List(HistoryShown::default())) {
        HistoryAction::List(shown) => show(session, &range_of(session, shown, &outer)?, info),
        HistoryAction::Info(shown) => show(session, &range_of(session, shown, &outer)?, true),
        HistoryAction::Update => update(session),
        HistoryAction::Rollback { number, to } => {
            let to = one_of(session, to.or(outer.to), number.as_deref())?;
            let changes = opened(session)?.rollback(to).map_err(rpm_engine::system::SystemError::from)?;
            back(session, &changes)
        }
        HistoryAction::Undo(span) => {
            let ids = span_of(session, &span, &outer)?;
            let changes = opened(session)?.undo(&ids).map_err(rpm_engine::system::SystemError::from)?;
            back(session, &changes)
        }
        HistoryAction::Redo(span) => {
            let ids = span_of(session, &span, &outer)?;
            let changes = opened(session)?.redo(&ids).map_err(rpm_engine::system::SystemError::from)?;
            back(session, &changes)
        }
    }
}

/// The transaction that an option or a word names: its number, or `last`.
fn one_of(session: &Session, option: Option<u32>, word: Option<&str>) -> Result<u32, CliError> {
    match (option, word) {
        (Some(id), None) => Ok(id),
        (None, Some(word)) => named(session, word),
        (None, None) => Err(CliError::Usage("name a transaction: its number, or `last`; `tdnf history` lists them".into())),
        (Some(_), Some(_)) => Err(both()),
    }
}

fn both() -> CliError {
    CliError::Usage("name transactions by words or by options, not by both".into())
}

/// The transaction that a word names.
fn named(session: &Session, word: &str) -> Result<u32, CliError> {
    if word == "last" {
        return entries(session)?.last().map(|entry| entry.id).ok_or(CliError::NothingToDo);
    }
    word.parse().map_err(|_| CliError::Usage(format!("`{word}` is not a transaction: write its number, `last`, or a range such as `3-5`")))
}

/// The transactions that a word names: `3`, `last`, `3-5`.
fn named_span(session: &Session, word: &str) -> Result<RangeInclusive<u32>, CliError> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    Ok(named(session, first)?..=named(session, last)?)
}

/// The transactions that are meant: one, or all from the first to the last named.
fn span_of(session: &Session, span: &HistorySpan, outer: &HistoryRange) -> Result<RangeInclusive<u32>, CliError> {
    let (from, to) = (span.from.or(outer.from), span.to.or(outer.to));
    match &span.number {
        Some(word) if from.is_none() && to.is_none() => named_span(session, word),
        word => {
            let first = one_of(session, from, word.as_deref())?;
            Ok(first..=to.unwrap_or(first))
        }
    }
}

/// The transactions that are to be shown, by a word or by options.
fn range_of(session: &Session, shown: HistoryShown, outer: &HistoryRange) -> Result<HistoryRange, CliError> {
    let range = shown.range.or(outer);
    match shown.number {
        None => Ok(range),
        Some(_) if range.from.is_some() || range.to.is_some() => Err(both()),
        Some(word) => {
            let span = named_span(session, &word)?;
            Ok(HistoryRange { from: Some(*span.start()), to: Some(*span.end()), ..range })
        }
    }
}

/// Takes note of what other programs did.
fn update(session: &mut Session) -> Result<(), CliError> {
    need_root(session)?;
    if session.console.refuses() {
        return Err(CliError::Aborted);
    }
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

/// The history; where there is none, there is nothing to undo or redo.
fn opened(session: &Session) -> Result<History, CliError> {
    session.system.history()?.ok_or(CliError::NothingToDo)
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
    session.console.line(format!("{:>4} {:<40} {:<22} +add  / -rem", "ID", "cmd line", "date/time"));
    for entry in &entries {
        let clock = calendar::local(u64::from(entry.record.time));
        let (added, removed) = parts(entry);
        let line = format!("{:>4} {:<40} {clock:<22} +{:<4} / -{}", entry.id, short(&entry.record.command), added.len(), removed.len());
        session.console.line(line);
        if in_full {
            if short(&entry.record.command) != entry.record.command {
                session.console.line(format!("cmd line: {}", entry.record.command));
            }
            let marked = marks(entry);
            for (title, all) in [("added", added), ("removed", removed), ("marked", marked)].into_iter().filter(|(_, all)| !all.is_empty())
            {
                session.console.line(format!("{title}: {}", all.join(", ")));
            }
            session.console.line("");
        }
    }
    Ok(())
}

/// A command line as far as it fits into its column; `info` shows all of it.
fn short(command: &str) -> String {
    match command.char_indices().nth(COMMAND_WIDTH) {
        Some(_) => command.chars().take(COMMAND_WIDTH - 1).chain(['…']).collect(),
        None => command.to_owned(),
    }
}

/// What came and what went.
fn parts(entry: &Entry) -> (Vec<String>, Vec<String>) {
    let names = |removes: bool| {
        let changes = entry.record.changes.iter().filter(|change| change.action.removes() == removes && !change.action.is_mark());
        changes.map(|change| change.nevra.to_string()).collect()
    };
    (names(false), names(true))
}

/// What is there for another reason since.
fn marks(entry: &Entry) -> Vec<String> {
    let marked = entry.record.changes.iter().filter(|change| change.action == Action::Marked);
    marked.map(|change| format!("{} ({})", change.nevra, change.reason.word())).collect()
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
        value["Marked"] = json!(marks(entry));
    }
    value
}

/// Makes the changes; every package that comes must still be offered in that very version.
fn back(session: &mut Session, changes: &[Change]) -> Result<(), CliError> {
    need_root(session)?;
    let locked = change::lock(session)?;
    // What only goes is offered by nobody.
    let brings = changes.iter().any(|change| !change.action.removes() && !change.action.is_mark() && !is_key(change));
    let repositories = if brings { session.open()? } else { Repositories::none() };
    let sack = session.sack(&repositories);
    let mut request = Request { strict: true, dependents: Dependents::StayOnReturn, ..Request::default() };
    for change in changes {
        if is_key(change) && !change.action.removes() {
            session.console.warn(format!("{} is a key, which no repository offers; `rpm --import` brings it back", change.nevra));
            continue;
        }
        one(session, &sack, change, &mut request);
    }
    // What comes again was not removed, whatever happened in between.
    let coming: Vec<String> = request.wishes.iter().map(|wish| wish.label.clone()).collect();
    request.erase.retain(|id| !coming.contains(&sack.nevra(*id).name));
    if !request.unresolved.is_empty() {
        session.console.note("The following packages could not be resolved:\n");
        for word in &request.unresolved {
            session.console.note(word);
            sack.hidden(&Pattern::new(word)).iter().for_each(|hidden| session.console.note(format!("  {hidden}")));
        }
        session.console.note("\nThey are no longer in the enabled repositories.");
        return Err(CliError::NoMatch.after(session, || json!({ "Unavailable": request.unresolved })));
    }
    change::carry_out(session, locked.as_ref(), &repositories, &sack, &request, change::Sweep::NONE)
}

/// Whether a change is about a key that was imported with `rpm --import`.
fn is_key(change: &Change) -> bool {
    change.nevra.name == "gpg-pubkey"
}

fn one(session: &Session, sack: &Sack<'_>, change: &Change, request: &mut Request) {
    let nevra = &change.nevra;
    let there = sack.installed_called(&nevra.name);
    let same = there.iter().copied().find(|id| sack.nevra(*id) == *nevra);
    let is_separate = |id: &Id| is_key(change) || is_install_only(session, sack, &[*id]);
    match (change.action, same) {
        (Action::Unmarked, _) => {}
        (Action::Marked, _) => {
            let is_other = |id: &Id| sack.nevra(*id).arch == nevra.arch && sack.reason(*id) != Some(change.reason);
            request.mark.extend(there.into_iter().filter(is_other).map(|id| (id, change.reason)));
        }
        (Action::Erase | Action::Obsoleted, same) => request.erase.extend(same),
        // Of versions side by side none comes in the place of another.
        (Action::Upgraded | Action::Downgraded | Action::Reinstalled, same) => request.erase.extend(same.filter(is_separate)),
        (Action::Install | Action::Upgrade | Action::Downgrade | Action::Reinstall, Some(_)) => {}
        (Action::Install | Action::Upgrade | Action::Downgrade | Action::Reinstall, None) => come(session, sack, change, request),
    }
}

/// A package that is not there comes, in the very version that it had.
fn come(session: &Session, sack: &Sack<'_>, Change { action, nevra, reason }: &Change, request: &mut Request) {
    let offered = sack.available_matching(&Pattern::new(&nevra.to_string()));
    let Some(id) = offered.into_iter().find(|id| matches!(id, Id::Available(..)) && sack.nevra(*id) == *nevra) else {
        return request.unresolved.push(nevra.to_string());
    };
    if is_install_only(session, sack, &[id]) {
        return request.wishes.push(Wish::new(nevra.to_string(), vec![id], *reason));
    }
    if matches!(action, Action::Upgrade | Action::Downgrade) {
        request.released.extend(sack.installed_called(&nevra.name));
    }
    request.wishes.retain(|wish| wish.label != nevra.name);
    request.wishes.push(Wish::new(&nevra.name, vec![id], *reason));
}
