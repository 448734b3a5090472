//! `tdnf repoquery`

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{list, provides};
use crate::calendar::Civil;
use crate::cli::args::Repoquery;
use crate::cli::error::CliError;
use crate::cli::local::Repositories;
use crate::cli::session::Session;
use crate::download;
use crate::query::{Id, Pattern, Sack};
use rpm_engine::dependency::{Capability, Dependency};
use rpm_engine::history::Reason;
use rpm_engine::package::{Details, Package};
use rpm_engine::repo::Change;

/// Asks about packages and their relations.
///
/// # Errors
/// When a repository cannot be used.
pub fn run(session: &Session, asked: &Repoquery) -> Result<(), CliError> {
    let repositories = if is_about_installed(asked) { Repositories::none() } else { session.open()? };
    let sack = session.sack(&repositories);
    let selected = select(session, &repositories, &sack, asked)?;
    let mut lines = BTreeSet::new();
    let mut values = Vec::new();
    for id in selected {
        let shown = shown(session, &repositories, &sack, asked, id)?;
        if session.console.json {
            values.push(in_json(&sack, id, shown));
            continue;
        }
        match shown {
            Shown::Nothing => session.console.line(sack.nevra(id)),
            Shown::Text(_, text) => session.console.line(text),
            Shown::Changes(changes) => changes.iter().for_each(|change| session.console.line(entry(change))),
            Shown::Many(_, all) => lines.extend(all),
        }
    }
    if session.console.json {
        session.console.value(&Value::Array(values));
    }
    lines.iter().for_each(|line| session.console.line(line));
    Ok(())
}

