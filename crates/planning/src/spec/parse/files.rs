//! `[install]`, `[directories]`, `[symlinks]`, `[file."…"]` and globs.

use std::collections::BTreeMap;

use super::source::literal_path;
use super::{caps, refuse_placeholder};
use crate::spec::{Attributes, ConfigFile};
use base::document::{Spanned, Table};
use base::glob::Glob;

/// `[install]`: a file of the spec's directory → its path in the image.
pub fn install(top: &Table<'_>) -> BTreeMap<String, String> {
    let Some(table) = top.table("install") else { return BTreeMap::new() };
    let read = |entry: base::document::Entry<'_>| {
        let from = literal_path(&table, entry.key.clone());
        let to = entry.string().and_then(|path| image_path(&table, path));
        Some((from?, to?))
    };
    table.entries().into_iter().filter_map(read).collect()
}

/// `[directories]`: path → mode.
pub fn directories(top: &Table<'_>) -> BTreeMap<String, u32> {
    let Some(table) = top.table("directories") else { return BTreeMap::new() };
    let read = |entry: base::document::Entry<'_>| {
        let path = image_path(&table, entry.key.clone());
        let mode = entry.string().and_then(|text| mode(&table, text));
        Some((path?, mode?))
    };
    table.entries().into_iter().filter_map(read).collect()
}

/// `[symlinks]`: link → target.
pub fn symlinks(top: &Table<'_>) -> BTreeMap<String, String> {
    let Some(table) = top.table("symlinks") else { return BTreeMap::new() };
    let read = |entry: base::document::Entry<'_>| {
        let link = image_path(&table, entry.key.clone());
        let target = entry.string()?;
        refuse_placeholder(&table, &target);
        if target.value.is_empty() || target.value.contains(|c: char| c.is_control()) {
            table.problem(target.span, "a link needs a target");
            return None;
        }
        if target.value.starts_with("/build/") {
            table.problem(
                target.span,
                format!("`{}` is a path of the sandbox, and does not exist where the package is installed", target.value),
            );
            return None;
        }
        Some((link?, target.value))
    };
    table.entries().into_iter().filter_map(read).collect()
}

/// Reports paths that occur in several entries of `[install]`, `[directories]` and `[symlinks]`: only one would be in the package.
pub fn check_destinations(top: &Table<'_>) {
    let mut seen = BTreeMap::new();
    for key in ["install", "directories", "symlinks"] {
        let Some(table) = top.table(key) else { continue };
        for entry in table.entries() {
            let destination = if key == "install" { entry.text() } else { Some(entry.key.clone()) };
            let Some(destination) = destination else { continue };
            let line = table.line_of(destination.span.start);
            if let Some(first) = seen.insert(destination.value.trim_end_matches('/').to_owned(), line) {
                let message = format!("`{}` is the destination of another entry, in line {first}", destination.value);
                table.problem(destination.span, message);
            }
        }
    }
}

/// `[file."GLOB"]` tables, in the order written.
pub fn attributes(top: &Table<'_>) -> Vec<(String, Attributes)> {
    let Some(files) = top.table("file") else { return Vec::new() };
    let read = |entry: base::document::Entry<'_>| {
        let pattern = glob(&files, entry.key.clone());
        let table = entry.table()?;
        let config = table.string("config").and_then(|text| match &*text.value {
            "noreplace" => Some(ConfigFile::Noreplace),
            "replace" => Some(ConfigFile::Replace),
            _ => {
                table.problem(text.span, "`config` must be \"noreplace\" or \"replace\"");
                None
            }
        });
        let attributes = Attributes {
            mode: table.string("mode").and_then(|text| mode(&table, text)),
            owner: table.string("owner").and_then(|text| account(&table, text)),
            group: table.string("group").and_then(|text| account(&table, text)),
            caps: table.string("caps").and_then(|text| capabilities(&table, text)),
            config,
            ghost: table.has("ghost").then(|| table.boolean("ghost", false)),
        };
        table.finish();
        Some((pattern?, attributes))
    };
    files.entries().into_iter().filter_map(read).collect()
}

/// A list of globs over paths of the image.
pub fn globs(table: &Table<'_>, key: &str) -> Vec<String> {
    table.strings(key).into_iter().filter_map(|text| glob(table, text)).collect()
}

/// A user's or group's name, as recommended by useradd(8).
pub fn account(table: &Table<'_>, text: Spanned<String>) -> Option<String> {
    let first_ok = text.value.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let rest_ok = text.value.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte));
    if first_ok && rest_ok && text.value.len() <= 31 {
        return Some(text.value);
    }
    table.problem(
        text.span,
        format!("`{}` is not a user or group name: use lowercase letters, digits, `-` and `_`, at most 31", text.value),
    );
    None
}

fn glob(table: &Table<'_>, text: Spanned<String>) -> Option<String> {
    if !text.value.starts_with('/') {
        table.problem(text.span, format!("`{}` is not a path of the image: begin it with `/`", text.value));
        return None;
    }
    match Glob::new(&text.value) {
        Ok(_) => Some(text.value),
        Err(error) => {
            table.problem(text.span, format!("this glob cannot be read: {error}"));
            None
        }
    }
}

fn image_path(table: &Table<'_>, path: Spanned<String>) -> Option<String> {
    refuse_placeholder(table, &path);
    let inner = path.value.strip_prefix('/').filter(|rest| {
        !rest.is_empty()
            && rest.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
            && !rest.contains(|c: char| c.is_control())
    });
    if inner.is_some() {
        return Some(path.value);
    }
    table.problem(path.span, format!("`{}` is not a path of the image: write an absolute path without `..`, such as `/usr/…`", path.value));
    None
}

fn capabilities(table: &Table<'_>, text: Spanned<String>) -> Option<String> {
    match caps::check(&text.value) {
        Ok(()) => Some(text.value),
        Err(error) => {
            let hint = error.hint().unwrap_or_else(|| "write for example `cap_net_raw=ep`; capabilities(7) lists all capabilities".into());
            table.problem_with_hint(text.span, error.to_string(), hint);
            None
        }
    }
}

fn mode(table: &Table<'_>, text: Spanned<String>) -> Option<u32> {
    match u32::from_str_radix(&text.value, 8) {
        Ok(mode) if mode <= 0o7777 && (3..=4).contains(&text.value.len()) => Some(mode),
        _ => {
            table.problem(text.span, format!("`{}` is not a mode: use three or four octal digits, as in \"0755\"", text.value));
            None
        }
    }
}
