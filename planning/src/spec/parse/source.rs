//! `[[source]]` and `[[patch]]`.

use super::substitute;
use crate::digest::Digest;
use crate::document::{Spanned, Table};
use crate::spec::{Origin, Patch, PatchSeries, Source, SourceUsage};

/// All `[[source]]` tables.
pub fn sources(top: &Table<'_>, version: &str) -> Vec<Source> {
    top.tables("source").iter().filter_map(|table| source(table, version)).collect()
}

/// All `[[patch]]` tables.
pub fn patches(top: &Table<'_>) -> Vec<Patch> {
    let read = |table: &Table<'_>| {
        let file = table.required_string("file").and_then(|file| inner_path(table, file));
        let strip = table.integer("strip", 0..=16).map_or(1, |strip| strip.value);
        table.finish();
        Some(Patch { file: file?, strip: u32::try_from(strip).ok()? })
    };
    top.tables("patch").iter().filter_map(read).collect()
}

fn source(table: &Table<'_>, version: &str) -> Option<Source> {
    let sha256 = table.parsed::<Digest>("sha256").map(|digest| digest.value);
    let url = table.string("url").map(|url| url_of(table, url, version));
    let debian = table.string_or_table("debian");
    let mut origins = Vec::new();
    if url.is_none() && debian.is_none() {
        table.problem_with_hint(table.span(), "this source has no origin", "give `url`, `debian`, or both");
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
    let usage = usage(table, version);
    table.finish();
    if origins.is_empty() { None } else { Some(Source { origins, usage: usage? }) }
}

fn lacks_hash(table: &Table<'_>) {
    table.problem_with_hint(
        table.span(),
        "this source lacks `sha256`",
        "every source is pinned: `sha256sum FILE` gives the hash of a file you trust",
    );
}

fn url_of(table: &Table<'_>, url: Spanned<String>, version: &str) -> Option<String> {
    let span = url.span.clone();
    let url = substitute(table, url, version);
    let rest = ["https://", "http://", "file:///"].iter().find_map(|scheme| url.strip_prefix(scheme));
    let named = url.rsplit('/').next().is_some_and(|name| !name.is_empty());
    if rest.is_some_and(|rest| rest.contains('/') || url.starts_with("file:")) && named && url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Some(url);
    }
    table.problem(span, format!("`{url}` is not an address of a file: it takes `https://host/path/file`"));
    None
}

/// `package_version:file`
fn debian_origin(table: &Table<'_>, text: Spanned<String>, sha256: Digest, version: &str) -> Option<Origin> {
    let span = text.span.clone();
    let text = substitute(table, text, version);
    // The version may hold an epoch's colon, so the file begins after the last one.
    let parts = text.rsplit_once(':').and_then(|(source, file)| source.split_once('_').map(|(package, version)| (package, version, file)));
    let clean = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.~_:".contains(&byte));
    match parts {
        Some((package, version, file)) if clean(package) && clean(version) && clean(file) => {
            Some(Origin::Debian { package: package.into(), version: version.into(), file: file.into(), sha256 })
        }
        _ => {
            let hint = "write `SOURCE_VERSION:FILE`, as in `zlib_1.3.1-1:zlib_1.3.1.orig.tar.gz`";
            table.problem_with_hint(span, format!("`{text}` names no file of a Debian source package"), hint);
            None
        }
    }
}

fn usage(table: &Table<'_>, version: &str) -> Option<SourceUsage> {
    let into = table.string("into");
    let strip = table.integer("strip", 0..=16);
    let unpack = table.boolean("unpack", true);
    if let Some(patches) = table.string_or_list("patches") {
        if let Some(key) = ["into", "strip", "unpack"].iter().find(|key| table.has(key)) {
            let span = table.span_of(key).unwrap_or(table.span());
            table.problem(span, format!("`{key}` has no meaning beside `patches`: nothing of this source is unpacked"));
        }
        return match patches {
            Ok(text) if text.value == "series" => Some(SourceUsage::Patches(PatchSeries::Whole)),
            Ok(text) => {
                table.problem(text.span, "`patches` takes \"series\" or a list of file names");
                None
            }
            Err(list) => {
                let names: Vec<_> = list.into_iter().filter_map(|name| inner_path(table, name)).collect();
                Some(SourceUsage::Patches(PatchSeries::These(names)))
            }
        };
    }
    if !unpack {
        return Some(SourceUsage::Keep);
    }
    let into = match into {
        Some(into) => {
            let span = into.span.clone();
            let value = substitute(table, into, version);
            inner_path(table, Spanned { value, span })?
        }
        None => String::new(),
    };
    Some(SourceUsage::Unpack { into, strip: strip.map_or(Some(1), |strip| u32::try_from(strip.value).ok())? })
}

/// A relative path that stays below where it starts.
pub fn inner_path(table: &Table<'_>, path: Spanned<String>) -> Option<String> {
    let fine = !path.value.is_empty()
        && path.value.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
        && path.value.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if fine {
        return Some(path.value);
    }
    table.problem(path.span, format!("`{}` is not a path below this place: no `..`, no leading `/`, no blanks", path.value));
    None
}
