//! Which libraries of a spec's packages the dynamic linker finds (ld.so(8)): some for every program, others only for files with their
//! directory in the RPATH or RUNPATH.

use std::collections::{BTreeMap, BTreeSet};

use super::directory::above;
use super::elf::Dynamic;
use super::error::PackageError;
use super::split::Part;
use super::tree::Kind;
use super::usrmerge::{destination, parent};

/// The directory that is searched for the libraries of every program.
const DEFAULT: &str = "/usr/lib";

/// Packages name further such directories in files here, one per line (ldconfig(8)).
const CONFIGURATION: &str = "/etc/ld.so.conf.d";

/// How much of such a file is read, in bytes.
const CONFIGURATION_BYTES: u64 = 1 << 16;

/// How many links in a row are followed, the limit of the kernel.
const MOST_LINKS: usize = 40;

/// One dynamically linked file.
#[derive(Debug)]
pub struct Binary {
    /// The package it is in, by its index in the list of packages.
    pub part: usize,
    /// Its path in the image.
    pub path: String,
    /// Its tables.
    pub dynamic: Dynamic,
}

impl Binary {
    fn file_name(&self) -> &str {
        file_name(&self.path)
    }

    /// What it provides to those that load it.
    pub fn provides(&self) -> Vec<String> {
        self.dynamic.provides(self.file_name())
    }

    /// The paths at which its own RPATH or RUNPATH looks for `library`.
    fn candidates(&self, library: &str) -> impl Iterator<Item = String> {
        let origin = parent(&self.path);
        let expand = move |entry: &String| entry.replace("${ORIGIN}", origin).replace("$ORIGIN", origin);
        self.dynamic.library_paths.iter().map(move |entry| destination("", &format!("{}/{library}", expand(entry))))
    }
}

/// The dynamically linked files of all packages of a spec, and the directories that are searched for libraries.
#[derive(Debug)]
pub struct Linker {
    directories: BTreeSet<String>,
    /// The destination of each symbolic link.
    links: BTreeMap<String, String>,
    /// By path.
    binaries: BTreeMap<String, Binary>,
    /// Names of files and links outside of the searched directories.
    private_names: BTreeSet<String>,
}

