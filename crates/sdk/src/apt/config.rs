//! The host's list of apt repositories, in both of its formats (sources.list(5)).

use std::fs;
use std::io;
use std::path::Path;

use super::AptError;

/// One repository of binary packages that the host's apt uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// The archive's address as written.
    pub uri: String,
    /// The suite (`trixie`, `trixie-security`, `bookworm/updates`).
    pub suite: String,
    /// Components (`main`, `contrib`).
    pub components: Vec<String>,
    /// The `Signed-By` option: a keyring's path, fingerprints, or a key itself.
    pub signed_by: Option<String>,
}

/// The enabled `deb` entries of a one-line-format file. Lines that cannot be parsed are ignored; the host's apt reports them.
pub fn parse_one_line(text: &str) -> Vec<Repository> {
    text.lines().filter_map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<Repository> {
    let line = line.split('#').next()?.trim();
    let rest = line.strip_prefix("deb")?;
    let rest = rest.starts_with(char::is_whitespace).then(|| rest.trim_start())?;
    let (options, rest) = match rest.strip_prefix('[') {
        Some(inside) => inside.split_once(']')?,
        None => ("", rest),
    };
    let mut words = rest.split_whitespace().map(str::to_owned);
    let signed_by = options.split_whitespace().find_map(|option| option.strip_prefix("signed-by=")).map(str::to_owned);
    Some(Repository { uri: words.next()?, suite: words.next()?, components: words.collect(), signed_by })
}

/// The enabled `deb` entries of a deb822-format file: one for each pair of address and suite.
pub fn parse_deb822(text: &str) -> Vec<Repository> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    lines.split(|line| line.trim().is_empty()).flat_map(parse_stanza).collect()
}

fn parse_stanza(lines: &[&str]) -> Vec<Repository> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in lines {
        match (line.starts_with([' ', '\t']), line.split_once(':')) {
            (true, _) => {
                if let Some((_, value)) = fields.last_mut() {
                    value.push('\n');
                    value.push_str(line.trim());
                }
            }
            (false, Some((name, value))) => fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned())),
            (false, None) => {}
        }
    }
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let words = |name: &str| field(name).unwrap_or_default().split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let is_off = field("enabled").is_some_and(|value| ["no", "false", "0", "off", "without", "disable"].contains(&value));
    if is_off || !words("types").iter().any(|kind| kind == "deb") {
        return Vec::new();
    }
    let (components, signed_by) = (words("components"), field("signed-by").map(str::to_owned));
    let mut repositories = Vec::new();
    for uri in words("uris") {
        for suite in words("suites") {
            repositories.push(Repository { uri: uri.clone(), suite, components: components.clone(), signed_by: signed_by.clone() });
        }
    }
    repositories
}

/// All repositories in `sources.list` and `sources.list.d` of an apt configuration folder, in apt's order.
///
/// # Errors
/// When an existing file cannot be read.
pub fn host_repositories(apt_folder: &Path) -> Result<Vec<Repository>, AptError> {
    let mut repositories = read(&apt_folder.join("sources.list"))?.map(|text| parse_one_line(&text)).unwrap_or_default();
    let folder = apt_folder.join("sources.list.d");
    let mut files = match fs::read_dir(&folder) {
        Ok(entries) => entries.filter_map(|entry| Some(entry.ok()?.path())).collect::<Vec<_>>(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(source) => return Err(AptError::io("list", &folder, source)),
    };
    files.sort();
    for file in files {
        let parse: fn(&str) -> Vec<Repository> = match file.extension().and_then(|extension| extension.to_str()) {
            Some("list") => parse_one_line,
            Some("sources") => parse_deb822,
            _ => continue,
        };
        repositories.extend(read(&file)?.map(|text| parse(&text)).unwrap_or_default());
    }
    Ok(repositories)
}

fn read(path: &Path) -> Result<Option<String>, AptError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(AptError::io("read", path, source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(repositories: &[Repository]) -> Vec<String> {
        let show = |r: &Repository| format!("{} {} {} {}", r.uri, r.suite, r.components.join("+"), r.signed_by.as_deref().unwrap_or("-"));
        repositories.iter().map(show).collect()
    }

    #[test]
    fn one_line_files() {
        let text = "# deb http://off.test/debian trixie main\n\
            deb http://a.test/debian trixie main contrib # why\n\
            deb-src http://a.test/debian trixie main\n\
            deb [ arch=amd64 signed-by=/k.gpg ] https://b.test/debian/ bookworm-updates main\n\
            deb\thttp://c.test/debian\ttrixie/updates\tmain\n\
            deb http://flat.test/repo ./\n\
            debris x y\ndeb [arch=amd64 http://broken.test x main\n";
        let expected = [
            "http://a.test/debian trixie main+contrib -",
            "https://b.test/debian/ bookworm-updates main /k.gpg",
            "http://c.test/debian trixie/updates main -",
            "http://flat.test/repo ./  -",
        ];
        assert_eq!(shown(&parse_one_line(text)), expected);
    }

    #[test]
    fn deb822_files() {
        let text = "Types: deb deb-src\n# a comment inside\nURIs: http://a.test/debian\nSuites: trixie trixie-updates\n\
            Components: main\nSigned-By: /k.gpg\n\n\nTypes: deb\nEnabled: no\nURIs: http://off.test\nSuites: x\nComponents: main\n\n\
            Types: deb-src\nURIs: http://src.test\nSuites: x\nComponents: main\n\n\
            types: deb\nuris:\n http://b.test/debian\n http://c.test/debian\nsuites: sid\ncomponents: main non-free\n";
        let expected = [
            "http://a.test/debian trixie main /k.gpg",
            "http://a.test/debian trixie-updates main /k.gpg",
            "http://b.test/debian sid main+non-free -",
            "http://c.test/debian sid main+non-free -",
        ];
        assert_eq!(shown(&parse_deb822(text)), expected);
    }
}
