//! Guesses how an archive is built from the files in it.

use std::collections::{BTreeMap, BTreeSet};

use super::licence::is_licence_file;

/// The content of an archive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Archive {
    /// The paths of all files in it, without a leading `./`.
    pub names: BTreeSet<String>,
    /// The beginnings of the files that [`is_read`] selects.
    pub texts: BTreeMap<String, String>,
}

/// A build system for which a spec can be drafted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum System {
    /// A `configure` script.
    Autotools {
        /// Whether autoconf made the script.
        is_generated: bool,
    },
    /// The input of autoconf, without the script made from it.
    Bootstrap,
    /// `meson.build`
    Meson,
    /// `CMakeLists.txt`
    Cmake,
    /// `go.mod`
    Go {
        /// The module's path, if the modules that it requires are not in its `vendor` directory.
        import_path: Option<String>,
        /// Program → directory of its package.
        programs: BTreeMap<String, String>,
    },
    /// `Cargo.toml`
    Cargo {
        /// The names of the programs.
        programs: Vec<String>,
    },
    /// A makefile.
    Make,
}

/// How an archive is unpacked and built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guess {
    /// The build system.
    pub system: System,
    /// Leading directories left out when unpacking: 1 if everything in the archive is in one top directory.
    pub strip: u32,
    /// The directory of the build files below the top; empty for the top itself.
    pub subdir: String,
    /// Whether a template of a pkg-config file indicates that it installs a library.
    pub is_library: bool,
}

impl System {
    /// The name of its table in a spec.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Autotools { .. } | Self::Bootstrap => "autotools",
            Self::Meson => "meson",
            Self::Cmake => "cmake",
            Self::Go { .. } => "go",
            Self::Cargo { .. } => "cargo",
            Self::Make => "make",
        }
    }

    /// The layer of the SDK that it needs beyond the base.
    pub fn layer(&self) -> Option<&'static str> {
        match self {
            Self::Go { .. } => Some("go"),
            Self::Cargo { .. } => Some("rust"),
            Self::Autotools { .. } | Self::Bootstrap | Self::Meson | Self::Cmake | Self::Make => None,
        }
    }
}

/// Whether the text of this file is needed, not only its name.
pub fn is_read(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    path.matches('/').count() <= 2 && (matches!(name, "configure" | "go.mod" | "Cargo.toml") || is_licence_file(name))
}

/// The one top directory that everything in the archive is in, with a trailing slash; empty if there is none.
pub fn top_of(archive: &Archive) -> String {
    top_directory(&archive.names).map_or(String::new(), |top| format!("{top}/"))
}

/// How the archive is built; `None` unless a build file of a known system is at its top or in exactly one directory there.
pub fn guess(archive: &Archive) -> Option<Guess> {
    let prefix = top_of(archive);
    let strip = u32::from(!prefix.is_empty());
    let inner: BTreeSet<&str> = archive.names.iter().filter_map(|name| name.strip_prefix(&*prefix)).collect();
    let is_library =
        inner.iter().any(|name| name.matches('/').count() <= 2 && [".pc.in", ".pc.cmakein"].iter().any(|end| name.ends_with(end)));
    let find = |subdir: &str| system(archive, &inner, &prefix, subdir);
    if let Some(system) = find("") {
        return Some(Guess { system, strip, subdir: String::new(), is_library });
    }
    let directories: BTreeSet<&str> = inner.iter().filter_map(|name| Some(name.split_once('/')?.0)).collect();
    let mut found = directories.into_iter().filter_map(|directory| Some((find(&format!("{directory}/"))?, directory)));
    match (found.next(), found.next()) {
        (Some((system, directory)), None) => Some(Guess { system, strip, subdir: directory.to_owned(), is_library }),
        _ => None,
    }
}

/// The single top directory that contains everything, if there is one.
fn top_directory(names: &BTreeSet<String>) -> Option<&str> {
    let (top, _) = names.first()?.split_once('/')?;
    names.iter().all(|name| name.split_once('/').is_some_and(|(first, _)| first == top)).then_some(top)
}

/// The build system of the directory `subdir`, which is empty or ends with a slash, below `prefix`.
fn system(archive: &Archive, inner: &BTreeSet<&str>, prefix: &str, subdir: &str) -> Option<System> {
    let has = |name: &str| inner.contains(&*format!("{subdir}{name}"));
    let text = |name: &str| archive.texts.get(&format!("{prefix}{subdir}{name}")).map_or("", String::as_str);
    if has("configure") {
        return Some(System::Autotools { is_generated: text("configure").contains("Autoconf") });
    }
    if has("meson.build") {
        return Some(System::Meson);
    }
    if has("CMakeLists.txt") {
        return Some(System::Cmake);
    }
    if has("go.mod") && subdir.is_empty() {
        return go(text("go.mod"), inner);
    }
    if has("Cargo.toml") && subdir.is_empty() {
        return cargo(text("Cargo.toml"), inner);
    }
    if has("configure.ac") || has("configure.in") {
        return Some(System::Bootstrap);
    }
    ["GNUmakefile", "makefile", "Makefile"].into_iter().any(has).then_some(System::Make)
}

