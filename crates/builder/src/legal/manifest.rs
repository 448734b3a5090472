//! The list of an image's packages, for spreadsheets and programs.

use serde::Serialize;

use base::digest::Digest;

/// The manifest of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Manifest {
    /// The image's name.
    pub image: String,
    /// Its packages, by name.
    pub packages: Vec<Row>,
}

/// A package. Paths are relative to the directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Row {
    /// Its name.
    pub package: String,
    /// `[epoch:]version-release`.
    pub version: String,
    /// `x86_64` or `noarch`.
    pub arch: String,
    /// The spec that builds it.
    pub spec: String,
    /// SPDX expression.
    pub license: String,
    /// Upstream's page.
    pub homepage: Option<String>,
    /// The sources of its spec, in the order they are used in.
    pub sources: Vec<SourceRow>,
    /// The spec's own patches, in the order they are applied in.
    pub patches: Vec<String>,
    /// Its licence texts, sorted; if it contains none, those of a package of the same spec.
    pub license_texts: Vec<String>,
}

/// A source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SourceRow {
    /// The file's name in `sources/SPEC`.
    pub file: String,
    /// The file's SHA-256 digest.
    pub sha256: Digest,
    /// Its origin: an address or a package URL.
    pub from: String,
}

/// The columns of the table.
const COLUMNS: [&str; 7] = ["package", "version", "spec", "license", "sources", "patches", "license-texts"];

impl Manifest {
    /// As JSON.
    pub fn json(&self) -> String {
        // Serialising text, numbers and lists cannot fail.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// As a table (RFC 4180, with the line ends of text files). Several values of a field are separated by `; `.
    pub fn csv(&self) -> String {
        let rows = self.packages.iter().map(|row| {
            let sources: Vec<String> = row.sources.iter().map(|source| format!("{} sha256:{}", source.file, source.sha256)).collect();
            let [sources, patches, texts] = [&sources, &row.patches, &row.license_texts].map(|values| values.join("; "));
            line([&row.package, &row.version, &row.spec, &row.license, &sources, &patches, &texts].map(String::as_str))
        });
        std::iter::once(line(COLUMNS)).chain(rows).collect()
    }
}

fn line(fields: [&str; COLUMNS.len()]) -> String {
    fields.map(field).join(",") + "\n"
}

fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        for (text, expected) in
            [("a", "a"), ("", ""), ("a b; c", "a b; c"), ("a,b", "\"a,b\""), ("say \"a\"", "\"say \"\"a\"\"\""), ("a\nb", "\"a\nb\"")]
        {
            assert_eq!(field(text), expected);
        }
    }
}
