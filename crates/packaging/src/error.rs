//! Errors of packaging what a build installed.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::Path;

use super::archive::BadArchive;
use super::buildpath::BuildPath;
use super::hint;
use super::literal::LiteralGlob;
use super::location::Misplaced;
use super::obstacle::{Obstacle, escaped, glob_of};
use super::script::BadInterpreter;
use super::units::UnknownUnit;
use base::diagnostic::Failure;
use base::file_error::FileError;
use base::glob::GlobError;
use base::name::PackageName;
use runtime::disk_space::explained;
use runtime::install_root::InstallRootError;
use runtime::store::full_disk_hint;

/// Why the files that a build installed could not be packaged.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// The file system said no.
    #[error(transparent)]
    Io(FileError),
    /// The build left no directory to package.
    #[error(transparent)]
    InstallRoot(#[from] InstallRootError),
    /// Installed files are devices, sockets or pipes, or have names that no package can contain.
    #[error("the build installed files that a package cannot contain: {}", List(found))]
    Unpackageable {
        /// All of them, sorted by path.
        found: Vec<Unpackageable>,
    },
    /// Two installed files end up at the same path when `/bin`, `/sbin`, `/lib`, `/lib64` and the like are merged into `/usr`.
    #[error("`{first}` and `{second}` are both installed, but both are `{path}` in the package")]
    Collision {
        /// The path in the image.
        path: String,
        /// One installed path.
        first: String,
        /// The other.
        second: String,
    },
    /// The spec adds a file or link where the build installed a directory, or the other way round.
    #[error("`[{key}]` adds `{path}`, and one of the two is a directory: what the spec adds, or what the build installed there")]
    OtherKind {
        /// The spec's table.
        key: &'static str,
        /// The path in the image.
        path: String,
    },
    /// Something is below a file or link.
    #[error("`{path}` cannot be in the package, because `{above}` is not a directory")]
    BelowNoDirectory {
        /// The path in the image.
        path: String,
        /// The path that is not a directory.
        above: String,
    },
    /// Files have set-id bits that the spec does not declare.
    #[error("{} installed with set-user-id or set-group-id, which the spec does not declare", Listed(paths))]
    UndeclaredSetuid {
        /// The spec.
        spec: PackageName,
        /// Path and mode of each.
        paths: Vec<(String, u32)>,
    },
    /// Files have capabilities that the spec does not declare.
    #[error("{} installed with capabilities, which the spec does not declare", CapableList(paths))]
    UndeclaredCapabilities {
        /// The spec.
        spec: PackageName,
        /// Path and capabilities of each.
        paths: Vec<(String, String)>,
    },
    /// The sources contain no licence text.
    #[error("no licence text was found in the sources of `{spec}`, and its packages must contain it")]
    NoLicence {
        /// The spec.
        spec: PackageName,
    },
    /// A file of `[install]` is not in the spec's directory.
    #[error("spec `{spec}` installs its file `{file}`, which cannot be read")]
    InstallSource {
        /// The spec.
        spec: PackageName,
        /// The path relative to the spec's directory.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// A glob of a subpackage matches no file that is left for it.
    #[error("`{glob}` of package `{package}` matches no file that is left for it")]
    GlobMatchesNothing {
        /// The subpackage.
        package: PackageName,
        /// The glob.
        glob: String,
        /// A path that it matches, and the package that an earlier glob assigned it to.
        taken: Option<(String, PackageName)>,
        /// Installed paths that look like it.
        similar: Vec<String>,
    },
    /// A glob of `drop` matches nothing.
    #[error("spec `{spec}` excludes `{glob}`, which matches no installed file")]
    DropMatchesNothing {
        /// The spec.
        spec: PackageName,
        /// The glob.
        glob: String,
        /// Installed paths that look like it.
        similar: Vec<String>,
    },
    /// A `[file."…"]` matches no file.
    #[error("spec `{spec}` sets attributes of `{glob}`, which matches no file")]
    AttributesMatchNothing {
        /// The spec.
        spec: PackageName,
        /// The path or glob.
        glob: String,
    },
    /// Two names of one file would have different attributes.
    #[error("`{first}` and `{second}` are one file (a hard link), but they differ in {difference}")]
    UnequalLinks {
        /// One path in the image.
        first: String,
        /// The other.
        second: String,
        /// What they differ in: `mode`, `owner` …
        difference: String,
    },
    /// Installed files contain paths of the sandbox.
    #[error("what the build installed does not work outside of its sandbox: {}", List(found))]
    BuildPaths {
        /// The first one of each file.
        found: Vec<BuildPath>,
    },
    /// A glob of `build-paths` matches no file.
    #[error("spec `{spec}` allows build paths in `{glob}`, which matches no installed file")]
    BuildPathsMatchNothing {
        /// The spec.
        spec: PackageName,
        /// The glob.
        glob: String,
    },
    /// Files are in directories where packages must not install any.
    #[error("files are installed where packages must not install any: {}", List(found))]
    Misplaced {
        /// The directories, sorted.
        found: Vec<Misplaced>,
    },
    /// Globs match nothing, but would match if `[` were literal.
    #[error("globs of spec `{spec}` match nothing: {}", List(found))]
    LiteralGlobs {
        /// The spec.
        spec: PackageName,
        /// All of them.
        found: Vec<LiteralGlob>,
    },
    /// Units are enabled or disabled that none of the spec's packages contains.
    #[error("`[units]` of spec `{spec}` names units that none of its packages contains: {}", List(found))]
    UnknownUnits {
        /// The spec.
        spec: PackageName,
        /// All of them.
        found: Vec<UnknownUnit>,
        /// Whether the spec's packages contain any unit.
        has_units: bool,
    },
    /// Executable scripts that cannot be run.
    #[error("the interpreters of executable scripts cannot work: {}", List(found))]
    BadInterpreters {
        /// All of them, by package and path.
        found: Vec<BadInterpreter>,
    },
    /// Static libraries without machine code.
    #[error("nothing can be linked with static libraries: {}", List(found))]
    BadArchives {
        /// All of them, sorted by path.
        found: Vec<BadArchive>,
    },
    /// A file provides or requires something with a name or version that RPM does not accept.
    #[error("`{}` provides or requires `{}`, which a package header cannot contain", escaped(path.as_bytes()), escaped(text.as_bytes()))]
    OddDependency {
        /// The file in the image.
        path: String,
        /// What it provides or requires.
        text: String,
    },
    /// A glob cannot be compiled.
    #[error("`{glob}` is not a glob")]
    BadGlob {
        /// The glob.
        glob: String,
        /// Why.
        source: GlobError,
    },
    /// The main package has no files.
    #[error("package `{package}` has no files")]
    Empty {
        /// The package.
        package: PackageName,
        /// How many files its subpackages have.
        elsewhere: usize,
        /// How many installed files were dropped by globs.
        dropped: usize,
    },
    /// A `noarch` package contains machine code.
    #[error("`{path}` is machine code, but the spec says `noarch = true`")]
    MachineCode {
        /// The file in the image.
        path: String,
    },
    /// A file with an ELF header is not a valid ELF file.
    #[error("`{path}` has an ELF header, but cannot be read as an ELF file")]
    BadElf {
        /// The file in the image.
        path: String,
        /// Why.
        source: super::elf::ElfError,
    },
    /// A binary searches for its libraries in a forbidden directory.
    #[error("`{path}` looks for its libraries in `{entry}` (RPATH)")]
    BadLibraryPath {
        /// The file in the image.
        path: String,
        /// The entry of its `DT_RPATH` or `DT_RUNPATH`.
        entry: String,
    },
    /// Binaries need libraries that no declared package provides.
    #[error("{}", UndeclaredList(missing))]
    UndeclaredLibraries {
        /// The spec.
        spec: PackageName,
        /// What is missing, sorted.
        missing: Vec<Undeclared>,
    },
    /// The RPM format or its library refused something.
    #[error("cannot write package `{package}`")]
    Rpm {
        /// The package.
        package: PackageName,
        /// Why.
        source: Box<rpm::Error>,
    },
}

/// A capability that a file needs and nothing declared provides.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Undeclared {
    /// The file in the image.
    pub path: String,
    /// What it needs: a soname with the ABI version asked for, or `pkgconfig(…)`.
    pub needs: String,
    /// A package known to provide it.
    pub giver: Option<PackageName>,
    /// A library of that name in the spec's own packages that does not satisfy it.
    pub hidden: Option<Hidden>,
}

