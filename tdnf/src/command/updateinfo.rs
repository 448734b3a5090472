//! `tdnf updateinfo`, and what `--security` and the like mean for other commands.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::cli::args::{Common, Updateinfo};
use crate::cli::error::CliError;
use crate::cli::local::Repositories;
use crate::cli::session::Session;
use crate::query::Pattern;
use rpm_engine::package::Nevra;
use rpm_engine::repo::{Advisory, AdvisoryKind};
use rpm_engine::version::Evr;

/// How advisories are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Summary,
    List,
    Info,
}

/// Which advisories.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// All there are.
    All,
    /// Those that installed packages do not answer yet.
    Available,
    /// Those that installed packages answer.
    Installed,
}

/// An advisory and the package that answers it.
struct Answer<'a> {
    advisory: &'a Advisory,
    package: &'a Nevra,
}

/// Shows advisories.
///
/// # Errors
/// When a repository cannot be used, or there is nothing to show.
pub fn run(session: &Session, asked: &Updateinfo) -> Result<(), CliError> {
    let repositories = session.open()?;
    let advisories = all(session, &repositories)?;
    let (mode, scope, patterns) = how(asked);
    let installed = newest_installed(session);
    let is_in = |scope: Scope, package: &Nevra| {
        let answered = installed.get(package.name.as_str()).map(|there| **there >= package.evr);
        match scope {
            Scope::All => true,
            Scope::Available => answered == Some(false),
            Scope::Installed => answered == Some(true),
        }
    };
    let mut answers = Vec::new();
    for advisory in advisories.iter().filter(|advisory| is_asked_for(session, advisory)) {
        let by_id = patterns.iter().any(|pattern| is_about(advisory, pattern));
        // Whoever names an advisory wants to see it, whether or not it concerns this machine.
        let scope = scope.unwrap_or(if by_id { Scope::All } else { Scope::Available });
        let named = |package: &Nevra| by_id || patterns.is_empty() || patterns.iter().any(|pattern| pattern.fits(package));
        let wanted = |package: &&Nevra| named(package) && is_in(scope, package);
        answers.extend(advisory.packages.iter().filter(wanted).map(|package| Answer { advisory, package }));
    }
    let named = |pattern: &&Pattern| {
        let offered = repositories
            .opened
            .iter()
            .any(|opened| (0..opened.index.len()).any(|at| opened.index.nevra(at).is_some_and(|nevra| pattern.fits(&nevra))));
        let by_id = || advisories.iter().any(|advisory| is_about(advisory, pattern));
        offered || by_id() || session.installed.iter().any(|installed| pattern.fits(&installed.package.package.nevra))
    };
    if answers.is_empty() && patterns.iter().any(|pattern| !named(&pattern)) {
        return Err(CliError::NoMatch);
    }
    answers.sort_by(|a, b| (&a.advisory.id, a.package).cmp(&(&b.advisory.id, b.package)));
    answers.dedup_by(|a, b| a.advisory.id == b.advisory.id && a.package == b.package);
    show(session, mode, &answers)
}

/// Whether a word names an advisory, or what it refers to.
fn is_about(advisory: &Advisory, pattern: &Pattern) -> bool {
    pattern.fits_text(&advisory.id) || advisory.references.iter().any(|reference| pattern.fits_text(reference))
}

fn how(asked: &Updateinfo) -> (Mode, Option<Scope>, Vec<Pattern>) {
    let mut mode = if asked.info { Mode::Info } else { Mode::Summary };
    mode = if asked.list { Mode::List } else { mode };
    let options = [(asked.installed, Scope::Installed), (asked.all, Scope::All), (asked.available, Scope::Available)];
    let mut scope = options.into_iter().find(|(set, _)| *set).map(|(_, scope)| scope);
    let mut patterns = Vec::new();
    for word in &asked.words {
        match word.as_str() {
            "list" => mode = Mode::List,
            "info" => mode = Mode::Info,
            "summary" => mode = Mode::Summary,
            "all" => scope = Some(Scope::All),
            "installed" => scope = Some(Scope::Installed),
            "available" | "updates" => scope = Some(Scope::Available),
            name => patterns.push(Pattern::new(name)),
        }
    }
    (mode, scope, patterns)
}

