//! The types of a checked spec. `docs/src/specs.md` is the reference of the file format.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};

use base::address::public;
use base::digest::Digest;
use base::name::{Dependency, PackageName};

/// A checked spec. Serialised, it is the normalised form that goes into the build's key: without comments, order of keys and layout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Spec {
    /// The name of the spec's directory, which is also the name of its main package unless it sets another.
    pub name: PackageName,
    /// Upstream's version: no `-`, no `/`, no space.
    pub version: String,
    /// The distribution's release of that version, from 1.
    pub release: u32,
    /// RPM epoch; 0 means none.
    pub epoch: u32,
    /// SPDX expression.
    pub license: String,
    /// Upstream's page.
    pub homepage: Option<String>,
    /// Whether the packages contain machine code.
    pub arch: Arch,
    /// SDK layers beyond `base`, in the order written.
    pub sdk: Vec<String>,
    /// Whether the SDK contains these libraries itself, so that the packages are never put into sandboxes.
    pub toolchain: bool,
    /// Globs of installed files that are left out.
    pub drop: Vec<String>,
    /// Globs of installed files that may contain paths of the sandbox.
    // Left out when empty, so that keys of specs without it do not change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub build_paths: Vec<String>,
    /// Globs of licence texts that are not found by their names: relative to the source tree, or absolute paths of the sandbox.
    // They are in the recipe, and so in the key.
    #[serde(skip)]
    pub license_files: Vec<String>,
    /// Sources, in order.
    pub sources: Vec<Source>,
    /// Patches of the project's own, in order.
    pub patches: Vec<Patch>,
    /// Packages in the sandbox.
    pub build_requires: Vec<PackageName>,
    /// How it is built.
    pub build: Build,
    /// Files of the spec's directory put into the package: path relative to the spec's directory → path in the image.
    pub install: BTreeMap<String, String>,
    /// Empty directories: path → mode.
    pub directories: BTreeMap<String, u32>,
    /// Symbolic links: link → target.
    pub symlinks: BTreeMap<String, String>,
    /// Attributes by path or glob, in the order written; the last match wins, key by key.
    pub attributes: Vec<(String, Attributes)>,
    /// The main package.
    pub main: Content,
    /// Subpackages, in the order written, which is the order their globs are tried in.
    pub subpackages: Vec<Subpackage>,
}

/// Whether a package contains machine code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Arch {
    /// For x86-64.
    X86_64,
    /// For any machine.
    Noarch,
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::X86_64 => "x86_64",
            Self::Noarch => "noarch",
        })
    }
}

/// One source file and where it comes from. Substitutions are done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Source {
    /// Origins, in the order they are tried; at least one.
    pub origins: Vec<Origin>,
    /// The file's name in the sandbox, if the spec sets one.
    pub name: Option<String>,
    /// The file or folder of a binary package that is the source, relative to the root of its files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// How it is used.
    pub usage: SourceUsage,
}

impl Source {
    /// The file's name in the sandbox: the one that the spec sets, or that of its first origin.
    ///
    /// # Panics
    /// When there is neither a name nor an origin, which the parser refuses.
    pub fn file_name(&self) -> &str {
        self.name.as_deref().unwrap_or_else(|| self.origins.first().expect("a source has an origin").file_name())
    }
}

/// An origin that a source can be fetched from, with the hash of its file there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// An upstream address.
    Url {
        /// `https://…`
        #[serde(serialize_with = "public_address")]
        url: String,
        /// The hash of the file there.
        sha256: Digest,
    },
    /// A file of a source package in the Debian archive.
    Debian {
        /// The source package's name.
        package: String,
        /// Its version, in Debian's notation.
        version: String,
        /// The file's name.
        file: String,
        /// The hash of the file there.
        sha256: Digest,
    },
    /// A binary package of the Debian archive.
    Deb {
        /// The source package it was built from, whose name its place in the archive has.
        source: String,
        /// The package's name.
        package: String,
        /// Its version as file names have it, without an epoch.
        version: String,
        /// Its architecture.
        arch: String,
        /// `NAME_VERSION_ARCH.deb`
        file: String,
        /// The hash of the file there.
        sha256: Digest,
    },
    /// A crate, from the registry of the host's cargo.
    Crate {
        /// `NAME-VERSION.crate`
        file: String,
        /// Its checksum in cargo's lock.
        sha256: Digest,
    },
}

/// Writes an address without its password: the result may be shown.
fn public_address<S: Serializer>(address: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&public(address))
}

impl Origin {
    /// The hash of this origin's file.
    pub fn sha256(&self) -> &Digest {
        match self {
            Self::Url { sha256, .. } | Self::Debian { sha256, .. } | Self::Deb { sha256, .. } | Self::Crate { sha256, .. } => sha256,
        }
    }

