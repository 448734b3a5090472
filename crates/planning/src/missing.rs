//! Finds what is missing according to a failed build's log, and what provides it.
//!
//! Recognises the messages of compilers, linkers, pkg-config, meson, cmake and shells. Advice is only given for things that are known to
//! exist: a missing header that nothing provides usually belongs to the sources.

use std::collections::BTreeMap;
use std::fmt;

use base::name::PackageName;

/// Something that a build looked for and did not find.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Missing {
    /// A header, as `#include` names it.
    Header(String),
    /// A pkg-config module.
    Module(String),
    /// A program, by its name without a directory.
    Command(String),
    /// A library, as the linker's `-l` names it.
    Library(String),
    /// A crate, as cargo names it.
    Crate(String),
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "the header `{name}`"),
            Self::Module(name) => write!(f, "the pkg-config module `{name}`"),
            Self::Command(name) => write!(f, "the program `{name}`"),
            Self::Library(name) => write!(f, "the library `lib{name}.so`"),
            Self::Crate(name) => write!(f, "the crate `{name}`"),
        }
    }
}

impl Missing {
    /// Whether a file or link at the absolute `path` of a package is what was looked for; `None` if it is not, else how well it fits. A
    /// header in its own subdirectory needs a compiler flag to be found, so one without comes first.
    fn fit(&self, path: &str) -> Option<Fit> {
        let exactly = |is_it: bool| is_it.then_some(Fit::Exact);
        match self {
            Self::Header(name) => match path.strip_prefix("/usr/include/")?.strip_suffix(name.as_str())? {
                "" => Some(Fit::Exact),
                folder => folder.ends_with('/').then_some(Fit::Deeper),
            },
            Self::Module(name) => {
                let folders = ["/usr/lib/pkgconfig/", "/usr/share/pkgconfig/", "/usr/lib/x86_64-linux-gnu/pkgconfig/"];
                let file = folders.iter().find_map(|folder| path.strip_prefix(folder));
                exactly(file.and_then(|file| file.strip_suffix(".pc")) == Some(name))
            }
            Self::Command(name) => {
                let file = ["/usr/bin/", "/usr/sbin/"].iter().find_map(|folder| path.strip_prefix(folder));
                exactly(file == Some(name))
            }
            Self::Library(name) => {
                let file = ["/usr/lib/", "/usr/lib/x86_64-linux-gnu/"].iter().find_map(|folder| path.strip_prefix(folder));
                exactly(file.and_then(|file| file.strip_prefix("lib")?.strip_suffix(".so")) == Some(name))
            }
            // Packages do not contain crates to build with.
            Self::Crate(_) => None,
        }
    }

    /// The name by which a package without known files is suggested: `zlib` or `zlib-devel` for `zlib.h`, `openssl` for `openssl/ssl.h`.
    fn stem(&self) -> &str {
        match self {
            Self::Header(name) => name.split(['/', '.']).next().unwrap_or(name),
            Self::Module(name) | Self::Command(name) | Self::Library(name) | Self::Crate(name) => name,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Exact,
    Deeper,
}

/// Packages that a failed build could have had in its sandbox.
#[derive(Clone, Debug, Default)]
pub struct Offers {
    /// Packages that are built, and the absolute paths of their files.
    pub built: BTreeMap<PackageName, Vec<String>>,
    /// Packages that are not built, so their files are not known.
    pub unbuilt: Vec<PackageName>,
}

/// Finds files in the layers of the SDK. A layer is not listed, because it has tens of thousands of files.
pub trait Layers {
    /// The first layer that has a file at one of these absolute paths.
    fn having(&self, paths: &[String]) -> Option<String>;
}

/// How to get something that is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advice {
    /// A package has it.
    Package(Missing, PackageName),
    /// A package probably has it, by its name; its files are not known.
    Perhaps(Missing, PackageName),
    /// A layer of the SDK has it.
    Layer(Missing, String),
    /// Nothing has it: it must be among the spec's sources, since builds have no network.
    Vendor(Missing),
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Package(missing, package) => {
                write!(f, "{missing} is in package `{package}`: add `\"{package}\"` to `build` in `[requires]`")
            }
            Self::Perhaps(missing, package) => {
                write!(f, "{missing} may be in package `{package}`, which is not built: add `\"{package}\"` to `build` in `[requires]`")
            }
            Self::Layer(missing, layer) => {
                write!(f, "{missing} is in layer `{layer}` of the SDK: add `\"{layer}\"` to `sdk` in `[package]`")
            }
            Self::Vendor(missing) => {
                write!(
                    f,
                    "{missing} is not in the sources, and builds have no network: add an archive of what `cargo vendor` writes as a `[[source]]`"
                )
            }
        }
    }
}

