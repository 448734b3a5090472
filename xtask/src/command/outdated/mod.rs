//! `cargo xtask outdated`

mod compare;
mod row;
mod show;

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;

use super::select;
use crate::cli::Context;
use base::diagnostic::{ExitCode, Report};
use base::name::PackageName;
use planning::bump::together;
use planning::graph::Graph;
use planning::spec::{Origin, Spec};
use sdk::apt::Suite;
use sdk::updates::{Scope, held};

pub use compare::{Compared, compare, listing};
use row::{Row, rows};
use show::Shown;

/// Options of `outdated`.
#[derive(Args, Debug)]
pub struct Options {
    /// Packages whose specs are compared [default: all]
    packages: Vec<String>,
    /// Count and show only security updates
    #[arg(long)]
    security: bool,
    /// Compare with this suite as well, such as that of the next Debian; repeatable
    #[arg(long, value_name = "SUITE")]
    suite: Vec<Suite>,
    /// Exit with 1 if something newer can be fetched
    #[arg(long)]
    exit_code: bool,
}

/// Compares the sources of specs with what the Debian archive has.
///
/// # Errors
/// Mistakes in the specs, unknown names, indexes that cannot be read.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let graph = context.graph()?;
    let specs = specs(&graph, &options.packages)?;
    let own_addresses: Vec<PackageName> = specs.iter().filter(|spec| has_only_addresses(spec)).map(|spec| spec.name.clone()).collect();
    let all: Vec<_> = specs.iter().flat_map(|spec| held(spec)).collect();
    let compared_specs = all.iter().map(|held| &held.spec).collect::<BTreeSet<_>>().len();
    let scope = if options.security { Scope::Security } else { Scope::All };
    // Specs without sources in the archive need no network.
    let Compared { outdated, suites, unlisted } = match compared_specs {
        0 => Compared { outdated: Vec::new(), suites: Vec::new(), unlisted: Vec::new() },
        _ => compare(context, all, &options.suite, scope)?,
    };
    let rows = rows(outdated);
    let together = raised_together(&graph, &rows);
    let shown = Shown {
        rows: &rows,
        suites: &suites,
        scope,
        compared_specs,
        unlisted: &unlisted,
        own_addresses: &own_addresses,
        together: &together,
    };
    if context.output.is_json() {
        context.output.document(&shown.document());
    } else {
        context.output.table(&shown.table());
        context.output.text(&shown.last_lines());
    }
    let is_old = rows.iter().any(|row| row.outdated.fetchable().is_some());
    Ok(if options.exit_code && is_old { ExitCode::Failed } else { ExitCode::Done })
}

/// The specs that have the sources of packages: for a kernel, that which compiles it. All if there are no names.
fn specs<'a>(graph: &'a Graph, names: &[String]) -> Result<Vec<&'a Spec>, Report> {
    let packages = select::packages(graph, names)?;
    let owners = packages.iter().map(|package| graph.index().owner(package).unwrap_or(package));
    let with_sources = owners.filter_map(|name| graph.spec(name)).map(|folder| &graph.compiled_from(folder).spec);
    let by_name: BTreeMap<&PackageName, &Spec> = with_sources.map(|spec| (&spec.name, spec)).collect();
    Ok(by_name.into_values().collect())
}

/// The specs that one `bump` has to raise together to take what can be fetched, without those that it raises alone.
fn raised_together(graph: &Graph, rows: &[Row]) -> BTreeSet<BTreeSet<PackageName>> {
    let fetchable = rows.iter().filter(|row| row.outdated.fetchable().is_some());
    fetchable.map(|row| together(graph, &row.outdated.held.spec)).filter(|specs| specs.len() > 1).collect()
}

/// Whether a spec has sources, and none of them is in the archive. Crates are not counted: Cargo.lock has their versions.
fn has_only_addresses(spec: &Spec) -> bool {
    let origins = || spec.sources.iter().flat_map(|source| &source.origins);
    let is_address = |origin: &Origin| match origin {
        Origin::Url { .. } => true,
        Origin::Debian { .. } | Origin::Deb { .. } | Origin::Crate { .. } => false,
    };
    origins().any(is_address) && held(spec).is_empty()
}
