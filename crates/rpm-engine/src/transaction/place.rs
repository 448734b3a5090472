//! Where a path of a package really is in a tree: symbolic links followed within the root, those to come included.

use std::collections::{HashMap, HashSet};
use std::io;

use super::beneath::Beneath;
use crate::links;

/// Follows links of a tree on disk, as they are or as they will be.
pub(crate) struct Places {
    root: Beneath<'static>,
    /// Who runs the program.
    user: u32,
    /// Links that packages to come bring, by the place where they will be.
    coming: HashMap<String, String>,
    /// Links that packages to go take away.
    going: HashSet<String>,
    /// What was read from the disk: the target of a link, or none for anything else.
    seen: HashMap<String, Option<String>>,
    /// Directories followed already.
    followed: HashMap<String, String>,
}

impl Places {
    /// The tree as it is.
    pub(crate) fn new(root: Beneath<'static>) -> Self {
        let user = nix::unistd::geteuid().as_raw();
        Self { root, user, coming: HashMap::new(), going: HashSet::new(), seen: HashMap::new(), followed: HashMap::new() }
    }

    /// Takes the link that is at `place` for gone.
    pub(crate) fn without(&mut self, place: String) {
        self.followed.clear();
        self.going.insert(place);
    }

    /// Takes a link at `place` for there already.
    pub(crate) fn with(&mut self, place: String, target: String) {
        self.followed.clear();
        self.coming.insert(place, target);
    }

    /// Where `path` itself is: links in its directory are followed, a link at its end is not.
    pub(crate) fn place(&mut self, path: &str) -> io::Result<String> {
        let (directory, base) = path.rsplit_once('/').ok_or(io::ErrorKind::InvalidInput)?;
        if let Some(followed) = self.followed.get(directory) {
            return Ok(format!("{followed}/{base}"));
        }
        let followed = self.follow(directory)?;
        let place = format!("{followed}/{base}");
        self.followed.insert(directory.to_owned(), followed);
        Ok(place)
    }

    /// Follows every link of `path` that belongs to root, to who runs the program, or to the owner of what it leads to, as rpm does since
    /// 4.18 (CVE-2021-35939). The root is the empty path, and `..` does not leave it.
    pub(crate) fn follow(&mut self, path: &str) -> io::Result<String> {
        links::follow(path, |here| self.link(here))?.ok_or_else(|| nix::Error::ELOOP.into())
    }

    /// The target of the link at a place, if there is one.
    fn link(&mut self, place: &str) -> io::Result<Option<String>> {
        if let Some(target) = self.coming.get(place) {
            return Ok(Some(target.clone()));
        }
        if self.going.contains(place) {
            return Ok(None);
        }
        if let Some(known) = self.seen.get(place) {
            return Ok(known.clone());
        }
        let target = self.root.read_link(place)?;
        // Until it is known whom the link belongs to, for links that lead in a circle.
        self.seen.insert(place.to_owned(), None);
        let trusted = match target {
            Some(target) if self.is_trusted(place, &target)? => Some(target),
            _ => None,
        };
        self.seen.insert(place.to_owned(), trusted.clone());
        Ok(trusted)
    }

    /// Whether the link at `place` may be followed. Otherwise a user could lead files of packages below their own directories to anywhere.
    fn is_trusted(&mut self, place: &str, target: &str) -> io::Result<bool> {
        let owner = self.root.stat(place)?.map_or(0, |link| link.st_uid);
        // Who could write everything that is written here anyway.
        if owner == 0 || owner == self.user {
            return Ok(true);
        }
        let directory = place.rsplit_once('/').map_or("", |(directory, _)| directory);
        let path = if target.starts_with('/') { target.to_owned() } else { format!("{directory}/{target}") };
        let there = match links::follow(&path, |here| self.link(here))? {
            Some(there) => self.root.stat(&there)?,
            None => None,
        };
        Ok(there.is_some_and(|there| there.st_uid == owner))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_stay_within_the_root() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("usr/lib")).unwrap();
        for (link, target) in [("lib", "usr/lib"), ("abs", "/usr/lib"), ("out", "../../../etc"), ("a", "b"), ("b", "a")] {
            symlink(target, root.path().join(link)).unwrap();
        }
        let mut places = Places::new(Beneath::open(root.path()).unwrap());
        for (path, expected) in [
            ("/lib/x", "/usr/lib/x"),
            ("/abs/d/x", "/usr/lib/d/x"),
            ("/out/passwd", "/etc/passwd"),
            ("/lib", "/lib"),
            ("/lib/../x", "/usr/x"),
            ("/none/at/all", "/none/at/all"),
        ] {
            assert_eq!(places.place(path).unwrap(), expected, "{path}");
        }
        assert!(places.place("/a/x").is_err());
        places.with("/none".into(), "lib".into());
        assert_eq!(places.place("/none/x").unwrap(), "/usr/lib/x");
        places.without("/lib".into());
        assert_eq!(places.place("/lib/x").unwrap(), "/lib/x");
    }

    /// In the file system of the machine, where others own directories.
    #[test]
    fn links_of_users_lead_only_to_what_is_theirs() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        std::fs::create_dir(folder.join("own")).unwrap();
        for (link, target) in [("in", "own"), ("out", "/etc"), ("around", "out"), ("circle", "circle"), ("none", "/nothing/at/all")] {
            symlink(target, folder.join(link)).unwrap();
        }
        let mut places = Places { user: u32::MAX, ..Places::new(Beneath::open(std::path::Path::new("/")).unwrap()) };
        let at = |path: &str| folder.join(path).display().to_string();
        assert_eq!(places.place(&at("in/x")).unwrap(), at("own/x"));
        // Root's own links lead anywhere.
        let is_root = nix::unistd::geteuid().is_root();
        for (path, stays, followed) in
            [("out/x", "out/x", "/etc/x"), ("around/x", "out/x", "/etc/x"), ("none/x", "none/x", "/nothing/at/all/x")]
        {
            assert_eq!(places.place(&at(path)).unwrap(), if is_root { followed.to_owned() } else { at(stays) }, "{path}");
        }
        assert!(places.place(&at("circle/x")).is_err());
    }
}