impl Linker {
    /// Reads the links and the names of directories in the packages; [`Linker::add`] adds binaries.
    ///
    /// # Errors
    /// When a file of `/etc/ld.so.conf.d` cannot be read.
    pub fn new(parts: &[Part<'_>]) -> Result<Self, PackageError> {
        let mut linker = Self {
            directories: BTreeSet::from([DEFAULT.to_owned()]),
            links: BTreeMap::new(),
            binaries: BTreeMap::new(),
            private_names: BTreeSet::new(),
        };
        for (path, entry) in parts.iter().flat_map(|part| &part.entries) {
            match &entry.kind {
                Kind::Link(target) => drop(linker.links.insert(path.clone(), destination(path, target))),
                Kind::File(content) if parent(path) == CONFIGURATION && path.ends_with(".conf") => {
                    let text = content.read(CONFIGURATION_BYTES)?;
                    linker.directories.extend(directories(&String::from_utf8_lossy(&text)));
                }
                Kind::File(_) | Kind::Directory | Kind::Ghost | Kind::Unpackageable(_) => {}
            }
        }
        let paths = parts.iter().flat_map(|part| part.entries.keys());
        linker.private_names = paths.filter(|path| !linker.is_searched(parent(path))).map(|path| file_name(path).to_owned()).collect();
        Ok(linker)
    }

    /// Adds a binary.
    pub fn add(&mut self, binary: Binary) {
        self.binaries.insert(binary.path.clone(), binary);
    }

    /// All binaries, sorted by path.
    pub fn binaries(&self) -> impl Iterator<Item = &Binary> {
        self.binaries.values()
    }

    /// Whether every program finds `binary` by its soname, or by its file name if it has none: it is in a directory that is always
    /// searched, or a link there points to it.
    pub fn is_public(&self, binary: &Binary) -> bool {
        let name = binary.dynamic.soname.as_deref().unwrap_or(binary.file_name());
        let leads_to_it = |directory: &String| self.at(format!("{directory}/{name}")).is_some_and(|found| found.path == binary.path);
        self.is_searched(parent(&binary.path)) || self.directories.iter().any(leads_to_it)
    }

    /// The library that `binary` loads as `library` from a directory in an RPATH or RUNPATH: its own, or that of a file that loads it.
    pub fn private<'a>(&'a self, binary: &'a Binary, library: &str) -> Option<&'a Binary> {
        if !self.private_names.contains(library) {
            return None;
        }
        self.private_of(binary, library, &mut BTreeSet::new())
    }

    /// A library of the packages with this name in a directory that is not searched.
    pub fn hidden(&self, library: &str) -> Option<&Binary> {
        let has_name = |binary: &&Binary| binary.dynamic.soname.as_deref() == Some(library) || binary.file_name() == library;
        self.binaries.values().filter(has_name).find(|binary| !binary.dynamic.is_program && !self.is_public(binary))
    }

    fn private_of<'a>(&'a self, binary: &'a Binary, library: &str, seen: &mut BTreeSet<&'a str>) -> Option<&'a Binary> {
        if let Some(found) = self.by_own_path(binary, library) {
            return Some(found);
        }
        if !seen.insert(&binary.path) {
            return None;
        }
        // Libraries that a file is linked with are loaded before the libraries of its libraries, and its RPATH applies to these as well.
        let serves = |loader: &&Binary| loader.dynamic.needed.iter().any(|name| name == library) || !loader.dynamic.has_runpath;
        self.loaders(binary).filter(serves).find_map(|loader| self.private_of(loader, library, seen))
    }

    /// The files that are linked with `library` and find it through their own RPATH or RUNPATH.
    fn loaders<'a>(&'a self, library: &'a Binary) -> impl Iterator<Item = &'a Binary> {
        let finds = |loader: &Binary, name: &String| self.by_own_path(loader, name).is_some_and(|found| found.path == library.path);
        self.binaries.values().filter(move |loader| loader.dynamic.needed.iter().any(|name| finds(loader, name)))
    }

    fn by_own_path(&self, binary: &Binary, library: &str) -> Option<&Binary> {
        binary.candidates(library).find_map(|path| self.at(path))
    }

    fn is_searched(&self, directory: &str) -> bool {
        self.directories.contains(directory)
    }

    /// The binary at `path`, after following all links in it.
    fn at(&self, mut path: String) -> Option<&Binary> {
        for _ in 0..MOST_LINKS {
            let link = std::iter::once(path.as_str()).chain(above(&path)).find_map(|prefix| Some((prefix, self.links.get(prefix)?)));
            match link {
                Some((prefix, target)) => path = format!("{target}{}", &path[prefix.len()..]),
                None => return self.binaries.get(&path),
            }
        }
        None
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The directories that a file of `/etc/ld.so.conf.d` names.
fn directories(text: &str) -> impl Iterator<Item = String> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    lines.filter(|line| line.starts_with('/')).map(|line| destination("", line))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_LINKS: &[(&str, &str)] = &[];

    /// A linker with files given by path, soname (may be empty), needed libraries, and RUNPATH, or RPATH after a `!`.
    fn linker(files: &[(&str, &str, &[&str], &str)], links: &[(&str, &str)], searched: &[&str]) -> Linker {
        let mut linker = Linker {
            directories: std::iter::once(DEFAULT).chain(searched.iter().copied()).map(str::to_owned).collect(),
            links: links.iter().map(|(link, target)| ((*link).to_owned(), destination(link, target))).collect(),
            binaries: BTreeMap::new(),
            private_names: files
                .iter()
                .map(|file| file.0)
                .chain(links.iter().map(|link| link.0))
                .map(|path| file_name(path).to_owned())
                .collect(),
        };
        for (path, soname, needed, paths) in files {
            let dynamic = Dynamic {
                soname: (!soname.is_empty()).then(|| (*soname).to_owned()),
                needed: needed.iter().map(|name| (*name).to_owned()).collect(),
                library_paths: paths.trim_start_matches('!').split(':').filter(|entry| !entry.is_empty()).map(str::to_owned).collect(),
                has_runpath: !paths.is_empty() && !paths.starts_with('!'),
                is_program: soname.is_empty() && !path.contains(".so"),
                ..Dynamic::default()
            };
            linker.add(Binary { part: 0, path: (*path).to_owned(), dynamic });
        }
        linker
    }

    #[test]
    fn libraries_that_every_program_finds() {
        for (path, links, searched, expected) in [
            ("/usr/lib/liba.so.1.0", NO_LINKS, &[][..], true),
            ("/usr/lib/x/liba.so.1", NO_LINKS, &[], false),
            ("/usr/share/x/liba.so.1", NO_LINKS, &[], false),
            ("/usr/lib/glibc-hwcaps/x86-64-v3/liba.so.1", NO_LINKS, &[], false),
            ("/usr/lib/x/liba.so.1", NO_LINKS, &["/usr/lib/x"], true),
            ("/usr/lib/x/liba.so.1.0", &[("/usr/lib/liba.so.1", "x/liba.so.1"), ("/usr/lib/x/liba.so.1", "liba.so.1.0")], &[], true),
            ("/usr/lib/x/liba.so.1", &[("/usr/lib/liba.so", "x/liba.so.1")], &[], false),
            ("/usr/lib/x/liba.so.1", &[("/usr/lib/liba.so.1", "liba.so.1")], &[], false),
        ] {
            let linker = linker(&[(path, "liba.so.1", &[], "")], links, searched);
            assert_eq!(linker.is_public(&linker.binaries[path]), expected, "{path} {links:?}");
            assert_eq!(linker.hidden("liba.so.1").is_none(), expected, "{path} {links:?}");
        }
    }

    #[test]
    fn directories_that_a_file_names_itself() {
        for (path, links, expected) in [
            ("/usr/lib/x", NO_LINKS, true),
            ("/usr/lib64/x/", NO_LINKS, true),
            ("$ORIGIN/../lib/x", NO_LINKS, true),
            ("${ORIGIN}/../lib/x", NO_LINKS, true),
            ("!/usr/lib/x", NO_LINKS, true),
            ("/usr/lib/y:/usr/lib/x", NO_LINKS, true),
            ("/usr/lib/current", &[("/usr/lib/current", "x")], true),
            ("/usr/lib/current", &[("/usr/lib/current", "current")], false),
            ("/usr/lib/y", NO_LINKS, false),
            ("$ORIGIN", NO_LINKS, false),
            ("", NO_LINKS, false),
        ] {
            let linker = linker(&[("/usr/bin/p", "", &["liba.so.1"], path), ("/usr/lib/x/liba.so.1", "liba.so.1", &[], "")], links, &[]);
            assert_eq!(linker.private(&linker.binaries["/usr/bin/p"], "liba.so.1").is_some(), expected, "{path}");
        }
    }

    #[test]
    fn libraries_of_libraries() {
        for (path, needed, expected) in [
            // RPATH applies to everything that the program loads, RUNPATH only to what the program itself is linked with.
            ("!/usr/lib/x", &["liba.so.1"][..], true),
            ("/usr/lib/x", &["liba.so.1"], false),
            ("/usr/lib/x", &["liba.so.1", "libb.so.1"], true),
            ("", &["liba.so.1", "libb.so.1"], false),
        ] {
            let files = [
                ("/usr/bin/p", "", needed, path),
                ("/usr/lib/x/liba.so.1", "liba.so.1", &["libb.so.1"][..], ""),
                ("/usr/lib/x/libb.so.1", "libb.so.1", &["liba.so.1"][..], ""),
            ];
            let linker = linker(&files, NO_LINKS, &[]);
            let found = linker.private(&linker.binaries["/usr/lib/x/liba.so.1"], "libb.so.1");
            assert_eq!(found.is_some(), expected, "{path} {needed:?}");
        }
    }

    #[test]
    fn names_of_directories() {
        let text = "# x\n/usr/lib/x # y\n  /usr/lib64/z/ \n\ninclude /etc/other/*.conf\nhwcap 0 nosegneg\nrelative\n";
        assert_eq!(directories(text).collect::<Vec<_>>(), ["/usr/lib/x", "/usr/lib/z"]);
    }
}