/// A library of the spec's own packages that does not satisfy a requirement, by its path in the image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hidden {
    /// The file does not search its directory.
    Elsewhere(String),
    /// It does not have the version of its interface that the file needs.
    OtherVersion(String),
}

/// Something installed that a package cannot contain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpackageable {
    /// Its path in the image; invalid UTF-8 is replaced.
    pub path: String,
    /// Why.
    pub obstacle: Obstacle,
}

impl fmt::Display for Unpackageable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({})", escaped(self.path.as_bytes()), self.obstacle)
    }
}

/// How many findings a message lists.
const MOST_LISTED: usize = 30;

struct List<'a, T>(&'a [T]);

impl<T: fmt::Display> fmt::Display for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, one) in self.0.iter().take(MOST_LISTED).enumerate() {
            let comma = if index == 0 { "" } else { "; " };
            write!(f, "{comma}{one}")?;
        }
        match self.0.len().saturating_sub(MOST_LISTED) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

struct CapableList<'a>(&'a [(String, String)]);

impl fmt::Display for CapableList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (path, caps)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}`{path}` ({caps})")?;
        }
        f.write_str(if self.0.len() == 1 { " is" } else { " are" })
    }
}

struct Listed<'a>(&'a [(String, u32)]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (path, mode)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}`{path}` ({mode:o})")?;
        }
        f.write_str(if self.0.len() == 1 { " is" } else { " are" })
    }
}

