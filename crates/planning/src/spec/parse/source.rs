//! `[[source]]` and `[[patch]]`.

mod deb;

use std::collections::BTreeSet;
use std::ops::Range;

use super::{refuse_foreign, refuse_placeholder, substitute};
use crate::spec::{Origin, Patch, PatchSeries, Source, SourceUsage};
use base::digest::Digest;
use base::document::{Spanned, Table};

/// All `[[source]]` tables.
pub fn sources(top: &Table<'_>, version: &str) -> Vec<Source> {
    let tables = top.tables("source");
    let read: Vec<_> = tables.iter().filter_map(|table| Some((table, source(table, version)?))).collect();
    for (at, (table, source)) in read.iter().enumerate() {
        let namesake = read[..at].iter().find(|(_, other)| other.file_name() == source.file_name() && !is_same_file(other, source));
        if let Some((other, _)) = namesake {
            let line = table.line_of(name_span(other).start);
            let message = format!("`{}` is also the name of the source in line {line}, which has different content", source.file_name());
            table.problem_with_hint(name_span(table), message, "set another name in the sandbox for one of them: `name = \"FILE\"`");
        }
    }
    read.into_iter().map(|(_, source)| source).collect()
}

/// Whether two sources are the same file used twice.
fn is_same_file(one: &Source, other: &Source) -> bool {
    let hashes = |source: &Source| source.origins.iter().map(|origin| *origin.sha256()).collect::<BTreeSet<_>>();
    hashes(one) == hashes(other)
}

/// The position of the name of a source's file.
fn name_span(table: &Table<'_>) -> Range<usize> {
    ["name", "url", "debian", "deb"].iter().find_map(|key| table.span_of(key)).unwrap_or_else(|| table.span())
}

/// All `[[patch]]` tables.
pub fn patches(top: &Table<'_>, version: &str) -> Vec<Patch> {
    let read = |table: &Table<'_>| {
        let file = table.required_string("file").and_then(|file| inner_path(table, substituted(table, file, version)));
        let strip = table.integer("strip", 0..=16).map_or(1, |strip| strip.value);
        let fuzz = fuzz(table);
        table.finish();
        Some(Patch { file: file?, strip: u32::try_from(strip).ok()?, fuzz })
    };
    top.tables("patch").iter().filter_map(read).collect()
}

/// The allowed fuzz: 0 by default.
fn fuzz(table: &Table<'_>) -> u32 {
    const MOST_OF_PATCH: u64 = 2;
    table.integer("fuzz", 0..=MOST_OF_PATCH).and_then(|fuzz| u32::try_from(fuzz.value).ok()).unwrap_or(0)
}

fn source(table: &Table<'_>, version: &str) -> Option<Source> {
    let sha256 = table.parsed::<Digest>("sha256").map(|digest| digest.value);
    let url = table.string("url").map(|url| url_of(table, url, version));
    let debian = table.string_or_table("debian");
    let deb = deb::read(table, version);
    let mut origins = Vec::new();
    if url.is_none() && debian.is_none() && deb.is_none() {
        table.problem_with_hint(table.span(), "this source has no origin", "set `url`, `debian`, both of them, or `deb`");
    }
    if let Some(url) = url {
        match (url, sha256) {
            (Some(url), Some(sha256)) => origins.push(Origin::Url { url, sha256 }),
            (_, None) if !table.has("sha256") => lacks_hash(table),
            _ => {}
        }
    }
    match debian {
        Some(Ok(text)) => match sha256 {
            Some(sha256) => origins.extend(debian_origin(table, text, sha256, version)),
            None if !table.has("sha256") => lacks_hash(table),
            None => {}
        },
        Some(Err(inner)) => {
            let file = inner.required_string("file");
            let own = inner.required_parsed::<Digest>("sha256");
            inner.finish();
            if let (Some(file), Some(own)) = (file, own) {
                origins.extend(debian_origin(table, file, own.value, version));
            }
        }
        None => {}
    }
    let mut path = None;
    if let Some(deb) = deb {
        match sha256 {
            None if !table.has("sha256") => lacks_hash(table),
            sha256 => {
                origins.extend(deb.as_ref().zip(sha256).map(|(deb, sha256)| deb.origin(sha256)));
                path = deb.map(|deb| deb.path);
            }
        }
    }
    let name = table.string("name").and_then(|name| file_name(table, substituted(table, name, version)));
    let usage = usage(table, version);
    table.finish();
    if origins.is_empty() { None } else { Some(Source { origins, name, path, usage: usage? }) }
}

fn lacks_hash(table: &Table<'_>) {
    table.missing_with_hint(
        "sha256",
        "this source lacks `sha256`",
        "every source must be pinned: `sha256sum FILE` prints the hash of a file you trust",
    );
}

