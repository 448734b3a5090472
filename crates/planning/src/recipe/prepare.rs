//! Unpacks and patches sources.

use super::system::GOPATH;
use super::{Phase, SOURCE_FILES, SOURCE_TREE, SPEC_FILES, WORKSPACE, python};
use crate::spec::{BuildSystem, PatchSeries, Source, SourceUsage, Spec};
use text::quote;

/// Unpacks archives, and refuses those where stripping folders would lose or overwrite files.
const UNPACK: &str = include_str!("unpack.py");
/// Takes a file or folder out of a binary package.
const DEB: &str = include_str!("deb.py");
/// Applies patches. Refuses patches of a series that the archive lacks, and patches that need more fuzz than allowed.
const PATCH: &str = include_str!("patch.py");

/// Where files and folders of binary packages lie in the sandbox.
const PACKAGE_FILES: &str = "/build/packages";

/// The phases that turn source files into a patched tree.
pub fn phases(spec: &Spec) -> Vec<Phase> {
    let mut unpack = vec!["mkdir -p \"$HOME\" \"$DESTDIR\" \"$SRC\"".to_owned()];
    let (mut archives, mut patch) = (String::new(), Vec::new());
    for source in &spec.sources {
        unpack.extend(from_package(source));
        let file = archive_file(source);
        match &source.usage {
            SourceUsage::Unpack { into, strip } => archives.push_str(&format!(" {file} {strip} {}", quote(into))),
            SourceUsage::Keep => {}
            SourceUsage::Patches { series, fuzz } => patch.push(archive_patches(source, &file, series, *fuzz)),
        }
    }
    if !archives.is_empty() {
        unpack.push(python(UNPACK, &format!("{SOURCE_TREE}{archives}")));
    }
    if !spec.build.system.members().is_empty() {
        unpack.push(format!("cp -r {WORKSPACE}/. {SOURCE_TREE}/\n{VENDOR}"));
    } else if spec.sources.iter().all(|source| !matches!(source.usage, SourceUsage::Unpack { .. }))
        && spec.build.system != BuildSystem::None
    {
        // A spec without an archive builds the files next to it.
        unpack.push(format!("if [ -d {SPEC_FILES} ]; then cp -r {SPEC_FILES}/. {SOURCE_TREE}/; fi"));
    }
    if !spec.patches.is_empty() {
        let own = spec.patches.iter().map(|own| format!(" {} {} {}", quote(&own.file), own.strip, own.fuzz)).collect::<String>();
        patch.push(format!("apply own {SPEC_FILES}{own}"));
    }
    let mut phases = vec![Phase { name: "unpack", script: unpack.join("\n"), cwd: "/build".into() }];
    if !patch.is_empty() {
        patch.insert(0, format!("apply() {{\n{}\n}}", python(PATCH, "\"$@\"")));
        phases.push(Phase { name: "patch", script: patch.join("\n"), cwd: SOURCE_TREE.into() });
    }
    if let BuildSystem::Go { import_path: Some(import_path), .. } = &spec.build.system {
        phases.push(Phase { name: "place", script: place_go_tree(import_path), cwd: "/build".into() });
    }
    phases
}

/// The archive of a source in the sandbox, quoted. It is not there before [`from_package`] where it comes from a binary package.
pub fn archive_file(source: &Source) -> String {
    let name = quote(source.file_name());
    match source.path.as_deref().and_then(|path| path.rsplit('/').next()) {
        Some(inner) => format!("{PACKAGE_FILES}/{name}/{}", quote(inner)),
        None => format!("{SOURCE_FILES}/{name}"),
    }
}

/// The script that takes a source out of its binary package, if it is in one.
pub fn from_package(source: &Source) -> Option<String> {
    let path = source.path.as_deref()?;
    let (package, target) = (quote(source.file_name()), archive_file(source));
    let script = python(DEB, &format!("{SOURCE_FILES}/{package} {} {target}", quote(path)));
    Some(format!("mkdir -p {PACKAGE_FILES}/{package}\n{script}"))
}

/// Unpacks crates in the layout of cargo's directory sources (the Cargo book, "Source Replacement"). Their checksums were verified when
/// they were fetched, so the list of their files is left empty.
const VENDOR: &str = r#"mkdir -p "$CARGO_HOME" /build/vendor
for crate in /build/sources/*.crate; do
  tar -xzf "$crate" --no-same-owner -C /build/vendor
  sum=$(sha256sum < "$crate")
  printf '{"files":{},"package":"%s"}' "${sum%% *}" > "/build/vendor/$(basename "$crate" .crate)/.cargo-checksum.json"
done
printf '[source.crates-io]\nreplace-with = "vendor"\n[source.vendor]\ndirectory = "/build/vendor"\n' > "$CARGO_HOME/config.toml""#;

fn archive_patches(source: &Source, file: &str, series: &PatchSeries, fuzz: u32) -> String {
    let folder = format!("/build/patches/{}", quote(source.file_name()));
    let names = match series {
        PatchSeries::Whole => String::new(),
        PatchSeries::These(names) => names.iter().map(|name| format!(" {}", quote(name))).collect(),
    };
    format!("mkdir -p {folder}\ntar -xf {file} --ignore-zeros -C {folder}\napply archive {folder} {fuzz}{names}")
}

/// In GOPATH mode, packages are found by their location, and links to them are not followed.
fn place_go_tree(import_path: &str) -> String {
    let place = format!("{GOPATH}/src/{}", quote(import_path));
    format!("mkdir -p $(dirname {place})\nmv {SOURCE_TREE} {place}\nln -s {place} {SOURCE_TREE}")
}