/// The advice for the first thing that is missing according to `lines` of a build's log and that is available.
pub fn advice<'l>(lines: impl IntoIterator<Item = &'l str>, offers: &Offers, layers: &dyn Layers) -> Option<Advice> {
    let mut missing: Vec<Missing> = lines.into_iter().filter_map(missing_in).collect();
    missing.dedup();
    let known = |missing: &Missing| {
        if let Missing::Crate(_) = missing {
            return Some(Advice::Vendor(missing.clone()));
        }
        let package = |(fit, package): (Fit, &PackageName)| (fit, Advice::Package(missing.clone(), package.clone()));
        let fits = offers.built.iter().filter_map(|(name, paths)| Some((paths.iter().filter_map(|path| missing.fit(path)).min()?, name)));
        let built = fits.min().map(package).map(|(_, advice)| advice);
        built.or_else(|| layers.having(&missing.paths()).map(|layer| Advice::Layer(missing.clone(), layer)))
    };
    let perhaps = |missing: &Missing| {
        let stem = missing.stem();
        let names = [format!("{stem}-devel"), format!("lib{stem}-devel"), stem.to_owned(), format!("lib{stem}")];
        let named = names.iter().find_map(|name| offers.unbuilt.iter().find(|package| package.as_str() == name))?;
        Some(Advice::Perhaps(missing.clone(), named.clone()))
    };
    missing.iter().find_map(known).or_else(|| missing.iter().find_map(perhaps))
}

impl Missing {
    /// The paths at which a layer of the SDK would have it.
    fn paths(&self) -> Vec<String> {
        let (folders, file): (&[&str], String) = match self {
            Self::Header(name) => (&["/usr/include/", "/usr/include/x86_64-linux-gnu/"], name.clone()),
            Self::Module(name) => {
                (&["/usr/lib/x86_64-linux-gnu/pkgconfig/", "/usr/lib/pkgconfig/", "/usr/share/pkgconfig/"], format!("{name}.pc"))
            }
            Self::Command(name) => (&["/usr/bin/", "/usr/sbin/"], name.clone()),
            Self::Library(name) => (&["/usr/lib/x86_64-linux-gnu/", "/usr/lib/"], format!("lib{name}.so")),
            Self::Crate(_) => (&[], String::new()),
        };
        folders.iter().map(|folder| format!("{folder}{file}")).collect()
    }
}

/// What is missing according to a line of a build's log.
pub fn missing_in(line: &str) -> Option<Missing> {
    header(line)
        .or_else(|| module(line))
        .or_else(|| library(line))
        .or_else(|| rust_crate(line))
        .or_else(|| command(line))
        .filter(Missing::is_name)
}

impl Missing {
    /// Whether it is a plausible name: anything may follow the recognised words.
    fn is_name(&self) -> bool {
        let (name, more) = match self {
            Self::Header(name) => (name, "/._+-"),
            Self::Module(name) | Self::Command(name) | Self::Library(name) | Self::Crate(name) => (name, "._+-"),
        };
        let is_part = |part: &str| !matches!(part, "" | "." | "..");
        name.split('/').all(is_part) && name.chars().all(|letter| letter.is_ascii_alphanumeric() || more.contains(letter))
    }
}