fn show(session: &Session, mode: Mode, answers: &[Answer<'_>]) -> Result<(), CliError> {
    if mode == Mode::Summary {
        return summary(session, answers);
    }
    if session.console.json {
        let one = |answer: &Answer<'_>| {
            let mut value = json!({
                "Type": answer.advisory.kind.label(),
                "UpdateID": answer.advisory.id,
                "NeedsReboot": answer.advisory.reboot,
                "Packages": [answer.package.to_string()],
            });
            if mode == Mode::Info {
                value["Date"] = json!(date(answer.advisory));
                value["Severity"] = json!(answer.advisory.severity);
                value["Description"] = json!(answer.advisory.description);
                value["References"] = json!(answer.advisory.references);
            }
            value
        };
        session.console.value(&Value::Array(answers.iter().map(one).collect()));
        return Ok(());
    }
    if answers.is_empty() {
        return Err(CliError::NoData);
    }
    for Answer { advisory, package } in answers {
        let kind = advisory.kind.label();
        if mode == Mode::List {
            session.console.line(format!("{} {kind} {package}.rpm", advisory.id));
            continue;
        }
        let reboot = u8::from(advisory.reboot).to_string();
        let lines = [("Name", format!("{package}.rpm")), ("Update ID", advisory.id.clone()), ("Type", kind.to_owned())];
        let rest = [("Updated", date(advisory).to_owned()), ("Severity", advisory.severity.clone()), ("Needs Reboot", reboot)];
        let last = [("References", advisory.references.join(" ")), ("Description", advisory.description.clone())];
        for (name, value) in lines.into_iter().chain(rest).chain(last).filter(|(_, value)| !value.is_empty()) {
            session.console.line(format!("{name:>12} : {value}"));
        }
        session.console.line("");
    }
    Ok(())
}

fn date(advisory: &Advisory) -> &str {
    if advisory.updated.is_empty() { &advisory.issued } else { &advisory.updated }
}

