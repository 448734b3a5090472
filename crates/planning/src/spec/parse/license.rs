//! `license` and `license-files`.

use spdx::{Expression, ParseMode};

use super::{refuse_placeholder, source::is_plain_path};
use base::document::Table;

/// `license`: an SPDX expression (SPDX specification 2.3, annex D).
pub fn expression(package: &Table<'_>) -> Option<String> {
    let text = package.required_string("license")?;
    match Expression::parse_mode(&text.value, ParseMode::STRICT) {
        Ok(_) => Some(text.value),
        Err(error) => {
            let message = format!("`{}` is not an SPDX expression: {}", text.value, error.reason);
            package.problem_with_hint(text.span, message, hint(&text.value));
            None
        }
    }
}

/// The expression that was probably meant, if the library recognises it, otherwise a link to the list of names.
fn hint(text: &str) -> String {
    match Expression::canonicalize(text) {
        Ok(Some(canonical)) if Expression::parse(&canonical).is_ok() => format!("did you mean `{canonical}`?"),
        _ => "write identifiers of the SPDX licence list joined by `AND` and `OR`, or `LicenseRef-NAME` for a licence that is not in it"
            .into(),
    }
}

/// `license-files`: globs relative to the source tree, or absolute ones in the sandbox.
pub fn files(package: &Table<'_>) -> Vec<String> {
    let mut globs = Vec::new();
    for text in package.strings("license-files") {
        refuse_placeholder(package, &text);
        if is_plain_path(text.value.strip_prefix('/').unwrap_or(&text.value)) {
            globs.push(text.value);
        } else {
            package.problem(text.span, format!("`{}` must be a path or glob in the sources, without `..`", text.value));
        }
    }
    globs
}
