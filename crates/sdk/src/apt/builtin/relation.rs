//! Relations between packages (Debian Policy 7.1).

use std::cmp::Ordering;
use std::fmt;

use super::version::compare;

/// How versions are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `<<`.
    Earlier,
    /// `<=`.
    AtMost,
    /// `=`.
    Exactly,
    /// `>=`.
    AtLeast,
    /// `>>`.
    Later,
}

/// One acceptable package: a name, optionally with a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation<'a> {
    /// The name of a package or a virtual package.
    pub name: &'a str,
    /// The required version.
    pub version: Option<(Comparison, &'a str)>,
}

impl Relation<'_> {
    /// Whether a package of this name with `version` is acceptable.
    pub fn allows(&self, version: &str) -> bool {
        let Some((comparison, wanted)) = self.version else { return true };
        let order = compare(version, wanted);
        match comparison {
            Comparison::Earlier => order == Ordering::Less,
            Comparison::AtMost => order != Ordering::Greater,
            Comparison::Exactly => order == Ordering::Equal,
            Comparison::AtLeast => order != Ordering::Less,
            Comparison::Later => order == Ordering::Greater,
        }
    }

    /// Whether a package that provides this name with `version`, or without one, is acceptable.
    pub fn allows_provided(&self, version: Option<&str>) -> bool {
        match version {
            Some(version) => self.allows(version),
            None => self.version.is_none(),
        }
    }
}

impl fmt::Display for Relation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((comparison, version)) = self.version else { return f.write_str(self.name) };
        let sign = match comparison {
            Comparison::Earlier => "<<",
            Comparison::AtMost => "<=",
            Comparison::Exactly => "=",
            Comparison::AtLeast => ">=",
            Comparison::Later => ">>",
        };
        write!(f, "{} ({sign} {version})", self.name)
    }
}

/// The groups of alternatives in a field such as `Depends`: one of each group is needed. Unparsable ones are left out, because the
/// archive's own tools write the index.
pub fn groups(field: &str) -> Vec<Vec<Relation<'_>>> {
    let groups = field.split(',').map(|group| group.split('|').filter_map(relation).collect::<Vec<_>>());
    groups.filter(|group| !group.is_empty()).collect()
}

fn relation(text: &str) -> Option<Relation<'_>> {
    let text = text.trim();
    let (name, rest) = text.split_at(text.find(|character: char| character.is_whitespace() || character == '(').unwrap_or(text.len()));
    // A qualifier (`python3:any`) names an architecture, and only one is used here.
    let name = name.split(':').next().filter(|name| !name.is_empty())?;
    let inside = rest.trim_start().strip_prefix('(').and_then(|rest| Some(rest.split_once(')')?.0.trim()));
    Some(Relation { name, version: inside.map(version) })
}

fn version(text: &str) -> (Comparison, &str) {
    // `<` and `>` are old spellings that allow the version itself.
    for (sign, comparison) in [
        ("<<", Comparison::Earlier),
        ("<=", Comparison::AtMost),
        (">=", Comparison::AtLeast),
        (">>", Comparison::Later),
        ("=", Comparison::Exactly),
        ("<", Comparison::AtMost),
        (">", Comparison::AtLeast),
    ] {
        if let Some(version) = text.strip_prefix(sign) {
            return (comparison, version.trim());
        }
    }
    (Comparison::Exactly, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read() {
        let all = groups("libc6 (>= 2.36), awk | mawk(<<1.3) , python3:any, x (=1)");
        let shown: Vec<Vec<String>> = all.iter().map(|group| group.iter().map(ToString::to_string).collect()).collect();
        let expected: [&[&str]; 4] = [&["libc6 (>= 2.36)"], &["awk", "mawk (<< 1.3)"], &["python3"], &["x (= 1)"]];
        assert_eq!(shown, expected);
        assert!(groups("").is_empty() && groups(" , ,").is_empty());
    }

    #[test]
    fn versions_decide() {
        for (field, version, is_allowed) in [
            ("x", "0", true),
            ("x (<< 2)", "2~", true),
            ("x (<< 2)", "2", false),
            ("x (<= 2)", "2", true),
            ("x (= 2)", "2-1", false),
            ("x (>= 2)", "2~rc", false),
            ("x (>> 2)", "2-1", true),
        ] {
            assert_eq!(groups(field)[0][0].allows(version), is_allowed, "{field} {version}");
        }
        assert!(groups("x")[0][0].allows_provided(None) && !groups("x (>= 1)")[0][0].allows_provided(None));
    }
}
