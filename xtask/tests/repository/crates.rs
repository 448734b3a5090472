//! The crates that the project depends on: where they come from, their licences, and which of them are there in several versions. Checks
//! the same as cargo-deny, without a network and without installing a program.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::process::Command;

use serde::Deserialize;
use spdx::{Expression, LicenseReq, ParseMode};

use super::top;

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    source: Option<String>,
    license: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
}

/// Licences that may be shipped with the others and Kaon's own: those that only require their text and notices.
const ALLOWED: [&str; 9] = ["Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "Unicode-3.0", "Unlicense", "Zlib", "bzip2-1.0.6"];

/// Crates of which several versions are compiled, and the crates that need the older versions. A new entry needs a reason here, and should
/// be avoided.
const SEVERAL_VERSIONS: [(&str, usize, &str); 13] = [
    ("base64", 2, "pgp stays with 0.22; ours, rpm's and ureq's is 0.23"),
    ("cpufeatures", 2, "chacha20 of rand 0.10, which proptest takes, has 0.3; the ciphers that pgp takes have 0.2"),
    ("foldhash", 2, "each hashbrown has its own"),
    ("getrandom", 3, "0.2 of rand_core 0.6 and ring, 0.3 of ahash (resolvo), 0.4 of rpm and tempfile"),
    ("hashbrown", 2, "petgraph (resolvo) stays with 0.15; indexmap has 0.17"),
    ("hybrid-array", 2, "ml-kem and ml-dsa of pgp disagree"),
    ("itertools", 2, "0.14 of ratatui, 0.15 of resolvo and rpm"),
    ("rand", 2, "0.8 is that of the signature crates; 0.10 of proptest is compiled for tests only"),
    ("rand_core", 2, "as rand"),
    ("serdect", 2, "cx448 of pgp has 0.3, elliptic-curve 0.2"),
    ("syn", 3, "1 of enum-display-derive (rpm); the other derive macros are on their way from 2 to 3"),
    ("winnow", 2, "toml 0.9 takes 0.7 itself and 1 by its parser"),
    ("zerocopy", 2, "bitfields (pgp) stays with 0.7"),
];

/// The crates that are compiled for the architecture that Kaon builds on.
fn crates() -> Vec<Package> {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(top()).args(["metadata", "--offline", "--locked", "--format-version", "1"]);
    let output = command.args(["--filter-platform", "x86_64-unknown-linux-gnu"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let Metadata { packages, resolve } = serde_json::from_slice(&output.stdout).unwrap();
    let compiled: BTreeSet<String> = resolve.nodes.into_iter().map(|node| node.id).collect();
    packages.into_iter().filter(|package| compiled.contains(&package.id)).collect()
}

/// Whether an SPDX expression can be satisfied with licences of the list. The list does not cover exceptions to licences.
fn is_allowed(expression: &str) -> bool {
    let allowed = |wanted: &LicenseReq| wanted.addition.is_none() && wanted.license.id().is_some_and(|id| ALLOWED.contains(&id.name));
    // Older crates write `/` for `OR`.
    Expression::parse_mode(expression, ParseMode::LAX).is_ok_and(|expression| expression.evaluate(allowed))
}

#[test]
fn expressions_are_understood() {
    for good in
        ["MIT", "MIT/GPL-3.0-only", "GPL-2.0-only OR MIT", "(MIT OR Apache-2.0) AND Unicode-3.0", "Apache-2.0 WITH LLVM-exception OR MIT"]
    {
        assert!(is_allowed(good), "{good}");
    }
    for bad in [
        "",
        "GPL-3.0-only",
        "MIT AND GPL-3.0-only",
        "MIT AND (GPL-2.0-only OR MPL-2.0)",
        "(MIT",
        "MIT MIT",
        "Apache-2.0 WITH LLVM-exception",
        "Apache-2.0 WITH X",
        "MIT OR",
        "AND",
    ] {
        assert!(!is_allowed(bad), "{bad}");
    }
}

#[test]
fn every_crate_has_an_allowed_licence() {
    let wrong: Vec<String> = crates()
        .into_iter()
        .filter(|package| !package.license.as_deref().is_some_and(is_allowed))
        .map(|package| format!("{} {}: {}", package.name, package.version, package.license.unwrap_or_else(|| "no licence".into())))
        .collect();
    assert!(wrong.is_empty(), "crates whose licence is not in the list `ALLOWED`: {wrong:#?}");
}

#[test]
fn every_crate_comes_from_the_registry() {
    let is_elsewhere = |package: &Package| package.source.as_deref().is_some_and(|source| !source.starts_with("registry+"));
    let wrong: Vec<String> = crates().into_iter().filter(is_elsewhere).map(|package| package.id).collect();
    assert!(wrong.is_empty(), "crates from elsewhere, which nobody may have tomorrow: {wrong:#?}");
}

#[test]
fn no_further_crate_is_compiled_in_several_versions() {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in crates() {
        versions.entry(package.name).or_default().insert(package.version);
    }
    let found: BTreeMap<&str, usize> = versions.iter().filter(|(_, all)| all.len() > 1).map(|(name, all)| (&**name, all.len())).collect();
    let known: BTreeMap<&str, usize> = SEVERAL_VERSIONS.iter().map(|(name, count, _)| (*name, *count)).collect();
    assert_eq!(
        found, known,
        "update `SEVERAL_VERSIONS`, with the reason for each that is new; `cargo tree --duplicates` shows who wants them"
    );
    assert!(SEVERAL_VERSIONS.iter().all(|(_, _, reason)| !reason.is_empty()));
}
