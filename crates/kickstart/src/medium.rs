//! Where a kickstart file and the files it names come from.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::document::{Document, Problem, Problems};
use crate::photon::{Variables, lists};
use crate::{Kickstart, PackageList, Parsed};

/// Why something cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum MediumError {
    /// A file cannot be read.
    #[error("cannot read `{path}`")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is a directory, FIFO, device or socket: opening it might never return.
    #[error("`{path}` is not a regular file")]
    NotRegular {
        /// The file.
        path: PathBuf,
    },
    /// A document is wrong.
    #[error(transparent)]
    Wrong(#[from] Problems),
    /// A file is in no directory that is searched.
    #[error("there is no `{name}` in {}", folders.iter().map(|folder| format!("`{}`", folder.display())).collect::<Vec<_>>().join(", "))]
    NotFound {
        /// The file's name.
        name: String,
        /// Where it was looked for.
        folders: Vec<PathBuf>,
    },
}

/// A kickstart file and the package lists it names.
#[derive(Debug)]
pub struct Loaded {
    /// The kickstart file.
    pub kickstart: Document<Kickstart>,
    /// What is done otherwise than written.
    pub notes: Vec<Problem>,
    /// The variables whose values only the scripts of `preinstall` know: the file must be loaded again with them.
    pub pending: Vec<String>,
    /// Whether one of them is the disk that the system starts from.
    pub awaits_disk: bool,
    /// The lists, read.
    pub lists: Vec<PackageList>,
    /// The files it names that are there: besides lists, scripts, and what is copied.
    pub files: BTreeSet<String>,
    /// Where files are looked for.
    pub search: Search,
}

/// Directories that files are looked for in.
#[derive(Clone, Debug, Default)]
pub struct Search(Vec<PathBuf>);

impl Search {
    /// The kickstart file's `search_path`, then the directory it is in.
    pub fn new(kickstart: &Kickstart, folder: &Path) -> Self {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        Self(kickstart.search_path.iter().map(|path| folder.join(path)).chain([folder.to_owned()]).collect())
    }

    /// The first file of this name. An absolute path stands for itself.
    ///
    /// # Errors
    /// When there is none.
    pub fn find(&self, name: &str) -> Result<PathBuf, MediumError> {
        let found = self.0.iter().map(|folder| folder.join(name)).find(|path| path.exists());
        found.ok_or_else(|| MediumError::NotFound { name: name.to_owned(), folders: self.0.clone() })
    }
}

/// Reads a text.
///
/// # Errors
/// When it cannot be read or is no text.
pub fn text(path: &Path) -> Result<String, MediumError> {
    fs::read_to_string(path).map_err(|source| MediumError::Io { path: path.to_owned(), source })
}

/// Reads a kickstart file, and all package lists it names; all other files it names must be there.
///
/// # Errors
/// All that is missing or wrong.
pub fn load(path: &Path) -> Result<Loaded, MediumError> {
    load_with(path, &Variables::Unknown)
}

/// As [`load`], with the variables that the scripts of `preinstall` have exported.
///
/// # Errors
/// As there.
pub fn load_with(path: &Path, variables: &Variables) -> Result<Loaded, MediumError> {
    let name = path.display().to_string();
    let (parsed, mut problems) = Kickstart::read(&name, &text(path)?, variables)?;
    let Some(Parsed { document, notes, pending, awaits_disk }) = parsed else { return Err(Problems { name, problems }.into()) };
    let search = Search::new(&document.value, path.parent().unwrap_or(Path::new("")));
    let mut loaded = Loaded { kickstart: document, notes, pending, awaits_disk, lists: Vec::new(), files: BTreeSet::new(), search };
    problems.extend(loaded.read_lists());
    problems.extend(loaded.find_files(*variables == Variables::Unknown));
    if problems.is_empty() { Ok(loaded) } else { Err(loaded.kickstart.problems(problems).into()) }
}

/// What to do about a file that is not there.
const MISSING: &str =
    "put it next to the kickstart file, set `search_path`, or give an absolute path; one that was fetched has nothing next to it";

/// What to do about a file that is an address.
const FETCH: &str = "fetch it in `preinstall` (`curl --output /run/NAME ADDRESS`) and write /run/NAME, or put the file onto the medium";

fn is_address(name: &str) -> bool {
    name.starts_with("http://") || name.starts_with("https://")
}

