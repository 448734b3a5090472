//! `[build.SYSTEM]`.

use std::collections::BTreeMap;

use super::source::{inner_path, literal_path, substituted};
use super::{files, refuse_placeholder, substitute, values};
use crate::spec::{Build, BuildSystem};
use base::document::Table;
use text::did_you_mean;

/// Reads the keys of one build system.
type Reader = fn(&Table<'_>, &str) -> Option<BuildSystem>;

/// All build systems by name, each with the function that reads its table.
const SYSTEMS: [(&str, Reader); 10] = [
    ("autotools", autotools),
    ("meson", |table, version| Some(BuildSystem::Meson { options: list(table, "options", version) })),
    ("cmake", |table, version| {
        Some(BuildSystem::Cmake { options: list(table, "options", version), targets: list(table, "targets", version) })
    }),
    ("make", |table, version| Some(BuildSystem::Make { make: list(table, "make", version), install: list(table, "install", version) })),
    ("go", go),
    ("cargo", |table, _| Some(cargo(table))),
    ("kernel", |table, _| Some(BuildSystem::Kernel { flavour: flavour(table)? })),
    ("kernel-objects", |table, _| Some(BuildSystem::KernelObjects { flavour: flavour(table)? })),
    ("script", |table, _| Some(BuildSystem::Script { run: table.required_string("run")?.value })),
    ("none", |_, _| Some(BuildSystem::None)),
];

fn flavour(table: &Table<'_>) -> Option<String> {
    table.required_string("flavour").and_then(|path| literal_path(table, path))
}

/// The build table of a spec.
pub fn read(top: &Table<'_>, version: &str) -> Option<Build> {
    let build = top.required_table("build")?;
    let entries = build.entries();
    let names = SYSTEMS.map(|(name, _)| name);
    let (Some(entry), true) = (entries.first(), entries.len() == 1) else {
        let hint = format!("write one table `[build.SYSTEM]`, where SYSTEM is one of {}", names.join(", "));
        let span = entries.get(1).map_or_else(|| build.span(), |second| second.key.span.clone());
        build.problem_with_hint(span, format!("this spec has {} build systems", entries.len()), hint);
        return None;
    };
    let name = &*entry.key.value;
    let Some((_, reader)) = SYSTEMS.iter().find(|(known, _)| *known == name) else {
        let hint = did_you_mean(name, names).unwrap_or_else(|| format!("known: {}", names.join(", ")));
        build.problem_with_hint(entry.key.span.clone(), format!("unknown build system `{name}`"), hint);
        return None;
    };
    let table = entry.table()?;
    let system = reader(&table, version);
    if let (Some(false), Some(span)) = (system.as_ref().map(BuildSystem::is_stripped), table.span_of("keep-symbols")) {
        table.problem(span, format!("`keep-symbols` has no meaning in `[build.{name}]`, which strips nothing"));
    }
    let build = Build {
        // Mistakes in the other keys are reported even if the build system is missing.
        system: system.clone().unwrap_or(BuildSystem::None),
        env: environment(&table, version),
        prepare: table.string("prepare").map(|text| text.value),
        finish: table.string("finish").map(|text| text.value),
        subdir: table.string("subdir").and_then(|path| inner_path(&table, substituted(&table, path, version))).unwrap_or_default(),
        keep_symbols: files::globs(&table, "keep-symbols"),
    };
    table.finish();
    system.map(|_| build)
}

fn list(table: &Table<'_>, key: &str, version: &str) -> Vec<String> {
    table.strings(key).into_iter().map(|text| substitute(table, text, version)).collect()
}

fn autotools(table: &Table<'_>, version: &str) -> Option<BuildSystem> {
    Some(BuildSystem::Autotools {
        configure: list(table, "configure", version),
        make: list(table, "make", version),
        install: list(table, "install", version),
        out_of_tree: table.boolean("out-of-tree", false),
        defaults: table.boolean("defaults", true),
    })
}

fn go(table: &Table<'_>, version: &str) -> Option<BuildSystem> {
    Some(BuildSystem::Go {
        import_path: match table.string("import-path") {
            Some(path) => Some(literal_path(table, path)?),
            None => None,
        },
        programs: table.required_table("programs").and_then(|programs| named_paths(&programs))?,
        tags: go_tags(table),
        ldflags: table.string("ldflags").map(|text| substitute(table, text, version)).unwrap_or_default(),
        pie: table.boolean("pie", false),
        cgo: table.boolean("cgo", false),
    })
}

/// Build tags. In `GOFLAGS` of `env` they would be lost, as would the builder's own flags.
fn go_tags(table: &Table<'_>) -> Vec<String> {
    if let Some(flags) = table.table("env").and_then(|env| env.span_of("GOFLAGS")) {
        let hint = "write build tags as `tags`, and flags of the linker as `ldflags`";
        table.problem_with_hint(flags, "`GOFLAGS` is set by the builder", hint);
    }
    let tags = table.strings("tags");
    for tag in tags.iter().filter(|tag| tag.value.is_empty() || tag.value.contains([' ', ','])) {
        table.problem(tag.span.clone(), format!("`{}` is not one build tag: write each as a string of its own", tag.value));
    }
    values(tags)
}

fn cargo(table: &Table<'_>) -> BuildSystem {
    BuildSystem::Cargo {
        programs: values(table.strings("programs")),
        members: table.strings("members").into_iter().filter_map(|path| literal_path(table, path)).collect(),
        is_static: table.boolean("static", false),
    }
}

fn environment(table: &Table<'_>, version: &str) -> BTreeMap<String, String> {
    let Some(env) = table.table("env") else { return BTreeMap::new() };
    let mut variables = BTreeMap::new();
    for entry in env.entries() {
        let name = entry.key.value.clone();
        let fine = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') && !name.starts_with(|c: char| c.is_ascii_digit());
        if !fine {
            env.problem(entry.key.span.clone(), format!("`{name}` is not a variable name"));
        }
        if let Some(text) = entry.string() {
            variables.insert(name, substitute(&env, text, version));
        }
    }
    variables
}

/// Program → path; at least one.
fn named_paths(programs: &Table<'_>) -> Option<BTreeMap<String, String>> {
    let entries = programs.entries();
    if entries.is_empty() {
        programs.problem_with_hint(programs.span(), "`programs` names no program", "write `programs = { NAME = \"./cmd/NAME\" }`");
        return None;
    }
    let read = |entry: base::document::Entry<'_>| {
        let name = literal_path(programs, entry.key.clone());
        let path = entry.string()?;
        refuse_placeholder(programs, &path);
        if path.value.contains("...") {
            programs.problem(path.span.clone(), format!("`{}` is a pattern: write the one package that is the program", path.value));
        }
        Some((name?, path.value))
    };
    Some(entries.into_iter().filter_map(read).collect())
}
