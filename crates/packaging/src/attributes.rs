//! Attributes of files: the spec's rules override what the build set, within safe limits.

use rpm_engine::filecaps;

use super::error::PackageError;
use super::tree::{Content, Entry, Kind, Tree};
use base::glob::Glob;
use planning::spec::{Attributes, ConfigFile, Spec};
use runtime::install_root::InstalledFile;

/// The rules of a spec, compiled.
pub struct Rules {
    rules: Vec<(Glob, Attributes)>,
}

impl Rules {
    /// Compiles the `[file."…"]` tables of a spec.
    ///
    /// # Errors
    /// When a glob is invalid.
    pub fn new(spec: &Spec) -> Result<Self, PackageError> {
        let compile =
            |(text, attributes): &(String, Attributes)| Ok((Glob::new(text).map_err(PackageError::bad_glob(text))?, attributes.clone()));
        spec.attributes.iter().map(compile).collect::<Result<_, _>>().map(|rules| Self { rules })
    }

    /// The attributes of `path` in the spec: the last match wins, key by key. A glob sets only the owner and group of directories, so that
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

    /// Applies modes and ghosts to the tree, and checks that every rule matches something.
    ///
    /// # Errors
    /// When a rule matches nothing, a file is setuid or setgid without a rule that sets its mode, or it has capabilities that no rule sets.
    pub fn apply(&self, spec: &Spec, tree: &mut Tree) -> Result<(), PackageError> {
        self.add_ghosts(tree);
        tree.settle_directories();
        self.check_use(spec, tree)?;
        self.apply_to_directories(tree);
        let (mut setuid, mut capable) = (Vec::new(), Vec::new());
        let resolved: Vec<Attributes> = tree.iter().map(|(path, entry)| self.of(path, entry)).collect();
        for ((path, entry), attributes) in tree.iter_mut().zip(resolved) {
            if attributes.ghost == Some(true) && entry.kind != Kind::Directory {
                entry.kind = Kind::Ghost;
            }
            if let Kind::File(Content::Installed(InstalledFile { capabilities: Some(value), .. })) = &entry.kind
                && attributes.caps.is_none()
            {
                capable.push((path.to_owned(), filecaps::from_xattr(value).unwrap_or_else(|| "not readable".to_owned())));
            }
            match attributes.mode {
                Some(mode) => entry.mode = mode,
                None if entry.kind == Kind::Directory || matches!(entry.kind, Kind::Link(_)) => {}
                None if entry.mode & 0o6000 != 0 => setuid.push((path.to_owned(), entry.mode)),
                None => entry.mode &= 0o755,
            }
        }
        if !setuid.is_empty() {
            return Err(PackageError::UndeclaredSetuid { spec: spec.name.clone(), paths: setuid });
        }
        if !capable.is_empty() {
            return Err(PackageError::UndeclaredCapabilities { spec: spec.name.clone(), paths: capable });
        }
        Ok(())
    }

    fn apply_to_directories(&self, tree: &mut Tree) {
        for (path, mode) in tree.directories_mut() {
            let entry = Entry { kind: Kind::Directory, mode: *mode };
            *mode = self.of(path, &entry).mode.unwrap_or(*mode);
        }
    }

    fn add_ghosts(&self, tree: &mut Tree) {
        for (glob, rule) in &self.rules {
            if rule.ghost == Some(true) && glob.is_path() && tree.get(glob.text()).is_none() {
                tree.put(glob.text(), Entry { kind: Kind::Ghost, mode: 0o644 });
            }
        }
    }

    fn check_use(&self, spec: &Spec, tree: &Tree) -> Result<(), PackageError> {
        // A glob that matches a directory sets only its owner and group.
        let is_about_directories = |glob: &Glob, rule: &Attributes| glob.is_path() || rule.owner.is_some() || rule.group.is_some();
        let is_used = |glob: &Glob, rule: &Attributes| {
            tree.iter().any(|(path, _)| glob.matches(path))
                || (is_about_directories(glob, rule) && tree.directories().any(|path| glob.matches(path)))
        };
        match self.rules.iter().find(|(glob, rule)| !is_used(glob, rule)) {
            None => Ok(()),
            Some((glob, _)) => Err(PackageError::AttributesMatchNothing { spec: spec.name.clone(), glob: glob.text().to_owned() }),
        }
    }
}