struct UndeclaredList<'a>(&'a [Undeclared]);

impl fmt::Display for UndeclaredList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Undeclared { path, needs, .. }) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "; " };
            write!(f, "{comma}`{path}` needs `{needs}`")?;
        }
        f.write_str(", which no package in the sandbox provides")
    }
}

impl PackageError {
    /// An I/O error at `path`.
    pub fn io(operation: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io(FileError::new(operation, path, explained(source, path)))
    }

    /// Makes the error for the invalid `glob`.
    pub fn bad_glob(glob: &str) -> impl FnOnce(GlobError) -> Self {
        move |source| Self::BadGlob { glob: glob.to_owned(), source }
    }
}

impl Failure for PackageError {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::InstallRoot(error) => Some(error),
            Self::Io(_)
            | Self::Unpackageable { .. }
            | Self::Collision { .. }
            | Self::OtherKind { .. }
            | Self::BelowNoDirectory { .. }
            | Self::UndeclaredSetuid { .. }
            | Self::UndeclaredCapabilities { .. }
            | Self::NoLicence { .. }
            | Self::InstallSource { .. }
            | Self::GlobMatchesNothing { .. }
            | Self::DropMatchesNothing { .. }
            | Self::AttributesMatchNothing { .. }
            | Self::UnequalLinks { .. }
            | Self::BuildPaths { .. }
            | Self::BuildPathsMatchNothing { .. }
            | Self::Misplaced { .. }
            | Self::LiteralGlobs { .. }
            | Self::UnknownUnits { .. }
            | Self::BadInterpreters { .. }
            | Self::BadArchives { .. }
            | Self::OddDependency { .. }
            | Self::BadGlob { .. }
            | Self::Empty { .. }
            | Self::MachineCode { .. }
            | Self::BadElf { .. }
            | Self::BadLibraryPath { .. }
            | Self::UndeclaredLibraries { .. }
            | Self::Rpm { .. } => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Io(FileError { source, .. }) => full_disk_hint(source),
            Self::Rpm { source, .. } => match &**source {
                rpm::Error::Io(source) => full_disk_hint(source),
                _ => None,
            },
            Self::BadGlob { .. } => None,
            Self::InstallRoot(_) => self.inner()?.hint(),
            Self::Unpackageable { found } => {
                let globs: BTreeSet<String> = found.iter().map(|one| format!("\"{}\"", glob_of(&one.path))).collect();
                let globs: Vec<String> = globs.into_iter().collect();
                Some(format!("exclude them in the spec: drop = [{}]; or remove them in `finish`", globs.join(", ")))
            }
            Self::Collision { first, .. } => Some(format!("remove one of them in `finish` of the spec: `rm $DESTDIR{first}`")),
            Self::UndeclaredSetuid { spec, paths } => paths.first().map(|(path, mode)| {
                format!("if that is wanted, add to specs/{spec}/package.toml: [file.\"{path}\"] with mode = \"{mode:o}\"; if not, mode = \"0755\"")
            }),
            Self::UndeclaredCapabilities { spec, paths } => paths.first().map(|(path, caps)| {
                format!("if that is wanted, add to specs/{spec}/package.toml: [file.\"{path}\"] with caps = \"{caps}\"; if not, caps = \"\"")
            }),
            Self::InstallSource { spec, file, .. } => Some(format!("create `specs/{spec}/{file}`, or remove the entry from `[install]`")),
            Self::GlobMatchesNothing { taken: Some((path, by)), .. } => Some(format!(
                "`{by}`, which comes first in the spec, has `{path}`: move this subpackage above it, or narrow the globs of `{by}`"
            )),
            Self::GlobMatchesNothing { similar, .. } | Self::DropMatchesNothing { similar, .. } if !similar.is_empty() => {
                Some(format!("similar: {}", similar.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ")))
            }
            Self::GlobMatchesNothing { .. } => {
                Some("remove the glob, or see what the build installed with `cargo xtask shell`; `drop` is applied before subpackages".into())
            }
            Self::DropMatchesNothing { .. } => {
                Some("remove it from `drop`, or correct it; `cargo xtask shell` shows what the build installed".into())
            }
            Self::AttributesMatchNothing { .. } => Some("correct the path; only `ghost = true` may name a file that is not installed".into()),
            Self::BuildPaths { found } => Some(hint::build_paths(found)),
            Self::OtherKind { path, .. } => Some(format!("change the spec, or remove what the build installed in `finish`: `rm -r $DESTDIR{}`", glob_of(path))),
            Self::BelowNoDirectory { above, .. } => Some(format!("install into the directory that `{}` leads to", glob_of(above))),
            Self::NoLicence { .. } => Some(
                "name the file in `[package]`: license-files = [\"doc/TERMS\"]; if the sources have none, put the text next to the spec and install it to /usr/share/licenses/"
                    .into(),
            ),
            Self::BuildPathsMatchNothing { .. } => Some("remove it from `build-paths`, or correct it".into()),
            Self::Misplaced { .. } => Some(
                "configure the build with `--prefix=/usr` (`PREFIX=/usr` for make), or move the files in `finish`; a directory that the package must \
                 have there is declared in `[directories]`"
                    .into(),
            ),
            Self::LiteralGlobs { found, .. } => found.first().map(|one| format!("write \"{}\": `[[]` matches `[`", one.meant)),
            Self::UnknownUnits { found, has_units, .. } => Some(hint::units(found, *has_units)),
            Self::BadInterpreters { found } => found.first().map(hint::interpreter),
            Self::BadArchives { found } => {
                found.first().map(|one| format!("{}; or leave it out in the spec: drop = [\"{}\"]", one.fault.remedy(), glob_of(&one.path)))
            }
            Self::OddDependency { path, .. } => {
                Some(format!("correct the file in `finish`, or exclude it in the spec: drop = [\"{}\"]", glob_of(path)))
            }
            Self::UnequalLinks { first, second, .. } => {
                Some(format!("name both in one `[file.\"…\"]`, or replace one in `finish`: `ln -sf {first} $DESTDIR{second}`"))
            }
            Self::Empty { elsewhere: 0, dropped: 1.., .. } => Some(
                "everything the build installed is excluded: by `drop` of the spec, or as manual pages, documentation, translations and completions, which packages never contain"
                    .into(),
            ),
            Self::Empty { elsewhere: 0, .. } => Some("the build installed nothing into $DESTDIR; a package without files has `[build.none]`".into()),
            Self::Empty { elsewhere, .. } => {
                Some(format!("its subpackages' globs match all {elsewhere} files; narrow them, so that some are left for the main package"))
            }
            Self::MachineCode { .. } => Some("remove `noarch = true`".into()),
            Self::BadElf { .. } => Some("the build may have written only part of it; exclude it with `drop` if it is sample data".into()),
            Self::BadLibraryPath { .. } => {
                Some("build with that path unset (`--disable-rpath`, `-Dc_link_args=`), or remove it in `finish`: only /usr/lib/… and $ORIGIN are allowed".into())
            }
            Self::UndeclaredLibraries { spec, missing } => Some(hint::undeclared(spec, missing)),
        }
    }
}