impl Loaded {
    /// Reads the lists of packages; what is wrong with them.
    fn read_lists(&mut self) -> Vec<Problem> {
        let kickstart = &self.kickstart.value;
        let one = kickstart.packagelist_file.iter().map(|name| ("packagelist_file".to_owned(), name));
        let several = kickstart.packagelist_files.iter().enumerate().map(|(index, name)| (format!("packagelist_files[{index}]"), name));
        let names: Vec<(String, String)> = one.chain(several).map(|(path, name)| (path, name.clone())).collect();
        let mut problems = Vec::new();
        for (path, name) in names {
            match (self.search.find(&name).and_then(|place| list(&place)), lists::builtin(&name)) {
                (Ok(list), _) => {
                    self.lists.push(list);
                    self.files.insert(name);
                }
                (Err(MediumError::NotFound { .. }), Some(packages)) => {
                    let words = packages.join("` and `");
                    self.notes.push(self.kickstart.problem(
                        &path,
                        format!("there is no such file; `{words}` stands for Photon's list of this name"),
                        None,
                    ));
                    self.lists.push(PackageList { packages: packages.iter().map(|name| (*name).to_owned()).collect() });
                }
                (Err(error), _) => {
                    let is_missing = matches!(error, MediumError::NotFound { .. });
                    let known = lists::names().collect::<Vec<_>>().join(", ");
                    let hint = is_missing.then(|| format!("{MISSING}. Known without a file: {known}"));
                    problems.push(self.kickstart.problem(&path, text::with_causes(&error), hint));
                }
            }
        }
        problems
    }

    /// Looks for scripts and for what is copied; what is wrong with them. Scripts of `preinstall` may make what comes after them.
    fn find_files(&mut self, may_come: bool) -> Vec<Problem> {
        let kickstart = &self.kickstart.value;
        let has_scripts = !(kickstart.preinstall.is_empty() && kickstart.preinstallscripts.is_empty());
        let mut problems = Vec::new();
        for (path, name, kind) in named(kickstart) {
            if is_address(&name) {
                problems.push(self.kickstart.problem(&path, "nothing is fetched from an address here", Some(FETCH.to_owned())));
                continue;
            }
            match self.search.find(&name).and_then(|place| kind.check(place)) {
                Ok(()) => {
                    self.files.insert(name);
                }
                Err(MediumError::NotFound { .. }) if may_come && has_scripts && kind != Kind::Before => {
                    let words = format!("`{name}` is not there yet: `preinstall` must make it, or nothing is written");
                    self.notes.push(self.kickstart.problem(&path, words, None));
                }
                Err(error) => {
                    let hint = matches!(error, MediumError::NotFound { .. }).then(|| MISSING.to_owned());
                    problems.push(self.kickstart.problem(&path, text::with_causes(&error), hint));
                }
            }
        }
        problems
    }
}

/// What a file that is named must be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A script that runs before all else.
    Before,
    /// A file.
    File,
    /// A file, a directory or a link.
    Any,
}

impl Kind {
    fn check(self, path: PathBuf) -> Result<(), MediumError> {
        let about = fs::metadata(&path).map_err(|source| MediumError::Io { path: path.clone(), source })?;
        if self == Self::Any && about.is_dir() {
            return Ok(());
        }
        if !about.is_file() {
            return Err(MediumError::NotRegular { path });
        }
        fs::File::open(&path).map(drop).map_err(|source| MediumError::Io { path, source })
    }
}

/// The files that a kickstart file names besides lists of packages: the key, the name, and what it must be.
fn named(kickstart: &Kickstart) -> Vec<(String, String, Kind)> {
    let scripts = |key: &'static str, names: &[String], kind| {
        names.iter().enumerate().map(move |(index, name)| (format!("{key}[{index}]"), name.clone(), kind)).collect::<Vec<_>>()
    };
    let pairs = |key: &'static str, pairs: &[BTreeMap<String, String>], kind| {
        let each = pairs.iter().enumerate().flat_map(|(index, pairs)| pairs.keys().map(move |name| (index, name)));
        each.map(move |(index, name)| (format!("{key}[{index}].{name}"), name.clone(), kind)).collect::<Vec<_>>()
    };
    let images = kickstart.docker.images.iter().enumerate();
    let images =
        images.filter_map(|(index, image)| Some((format!("docker.images[{index}].filename"), image.filename.clone()?, Kind::File)));
    [
        scripts("preinstallscripts", &kickstart.preinstallscripts, Kind::Before),
        scripts("postinstallscripts", &kickstart.postinstallscripts, Kind::File),
        scripts("firstboot.scripts", &kickstart.firstboot.scripts, Kind::File),
        pairs("additional_files", &kickstart.additional_files, Kind::Any),
        pairs("archives", &kickstart.archives, Kind::File),
        images.collect(),
    ]
    .concat()
}

fn list(path: &Path) -> Result<PackageList, MediumError> {
    if !path.is_file() {
        return Err(MediumError::NotRegular { path: path.to_owned() });
    }
    Ok(PackageList::parse(&path.display().to_string(), &text(path)?)?)
}
