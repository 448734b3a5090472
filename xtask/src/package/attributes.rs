//! Attributes of files: what the spec says, over what the build left, over what is safe.

use super::error::PackageError;
use super::tree::{Entry, Kind, Tree};
use crate::glob::Glob;
use crate::spec::{Attributes, ConfigFile, Spec};

/// The rules of a spec, compiled.
pub struct Rules {
    rules: Vec<(Glob, Attributes)>,
}

impl Rules {
    /// Compiles the `[file."…"]` tables of a spec.
    ///
    /// # Errors
    /// When a glob is none.
    pub fn new(spec: &Spec) -> Result<Self, PackageError> {
        let compile =
            |(text, attributes): &(String, Attributes)| Ok((Glob::new(text).map_err(PackageError::bad_glob(text))?, attributes.clone()));
        spec.attributes.iter().map(compile).collect::<Result<_, _>>().map(|rules| Self { rules })
    }

    /// What the spec says of `path`: the last match wins, key by key. A glob says nothing of a directory but who owns it, so that
    /// `mode` for the files of a directory never closes the directory itself.
    pub fn of(&self, path: &str, entry: &Entry) -> Attributes {
        let mut found = Attributes::default();
        for (glob, rule) in self.rules.iter().filter(|(glob, _)| glob.matches(path)) {
            found.owner = rule.owner.clone().or(found.owner);
            found.group = rule.group.clone().or(found.group);
            if entry.kind != Kind::Directory || glob.is_path() {
                found.mode = rule.mode.or(found.mode);
                found.caps = rule.caps.clone().or(found.caps);
                found.config = rule.config.or(found.config);
                found.ghost = rule.ghost.or(found.ghost);
            }
        }
        if found.config.is_none() && path.starts_with("/etc/") && matches!(entry.kind, Kind::File(_) | Kind::Ghost) {
            found.config = Some(ConfigFile::Noreplace);
        }
        found
    }

    /// Applies modes and ghosts to the tree, and checks that every rule is about something.
    ///
    /// # Errors
    /// When a rule matches nothing, or a file is setuid or setgid and no rule gives it a mode.
    pub fn apply(&self, spec: &Spec, tree: &mut Tree) -> Result<(), PackageError> {
        self.add_ghosts(tree);
        self.check_use(spec, tree)?;
        let mut setuid = Vec::new();
        let resolved: Vec<Attributes> = tree.iter().map(|(path, entry)| self.of(path, entry)).collect();
        for ((path, entry), attributes) in tree.iter_mut().zip(resolved) {
            if attributes.ghost == Some(true) && entry.kind != Kind::Directory {
                entry.kind = Kind::Ghost;
            }
            match attributes.mode {
                Some(mode) => entry.mode = mode,
                None if entry.kind == Kind::Directory || matches!(entry.kind, Kind::Link(_)) => {}
                None if entry.mode & 0o6000 != 0 => setuid.push((path.to_owned(), entry.mode)),
                None => entry.mode &= 0o755,
            }
        }
        if setuid.is_empty() { Ok(()) } else { Err(PackageError::UndeclaredSetuid { spec: spec.name.clone(), paths: setuid }) }
    }

    fn add_ghosts(&self, tree: &mut Tree) {
        for (glob, rule) in &self.rules {
            if rule.ghost == Some(true) && glob.is_path() && tree.get(glob.text()).is_none() {
                tree.put(glob.text(), Entry { kind: Kind::Ghost, mode: 0o644 });
            }
        }
    }

    fn check_use(&self, spec: &Spec, tree: &Tree) -> Result<(), PackageError> {
        let unused = self.rules.iter().find(|(glob, _)| !tree.iter().any(|(path, _)| glob.matches(path)));
        match unused {
            None => Ok(()),
            Some((glob, _)) => Err(PackageError::AttributesMatchNothing { spec: spec.name.clone(), glob: glob.text().to_owned() }),
        }
    }
}
