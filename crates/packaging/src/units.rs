//! Units that a spec enables or disables, checked against those in its packages.

use std::collections::BTreeSet;
use std::fmt;

use super::error::PackageError;
use super::split::Part;
use super::tree::Kind;
use super::usrmerge::parent;
use base::glob::Glob;
use planning::spec::Spec;
use text::nearest;

/// Directories of packages' system units (systemd.unit(5)).
const DIRECTORIES: [&str; 2] = ["/usr/lib/systemd/system", "/etc/systemd/system"];

/// The setting of a unit in a spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// `enable`
    Enable,
    /// `disable`
    Disable,
}

impl fmt::Display for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Enable => "enable",
            Self::Disable => "disable",
        })
    }
}

/// A unit that none of the spec's packages contains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownUnit {
    /// The list it is in.
    pub wish: Wish,
    /// Its name.
    pub name: String,
    /// A unit of the spec's packages with a similar name.
    pub similar: Option<String>,
}

impl fmt::Display for UnknownUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` (in `{}`)", self.name, self.wish)
    }
}

/// Checks that every unit which the spec enables or disables is in one of its packages, as a file or as a link, such as an alias.
///
/// # Errors
/// All units that are in none.
pub fn check(spec: &Spec, parts: &[Part<'_>]) -> Result<(), PackageError> {
    let entries = parts.iter().flat_map(|part| &part.entries);
    let is_unit = |path: &str, kind: &Kind| DIRECTORIES.contains(&parent(path)) && !matches!(kind, Kind::Directory);
    let units: BTreeSet<&str> =
        entries.filter(|(path, entry)| is_unit(path, &entry.kind)).filter_map(|(path, _)| path.rsplit('/').next()).collect();
    let mut found = Vec::new();
    for part in parts {
        for (wish, names) in [(Wish::Enable, &part.content.enable), (Wish::Disable, &part.content.disable)] {
            let unknown = names.iter().filter(|name| !is_one_of(name, &units));
            found.extend(unknown.map(|name| {
                let similar = nearest(name, units.iter().copied()).map(str::to_owned);
                UnknownUnit { wish, name: name.clone(), similar }
            }));
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    Err(PackageError::UnknownUnits { spec: spec.name.clone(), found, has_units: !units.is_empty() })
}

/// Whether `name`, which may be a glob as in systemd.preset(5) or an instance of a template, is one of `units`.
fn is_one_of(name: &str, units: &BTreeSet<&str>) -> bool {
    if units.contains(name) || template(name).is_some_and(|template| units.contains(&*template)) {
        return true;
    }
    name.contains(['*', '?', '[']) && Glob::new(name).is_ok_and(|glob| units.iter().any(|unit| glob.matches(unit)))
}

/// `getty@.service` for `getty@tty1.service`.
fn template(name: &str) -> Option<String> {
    let (prefix, _) = name.split_once('@')?;
    let (_, suffix) = name.rsplit_once('.')?;
    Some(format!("{prefix}@.{suffix}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_units() {
        let units = BTreeSet::from(["a.service", "a.socket", "t@.service"]);
        for (name, expected) in [
            ("a.service", true),
            ("t@.service", true),
            ("t@x.service", true),
            ("t@x.y.service", true),
            ("a*", true),
            ("?.s[oe]*", true),
            ("b.service", false),
            ("a.timer", false),
            ("t.service", false),
            ("t@x.socket", false),
            ("a@x.service", false),
            ("b*.service", false),
        ] {
            assert_eq!(is_one_of(name, &units), expected, "{name}");
        }
    }
}
