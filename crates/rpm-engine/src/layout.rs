//! Where every file of every package ends up, decided before anything is written.
//!
//! Directories may be reached through symbolic links of other packages (`/lib64 -> usr/lib`). They are followed here, on paper and within
//! the root, so that unpacking never has to follow a link on disk, packages may be unpacked in any order, and no link leads outside.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use crate::links;
use crate::manifest::{Entry, Kind, Manifest};
use crate::package::{FileKind, PackageFile};

/// As many links are followed for one path as Linux does (path_resolution(7)).
const MOST_LINKS: usize = 40;

/// A package's name and its files.
pub type PackageFiles<'a> = (&'a str, &'a [PackageFile]);

/// The plan of a tree.
#[derive(Debug)]
pub struct Layout {
    /// All paths, implied directories included.
    pub manifest: Manifest,
    /// For each package and each of its files the path its content is written to; `None` where it has none or another package writes it.
    pub contents: Vec<Vec<Option<String>>>,
}

/// Two packages that want the same path with different content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The path.
    pub path: String,
    /// The package that comes first.
    pub first: String,
    /// The path it has there, if that is another: links lead both to one place.
    pub first_path: Option<String>,
    /// The other package.
    pub second: String,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.first_path {
            None => write!(f, "`{}` of {} and of {}", self.path, self.first, self.second),
            Some(path) => write!(f, "`{path}` of {} and `{}` of {}, which is the same place", self.first, self.path, self.second),
        }
    }
}

/// Why packages cannot be laid out together.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// Files of different packages clash.
    #[error("{} file conflict(s): {}", .0.len(), list(.0))]
    Conflicts(Vec<Conflict>),
    /// A package reaches one of its files through one of its own links, which no package built from a directory does.
    #[error("`{path}` of {package} is below `{link}`, a symbolic link of the same package")]
    BehindOwnLink {
        /// The package.
        package: String,
        /// The file.
        path: String,
        /// The link.
        link: String,
    },
    /// Links lead in a circle.
    #[error("symbolic links form a loop at `{path}` of {package}")]
    Circle {
        /// The package.
        package: String,
        /// The file that cannot be placed.
        path: String,
    },
}

/// The first conflicts, for people.
fn list(conflicts: &[Conflict]) -> String {
    const SHOWN: usize = 5;
    let mut text = conflicts.iter().take(SHOWN).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if conflicts.len() > SHOWN {
        text.push_str(", …");
    }
    text
}

