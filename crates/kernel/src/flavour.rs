//! Flavours: a kernel's fragments and contracts.

use base::diagnostic::Problem;
use base::document::{Document, Spanned};

/// A kernel's description, `kernel-config/flavours/<name>.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flavour {
    /// The file's name without `.toml`.
    pub name: String,
    /// One line.
    pub summary: String,
    /// What follows the version in the kernel's release (`-esx` in `6.12.107-esx`).
    pub suffix: String,
    /// Fragments in the order they are merged; the last assignment of an option wins.
    pub fragments: Vec<Spanned<String>>,
    /// Contracts the final configuration must fulfil.
    pub contracts: Vec<Spanned<String>>,
}

/// Reads a flavour.
///
/// # Errors
/// Every problem in it.
pub fn parse(name: &str, document: Document) -> Result<Flavour, Vec<Problem>> {
    document.read(|table| {
        let text = |key: &str| table.required_string(key).map(|text| text.value).unwrap_or_default();
        let summary = text("summary");
        let suffix = table.required_string("suffix");
        if let Some(suffix) = suffix.as_ref().filter(|suffix| !is_suffix(&suffix.value)) {
            table.problem(suffix.span.clone(), "a suffix is `-` followed by lowercase letters and digits");
        }
        let fragments = table.strings("fragments");
        if fragments.is_empty() {
            table.problem(table.span_of("fragments").unwrap_or(0..0), "a flavour needs fragments");
        }
        let contracts = table.strings("contracts");
        Flavour { name: name.to_owned(), summary, suffix: suffix.map(|suffix| suffix.value).unwrap_or_default(), fragments, contracts }
    })
}

fn is_suffix(text: &str) -> bool {
    let Some(word) = text.strip_prefix('-') else { return false };
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}
