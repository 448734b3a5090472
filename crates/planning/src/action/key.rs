//! The key of a build: a digest over everything that can change its output.
//!
//! It contains no times, paths, addresses or properties of the host. Build inputs are included by their output digests, so a rebuilt
//! dependency with the same output stops the cascade.

use std::collections::BTreeMap;

use crate::project::SpecFolder;
use crate::recipe::recipe;
use crate::spec::{Build, BuildSystem, Source, SourceUsage, Spec};
use base::digest::Digest;

use super::BuiltPackage;

/// The inputs of a key, by name.
pub type Fields = BTreeMap<String, String>;

/// Increment when a change of the sandbox or the packaging changes outputs and no other field reflects it.
const CONTRACT: u32 = 2;

/// What a key needs beyond the spec itself.
pub struct KeyInputs<'a> {
    /// SDK layers in stacking order, and their digests.
    pub layers: &'a [(String, Digest)],
    /// The packages it builds on.
    pub packages: &'a [&'a BuiltPackage],
    /// Inputs from outside the spec's folder, by name: a kernel's merged configuration, its certificate.
    pub extra: &'a BTreeMap<String, Digest>,
}

/// The fields of a spec's key.
pub fn key_fields(folder: &SpecFolder, inputs: &KeyInputs<'_>) -> Fields {
    let mut fields = Fields::new();
    let mut put = |name: String, value: String| fields.insert(name, value);
    put("contract".into(), CONTRACT.to_string());
    put("architecture".into(), "x86_64".into());
    put("spec".into(), Digest::of_json(&without_addresses(&folder.spec)).hex());
    put("recipe".into(), Digest::of_json(&recipe(&folder.spec)).hex());
    for (at, source) in folder.spec.sources.iter().enumerate() {
        let hashes: Vec<String> = source.origins.iter().map(|origin| origin.sha256().hex()).collect();
        put(format!("source {at}: {}", source.file_name()), hashes.join(" "));
    }
    for (path, file) in &folder.files {
        put(format!("file {path}"), format!("{} {}", file.digest, if file.executable { "0755" } else { "0644" }));
    }
    for (path, file) in folder.workspace.keyed() {
        put(format!("workspace {path}"), file.digest.hex());
    }
    for (name, digest) in inputs.layers {
        put(format!("sdk layer {name}"), digest.hex());
    }
    for package in inputs.packages {
        put(format!("package {}", package.name), package.object.hex());
    }
    for (name, digest) in inputs.extra {
        put(name.clone(), digest.hex());
    }
    fields
}

/// The key of these fields.
pub fn key_of(fields: &Fields) -> Digest {
    Digest::of_json(fields)
}

/// The spec without the addresses of its sources and without its scripts: a moved mirror rebuilds nothing, and the recipe is a separate field.
fn without_addresses(spec: &Spec) -> Spec {
    let usage_only = |source: &Source| Source { origins: Vec::new(), name: None, path: source.path.clone(), usage: source.usage.clone() };
    let sources = spec.sources.iter().filter(|source| source.usage != SourceUsage::Keep).map(usage_only).collect();
    let build = Build {
        system: BuildSystem::None,
        env: BTreeMap::new(),
        prepare: None,
        finish: None,
        subdir: String::new(),
        keep_symbols: Vec::new(),
    };
    // The recipe of a kernel is made from its flavour by the kernel crate.
    let system = &spec.build.system;
    let build = match system.kernel_step() {
        Some(_) => Build { system: system.clone(), ..build },
        None => build,
    };
    Spec { sources, build, ..spec.clone() }
}