    /// The last component of its path.
    pub fn file_name(&self) -> &str {
        match self {
            Self::Url { url, .. } => url.rsplit('/').next().unwrap_or(url),
            Self::Debian { file, .. } | Self::Deb { file, .. } | Self::Crate { file, .. } => file,
        }
    }
}

/// How a source is used in the sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceUsage {
    /// Unpacked below the source tree.
    Unpack {
        /// The directory below the source tree; empty for the tree itself.
        into: String,
        /// Leading components removed.
        strip: u32,
    },
    /// Available as `/build/sources/<file name>`.
    Keep,
    /// A patch archive, such as Debian's.
    Patches {
        /// Which of its patches are applied.
        series: PatchSeries,
        /// How many lines of context at either end of a change may differ from the source (`fuzz` in patch(1)).
        fuzz: u32,
    },
}

/// Which patches of a patch archive are applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PatchSeries {
    /// All patches in its `series`.
    Whole,
    /// These, in this order.
    These(Vec<String>),
}

/// A patch in the spec's directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Patch {
    /// Path relative to the spec's directory.
    pub file: String,
    /// Leading components removed.
    pub strip: u32,
    /// How many lines of context at either end of a change may differ from the source (`fuzz` in patch(1)).
    pub fuzz: u32,
}

/// How a package is built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Build {
    /// The build system and its settings.
    pub system: BuildSystem,
    /// Environment variables, which override the defaults.
    pub env: BTreeMap<String, String>,
    /// Script before configuring.
    pub prepare: Option<String>,
    /// Script after installing.
    pub finish: Option<String>,
    /// The build directory in the source tree; empty for its top.
    pub subdir: String,
    /// Globs of installed files that are not stripped.
    pub keep_symbols: Vec<String>,
}

/// A build system and its settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BuildSystem {
    /// `configure && make && make install`
    Autotools {
        /// Arguments of `configure`.
        configure: Vec<String>,
        /// Arguments of `make`.
        make: Vec<String>,
        /// Arguments of `make install`.
        install: Vec<String>,
        /// Whether the build happens in a directory next to the sources.
        out_of_tree: bool,
        /// Whether the usual directories are passed to `configure`.
        defaults: bool,
    },
    /// `meson setup`, `ninja`, `meson install`
    Meson {
        /// Arguments of `meson setup`.
        options: Vec<String>,
    },
    /// `cmake`, `ninja`, `cmake --install`
    Cmake {
        /// Arguments of `cmake`.
        options: Vec<String>,
        /// Targets; empty for the default one.
        targets: Vec<String>,
    },
    /// `make`, `make install`
    Make {
        /// Arguments of `make`.
        make: Vec<String>,
        /// Arguments of `make install`.
        install: Vec<String>,
    },
    /// Go programs.
    Go {
        /// The import path of the tree, to build in GOPATH mode with the SDK's Go libraries. `None` to build in module mode, with `vendor`.
        import_path: Option<String>,
        /// Program → package path below the tree (`./cmd/x`).
        programs: BTreeMap<String, String>,
        /// Build tags.
        tags: Vec<String>,
        /// Arguments of the linker, beyond `-s -w`.
        ldflags: String,
        /// Whether programs are position-independent.
        pie: bool,
        /// Whether C code is linked in.
        cgo: bool,
    },
    /// Rust programs built by cargo.
    Cargo {
        /// The binaries that are installed.
        programs: Vec<String>,
        /// Folders of the project's own crates that are built, instead of the files next to the spec.
        members: Vec<String>,
        /// Whether libc is linked in.
        is_static: bool,
    },
    /// A kernel of a flavour: compiled objects with the builder's certificate inserted.
    Kernel {
        /// The flavour's name in `kernel-config/flavours`.
        flavour: String,
    },
    /// The compiled objects of a flavour's kernel, which are the same for every builder.
    KernelObjects {
        /// The flavour's name in `kernel-config/flavours`.
        flavour: String,
    },
    /// A script that does everything.
    Script {
        /// bash.
        run: String,
    },
    /// Nothing is built.
    None,
}

/// The steps of building a kernel, each done by a spec of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KernelStep {
    /// Compiles a flavour: the same for every builder.
    Compile,
    /// Inserts the certificate into the objects of a flavour, and has its modules signed.
    Certify,
}

impl BuildSystem {
    /// The step of building a kernel that it does, and the kernel's flavour.
    pub fn kernel_step(&self) -> Option<(KernelStep, &str)> {
        match self {
            Self::KernelObjects { flavour } => Some((KernelStep::Compile, flavour)),
            Self::Kernel { flavour } => Some((KernelStep::Certify, flavour)),
            Self::Autotools { .. }
            | Self::Meson { .. }
            | Self::Cmake { .. }
            | Self::Make { .. }
            | Self::Go { .. }
            | Self::Cargo { .. }
            | Self::Script { .. }
            | Self::None => None,
        }
    }