/// Lays out packages, in the order they are installed in. `mtime` is that of directories no package contains.
///
/// # Errors
/// When files clash or links are hostile; all clashes at once.
pub fn plan(packages: &[PackageFiles<'_>], mtime: u32) -> Result<Layout, LayoutError> {
    let links = Links::find(packages)?;
    let mut planner = Planner { links, placed: BTreeMap::new(), conflicts: Vec::new() };
    let mut contents = Vec::with_capacity(packages.len());
    for (index, (name, files)) in packages.iter().enumerate() {
        contents.push(planner.package(index, name, files)?);
    }
    planner.finish(packages, contents, mtime)
}

/// The symbolic links of all packages, by the place where they really are.
struct Links(HashMap<String, Link>);

struct Link {
    target: String,
    package: usize,
}

/// Where a path leads, and which package's link was last followed on the way.
struct Resolved {
    path: String,
    through: Option<(usize, String)>,
}

impl Links {
    /// Links may be behind other links, so their places are found by following until nothing moves any more.
    fn find(packages: &[PackageFiles<'_>]) -> Result<Self, LayoutError> {
        let mut found: Vec<(String, &str, usize)> = Vec::new();
        for (index, (_, files)) in packages.iter().enumerate() {
            for file in files.iter().filter(|file| !file.flags.ghost) {
                if let FileKind::Symlink { target } = &file.kind {
                    found.push((file.path.clone(), target, index));
                }
            }
        }
        for _ in 0..MOST_LINKS {
            let links = Self(
                found
                    .iter()
                    .map(|(path, target, package)| (path.clone(), Link { target: (*target).to_owned(), package: *package }))
                    .collect(),
            );
            let mut moved = false;
            for (path, _, package) in &mut found {
                let Some(resolved) = links.place(path) else {
                    return Err(LayoutError::Circle { package: packages[*package].0.to_owned(), path: path.clone() });
                };
                moved |= resolved.path != *path;
                *path = resolved.path;
            }
            if !moved {
                return Ok(links);
            }
        }
        let (path, _, package) = found.swap_remove(0);
        Err(LayoutError::Circle { package: packages[package].0.to_owned(), path })
    }

    /// Where `path` itself is: links in its directory are followed, a link at its end is not.
    fn place(&self, path: &str) -> Option<Resolved> {
        let (directory, base) = path.rsplit_once('/')?;
        let mut resolved = self.follow(directory)?;
        resolved.path = format!("{}/{base}", resolved.path);
        Some(resolved)
    }

    /// Follows every link of `path`; `None` where they lead in a circle. The root is the empty path, and `..` does not leave it.
    fn follow(&self, path: &str) -> Option<Resolved> {
        let mut through = None;
        let link_at = |here: &str| {
            let link = self.0.get(here)?;
            through = Some((link.package, here.to_owned()));
            Some(link.target.clone())
        };
        let path = links::follow_known(path, link_at)?;
        Some(Resolved { path, through })
    }
}

struct Placed {
    entry: Entry,
    package: usize,
}

struct Planner {
    links: Links,
    placed: BTreeMap<String, Placed>,
    conflicts: Vec<(String, usize, usize)>,
}

impl Planner {
    /// Places the files of one package and says where the content of each goes.
    fn package(&mut self, index: usize, name: &str, files: &[PackageFile]) -> Result<Vec<Option<String>>, LayoutError> {
        let mut leaders: HashMap<u32, String> = HashMap::new();
        let mut contents = vec![None; files.len()];
        for (file, content) in files.iter().zip(&mut contents) {
            // The root itself is not an entry: whoever writes the tree makes it.
            if file.flags.ghost || file.path == "/" {
                continue;
            }
            let path = self.locate(index, name, file)?;
            let kind = match &file.kind {
                FileKind::Directory => Kind::Directory,
                FileKind::Symlink { target } => Kind::Symlink { target: target.clone() },
                FileKind::Regular { size, digest, hardlink } => {
                    match hardlink.map(|group| leaders.entry(group).or_insert_with(|| path.clone())).filter(|leader| **leader != path) {
                        Some(leader) => Kind::Hardlink { to: leader.clone() },
                        None => Kind::File { size: *size, sha256: digest.clone().unwrap_or_default() },
                    }
                }
            };
            let holder = match &kind {
                Kind::File { .. } => Some(path.clone()),
                Kind::Hardlink { to } => Some(to.clone()),
                Kind::Directory | Kind::Symlink { .. } => None,
            };
            let entry = Entry {
                kind,
                mode: file.mode,
                user: file.user.clone(),
                group: file.group.clone(),
                mtime: file.mtime,
                caps: file.caps.clone(),
                package: Some(name.to_owned()),
            };
            // Content goes to the first name of a file, and only there if this package is the one that writes it.
            self.put(index, path, entry);
            *content = holder.filter(|holder| self.placed.get(holder).is_some_and(|placed| placed.package == index));
        }
        Ok(contents)
    }

    fn locate(&self, index: usize, name: &str, file: &PackageFile) -> Result<String, LayoutError> {
        let circle = || LayoutError::Circle { package: name.to_owned(), path: file.path.clone() };
        let place = self.links.place(&file.path).ok_or_else(circle)?;
        if let Some((_, link)) = place.through.filter(|(package, _)| *package == index) {
            return Err(LayoutError::BehindOwnLink { package: name.to_owned(), path: file.path.clone(), link });
        }
        // A directory where another package has a link to a directory is that directory, as in RPM.
        match &file.kind {
            FileKind::Directory => Ok(self.links.follow(&place.path).ok_or_else(circle)?.path),
            _ => Ok(place.path),
        }
    }

    /// Directories are shared, the last package's attributes winning as in RPM; equal files and links are shared; all else clashes.
    fn put(&mut self, package: usize, path: String, entry: Entry) {
        match self.placed.get_mut(&path) {
            None => {
                self.placed.insert(path, Placed { entry, package });
            }
            Some(there) => match (&there.entry.kind, &entry.kind) {
                (Kind::Directory, Kind::Directory) => *there = Placed { entry, package },
                (Kind::File { .. } | Kind::Symlink { .. }, _) if there.entry.kind == entry.kind && there.package != package => {}
                _ => self.conflicts.push((path, there.package, package)),
            },
        }
    }

    /// Adds the directories that no package contains, and returns the plan if nothing clashes.
    fn finish(mut self, packages: &[PackageFiles<'_>], contents: Vec<Vec<Option<String>>>, mtime: u32) -> Result<Layout, LayoutError> {
        let mut implied: BTreeMap<String, Entry> = BTreeMap::new();
        for (path, placed) in &self.placed {
            let mut rest = path.as_str();
            while let Some((parent, _)) = rest.rsplit_once('/').filter(|(parent, _)| !parent.is_empty()) {
                match self.placed.get(parent) {
                    Some(Placed { entry: Entry { kind: Kind::Directory, .. }, .. }) => break,
                    Some(other) => {
                        self.conflicts.push((parent.to_owned(), other.package, placed.package));
                        break;
                    }
                    None => implied.insert(parent.to_owned(), Entry::directory(mtime)),
                };
                rest = parent;
            }
        }
        if !self.conflicts.is_empty() {
            let name = |package: usize| packages[package].0.to_owned();
            let named = |(path, first, second)| Conflict { path, first: name(first), first_path: None, second: name(second) };
            return Err(LayoutError::Conflicts(self.conflicts.into_iter().map(named).collect()));
        }
        let mut manifest = Manifest::new();
        for (path, entry) in implied.into_iter().chain(self.placed.into_iter().map(|(path, placed)| (path, placed.entry))) {
            manifest.insert(path, entry);
        }
        Ok(Layout { manifest, contents })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::FileFlags;

    fn item(path: &str, kind: FileKind) -> PackageFile {
        PackageFile {
            path: path.into(),
            kind,
            mode: 0o755,
            user: "root".into(),
            group: "root".into(),
            mtime: 1,
            caps: None,
            flags: FileFlags::default(),
        }
    }

    fn file(path: &str, content: &str) -> PackageFile {
        item(path, FileKind::Regular { size: content.len() as u64, digest: Some(content.into()), hardlink: None })
    }

    fn link(path: &str, target: &str) -> PackageFile {
        item(path, FileKind::Symlink { target: target.into() })
    }

    fn directory(path: &str) -> PackageFile {
        item(path, FileKind::Directory)
    }

    fn paths(packages: &[PackageFiles<'_>]) -> Vec<String> {
        plan(packages, 0).unwrap().manifest.iter().map(|(path, _)| path.to_owned()).collect()
    }

    #[test]
    fn links_of_other_packages_are_followed_within_the_root() {
        let base = [link("/lib64", "usr/lib64"), link("/usr/lib64", "../../../usr/lib"), directory("/usr/lib"), link("/abs", "/usr/lib")];
        let other = [file("/lib64/a", "a"), file("/abs/b", "b"), link("/lib64/d", "e"), file("/lib64/d/f", "f"), directory("/usr/lib64")];
        let third = [file("/lib64/d/g", "g")];
        let error = plan(&[("base", &base), ("other", &other)], 0).unwrap_err();
        assert!(matches!(error, LayoutError::BehindOwnLink { .. }), "{error}");
        assert_eq!(
            paths(&[("base", &base), ("other", &other[..3]), ("third", &third)]),
            ["/abs", "/lib64", "/usr", "/usr/lib", "/usr/lib/a", "/usr/lib/b", "/usr/lib/d", "/usr/lib/e", "/usr/lib/e/g", "/usr/lib64"]
        );
    }

    #[test]
    fn circles_are_refused() {
        let circle = [link("/a", "b"), link("/b", "a")];
        assert!(matches!(plan(&[("x", &circle), ("y", &[file("/a/c", "c")])], 0), Err(LayoutError::Circle { .. })));
    }

    #[test]
    fn conflicts() {
        let table: [(PackageFile, PackageFile, bool); 8] = [
            (file("/a", "1"), file("/a", "1"), false),
            (file("/a", "1"), file("/a", "2"), true),
            (link("/a", "x"), link("/a", "x"), false),
            (link("/a", "x"), link("/a", "y"), true),
            (directory("/a"), directory("/a"), false),
            (directory("/a"), file("/a", "1"), true),
            (file("/a", "1"), file("/a/b", "1"), true),
            (link("/a", "x"), directory("/a"), false),
        ];
        for (first, second, clash) in table {
            let planned = plan(&[("p", std::slice::from_ref(&first)), ("q", std::slice::from_ref(&second))], 0);
            assert_eq!(matches!(planned, Err(LayoutError::Conflicts(_))), clash, "{first:?} {second:?}: {planned:?}");
        }
    }

    #[test]
    fn one_package_writes_a_shared_file_and_other_names_share_content() {
        let twin = |path: &str| item(path, FileKind::Regular { size: 1, digest: Some("1".into()), hardlink: Some(9) });
        let layout = plan(&[("p", &[twin("/a"), twin("/b")]), ("q", &[file("/a", "1")])], 0).unwrap();
        assert_eq!(layout.contents, [vec![Some("/a".into()), Some("/a".to_owned())], vec![None]]);
        assert_eq!(layout.manifest.get("/b").unwrap().kind, Kind::Hardlink { to: "/a".into() });
    }
}
