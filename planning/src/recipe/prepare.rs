//! Unpacking and patching.

use super::{Phase, SOURCE_FILES, SOURCE_TREE, SPEC_FILES, WORKSPACE, quote};
use crate::spec::{BuildSystem, PatchSeries, Source, SourceUsage, Spec};

/// The phases that turn source files into a patched tree.
pub fn phases(spec: &Spec) -> Vec<Phase> {
    let mut unpack = vec!["mkdir -p \"$HOME\" \"$DESTDIR\" \"$SRC\"".to_owned()];
    let mut patch = Vec::new();
    for source in &spec.sources {
        let file = format!("{SOURCE_FILES}/{}", quote(source.file_name()));
        match &source.usage {
            SourceUsage::Unpack { into, strip } => {
                let target = if into.is_empty() { SOURCE_TREE.to_owned() } else { format!("{SOURCE_TREE}/{}", quote(into)) };
                unpack.push(format!("mkdir -p {target}\ntar -xf {file} --strip-components={strip} --no-same-owner -C {target}"));
            }
            SourceUsage::Keep => {}
            SourceUsage::Patches(series) => patch.push(debian_patches(source, &file, series)),
        }
    }
    if has_members(spec) {
        unpack.push(format!("cp -r {WORKSPACE}/. {SOURCE_TREE}/\n{VENDOR}"));
    } else if spec.sources.iter().all(|source| !matches!(source.usage, SourceUsage::Unpack { .. }))
        && spec.build.system != BuildSystem::None
    {
        // A spec without an archive builds what lies beside it.
        unpack.push(format!("if [ -d {SPEC_FILES} ]; then cp -r {SPEC_FILES}/. {SOURCE_TREE}/; fi"));
    }
    for own in &spec.patches {
        patch.push(format!("patch -p{} --no-backup-if-mismatch -f -i {SPEC_FILES}/{}", own.strip, quote(&own.file)));
    }
    let mut phases = vec![Phase { name: "unpack", script: unpack.join("\n"), cwd: "/build".into() }];
    if !patch.is_empty() {
        phases.push(Phase { name: "patch", script: patch.join("\n"), cwd: SOURCE_TREE.into() });
    }
    if let BuildSystem::Go { import_path, .. } = &spec.build.system {
        phases.push(Phase { name: "place", script: place_go_tree(import_path), cwd: "/build".into() });
    }
    phases
}

/// Whether a spec builds crates of the project's own.
fn has_members(spec: &Spec) -> bool {
    matches!(&spec.build.system, BuildSystem::Cargo { members, .. } if !members.is_empty())
}

/// Lays crates out as cargo's directory sources want them (the Cargo book, "Source Replacement"). Their checksums were checked when they
/// were fetched, so the list of their files is left empty.
const VENDOR: &str = r#"mkdir -p "$CARGO_HOME" /build/vendor
for crate in /build/sources/*.crate; do
  tar -xzf "$crate" --no-same-owner -C /build/vendor
  sum=$(sha256sum < "$crate")
  printf '{"files":{},"package":"%s"}' "${sum%% *}" > "/build/vendor/$(basename "$crate" .crate)/.cargo-checksum.json"
done
printf '[source.crates-io]\nreplace-with = "vendor"\n[source.vendor]\ndirectory = "/build/vendor"\n' > "$CARGO_HOME/config.toml""#;

fn debian_patches(source: &Source, file: &str, series: &PatchSeries) -> String {
    let folder = format!("/build/patches/{}", quote(source.file_name()));
    let list = match series {
        PatchSeries::Whole => {
            format!("$(sed -e 's/[[:space:]]*#.*//' -e '/^[[:space:]]*$/d' -e 's/[[:space:]].*//' {folder}/debian/patches/series)")
        }
        PatchSeries::These(names) => names.iter().map(|name| quote(name)).collect::<Vec<_>>().join(" "),
    };
    format!(
        "mkdir -p {folder}\ntar -xf {file} -C {folder}\nfor patch in {list}; do\n  echo \"applying $patch\"\n  \
         patch -p1 --no-backup-if-mismatch -f -i {folder}/debian/patches/$patch\ndone"
    )
}

/// GOPATH mode finds packages by where they lie, and does not follow links to them.
fn place_go_tree(import_path: &str) -> String {
    let place = format!("/build/go/src/{}", quote(import_path));
    format!("mkdir -p $(dirname {place})\nmv {SOURCE_TREE} {place}\nln -s {place} {SOURCE_TREE}")
}
