//! Boolean dependencies as words: `(a or b)`.

use std::collections::BTreeSet;

use super::{Request, Wish};
use crate::cli::error::CliError;
use crate::query::{Id, Sack};
use rpm_engine::dependency::{Capability, Rich};
use rpm_engine::history::Reason;

/// Adds what a boolean dependency asks for.
///
/// # Errors
/// When it depends on what is installed.
pub(super) fn request(sack: &Sack<'_>, rich: &Rich, request: &mut Request) -> Result<(), CliError> {
    if let Rich::And(all) = rich {
        return all.iter().try_for_each(|each| self::request(sack, each, request));
    }
    let conditional = || CliError::Conditional(rich.to_string());
    let there = satisfying(rich, &|wanted| sack.installed_providing(wanted)).ok_or_else(conditional)?;
    if let Some(there) = there.first() {
        request.existing.push(*there);
        return Ok(());
    }
    let found = satisfying(rich, &|wanted| sack.available_providing(wanted)).ok_or_else(conditional)?;
    if found.is_empty() {
        request.unresolved.push(rich.to_string());
    } else {
        request.wishes.push(Wish::new(rich.to_string(), sack.by_standing(found.into_iter().collect()), Reason::User));
    }
    Ok(())
}

/// The packages that each satisfy an expression by themselves; nothing, if it is not about single packages.
fn satisfying(rich: &Rich, providing: &dyn Fn(&Capability) -> Vec<Id>) -> Option<BTreeSet<Id>> {
    let of = |rich: &Rich| satisfying(rich, providing);
    match rich {
        Rich::Leaf(wanted) => Some(providing(wanted).into_iter().collect()),
        Rich::Or(any) => any.iter().map(of).collect::<Option<Vec<_>>>().map(|all| all.into_iter().flatten().collect()),
        Rich::With(all) => {
            let sets = all.iter().map(of).collect::<Option<Vec<_>>>()?;
            sets.into_iter().reduce(|common, set| &common & &set)
        }
        Rich::Without(first, second) => Some(&of(first)? - &of(second)?),
        Rich::And(_) | Rich::If(..) | Rich::Unless(..) => None,
    }
}
