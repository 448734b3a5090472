//! What is about to happen, as a table or in JSON.

use serde_json::{Map, Value, json};

use super::plan::{Change, Plan, Why, subject};
use super::request::Request;
use crate::cli::console::size;
use crate::cli::session::Session;
use crate::cli::usage::GROUPS;
use crate::query::{Id, Pattern, Sack};
use rpm_engine::solver::Skipped;

/// Packages of one kind of change: the title, the key in JSON, the packages.
type Group = (&'static str, &'static str, Vec<Id>);

fn groups(plan: &Plan) -> Vec<Group> {
    let of = |fits: fn(&Change) -> bool| plan.changes.iter().filter(|change| fits(change)).map(subject).collect::<Vec<_>>();
    let obsoleted = plan.changes.iter().flat_map(|change| match change {
        Change::Install { obsoleted, .. } | Change::Upgrade { obsoleted, .. } => obsoleted.clone(),
        _ => Vec::new(),
    });
    vec![
        ("Installing", "Install", of(|change| matches!(change, Change::Install { .. }))),
        ("Upgrading", "Upgrade", of(|change| matches!(change, Change::Upgrade { .. }))),
        ("Downgrading", "Downgrade", of(|change| matches!(change, Change::Downgrade { .. }))),
        ("Removing", "Remove", of(|change| matches!(change, Change::Erase { why: Why::Asked, .. }))),
        ("Removing unneeded", "Unneeded", of(|change| matches!(change, Change::Erase { why: Why::Unneeded, .. }))),
        ("Reinstalling", "Reinstall", of(|change| matches!(change, Change::Reinstall { .. }))),
        ("Obsoleting", "Obsolete", obsoleted.collect()),
    ]
}

/// Reports what words mean nothing, and what is there already.
pub fn remarks(session: &Session, sack: &Sack<'_>, request: &Request) {
    let state = if request.of_installed { "installed" } else { "available" };
    for word in &request.unresolved {
        let is_offered = request.of_what_is_there && !sack.available_matching(&Pattern::new(word)).is_empty();
        if is_offered {
            session.console.note(format!("Package {word} is available, but not installed."));
            continue;
        }
        session.console.note(format!("No package {word} {state}"));
        if word.starts_with('@') {
            session.console.note(format!("  {GROUPS}"));
            continue;
        }
        if !request.of_installed {
            let hidden = sack.hidden(&Pattern::new(word));
            hidden.iter().for_each(|hidden| session.console.note(format!("  {hidden}")));
        }
        let similar = sack.similar(word, request.of_installed);
        if !similar.is_empty() {
            session.console.note(format!("  did you mean {}?", similar.join(", ")));
        }
    }
    for id in &request.locked {
        session.console.note(format!("Package {} is locked (`locks.d`) and stays as it is.", sack.nevra(*id)));
    }
    if !request.side_by_side.is_empty() {
        let names: Vec<&str> = request.side_by_side.iter().map(String::as_str).collect();
        session
            .console
            .note(format!("Versions of these packages are kept side by side; name one to install an older one: {}", names.join(", ")));
    }
    for name in &request.oldest {
        session.console.note(format!("No older version of {name} is offered that is not installed."));
    }
    for id in &request.existing {
        session.console.note(format!("Package {} is already installed, skipping.", sack.nevra(*id)));
    }
}

/// Reports what is there for another reason afterwards.
pub fn marks(session: &Session, sack: &Sack<'_>, request: &Request) {
    for (id, reason) in &request.mark {
        session.console.note(format!("Package {} would be marked: {}.", sack.nevra(*id), reason.word()));
    }
}

/// Reports what does not fit, with the reasons.
pub fn skipped(session: &Session, plan: &Plan) {
    let one = |what: &str, skipped: &Skipped| {
        session.console.note(format!("{what} {} cannot be installed, skipping:", skipped.label));
        skipped.reason.lines().for_each(|line| session.console.note(format!("  {line}")));
    };
    plan.skipped.iter().for_each(|skipped| one("Package", skipped));
    plan.left.iter().for_each(|left| one("Update", left));
}

/// Shows the plan.
pub fn table(session: &Session, sack: &Sack<'_>, plan: &Plan) {
    for (title, _, ids) in groups(plan).into_iter().filter(|(.., ids)| !ids.is_empty()) {
        session.console.note(format!("\n{title}:"));
        for id in ids.iter().filter(|_| !session.console.quiet) {
            row(session, sack, *id);
        }
    }
    if plan.coming().is_empty() {
        session.console.note("");
        return;
    }
    let coming: Vec<_> = plan.coming().into_iter().filter_map(|id| sack.package(id)).collect();
    let total: u64 = coming.iter().map(|package| package.installed_size_bytes).sum();
    let fetched: u64 = coming.iter().map(|package| package.package_size_bytes).sum();
    session.console.note(format!("\nTotal installed size: {}", size(total)));
    session.console.note(format!("Total download size: {}", size(fetched)));
}

fn row(session: &Session, sack: &Sack<'_>, id: Id) {
    let nevra = sack.nevra(id);
    let bytes = sack.package(id).map_or(0, |package| package.installed_size_bytes);
    let cells = [(&*nevra.name, 30), (&*nevra.arch, 15), (&*nevra.evr.to_string(), 20), (sack.origin(id), 15), (&*size(bytes), 10)];
    session.console.columns(&cells, true);
}

/// The plan in JSON.
pub fn value(sack: &Sack<'_>, request: &Request, plan: &Plan) -> Value {
    let package = |id: &Id| {
        let nevra = sack.nevra(*id);
        let bytes = sack.package(*id).map_or(0, |package| package.installed_size_bytes);
        json!({ "Name": nevra.name, "Arch": nevra.arch, "Evr": nevra.evr.to_string(), "Repo": sack.origin(*id), "InstallSize": bytes })
    };
    let mut map = Map::new();
    let mut put = |key: &str, all: Vec<Value>| {
        if !all.is_empty() {
            map.insert(key.to_owned(), Value::Array(all));
        }
    };
    put("Exist", request.existing.iter().map(package).collect());
    put("Marked", request.mark.iter().map(|(id, _)| package(id)).collect());
    put("Locked", request.locked.iter().map(package).collect());
    put("SideBySide", request.side_by_side.iter().map(|name| json!(name)).collect());
    put("Oldest", request.oldest.iter().map(|name| json!(name)).collect());
    put("Unavailable", request.unresolved.iter().map(|word| json!(word)).collect());
    put("Skipped", plan.skipped.iter().map(|skipped| json!(skipped.label)).collect());
    put("Left", plan.left.iter().map(|left| json!({ "Package": left.label, "Reason": left.reason })).collect());
    for (_, key, ids) in groups(plan) {
        put(key, ids.iter().map(package).collect());
    }
    Value::Object(map)
}
