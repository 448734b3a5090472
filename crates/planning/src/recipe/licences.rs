//! Collects the licence texts of what is built.

use super::{Phase, SOURCE_TREE, python};
use crate::spec::{BuildSystem, Spec};
use text::quote;

/// Finds texts in the sources by name.
const SCRIPT: &str = include_str!("licences.py");

/// The directory in the sandbox where texts are collected.
pub const LICENCES: &str = "/build/licences";

/// The phase between patching and building, so that the build itself does not affect it.
pub fn phase(spec: &Spec) -> Phase {
    let named = spec.license_files.iter().map(|glob| format!(" named {}", quote(glob)));
    let linked = linked(&spec.build.system).iter().map(|glob| format!(" linked {}", quote(glob)));
    let wishes: String = named.chain(linked).collect();
    let arguments = format!("{SOURCE_TREE} {LICENCES} {}{wishes}", quote(&spec.build.subdir));
    Phase { name: "licences", script: python(SCRIPT, &arguments), cwd: SOURCE_TREE.into() }
}

/// The texts of libraries that are linked in from the SDK, which are Debian's `copyright` files (Debian Policy, 12.5).
fn linked(system: &BuildSystem) -> &'static [&'static str] {
    match system {
        BuildSystem::Go { .. } => &["/usr/share/doc/golang-*/copyright"],
        BuildSystem::Cargo { .. } => &["/usr/share/doc/libstd-rust-dev/copyright"],
        BuildSystem::Autotools { .. }
        | BuildSystem::Meson { .. }
        | BuildSystem::Cmake { .. }
        | BuildSystem::Make { .. }
        | BuildSystem::Kernel { .. }
        | BuildSystem::KernelObjects { .. }
        | BuildSystem::Script { .. }
        | BuildSystem::None => &[],
    }
}