    /// The flavour of the kernel that it does this step of, if it does.
    pub fn flavour_for(&self, step: KernelStep) -> Option<&str> {
        self.kernel_step().filter(|(own, _)| *own == step).map(|(_, flavour)| flavour)
    }

    /// The crates of the project's own workspace that it builds.
    pub fn members(&self) -> &[String] {
        match self {
            Self::Cargo { members, .. } => members,
            Self::Autotools { .. }
            | Self::Meson { .. }
            | Self::Cmake { .. }
            | Self::Make { .. }
            | Self::Go { .. }
            | Self::Kernel { .. }
            | Self::KernelObjects { .. }
            | Self::Script { .. }
            | Self::None => &[],
        }
    }

    /// Whether what it installs is stripped. A kernel's own build takes care of that.
    pub fn is_stripped(&self) -> bool {
        match self {
            Self::Autotools { .. }
            | Self::Meson { .. }
            | Self::Cmake { .. }
            | Self::Make { .. }
            | Self::Go { .. }
            | Self::Cargo { .. }
            | Self::Script { .. } => true,
            Self::Kernel { .. } | Self::KernelObjects { .. } | Self::None => false,
        }
    }
}

/// Everything about one binary package except its files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Content {
    /// The package's name.
    pub name: PackageName,
    /// One line.
    pub summary: String,
    /// Text; the summary by default.
    pub description: String,
    /// `Requires`, beyond what is found in the files.
    pub requires: Vec<Dependency>,
    /// `Recommends`.
    pub recommends: Vec<Dependency>,
    /// `Provides`, beyond the package itself and what is found in the files.
    pub provides: Vec<Dependency>,
    /// `Conflicts`.
    pub conflicts: Vec<Dependency>,
    /// `Obsoletes`.
    pub obsoletes: Vec<Dependency>,
    /// System users.
    pub users: BTreeMap<String, User>,
    /// System groups beyond those of the users.
    pub groups: BTreeMap<String, Group>,
    /// Units enabled by preset.
    pub enable: Vec<String>,
    /// Units disabled by preset.
    pub disable: Vec<String>,
}

/// A binary package split off by globs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Subpackage {
    /// Its description.
    pub content: Content,
    /// Its files.
    pub files: Vec<String>,
    /// Whether it was declared as `devel`, and so requires the main package.
    pub is_devel: bool,
}

/// A system user (sysusers.d(5)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct User {
    /// Fixed number, if any.
    pub uid: Option<u32>,
    /// Primary group; by default, a group of the user's name.
    pub group: Option<String>,
    /// Home directory; `/` by default.
    pub home: String,
    /// Login shell; `/usr/bin/nologin` by default.
    pub shell: String,
    /// The comment field.
    pub description: String,
    /// Further groups.
    pub groups: Vec<String>,
}

/// A system group (sysusers.d(5)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// Fixed number, if any.
    pub gid: Option<u32>,
}

/// Attributes of files; `None` keeps what the build set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Attributes {
    /// Permission bits, setuid and the like included.
    pub mode: Option<u32>,
    /// Owner by name.
    pub owner: Option<String>,
    /// Group by name.
    pub group: Option<String>,
    /// Capabilities in the text form of cap_from_text(3); empty for none, even if the build set some.
    pub caps: Option<String>,
    /// Whether and how it is a configuration file.
    pub config: Option<ConfigFile>,
    /// Whether the package owns it but does not contain it.
    pub ghost: Option<bool>,
}

/// What happens to a configuration file that the administrator changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ConfigFile {
    /// It stays; the package's is next to it as `.rpmnew`.
    Noreplace,
    /// It is kept as `.rpmsave`, and replaced with the package's.
    Replace,
}

impl Spec {
    /// All binary packages of the spec, the main one first. The main package is included even if all files are in subpackages; it is built
    /// only if it has files.
    pub fn packages(&self) -> impl Iterator<Item = &Content> {
        std::iter::once(&self.main).chain(self.subpackages.iter().map(|sub| &sub.content))
    }

    /// `[epoch:]version-release` as RPM compares it, including the distribution's tag.
    pub fn evr(&self) -> String {
        let release = self.rpm_release();
        match self.epoch {
            0 => format!("{}-{release}", self.version),
            epoch => format!("{epoch}:{}-{release}", self.version),
        }
    }

    /// The RPM release: the spec's, and the distribution's tag.
    pub fn rpm_release(&self) -> String {
        format!("{}.{DIST_TAG}", self.release)
    }
}

/// The tag in every release, which distinguishes Kaon's packages from others.
pub const DIST_TAG: &str = "kn1";