/// Whether a text is an address that `url` accepts.
pub fn is_file_address(url: &str) -> bool {
    let rest = ["https://", "http://", "file:///"].iter().find_map(|scheme| url.strip_prefix(scheme));
    let named = url.rsplit('/').next().is_some_and(|name| !name.is_empty());
    rest.is_some_and(|rest| rest.contains('/') || url.starts_with("file:")) && named && url.bytes().all(|byte| byte.is_ascii_graphic())
}

fn url_of(table: &Table<'_>, url: Spanned<String>, version: &str) -> Option<String> {
    refuse_foreign(table, &url);
    let span = url.span.clone();
    let url = substitute(table, url, version);
    if is_file_address(&url) {
        return Some(url);
    }
    table.problem(span, format!("`{url}` is not the address of a file: write `https://host/path/file`"));
    None
}

/// `package_version:file`
fn debian_origin(table: &Table<'_>, text: Spanned<String>, sha256: Digest, version: &str) -> Option<Origin> {
    refuse_foreign(table, &text);
    let span = text.span.clone();
    let text = substitute(table, text, version);
    // The version may contain an epoch's colon, so the file begins after the last one.
    let parts = text.rsplit_once(':').and_then(|(source, file)| source.split_once('_').map(|(package, version)| (package, version, file)));
    let clean = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.~_:".contains(&byte));
    match parts {
        Some((package, version, file)) if clean(package) && clean(version) && clean(file) => {
            Some(Origin::Debian { package: package.into(), version: version.into(), file: file.into(), sha256 })
        }
        _ => {
            let hint = "write `SOURCE_VERSION:FILE`, as in `zlib_1.3.1-1:zlib_1.3.1.orig.tar.gz`";
            table.problem_with_hint(span, format!("`{text}` is not a file of a Debian source package"), hint);
            None
        }
    }
}

fn usage(table: &Table<'_>, version: &str) -> Option<SourceUsage> {
    let into = table.string("into");
    let strip = table.integer("strip", 0..=16);
    let unpack = table.boolean("unpack", true);
    let fuzz = fuzz(table);
    if let Some(patches) = table.string_or_list("patches") {
        refuse(
            table,
            &["into", "strip", "unpack"],
            "has no meaning together with `patches`: this source is not unpacked into the source tree",
        );
        return match patches {
            Ok(text) if text.value == "series" => Some(SourceUsage::Patches { series: PatchSeries::Whole, fuzz }),
            Ok(text) => {
                table.problem(text.span, "`patches` must be \"series\" or a list of file names");
                None
            }
            Err(list) if list.is_empty() => {
                let hint = "list files of its `patches/`, or write `patches = \"series\"` for all files in its series";
                table.problem_with_hint(table.span_of("patches")?, "`patches` is empty", hint);
                None
            }
            Err(list) => {
                let names = list.into_iter().filter_map(|name| inner_path(table, substituted(table, name, version))).collect();
                Some(SourceUsage::Patches { series: PatchSeries::These(names), fuzz })
            }
        };
    }
    refuse(table, &["fuzz"], "has a meaning only together with `patches`");
    if !unpack {
        refuse(
            table,
            &["into", "strip"],
            "has no meaning together with `unpack = false`: this source is not unpacked but stays in $SOURCES",
        );
        return Some(SourceUsage::Keep);
    }
    let into = match into {
        Some(into) => inner_path(table, substituted(table, into, version))?,
        None => String::new(),
    };
    Some(SourceUsage::Unpack { into, strip: strip.map_or(Some(1), |strip| u32::try_from(strip.value).ok())? })
}

/// Reports each of these keys that the table has.
fn refuse(table: &Table<'_>, keys: &[&str], reason: &str) {
    for key in keys {
        if let Some(span) = table.span_of(key) {
            table.problem(span, format!("`{key}` {reason}"));
        }
    }
}

/// A file name without folders.
fn file_name(table: &Table<'_>, name: Spanned<String>) -> Option<String> {
    if name.value.contains('/') {
        table.problem(name.span, format!("`{}` is a path, but a source's `name` must be a file name", name.value));
        return None;
    }
    inner_path(table, name)
}

/// A text with `{version}` replaced.
pub fn substituted(table: &Table<'_>, text: Spanned<String>, version: &str) -> Spanned<String> {
    refuse_foreign(table, &text);
    let span = text.span.clone();
    Spanned { value: substitute(table, text, version), span }
}

/// A relative path without `..` and without placeholders.
pub fn literal_path(table: &Table<'_>, path: Spanned<String>) -> Option<String> {
    refuse_placeholder(table, &path);
    inner_path(table, path)
}

/// Whether a text is a relative path without `..`.
pub fn is_plain_path(path: &str) -> bool {
    !path.is_empty()
        && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

/// A relative path without `..`.
pub fn inner_path(table: &Table<'_>, path: Spanned<String>) -> Option<String> {
    if is_plain_path(&path.value) {
        return Some(path.value);
    }
    table.problem(
        path.span,
        format!("`{}` is not a path below this directory: it must not contain `..` or blanks or begin with `/`", path.value),
    );
    None
}