/// gcc: `x.c:1:10: fatal error: zlib.h: No such file or directory`; clang: `fatal error: 'zlib.h' file not found`.
fn header(line: &str) -> Option<Missing> {
    let rest = line.split_once("fatal error: ")?.1;
    let gcc = || rest.strip_suffix(": No such file or directory");
    let clang = || rest.strip_prefix('\'')?.strip_suffix("' file not found");
    gcc().or_else(clang).map(|name| Missing::Header(name.to_owned()))
}

/// pkg-config: `Package 'zlib', required by 'virtual:world', not found`, `Package zlib was not found in the pkg-config search path.`,
/// `No package 'zlib' found`; meson: `Dependency "zlib" not found, tried pkgconfig and cmake`.
fn module(line: &str) -> Option<Missing> {
    let name = |text: &str| Missing::Module(text.to_owned());
    if let Some((_, rest)) = line.split_once("No package '") {
        return rest.strip_suffix("' found").map(name);
    }
    if let Some((_, rest)) = line.split_once("Dependency \"") {
        return rest.split_once("\" not found").map(|(found, _)| name(found));
    }
    if let Some((_, rest)) = line.split_once("Package '") {
        let (found, rest) = rest.split_once('\'')?;
        let is_missing = rest == " not found" || rest.starts_with(", required by ") && rest.ends_with(", not found");
        return is_missing.then(|| name(found));
    }
    let (found, _) = line.split_once("Package ")?.1.split_once(" was not found in the pkg-config search path")?;
    Some(name(found))
}

/// ld: `/usr/bin/ld: cannot find -lz: No such file or directory`; lld: `ld.lld: error: unable to find library -lz`.
fn library(line: &str) -> Option<Missing> {
    let (_, rest) = line.split_once("cannot find -l").or_else(|| line.split_once("unable to find library -l"))?;
    Some(Missing::Library(rest.split(':').next().unwrap_or(rest).trim_end().to_owned()))
}

/// cargo: ``error: no matching package named `libc` found``, ``error: failed to get `libc` as a dependency of package `a v1.0.0` ``,
/// ``failed to download `libc v0.2.1` ``.
fn rust_crate(line: &str) -> Option<Missing> {
    let words = ["no matching package named `", "failed to get `", "failed to download `"];
    let (_, rest) = words.iter().find_map(|words| line.split_once(words))?;
    let (name, rest) = rest.split_once('`')?;
    let is_cargo = rest.is_empty() || rest == " found" || rest.starts_with(" as a dependency of package `");
    is_cargo.then(|| Missing::Crate(name.split(' ').next().unwrap_or(name).to_owned()))
}

/// bash: `/bin/bash: line 3: cmake: command not found`; dash: `/bin/sh: 1: cmake: not found`; make: `make: cmake: No such file or directory`;
/// env: `env: 'python': No such file or directory`; meson: `ERROR: Program 'xsltproc' not found or not executable`.
fn command(line: &str) -> Option<Missing> {
    let name = |text: &str| Missing::Command(text.to_owned());
    let last = |text: &str| text.rsplit(": ").next().map(name);
    if let Some((_, rest)) = line.split_once("Program '") {
        let (found, rest) = rest.split_once('\'')?;
        return rest.starts_with(" not found").then(|| name(found.split(' ').next().unwrap_or(found)));
    }
    if let Some(rest) = line.strip_suffix(": command not found") {
        return last(rest);
    }
    // `sh: 1: x: not found`, with the line number; other programs print `not found` for other things.
    if let Some((shell, found)) = line.strip_suffix(": not found").and_then(|rest| rest.rsplit_once(": ")) {
        let is_line = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        return shell.rsplit_once(": ").is_some_and(|(_, number)| is_line(number)).then(|| name(found));
    }
    let (program, found) = line.strip_suffix(": No such file or directory")?.split_once(": ")?;
    match program.rsplit('/').next()?.split('[').next()? {
        "make" => Some(name(found)),
        "env" => Some(name(found.trim_matches(['\'', '‘', '’']))),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