fn summary(session: &Session, answers: &[Answer<'_>]) -> Result<(), CliError> {
    let mut counts: BTreeMap<AdvisoryKind, BTreeSet<&str>> = BTreeMap::new();
    for answer in answers {
        counts.entry(answer.advisory.kind).or_default().insert(&answer.advisory.id);
    }
    if session.console.json {
        let kinds = [AdvisoryKind::Security, AdvisoryKind::Bugfix, AdvisoryKind::Enhancement, AdvisoryKind::Other];
        let one = |kind: &AdvisoryKind| (kind.label().to_owned(), json!(counts.get(kind).map_or(0, BTreeSet::len)));
        session.console.value(&Value::Object(kinds.iter().map(one).collect()));
        return Ok(());
    }
    for (kind, ids) in &counts {
        session.console.line(format!("{} {} notice(s)", ids.len(), kind.label()));
    }
    if counts.is_empty() {
        session.console.line("0 updates.");
        return Err(CliError::NoData);
    }
    Ok(())
}

/// The newest version installed of each name.
fn newest_installed(session: &Session) -> BTreeMap<&str, &Evr> {
    let mut newest: BTreeMap<&str, &Evr> = BTreeMap::new();
    for nevra in session.installed.iter().map(|installed| &installed.package.package.nevra) {
        let known = newest.entry(&nevra.name).or_insert(&nevra.evr);
        *known = (*known).max(&nevra.evr);
    }
    newest
}

fn all(session: &Session, repositories: &Repositories) -> Result<Vec<Advisory>, CliError> {
    let mut advisories = Vec::new();
    for opened in &repositories.opened {
        advisories.extend(session.with_context(|context| opened.advisories(context))?);
    }
    for advisory in &mut advisories {
        advisory.packages.retain(|package| counts(session, package));
    }
    Ok(advisories)
}

/// Whether a package of an advisory is for this machine, or for what is installed on it of another architecture.
fn counts(session: &Session, package: &Nevra) -> bool {
    let here = package.arch == session.arch || package.arch == "noarch";
    let mut installed = session.installed.iter().map(|installed| &installed.package.package.nevra);
    here || installed.any(|there| there.name == package.name && there.arch == package.arch)
}

/// Whether an advisory is what `--security`, `--sec-severity`, `--reboot-required` and, any of them, `--advisory`, `--cve` and `--bz` ask for.
fn is_asked_for(session: &Session, advisory: &Advisory) -> bool {
    let common = &session.common;
    let mut references = common.cves.iter().chain(&common.bugs);
    let is_named = common.advisories.contains(&advisory.id) || references.any(|id| advisory.references.contains(id));
    (!common.security || advisory.kind == AdvisoryKind::Security)
        && common.severity.as_ref().is_none_or(|least| is_at_least(&advisory.severity, least))
        && (!common.reboot_required || advisory.reboot)
        && (is_named || !names_advisories(common))
}

fn names_advisories(common: &Common) -> bool {
    !common.advisories.is_empty() || !common.cves.is_empty() || !common.bugs.is_empty()
}

/// Scores are compared as numbers; a word of severity counts as the score its range begins with (CVSS v3.0, section 5).
fn is_at_least(severity: &str, least: &str) -> bool {
    let score = |text: &str| match text.to_lowercase().as_str() {
        "critical" => 9.0,
        "important" | "high" => 7.0,
        "moderate" | "medium" => 4.0,
        "low" => 0.1,
        text => text.parse().unwrap_or(0.0),
    };
    score(severity) >= score(least)
}

/// The packages that answer some advisories.
#[derive(Debug, Default)]
pub(in crate::command) struct Advised(BTreeSet<Nevra>);

impl Advised {
    /// Whether an update from one version to another brings an answer, be it in a version between.
    pub(in crate::command) fn asks_for(&self, from: &Nevra, to: &Nevra) -> bool {
        let mut answers = self.0.iter().filter(|answer| answer.name == to.name && answer.may_replace(from));
        answers.any(|answer| answer.evr > from.evr && answer.evr <= to.evr)
    }

    /// Whether a package is itself an answer.
    pub(in crate::command) fn names(&self, package: &Nevra) -> bool {
        self.0.contains(package)
    }
}

/// The packages that answer the advisories asked for, where any are.
///
/// # Errors
/// When a repository cannot be used.
pub(in crate::command) fn restricted(session: &Session, repositories: &Repositories) -> Result<Option<Advised>, CliError> {
    let common = &session.common;
    if !common.security && common.severity.is_none() && !common.reboot_required && !names_advisories(common) {
        return Ok(None);
    }
    let asked = all(session, repositories)?.into_iter().filter(|advisory| is_asked_for(session, advisory));
    Ok(Some(Advised(asked.flat_map(|advisory| advisory.packages).collect())))
}

/// The packages whose advisories ask for a reboot.
///
/// # Errors
/// When a repository cannot be used.
pub fn rebooting(session: &Session, repositories: &Repositories) -> Result<BTreeSet<Nevra>, CliError> {
    let advisories = all(session, repositories)?.into_iter().filter(|advisory| advisory.reboot);
    Ok(advisories.flat_map(|advisory| advisory.packages).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_may_lie_between_two_versions() {
        let nevra = |version: &str, arch: &str| Nevra { name: "app".into(), evr: Evr::parse(version), arch: arch.into() };
        let advised = Advised([nevra("2-1", "x86_64"), nevra("5-1", "i686")].into());
        let table = [("1-1", "3-1", true), ("1-1", "2-1", true), ("2-1", "3-1", false), ("1-1", "1-2", false), ("3-1", "6-1", false)];
        for (from, to, expected) in table {
            assert_eq!(advised.asks_for(&nevra(from, "x86_64"), &nevra(to, "x86_64")), expected, "{from} {to}");
        }
        assert!(advised.asks_for(&nevra("4-1", "i686"), &nevra("5-1", "i686")));
    }

    #[test]
    fn severities() {
        let table = [("Critical", "7.0", true), ("Moderate", "7.0", false), ("9.8", "high", true), ("", "0.1", false), ("5", "5.0", true)];
        for (severity, least, expected) in table {
            assert_eq!(is_at_least(severity, least), expected, "{severity} against {least}");
        }
    }
}
