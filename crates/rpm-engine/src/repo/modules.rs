//! `modules.yaml`: which packages belong to streams of modules. Only their names are read, a line each below `artifacts`.

use std::collections::BTreeSet;
use std::io::{BufRead, Read as _};

use super::RepoError;
use crate::package::Nevra;
use crate::version::Evr;

/// A longer line names no package.
const LONGEST_LINE: u64 = 1024;

/// Reads the names of all packages of modules.
pub(super) fn parse(mut yaml: impl BufRead) -> Result<BTreeSet<Nevra>, RepoError> {
    let malformed = |error: std::io::Error| RepoError::Malformed { document: "modules.yaml".into(), reason: error.to_string() };
    let mut found = BTreeSet::new();
    let mut line = Vec::new();
    while (&mut yaml).take(LONGEST_LINE).read_until(b'\n', &mut line).map_err(malformed)? > 0 {
        found.extend(String::from_utf8_lossy(&line).trim().strip_prefix("- ").and_then(artifact));
        line.clear();
    }
    Ok(found)
}

/// `name-epoch:version-release.arch`
fn artifact(text: &str) -> Option<Nevra> {
    let (rest, arch) = text.trim_matches(['"', '\'']).rsplit_once('.')?;
    let (rest, release) = rest.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    let is_number = |epoch: &str| !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_digit());
    version.split_once(':').filter(|(epoch, _)| is_number(epoch))?;
    Some(Nevra { name: name.to_owned(), evr: Evr::parse(&format!("{version}-{release}")), arch: arch.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_packages() {
        let yaml = "---\ndocument: modulemd\ndata:\n  name: perl\n  license:\n    module:\n    - MIT\n  artifacts:\n    rpms:\n    \
                    - perl-4:5.24.4-398.module_el8.x86_64\n    - \"perl-a-b-0:1-1.noarch\"\n    - not-a-package\n    - a-b-c.d\n...";
        let found = parse(yaml.as_bytes()).unwrap();
        assert_eq!(
            found.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["perl-4:5.24.4-398.module_el8.x86_64", "perl-a-b-1-1.noarch"]
        );
    }
}
