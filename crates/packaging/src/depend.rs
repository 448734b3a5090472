//! What packages provide and require, found in their files, and checks that it is declared.

use std::collections::{BTreeMap, BTreeSet};

use super::available::Available;
use super::elf::{self, Dynamic, Elf};
use super::error::{Hidden, PackageError, Undeclared};
use super::linker::{Binary, Linker};
use super::pkgconfig;
use super::script::{self, BadInterpreter};
use super::split::Part;
use super::tree::{Content, Kind};
use super::usrmerge::destination;
use base::name::Dependency;
use planning::spec::{Arch, Spec};

/// What was found in the files of one package.
#[derive(Debug, Default)]
pub struct Found {
    /// Capabilities it provides.
    pub provides: BTreeSet<Dependency>,
    /// Capabilities it needs of others.
    pub requires: BTreeSet<Dependency>,
}

/// A requirement of one file, before its provider is known.
struct Need {
    path: String,
    dependency: Dependency,
    strictness: Strictness,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Strictness {
    /// A package in the sandbox must provide it.
    Checked,
    /// It is omitted unless a package in the sandbox provides it.
    IfGiven,
    /// It is kept, even if nothing provides it.
    Unchecked,
}

/// Examines all files of all packages of a spec.
///
/// # Errors
/// When a file cannot be read, breaks a rule, or needs what neither the spec's own packages nor those in the sandbox provide.
pub fn find(spec: &Spec, parts: &[Part<'_>], available: &Available) -> Result<Vec<Found>, PackageError> {
    let linker = Linker::new(parts)?;
    let mut scanner = Scanner { spec, found: Vec::new(), needs: Vec::new(), linker, missing: Vec::new(), bad_interpreters: Vec::new() };
    for part in parts {
        scanner.part(part)?;
    }
    if !scanner.bad_interpreters.is_empty() {
        return Err(PackageError::BadInterpreters { found: scanner.bad_interpreters });
    }
    scanner.libraries(parts)?;
    let Scanner { mut found, needs, linker, mut missing, .. } = scanner;
    for (index, part) in parts.iter().enumerate() {
        for sibling in linked_siblings(parts, part) {
            found[index].requires.insert(Dependency::equal(sibling, spec.evr()));
        }
    }
    let givers = givers(&found);
    for (index, needs) in needs.into_iter().enumerate() {
        for need in needs {
            settle(spec, parts, available, &givers, index, need, &mut found[index], &mut missing)?;
        }
    }
    for one in missing.iter_mut().filter(|one| one.hidden.is_none()) {
        one.hidden = linker.hidden(&one.needs).map(|library| Hidden::Elsewhere(library.path.clone()));
    }
    missing.sort();
    missing.dedup();
    if missing.is_empty() { Ok(found) } else { Err(PackageError::UndeclaredLibraries { spec: spec.name.clone(), missing }) }
}

/// Packages of the spec that contain the libraries to which `part` has development links (`libz.so`).
fn linked_siblings<'a>(parts: &'a [Part<'_>], part: &Part<'_>) -> BTreeSet<&'a str> {
    let mut siblings = BTreeSet::new();
    for (path, entry) in part.entries.iter().filter(|(path, _)| path.ends_with(".so")) {
        let Kind::Link(target) = &entry.kind else { continue };
        let library = destination(path, target);
        let holders = parts.iter().filter(|other| other.content.name != part.content.name && other.entries.contains_key(&library));
        siblings.extend(holders.map(|other| other.content.name.as_str()));
    }
    siblings
}

/// Which of the spec's packages provide each capability.
fn givers(found: &[Found]) -> BTreeMap<String, Vec<usize>> {
    let mut givers: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, found) in found.iter().enumerate() {
        for provided in &found.provides {
            givers.entry(provided.capability.clone()).or_default().push(index);
        }
    }
    givers
}

