//! From a spec to the scripts that build it: pure text, run later by the sandbox.
//!
//! The text is part of the build's key, so a change here rebuilds exactly the packages whose scripts it changes.

mod licences;
mod prepare;
mod strip;
mod system;

use std::collections::BTreeMap;

pub use licences::LICENCES;
pub use prepare::{archive_file, from_package};
use text::quote;

use serde::Serialize;

use crate::spec::Spec;
use base::epoch::SOURCE_DATE_EPOCH;

/// Everything the sandbox runs for one spec.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recipe {
    /// Scripts in order.
    pub phases: Vec<Phase>,
    /// The environment of all of them. What depends on the machine (`JOBS`, `MAKEFLAGS`) is added to it and is not in any key.
    pub env: BTreeMap<String, String>,
}

/// One script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Phase {
    /// Its name, shown as progress: `unpack`, `configure`, `build` …
    pub name: &'static str,
    /// bash, run with `-euo pipefail`.
    pub script: String,
    /// Directory in the sandbox.
    pub cwd: String,
}

/// The directory where sources are unpacked.
pub const SOURCE_TREE: &str = "/build/src";
/// The directory where packages are installed.
pub const INSTALL_ROOT: &str = "/build/out";
/// The directory of the spec's files.
pub const SPEC_FILES: &str = "/build/files";
/// The directory of the project's crates, for specs that build them.
pub const WORKSPACE: &str = "/build/workspace";
/// The directory of the source files.
pub const SOURCE_FILES: &str = "/build/sources";

/// The recipe of a spec, without a kernel's own phases.
pub fn recipe(spec: &Spec) -> Recipe {
    recipe_with(spec, Vec::new())
}

/// The recipe of a spec, with phases in addition to those of its build system, such as those of a kernel.
pub fn recipe_with(spec: &Spec, own: Vec<Phase>) -> Recipe {
    let mut phases = prepare::phases(spec);
    let tree = working_directory(spec);
    phases.push(licences::phase(spec));
    if let Some(script) = &spec.build.prepare {
        phases.push(Phase { name: "prepare", script: script.clone(), cwd: SOURCE_TREE.into() });
    }
    phases.extend(system::phases(spec, &tree));
    phases.extend(own);
    if let Some(script) = &spec.build.finish {
        phases.push(Phase { name: "finish", script: script.clone(), cwd: SOURCE_TREE.into() });
    }
    if spec.build.system.is_stripped() {
        phases.push(strip::phase(&spec.build.keep_symbols));
    }
    Recipe { phases, env: environment(spec) }
}

fn working_directory(spec: &Spec) -> String {
    match &*spec.build.subdir {
        "" => SOURCE_TREE.to_owned(),
        subdir => format!("{SOURCE_TREE}/{subdir}"),
    }
}

/// Compiler flags: the hardening of Debian and Fedora, without debug information, which is never shipped.
const CFLAGS: &str = "-O2 -g0 -pipe -fstack-protector-strong -fstack-clash-protection -fcf-protection -D_FORTIFY_SOURCE=3";
const LDFLAGS: &str = "-Wl,-O1 -Wl,--as-needed -Wl,-z,relro -Wl,-z,now";

fn environment(spec: &Spec) -> BTreeMap<String, String> {
    let epoch = SOURCE_DATE_EPOCH.to_string();
    let fixed = [
        ("PATH", "/usr/bin:/usr/sbin"),
        ("HOME", "/build/home"),
        ("LC_ALL", "C.UTF-8"),
        ("TZ", "UTC"),
        ("SOURCE_DATE_EPOCH", &epoch),
        ("SRC", SOURCE_TREE),
        ("DESTDIR", INSTALL_ROOT),
        ("FILES", SPEC_FILES),
        ("SOURCES", SOURCE_FILES),
        ("VERSION", &spec.version),
        ("CFLAGS", CFLAGS),
        ("CXXFLAGS", CFLAGS),
        ("LDFLAGS", LDFLAGS),
        // Only modules of packages in the sandbox are found, not those of the SDK.
        ("PKG_CONFIG_LIBDIR", "/usr/lib/pkgconfig:/usr/share/pkgconfig"),
        ("FORCE_UNSAFE_CONFIGURE", "1"),
        ("PYTHONDONTWRITEBYTECODE", "1"),
    ];
    let mut env: BTreeMap<String, String> = fixed.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    env.extend(system::environment(&spec.build.system));
    env.extend(spec.build.env.clone());
    env
}

/// A command that runs a Python program with these arguments. It sees neither the build's environment nor modules in its directory.
fn python(program: &str, arguments: &str) -> String {
    format!("python3 -IS - {arguments} <<'PYTHON'\n{program}PYTHON")
}

/// An argument of a build tool: quoted, but with `$VARIABLE`s of the sandbox's environment expanded.
fn argument(word: &str) -> String {
    if word.contains('$') { format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\"").replace('`', "\\`")) } else { quote(word) }
}

fn arguments<S: AsRef<str>>(words: impl IntoIterator<Item = S>) -> String {
    words.into_iter().map(|word| argument(word.as_ref())).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_bash() {
        assert_eq!(argument("DIR=$DESTDIR/x y"), "\"DIR=$DESTDIR/x y\"");
    }
}
