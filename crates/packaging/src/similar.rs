//! Suggestions for a glob that matches nothing.

use super::tree::Tree;

/// Up to five paths with the last name in `glob`, otherwise in its directory.
pub fn similar(glob: &str, tree: &Tree) -> Vec<String> {
    let (directory, name) = glob.rsplit_once('/').unwrap_or(("", glob));
    let stem = name.split(['*', '?', '[', '{', '.']).next().unwrap_or_default();
    let same_name = |path: &str| stem.len() > 2 && path.rsplit('/').next().is_some_and(|last| last.starts_with(stem));
    let fixed = directory.split(['*', '?', '[', '{']).next().unwrap_or_default();
    let below = |path: &str| fixed.len() > "/usr/lib".len() && path.starts_with(fixed);
    let paths = |test: &dyn Fn(&str) -> bool| -> Vec<String> {
        tree.iter().map(|(path, _)| path).filter(|path| test(path)).take(5).map(str::to_owned).collect()
    };
    let named = paths(&same_name);
    if named.is_empty() { paths(&below) } else { named }
}