#[expect(clippy::too_many_arguments, reason = "one step of `find`, over its state")]
fn settle(
    spec: &Spec,
    parts: &[Part<'_>],
    available: &Available,
    givers: &BTreeMap<String, Vec<usize>>,
    index: usize,
    need: Need,
    found: &mut Found,
    missing: &mut Vec<Undeclared>,
) -> Result<(), PackageError> {
    let capability = &need.dependency.capability;
    let own = givers.get(capability).map(Vec::as_slice).unwrap_or_default();
    if own.contains(&index) || parts[index].entries.contains_key(capability) {
        return Ok(());
    }
    if let [sibling, ..] = own {
        // Packages of one build are compatible only with each other.
        found.requires.insert(Dependency::equal(parts[*sibling].content.name.as_str(), spec.evr()));
    } else if need.strictness != Strictness::Unchecked && !available.gives(capability) {
        if need.strictness == Strictness::Checked && !is_implied(available, givers, capability) {
            let giver = available.giver(capability).cloned();
            missing.push(Undeclared { path: need.path, needs: readable(capability), giver, hidden: None });
        }
        return Ok(());
    }
    found.requires.insert(checked(&need.path, need.dependency)?);
    Ok(())
}

/// Whether a missing version of an interface is already covered by the report of the missing library.
fn is_implied(available: &Available, givers: &BTreeMap<String, Vec<usize>>, capability: &str) -> bool {
    let Some((soname, version)) = split_capability(capability) else { return false };
    let library = elf::capability(soname, "");
    !version.is_empty() && !available.gives(&library) && !givers.contains_key(&library)
}

fn split_capability(capability: &str) -> Option<(&str, &str)> {
    capability.strip_suffix(")(64bit)")?.split_once('(')
}

/// `libz.so.1` for `libz.so.1()(64bit)`, which few users know.
fn readable(capability: &str) -> String {
    match split_capability(capability) {
        Some((soname, "")) => soname.to_owned(),
        Some((soname, version)) => format!("{soname} ({version})"),
        None => capability.to_owned(),
    }
}

/// The dependency, if RPM accepts it: names and versions come from files, which may contain anything.
fn checked(path: &str, dependency: Dependency) -> Result<Dependency, PackageError> {
    let text = dependency.to_string();
    if text.parse::<Dependency>().is_ok_and(|parsed| parsed == dependency) {
        return Ok(dependency);
    }
    Err(PackageError::OddDependency { path: path.to_owned(), text })
}

struct Scanner<'a> {
    spec: &'a Spec,
    found: Vec<Found>,
    needs: Vec<Vec<Need>>,
    linker: Linker,
    missing: Vec<Undeclared>,
    bad_interpreters: Vec<BadInterpreter>,
}