/// What is shown of a package, with its key in JSON.
enum Shown {
    Nothing,
    Text(&'static str, String),
    Many(&'static str, Vec<String>),
    Changes(Vec<Change>),
}

fn in_json(sack: &Sack<'_>, id: Id, shown: Shown) -> Value {
    let mut value = list::summary(sack, id);
    value["Nevra"] = json!(sack.nevra(id).to_string());
    match shown {
        Shown::Nothing => {}
        Shown::Text(key, text) => value[key] = json!(text),
        Shown::Many(key, all) => value[key] = json!(all),
        Shown::Changes(changes) => {
            let one = |change: &Change| json!({ "Time": Civil::of(change.time).log_day(), "Author": change.author, "Text": change.text });
            value["ChangeLogs"] = Value::Array(changes.iter().map(one).collect());
        }
    }
    value
}

fn entry(change: &Change) -> String {
    format!("{} {}\n{}", Civil::of(change.time).log_day(), change.author, change.text)
}

fn select(session: &Session, repositories: &Repositories, sack: &Sack<'_>, asked: &Repoquery) -> Result<Vec<Id>, CliError> {
    let patterns: Vec<Pattern> = asked.packages.iter().map(|word| Pattern::new(word)).collect();
    let mut found = scope(sack, asked);
    if !patterns.is_empty() {
        found.retain(|id| patterns.iter().any(|pattern| pattern.fits(&sack.nevra(*id))));
    }
    if !asked.arch.is_empty() {
        found.retain(|id| asked.arch.contains(&sack.nevra(*id).arch));
    }
    if let Some(path) = &asked.file {
        let holding: BTreeSet<Id> = provides::with_path(session, repositories, sack, path)?.into_iter().collect();
        found.retain(|id| holding.contains(id));
    }
    for (wanted, relation) in relations(asked) {
        let mut holding = BTreeSet::new();
        // Patterns and paths are looked for as `provides` does.
        let is_wide = |text: &&String| relation == Relation::Provides && (text.starts_with('/') || Pattern::new(text).is_glob());
        for text in wanted.iter().filter(is_wide) {
            holding.extend(provides::providing(session, repositories, sack, text)?);
        }
        let asked = capabilities(wanted)?;
        found.retain(|id| holding.contains(id) || is_related(sack, *id, &asked, relation));
    }
    Ok(found)
}

/// What words ask about; a boolean dependency asks about all that it names.
fn capabilities(words: &[String]) -> Result<Vec<Capability>, CliError> {
    let mut found = Vec::new();
    for word in words {
        match word.starts_with('(') {
            true => found.extend(provides::of_boolean(word)?),
            false => found.extend(Capability::parse(word)),
        }
    }
    Ok(found)
}

/// Whether no repository needs to be seen for an answer.
fn is_about_installed(asked: &Repoquery) -> bool {
    let offered = asked.available || asked.extras || asked.upgrades || asked.downgrades;
    (asked.installed || asked.userinstalled || asked.duplicates) && !offered
}

fn scope(sack: &Sack<'_>, asked: &Repoquery) -> Vec<Id> {
    let mut found = Vec::new();
    if asked.installed {
        found.extend(sack.all_installed());
    }
    if asked.userinstalled {
        found.extend(sack.all_installed().into_iter().filter(|id| sack.reason(*id) == Some(Reason::User)));
    }
    if asked.duplicates {
        let mut count: BTreeMap<(String, String), usize> = BTreeMap::new();
        let key = |id: &Id| (sack.nevra(*id).name, sack.nevra(*id).arch);
        sack.all_installed().iter().for_each(|id| *count.entry(key(id)).or_default() += 1);
        found.extend(sack.all_installed().into_iter().filter(|id| count[&key(id)] > 1));
    }
    if asked.extras {
        found.extend(sack.extras());
    }
    if asked.upgrades {
        found.extend(sack.updates());
    }
    if asked.downgrades {
        found.extend(sack.downgrades());
    }
    let other = asked.installed || asked.userinstalled || asked.duplicates || asked.extras || asked.upgrades || asked.downgrades;
    if asked.available || !other {
        found.extend(sack.all_available());
    }
    sack.sorted(found)
}

/// A relation that packages may have to what is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Relation {
    Provides,
    Requires,
    Recommends,
    Suggests,
    Supplements,
    Enhances,
    Conflicts,
    Obsoletes,
    Depends,
}

fn relations(asked: &Repoquery) -> Vec<(&[String], Relation)> {
    let all = [
        (&asked.whatprovides, Relation::Provides),
        (&asked.whatrequires, Relation::Requires),
        (&asked.whatrecommends, Relation::Recommends),
        (&asked.whatsuggests, Relation::Suggests),
        (&asked.whatsupplements, Relation::Supplements),
        (&asked.whatenhances, Relation::Enhances),
        (&asked.whatconflicts, Relation::Conflicts),
        (&asked.whatobsoletes, Relation::Obsoletes),
        (&asked.whatdepends, Relation::Depends),
    ];
    all.into_iter().filter(|(wanted, _)| !wanted.is_empty()).map(|(wanted, relation)| (&wanted[..], relation)).collect()
}

fn is_related(sack: &Sack<'_>, id: Id, asked: &[Capability], relation: Relation) -> bool {
    let Some(package) = sack.package(id) else { return false };
    let details = || sack.details(id);
    let any = |all: &[Dependency]| asked.iter().any(|wanted| all.iter().any(|dependency| names(dependency, wanted, sack)));
    match relation {
        Relation::Provides => asked.iter().any(|wanted| package.satisfies(wanted)),
        Relation::Obsoletes => asked.iter().any(|wanted| package.obsoletes.iter().any(|obsoleted| meets(obsoleted, wanted))),
        Relation::Requires => any(&package.requires),
        Relation::Recommends => any(&package.recommends),
        Relation::Conflicts => any(&package.conflicts),
        Relation::Supplements => any(&package.supplements),
        Relation::Suggests => any(&details().suggests),
        Relation::Enhances => any(&details().enhances),
        Relation::Depends => {
            let details = details();
            let lists = [&package.requires, &package.recommends, &details.suggests, &package.supplements, &details.enhances];
            lists.into_iter().any(|list| any(list))
        }
    }
}

/// Whether a dependency asks for the capability itself, or for something that packages of that name provide.
fn names(dependency: &Dependency, wanted: &Capability, sack: &Sack<'_>) -> bool {
    let asked: Vec<&Capability> = match dependency {
        Dependency::Simple(capability) => vec![capability],
        Dependency::Rich(rich) => rich.leaves().into_iter().filter(|(_, tested)| !tested).map(|(capability, _)| capability).collect(),
    };
    let bearers = sack.available_called(&wanted.name).into_iter().chain(sack.installed_called(&wanted.name));
    let bearers: Vec<Package> = bearers.filter_map(|id| sack.package(id)).filter(|package| package.satisfies(wanted)).collect();
    asked.iter().any(|capability| meets(capability, wanted) || bearers.iter().any(|package| package.satisfies(capability)))
}

/// Whether two capabilities of one name share a version.
fn meets(a: &Capability, b: &Capability) -> bool {
    a.name == b.name && (a.range.is_none() || b.range.is_none() || a.satisfied_by(b))
}

fn shown(session: &Session, repositories: &Repositories, sack: &Sack<'_>, asked: &Repoquery, id: Id) -> Result<Shown, CliError> {
    if asked.changelogs {
        return changes(session, repositories, sack, id).map(Shown::Changes);
    }
    if asked.list {
        return files(session, repositories, sack, id).map(|files| Shown::Many("Files", files));
    }
    let details = sack.details(id);
    if asked.source {
        return Ok(Shown::Text("Source", details.source));
    }
    if asked.location {
        return Ok(Shown::Text("Location", location(repositories, sack, id)));
    }
    if let Some(format) = &asked.format {
        return Ok(Shown::Text("Format", formatted(format, sack, id, &details)));
    }
    let Some(package) = sack.package(id) else { return Ok(Shown::Nothing) };
    Ok(dependencies(asked, &package, &details))
}

fn dependencies(asked: &Repoquery, package: &Package, details: &Details) -> Shown {
    let capabilities = |all: &[Capability]| all.iter().map(ToString::to_string).collect();
    let texts = |all: &[&Vec<Dependency>]| all.iter().flat_map(|all| all.iter()).map(ToString::to_string).collect();
    let (requires, pre) = (&package.requires, &details.requires_pre);
    let weak = [&package.recommends, &details.suggests, &package.supplements, &details.enhances];
    let table: [(bool, &'static str, Vec<String>); 10] = [
        (asked.provides, "Provides", capabilities(&package.provides)),
        (asked.obsoletes, "Obsoletes", capabilities(&package.obsoletes)),
        (asked.conflicts, "Conflicts", texts(&[&package.conflicts])),
        (asked.requires, "Requires", texts(&[requires])),
        (asked.recommends, "Recommends", texts(&weak[..1])),
        (asked.suggests, "Suggests", texts(&weak[1..2])),
        (asked.supplements, "Supplements", texts(&weak[2..3])),
        (asked.enhances, "Enhances", texts(&weak[3..])),
        (asked.depends, "Depends", texts(&[requires, weak[0], weak[1], weak[2], weak[3]])),
        (asked.requires_pre, "RequiresPre", texts(&[pre])),
    ];
    table.into_iter().find(|(asked, ..)| *asked).map_or(Shown::Nothing, |(_, key, all)| Shown::Many(key, all))
}

fn location(repositories: &Repositories, sack: &Sack<'_>, id: Id) -> String {
    let offer = sack.offer(id);
    match (id, offer) {
        (Id::Available(stock, _), Some(offer)) => match repositories.opened.get(stock) {
            Some(opened) => opened.package_urls(&offer).first().map_or(offer.location, |url| download::shown(url)),
            None => offer.location,
        },
        _ => String::new(),
    }
}

fn files(session: &Session, repositories: &Repositories, sack: &Sack<'_>, id: Id) -> Result<Vec<String>, CliError> {
    let whole = match id {
        Id::Available(stock, at) => match repositories.opened.get(stock) {
            Some(opened) if opened.metadata.repomd.get("filelists").is_some() => {
                session.with_context(|context| opened.index_with_files(context))?.package(at)
            }
            _ => sack.package(id),
        },
        Id::Installed(_) => sack.package(id),
    };
    Ok(whole.map(|package| package.paths).unwrap_or_default())
}

fn changes(session: &Session, repositories: &Repositories, sack: &Sack<'_>, id: Id) -> Result<Vec<Change>, CliError> {
    match id {
        Id::Available(stock, _) => {
            let (Some(opened), Some(offer)) = (repositories.opened.get(stock), sack.offer(id)) else { return Ok(Vec::new()) };
            let mut all = session.with_context(|context| opened.changes(context))?;
            Ok(all.remove(&offer.checksum).unwrap_or_default())
        }
        Id::Installed(at) => {
            let entries = sack.installed[at].package.metadata().and_then(|metadata| metadata.get_changelog_entries()).unwrap_or_default();
            let change = |entry: rpm::ChangelogEntry| Change { author: entry.name, time: entry.timestamp, text: entry.description };
            Ok(entries.into_iter().map(change).collect())
        }
    }
}

fn formatted(format: &str, sack: &Sack<'_>, id: Id, details: &Details) -> String {
    let nevra = sack.nevra(id);
    let package = sack.package(id);
    let size = |of: fn(&Package) -> u64| package.as_ref().map_or(0, of).to_string();
    // A relation to several others takes a line for each.
    let relation =
        |of: fn(&Package, &Details) -> Vec<String>| package.as_ref().map(|package| of(package, details).join("\n")).unwrap_or_default();
    let table = [
        ("%{name}", nevra.name.clone()),
        ("%{version}", nevra.evr.version.clone()),
        ("%{release}", nevra.evr.release.clone().unwrap_or_default()),
        ("%{epoch}", nevra.evr.epoch.to_string()),
        ("%{arch}", nevra.arch.clone()),
        ("%{evr}", nevra.evr.to_string()),
        ("%{nevra}", nevra.to_string()),
        ("%{repoid}", sack.origin(id).to_owned()),
        ("%{reponame}", sack.origin(id).to_owned()),
        ("%{summary}", details.summary.clone()),
        ("%{description}", details.description.clone()),
        ("%{license}", details.license.clone()),
        ("%{url}", details.url.clone()),
        ("%{sourcerpm}", details.source.clone()),
        ("%{buildtime}", details.build_time.to_string()),
        ("%{installsize}", size(|package| package.installed_size_bytes)),
        ("%{downloadsize}", size(|package| package.package_size_bytes)),
        ("%{size}", size(|package| package.package_size_bytes)),
        ("%{reason}", sack.reason(id).map_or("none", Reason::word).to_owned()),
        ("%{provides}", relation(|package, _| package.provides.iter().map(ToString::to_string).collect())),
        ("%{requires}", relation(|package, _| texts(&package.requires))),
        ("%{obsoletes}", relation(|package, _| package.obsoletes.iter().map(ToString::to_string).collect())),
        ("%{conflicts}", relation(|package, _| texts(&package.conflicts))),
        ("%{recommends}", relation(|package, _| texts(&package.recommends))),
        ("%{supplements}", relation(|package, _| texts(&package.supplements))),
        ("%{suggests}", relation(|_, details| texts(&details.suggests))),
        ("%{enhances}", relation(|_, details| texts(&details.enhances))),
        ("%{requires-pre}", relation(|_, details| texts(&details.requires_pre))),
        ("%{files}", relation(|package, _| package.paths.clone())),
        ("\\n", "\n".to_owned()),
        ("\\t", "\t".to_owned()),
    ];
    let text = table.iter().fold(format.to_owned(), |text, (tag, value)| text.replace(tag, value));
    // Every package has its own line already.
    text.strip_suffix('\n').map(str::to_owned).unwrap_or(text)
}

fn texts(all: &[Dependency]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}
