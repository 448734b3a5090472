//! Compares what specs take from the Debian archive with what it lists.

use crate::cli::Context;
use base::diagnostic::Report;
use sdk::Sdk;
use sdk::apt::Suite;
use sdk::updates::{Held, Listing, Mirrors, Outdated, Scope, Wanted, available, outdated, read};

/// The result of a comparison.
pub struct Compared {
    /// What is outdated.
    pub outdated: Vec<Outdated>,
    /// The suites that were read.
    pub suites: Vec<Suite>,
    /// What none of them has in any version. Suites of security updates alone say nothing about that.
    pub unlisted: Vec<Held>,
}

/// What the suites of the SDK and `further` ones list of `wanted`.
///
/// # Errors
/// When the SDK's description has mistakes, no archive is configured, or its indexes cannot be read.
pub fn listing(context: &Context<'_>, wanted: &Wanted, further: &[Suite], scope: Scope) -> Result<(Mirrors, Listing), Report> {
    let base: Suite = Sdk::describe(&context.root)?.suite.parse()?;
    let mut suites: Vec<Suite> = Vec::new();
    for suite in base.with_updates().into_iter().chain(further.iter().cloned()) {
        let counts = match scope {
            Scope::All => true,
            Scope::Security => suite.is_security(),
        };
        if counts && !suites.contains(&suite) {
            suites.push(suite);
        }
    }
    let (store, settings) = (context.store()?, context.settings());
    let mirrors = Mirrors::find(&settings)?;
    let listing = read((&store, &settings), &mirrors, &suites, wanted, &*context.reporter, &context.cancel)?;
    Ok((mirrors, listing))
}

/// Compares `all` with what the suites of the SDK and `further` ones list.
///
/// # Errors
/// As for [`listing`], and when the user asked to stop.
pub fn compare(context: &Context<'_>, all: Vec<Held>, further: &[Suite], scope: Scope) -> Result<Compared, Report> {
    let wanted = all.iter().map(|held| (held.index, held.package.clone())).collect();
    let (mirrors, listing) = listing(context, &wanted, further, scope)?;
    let is_unlisted = |held: &&Held| scope == Scope::All && listing.of_held(held).is_empty();
    let unlisted = all.iter().filter(is_unlisted).cloned().collect();
    let found = outdated(
        all,
        &listing,
        scope,
        |held, update, file| mirrors.addresses(held, update, file),
        |files| available(files, &*context.reporter, &context.cancel),
    )?;
    Ok(Compared { outdated: found, suites: listing.suites().to_vec(), unlisted })
}