impl Scanner<'_> {
    fn part(&mut self, part: &Part<'_>) -> Result<(), PackageError> {
        self.found.push(Found::default());
        self.needs.push(Vec::new());
        for (path, entry) in &part.entries {
            let Kind::File(content) = &entry.kind else { continue };
            let start = content.read(script::FIRST_LINE_BYTES)?;
            if start.starts_with(elf::MAGIC) {
                self.binary(path, content)?;
            } else if entry.mode & 0o111 != 0 {
                self.script(path, &start);
            }
            if let Some(name) = pkgconfig::module_name(path) {
                let text = content.read(u64::MAX)?;
                self.module(path, pkgconfig::parse(name, &String::from_utf8_lossy(&text)))?;
            }
        }
        Ok(())
    }

    fn need(&mut self, path: &str, dependency: Dependency, strictness: Strictness) {
        if let Some(needs) = self.needs.last_mut() {
            needs.push(Need { path: path.to_owned(), dependency, strictness });
        }
    }

    fn script(&mut self, path: &str, start: &[u8]) {
        match script::interpreter(start) {
            Ok(Some(program)) => self.need(path, Dependency::any(program), Strictness::Unchecked),
            Ok(None) => {}
            Err(fault) => self.bad_interpreters.push(BadInterpreter::new(path, start, fault)),
        }
    }

    fn binary(&mut self, path: &str, content: &Content) -> Result<(), PackageError> {
        let elf = match content {
            Content::Memory(bytes) => elf::parse(bytes.as_slice()),
            Content::Installed(file) => elf::read(file.open().map_err(|source| PackageError::io("read", &file.path(), source))?),
        };
        let elf = elf.map_err(|source| PackageError::BadElf { path: path.to_owned(), source })?;
        if elf != Elf::Other && self.spec.arch == Arch::Noarch {
            return Err(PackageError::MachineCode { path: path.to_owned() });
        }
        let Elf::Dynamic(dynamic) = elf else { return Ok(()) };
        check_library_paths(path, &dynamic)?;
        self.linker.add(Binary { part: self.found.len() - 1, path: path.to_owned(), dynamic });
        Ok(())
    }

    /// What the binaries of all packages provide to others and require from them.
    fn libraries(&mut self, parts: &[Part<'_>]) -> Result<(), PackageError> {
        for binary in self.linker.binaries() {
            let found = &mut self.found[binary.part];
            if self.linker.is_public(binary) {
                for capability in binary.provides() {
                    found.provides.insert(checked(&binary.path, Dependency::any(capability))?);
                }
            }
            for capability in binary.dynamic.requires() {
                let soname = split_capability(&capability).map(|(soname, _)| soname);
                let private = soname.and_then(|soname| self.linker.private(binary, soname));
                if let Some(library) = private {
                    // A library without symbol versions satisfies all of them (ld.so prints a warning).
                    let is_fit = library.dynamic.defined_versions.is_empty() || library.provides().contains(&capability);
                    if !is_fit {
                        let hidden = Some(Hidden::OtherVersion(library.path.clone()));
                        self.missing.push(Undeclared { path: binary.path.clone(), needs: readable(&capability), giver: None, hidden });
                    } else if library.part != binary.part {
                        found.requires.insert(Dependency::equal(parts[library.part].content.name.as_str(), self.spec.evr()));
                    }
                    continue;
                }
                let is_checked = soname.is_some_and(|soname| !is_toolchain(soname));
                let strictness = if is_checked { Strictness::Checked } else { Strictness::Unchecked };
                self.needs[binary.part].push(Need { path: binary.path.clone(), dependency: Dependency::any(capability), strictness });
            }
        }
        Ok(())
    }

    fn module(&mut self, path: &str, module: pkgconfig::Module) -> Result<(), PackageError> {
        if let Some(found) = self.found.last_mut() {
            found.provides.insert(checked(path, module.provides)?);
        }
        for dependency in module.requires {
            self.need(path, dependency, Strictness::Checked);
        }
        for dependency in module.private {
            self.need(path, dependency, Strictness::IfGiven);
        }
        Ok(())
    }
}

/// Libraries may only be searched for below `/usr/lib` and next to the file: with an entry that is relative or in the build directory,
/// anybody who can write there can run code in the program.
fn check_library_paths(path: &str, dynamic: &Dynamic) -> Result<(), PackageError> {
    let is_fine = |entry: &str| {
        let below = |root: &str| entry.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        ["/usr/lib", "/usr/lib64", "/lib", "/lib64", "$ORIGIN", "${ORIGIN}"].into_iter().any(below)
    };
    match dynamic.library_paths.iter().find(|entry| !is_fine(entry)) {
        None => Ok(()),
        Some(entry) => Err(PackageError::BadLibraryPath { path: path.to_owned(), entry: entry.clone() }),
    }
}

/// Libraries of the C library and the compiler, which every sandbox has and no spec declares.
fn is_toolchain(soname: &str) -> bool {
    const LIBRARIES: [&str; 17] = [
        elf::DYNAMIC_LINKER,
        "libBrokenLocale.so.1",
        "libanl.so.1",
        "libatomic.so.1",
        "libc.so.6",
        "libc_malloc_debug.so.0",
        "libdl.so.2",
        "libgcc_s.so.1",
        "libm.so.6",
        "libmvec.so.1",
        "libnsl.so.1",
        "libpthread.so.0",
        "libresolv.so.2",
        "librt.so.1",
        "libstdc++.so.6",
        "libthread_db.so.1",
        "libutil.so.1",
    ];
    LIBRARIES.contains(&soname)
}
