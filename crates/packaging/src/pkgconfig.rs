//! What a pkg-config file provides and requires.

use std::collections::BTreeMap;

use base::name::{Comparison, Dependency};

/// One `.pc` file.
#[derive(Debug, PartialEq, Eq)]
pub struct Module {
    /// `pkgconfig(name) = version`
    pub provides: Dependency,
    /// Modules that it requires.
    pub requires: Vec<Dependency>,
    /// Modules needed only for static linking; required if they exist.
    pub private: Vec<Dependency>,
}

/// The module's name, if the file at `path` describes one.
pub fn module_name(path: &str) -> Option<&str> {
    let file = path.strip_prefix("/usr/lib/pkgconfig/").or_else(|| path.strip_prefix("/usr/share/pkgconfig/"))?;
    file.strip_suffix(".pc").filter(|name| !name.contains('/'))
}

/// Reads the text of the file that describes the module `name`.
pub fn parse(name: &str, text: &str) -> Module {
    let mut variables = BTreeMap::new();
    let mut fields: BTreeMap<&str, String> = BTreeMap::new();
    let joined = text.replace("\\\n", " ");
    for line in joined.lines().map(|line| line.split('#').next().unwrap_or_default().trim()) {
        let Some(at) = line.find([':', '=']) else { continue };
        let (key, value) = (line[..at].trim(), expand(line[at + 1..].trim(), &variables));
        if line[at..].starts_with('=') {
            variables.insert(key.to_owned(), value);
        } else {
            fields.insert(key, value);
        }
    }
    let field = |key: &str| fields.get(key).map(String::as_str).unwrap_or_default();
    let capability = format!("pkgconfig({name})");
    let provides = match field("Version") {
        "" => Dependency::any(capability),
        version => Dependency::equal(capability, rpm_version(version)),
    };
    Module { provides, requires: modules(field("Requires")), private: modules(field("Requires.private")) }
}

/// Replaces `${name}` by its value if the name is known.
fn expand(text: &str, variables: &BTreeMap<String, String>) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let Some(end) = rest[start..].find('}').map(|end| start + end) else { break };
        result.push_str(&rest[..start]);
        result.push_str(variables.get(&rest[start + 2..end]).map(String::as_str).unwrap_or_default());
        rest = &rest[end + 1..];
    }
    result.push_str(rest);
    result
}

/// `a >= 1, b c < 2` as dependencies.
fn modules(text: &str) -> Vec<Dependency> {
    let spaced = text.replace(',', " ");
    let mut words = spaced.split_ascii_whitespace().peekable();
    let mut found = Vec::new();
    while let Some(name) = words.next() {
        let comparison = words.peek().and_then(|word| match *word {
            "<" => Some(Comparison::Less),
            "<=" => Some(Comparison::LessOrEqual),
            "=" => Some(Comparison::Equal),
            ">=" => Some(Comparison::GreaterOrEqual),
            ">" => Some(Comparison::Greater),
            _ => None,
        });
        let constraint = comparison.and_then(|comparison| {
            words.next();
            words.next().map(|version| (comparison, rpm_version(version)))
        });
        found.push(Dependency { capability: format!("pkgconfig({name})"), constraint });
    }
    found
}

/// A version without characters that have a meaning in RPM: `-` separates version and release, and blanks end it.
fn rpm_version(version: &str) -> String {
    version.split_ascii_whitespace().next().unwrap_or_default().replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_read_with_variables_and_versions() {
        let text = "prefix=/usr\nver=1.2-rc1\n# no\nName: x\nVersion: ${ver}\nRequires: a >= 2.0, b\nRequires.private: \\\n c\nLibs: -L${prefix}\n";
        let module = parse("x", text);
        assert_eq!(module.provides.to_string(), "pkgconfig(x) = 1.2_rc1");
        assert_eq!(module.requires.iter().map(Dependency::to_string).collect::<Vec<_>>(), ["pkgconfig(a) >= 2.0", "pkgconfig(b)"]);
        assert_eq!(module.private, [Dependency::any("pkgconfig(c)")]);
        assert_eq!(parse("y", "Version:\n").provides, Dependency::any("pkgconfig(y)"));
    }

    #[test]
    fn only_files_pkg_config_reads_count() {
        assert_eq!(module_name("/usr/lib/pkgconfig/zlib.pc"), Some("zlib"));
        assert_eq!(module_name("/usr/share/pkgconfig/systemd.pc"), Some("systemd"));
        assert_eq!(module_name("/usr/share/x/pkgconfig/a.pc"), None);
    }
}
