//! `tdnf info`

use serde_json::{Value, json};

use super::list::{self, Asked};
use crate::cli::args::Listing;
use crate::cli::console::size;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::query::{Id, Sack};

/// Shows packages in full.
///
/// # Errors
/// When a repository cannot be used, or nothing fits.
pub fn run(session: &Session, listing: Listing) -> Result<(), CliError> {
    let asked = Asked::of(listing);
    let repositories = asked.repositories(session)?;
    let sack = session.sack(&repositories);
    let found = asked.select(session, &sack);
    if session.console.json {
        session.console.value(&Value::Array(found.unwrap_or_default().into_iter().map(|id| in_full(&sack, id)).collect()));
        return Ok(());
    }
    let mut total = 0;
    for id in found? {
        total += show(session, &sack, id);
    }
    session.console.line(format!("\nTotal Size: {} ({total})", size(total)));
    Ok(())
}

fn in_full(sack: &Sack<'_>, id: Id) -> Value {
    let details = sack.details(id);
    let mut value = list::summary(sack, id);
    value["Url"] = json!(details.url);
    value["InstallSize"] = json!(installed_size(sack, id));
    value["Summary"] = json!(details.summary);
    value["License"] = json!(details.license);
    value["Description"] = json!(details.description);
    value
}

fn installed_size(sack: &Sack<'_>, id: Id) -> u64 {
    sack.package(id).map_or(0, |package| package.installed_size_bytes)
}

fn show(session: &Session, sack: &Sack<'_>, id: Id) -> u64 {
    let (nevra, details, bytes) = (sack.nevra(id), sack.details(id), installed_size(sack, id));
    let lines = [
        ("Name", nevra.name),
        ("Arch", nevra.arch),
        ("Epoch", nevra.evr.epoch.to_string()),
        ("Version", nevra.evr.version),
        ("Release", nevra.evr.release.unwrap_or_default()),
        ("Install Size", format!("{} ({bytes})", size(bytes))),
        ("Repo", sack.origin(id).to_owned()),
        ("Summary", details.summary),
        ("URL", details.url),
        ("License", details.license),
        ("Description", details.description),
    ];
    for (name, value) in lines {
        session.console.line(format!("{name:<13} : {value}").trim_end());
    }
    session.console.line("");
    bytes
}