/// Go modules: the module's path if it needs the SDK's libraries, and a program for each `main.go` at the top or in `cmd`.
fn go(module: &str, inner: &BTreeSet<&str>) -> Option<System> {
    let import_path = module.lines().find_map(|line| line.strip_prefix("module "))?.split("//").next()?.trim().trim_matches('"').to_owned();
    let mut parts = import_path.rsplit('/');
    let is_version = |part: &&str| part.strip_prefix('v').is_some_and(|digits| digits.parse::<u32>().is_ok());
    let last = parts.find(|part| !is_version(part)).unwrap_or(&import_path).to_owned();
    let below_cmd = |name: &&str| Some(name.strip_prefix("cmd/")?.strip_suffix("/main.go")?.to_owned()).filter(|name| !name.contains('/'));
    let mut programs: BTreeMap<String, String> =
        inner.iter().filter_map(below_cmd).map(|name| (name.clone(), format!("./cmd/{name}"))).collect();
    if inner.contains("main.go") {
        programs.insert(last, ".".to_owned());
    }
    let is_whole = inner.contains("vendor/modules.txt") || !module.lines().any(|line| line.trim_start().starts_with("require"));
    let import_path = (!is_whole).then_some(import_path);
    (!programs.is_empty()).then_some(System::Go { import_path, programs })
}

/// The programs of a crate: those it declares, and `src/main.rs`, which has the package's name.
fn cargo(manifest: &str, inner: &BTreeSet<&str>) -> Option<System> {
    let manifest: toml::Table = manifest.parse().ok()?;
    let declared = manifest.get("bin").and_then(|bins| bins.as_array()).into_iter().flatten();
    let mut programs: Vec<String> = declared.filter_map(|bin| Some(bin.get("name")?.as_str()?.to_owned())).collect();
    if programs.is_empty() && inner.contains("src/main.rs") {
        programs.push(manifest.get("package")?.get("name")?.as_str()?.to_owned());
    }
    (!programs.is_empty()).then_some(System::Cargo { programs })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(names: &[&str], texts: &[(&str, &str)]) -> Archive {
        let names = names.iter().chain(texts.iter().map(|(name, _)| name)).map(|name| (*name).to_owned()).collect();
        Archive { names, texts: texts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect() }
    }

    fn of(names: &[&str], texts: &[(&str, &str)]) -> Option<System> {
        guess(&archive(names, texts)).map(|guess| guess.system)
    }

    #[test]
    fn systems_are_found_in_their_order() {
        let generated = [("x-1/configure", "#! /bin/sh\n# Generated by GNU Autoconf 2.71")];
        assert_eq!(of(&["x-1/meson.build", "x-1/Makefile"], &generated), Some(System::Autotools { is_generated: true }));
        assert_eq!(of(&["x-1/Makefile"], &[("x-1/configure", "#!/bin/sh\n")]), Some(System::Autotools { is_generated: false }));
        assert_eq!(of(&["x-1/meson.build", "x-1/CMakeLists.txt", "x-1/configure.ac"], &[]), Some(System::Meson));
        assert_eq!(of(&["x-1/CMakeLists.txt", "x-1/configure.ac"], &[]), Some(System::Cmake));
        assert_eq!(of(&["x-1/configure.ac", "x-1/Makefile"], &[]), Some(System::Bootstrap));
        assert_eq!(of(&["x-1/makefile", "x-1/a.c"], &[]), Some(System::Make));
        assert_eq!(of(&["x-1/a.c"], &[]), None);
        assert_eq!(of(&[], &[]), None);
    }

    #[test]
    fn programs_of_go_and_rust_are_named() {
        let module = [("x-1/go.mod", "// a\nmodule a.test/o/tool/v2 // b\n\ngo 1.22\n\nrequire a.test/lib v1.0.0\n")];
        let programs = [("tool", "."), ("other", "./cmd/other")].map(|(name, path)| (name.to_owned(), path.to_owned()));
        let found =
            |import_path: Option<&str>| Some(System::Go { import_path: import_path.map(str::to_owned), programs: programs.clone().into() });
        let names = ["x-1/main.go", "x-1/cmd/other/main.go", "x-1/cmd/a/b/main.go"];
        assert_eq!(of(&names, &module), found(Some("a.test/o/tool/v2")));
        assert_eq!(of(&[&names[..], &["x-1/vendor/modules.txt"]].concat(), &module), found(None));
        assert_eq!(of(&names, &[("x-1/go.mod", "module a.test/o/tool/v2\n")]), found(None), "it needs nothing");
        assert_eq!(of(&["x-1/lib.go"], &module), None, "a library has no programs to install");
        let package = [("x-1/Cargo.toml", "[package]\nname = \"tool\"\n")];
        assert_eq!(of(&["x-1/src/main.rs"], &package), Some(System::Cargo { programs: vec!["tool".into()] }));
        let bins = [("x-1/Cargo.toml", "[package]\nname = \"tool\"\n[[bin]]\nname = \"a\"\n[[bin]]\nname = \"b\"\n")];
        assert_eq!(of(&["x-1/src/main.rs"], &bins), Some(System::Cargo { programs: vec!["a".into(), "b".into()] }));
    }

    #[test]
    fn the_top_of_an_archive_is_found() {
        let shape = |names: &[&str]| guess(&archive(names, &[])).map(|guess| (guess.strip, guess.subdir, guess.is_library));
        assert_eq!(shape(&["x-1/Makefile", "x-1/a/b"]), Some((1, String::new(), false)));
        assert_eq!(shape(&["Makefile", "x.pc.in"]), Some((0, String::new(), true)));
        assert_eq!(shape(&["a/x", "b/CMakeLists.txt"]), Some((0, "b".into(), false)));
        assert_eq!(shape(&["x-1/README", "x-1/lib/CMakeLists.txt", "x-1/lib/x.pc.in"]), Some((1, "lib".into(), true)));
        assert_eq!(shape(&["x-1/a/Makefile", "x-1/b/Makefile"]), None);
    }

    #[test]
    fn few_files_are_read() {
        for path in ["x-1/configure", "COPYING", "x-1/lib/LICENSE", "x-1/Cargo.toml"] {
            assert!(is_read(path), "{path}");
        }
        for path in ["x-1/a/b/LICENSE", "x-1/configure.ac", "x-1/a.c"] {
            assert!(!is_read(path), "{path}");
        }
    }
}
