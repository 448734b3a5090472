//! Detects globs that were meant literally: `[` begins a list of characters, but file names may contain it.

use std::fmt;

use super::error::PackageError;
use super::tree::Tree;
use base::glob::Glob;
use planning::spec::Spec;

/// A glob that matches nothing, but would match if taken literally.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiteralGlob {
    /// The glob of the spec.
    pub glob: String,
    /// The glob that matches.
    pub meant: String,
    /// The first path that this glob matches.
    pub path: String,
}

impl fmt::Display for LiteralGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` does not match `{}`, because `[…]` matches one of the characters in it", self.glob, self.path)
    }
}

/// Checks all globs of `spec` for installed files.
///
/// # Errors
/// All that match nothing, but would match something if `[` were literal.
pub fn check(spec: &Spec, tree: &Tree) -> Result<(), PackageError> {
    let subpackages = spec.subpackages.iter().flat_map(|subpackage| &subpackage.files);
    let attributes = spec.attributes.iter().map(|(glob, _)| glob);
    let globs = spec.drop.iter().chain(&spec.build_paths).chain(subpackages).chain(attributes);
    let added = spec.install.values().chain(spec.directories.keys()).chain(spec.symlinks.keys()).map(String::as_str);
    let paths: Vec<&str> = tree.iter().map(|(path, _)| path).chain(tree.directories()).chain(added).collect();
    let found: Vec<LiteralGlob> = globs.filter(|text| text.contains('[')).filter_map(|text| literal(text, &paths)).collect();
    if found.is_empty() { Ok(()) } else { Err(PackageError::LiteralGlobs { spec: spec.name.clone(), found }) }
}

fn literal(text: &str, paths: &[&str]) -> Option<LiteralGlob> {
    let first = |glob: &Glob| paths.iter().find(|path| glob.matches(path));
    let glob = Glob::new(text).ok()?;
    let meant = text.replace('[', "[[]");
    let path = first(&Glob::new(&meant).ok()?)?;
    let is_literal = first(&glob).is_none();
    is_literal.then(|| LiteralGlob { glob: text.to_owned(), meant, path: (*path).to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_brackets() {
        for (text, paths, expected) in [
            ("/a/x[1].txt", &["/a/x[1].txt"][..], Some("/a/x[[]1].txt")),
            ("/a[1]/**", &["/a[1]", "/a[1]/x"], Some("/a[[]1]/**")),
            ("/a/x[1].txt", &["/a/x[1].txt", "/a/x1.txt"], None),
            ("/a/x[[]1].txt", &["/a/x[1].txt"], None),
            ("/a/x[12].txt", &["/a/x2.txt"], None),
            ("/a/x[12].txt", &["/a/y"], None),
        ] {
            let found = literal(text, paths).map(|found| found.meant);
            assert_eq!(found.as_deref(), expected, "{text} {paths:?}");
            assert!(found.is_none_or(|meant| paths.iter().any(|path| Glob::new(&meant).unwrap().matches(path))), "{text}");
        }
    }
}
