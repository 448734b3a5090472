//! What can be derived from an archive's address: the version and the project's page.

use base::address::public;
use base::name::check_version;

/// An address and the version in its file name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionedAddress {
    /// The address with `{version}` in place of each occurrence of the version.
    pub url: String,
    /// The version in RPM's notation.
    pub version: String,
}

/// The endings of archives' names, longest first.
const ENDINGS: [&str; 16] = [
    ".tar.lzma",
    ".tar.bz2",
    ".tar.zst",
    ".tar.gz",
    ".tar.xz",
    ".tar.lz",
    ".tar.Z",
    ".tbz2",
    ".tzst",
    ".tgz",
    ".txz",
    ".tbz",
    ".tar",
    ".zip",
    ".crate",
    ".7z",
];

/// Words between a version and such an ending: Debian uses `.orig`, others `-src`.
const TAILS: [&str; 6] = [".orig", "-src", ".src", "-source", "-sources", "-dist"];

impl VersionedAddress {
    /// Reads the version from the address of an archive. `name` is the package's name, whose digits (`lz4`) are not a version.
    pub fn of(url: &str, name: &str) -> Option<Self> {
        let written = written_version(file_name(url), name)?;
        let version = [pre_release(written), written.to_owned()].into_iter().find(|version| check_version(version).is_ok())?;
        Some(Self::with(url, version))
    }

    /// The address of an archive with a known version.
    pub fn with(url: &str, version: String) -> Self {
        // The host may contain the version as well: `v1.test`.
        let (host, path) = url.split_at(path_start(url));
        // A version of one character occurs in paths by chance.
        let is_distinct = version.len() > 1;
        let url = if is_distinct { format!("{host}{}", path.replace(&version, "{version}")) } else { replaced_in_name(url, &version) };
        Self { url, version }
    }
}

/// Puts `{version}` in place of the version's last occurrence in the file name.
fn replaced_in_name(url: &str, version: &str) -> String {
    let name = file_name(url);
    let start = url.len() - after_name(url).len() - name.len();
    match name.rfind(version) {
        Some(at) => format!("{}{{version}}{}", &url[..start + at], &url[start + at + version.len()..]),
        None => url.to_owned(),
    }
}

/// The project's page: the address up to the part that forges use for archives, else its host.
pub fn homepage(url: &str) -> Option<String> {
    let url = public(url);
    let url = &*url;
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return None;
    }
    let start = path_start(url);
    let forge = ["/-/archive/", "/archive/", "/releases/", "/uploads/"].iter().filter_map(|part| url[start..].find(part)).min();
    match forge.filter(|at| *at > 0) {
        Some(at) => Some(url[..start + at].to_owned()),
        None => Some(format!("{}/", &url[..start])),
    }
}

/// Where the path of an address starts, with its slash.
fn path_start(url: &str) -> usize {
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    url[after_scheme..].find('/').map_or(url.len(), |at| after_scheme + at)
}

/// The last part of the path.
fn file_name(url: &str) -> &str {
    let path = &url[..url.len() - after_name(url).len()];
    path.rsplit('/').next().unwrap_or(path)
}

/// The query and the fragment.
fn after_name(url: &str) -> &str {
    url.find(['?', '#']).map_or("", |at| &url[at..])
}

/// The version as written in a file name.
fn written_version<'a>(file: &'a str, name: &str) -> Option<&'a str> {
    let stem = ENDINGS.iter().find_map(|ending| file.strip_suffix(ending)).unwrap_or(file);
    let stem = TAILS.iter().find_map(|tail| stem.strip_suffix(tail)).unwrap_or(stem);
    let after_name = stem.get(..name.len()).filter(|start| start.eq_ignore_ascii_case(name)).map(|_| &stem[name.len()..]);
    if let Some(version) = after_name.map(|rest| rest.trim_start_matches(['-', '_', '.'])).map(without_letter).filter(|rest| begins(rest)) {
        return Some(version);
    }
    let parts = stem.match_indices(['-', '_']).map(|(at, _)| without_letter(&stem[at + 1..]));
    let whole = std::iter::once(without_letter(stem));
    whole.chain(parts).find(|part| begins(part)).or_else(|| stem.find(|c: char| c.is_ascii_digit()).map(|at| &stem[at..]))
}

/// Tags are often written `v1.2` or `r59`.
fn without_letter(text: &str) -> &str {
    ["v", "V", "r"].iter().find_map(|letter| text.strip_prefix(letter)).filter(|rest| begins(rest)).unwrap_or(text)
}

fn begins(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// Markers of pre-releases.
const BEFORE: [&str; 6] = ["alpha", "beta", "dev", "pre", "rc", "test"];

/// RPM writes a pre-release as `1.0~rc1`, upstream mostly as `1.0-rc1` or `1.0rc1`, which RPM sorts after 1.0. Any other suffix, such as a
/// snapshot or a patch level, sorts after the version.
fn pre_release(written: &str) -> String {
    let Some((version, rest)) = written.split_once('-') else {
        let lower = written.to_ascii_lowercase();
        let is_mark = |at: &usize| lower[..*at].ends_with(|c: char| c.is_ascii_digit());
        let mark = BEFORE.iter().filter_map(|mark| lower.find(mark)).filter(is_mark).min();
        return mark.map_or_else(|| written.to_owned(), |at| format!("{}~{}", &written[..at], &written[at..]));
    };
    let word = rest.to_ascii_lowercase();
    let mark = if BEFORE.iter().any(|mark| word.starts_with(mark)) { '~' } else { '+' };
    format!("{version}{mark}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_file_names() {
        for (name, url, version, with_version) in [
            ("zlib", "https://a.test/fossils/zlib-1.3.1.tar.gz", "1.3.1", "https://a.test/fossils/zlib-{version}.tar.gz"),
            ("x", "https://a.test/x/1.2/x-1.2.tar.xz", "1.2", "https://a.test/x/{version}/x-{version}.tar.xz"),
            (
                "btrfs",
                "https://f.test/k/b/archive/refs/tags/v6.14.tar.gz",
                "6.14",
                "https://f.test/k/b/archive/refs/tags/v{version}.tar.gz",
            ),
            (
                "libinih",
                "https://f.test/b/inih/archive/refs/tags/r59.tar.gz",
                "59",
                "https://f.test/b/inih/archive/refs/tags/r{version}.tar.gz",
            ),
            ("lz4", "https://a.test/lz4-1.10.0.tgz", "1.10.0", "https://a.test/lz4-{version}.tgz"),
            ("lz4", "https://a.test/lz4/v1.10.0.tgz", "1.10.0", "https://a.test/lz4/v{version}.tgz"),
            ("tini", "https://a.test/pool/tini_0.19.0.orig.tar.gz", "0.19.0", "https://a.test/pool/tini_{version}.orig.tar.gz"),
            ("tzdata", "https://a.test/tzdata2026c.tar.gz", "2026c", "https://a.test/tzdata{version}.tar.gz"),
            ("pam", "https://a.test/Linux-PAM-1.7.0.tar.xz", "1.7.0", "https://a.test/Linux-PAM-{version}.tar.xz"),
            ("less", "https://a.test/less/less-668.tar.gz", "668", "https://a.test/less/less-{version}.tar.gz"),
            ("x", "https://1.2.test/x-1.2.tar.gz", "1.2", "https://1.2.test/x-{version}.tar.gz"),
            ("x", "https://a.test/5/x-5.tar.gz?v=5", "5", "https://a.test/5/x-{version}.tar.gz?v=5"),
            ("x", "https://a.test/x-6.5-20250216.tar.gz", "6.5+20250216", "https://a.test/x-6.5-20250216.tar.gz"),
            ("x", "https://a.test/x-1.0-p1.tar.gz", "1.0+p1", "https://a.test/x-1.0-p1.tar.gz"),
            ("x", "https://a.test/x-1.0-Beta.2.tar.gz", "1.0~Beta.2", "https://a.test/x-1.0-Beta.2.tar.gz"),
            ("x", "https://a.test/x-1.0-rc1.tar.gz", "1.0~rc1", "https://a.test/x-1.0-rc1.tar.gz"),
            ("x", "https://a.test/x-1.0rc1.tar.gz", "1.0~rc1", "https://a.test/x-1.0rc1.tar.gz"),
            ("x", "https://a.test/x-1.0alpha2.tar.gz", "1.0~alpha2", "https://a.test/x-1.0alpha2.tar.gz"),
            ("x", "https://a.test/x_1.0+git2-src.zip", "1.0+git2", "https://a.test/x_{version}-src.zip"),
        ] {
            let expected = VersionedAddress { url: with_version.into(), version: version.into() };
            assert_eq!(VersionedAddress::of(url, name), Some(expected), "{url}");
        }
        for url in ["https://a.test/main.tar.gz", "https://a.test/x-latest.tar.gz", "https://a.test/"] {
            assert_eq!(VersionedAddress::of(url, "x"), None, "{url}");
        }
    }

    #[test]
    fn the_page_is_that_of_the_project_where_a_forge_has_it() {
        for (url, page) in [
            ("https://f.test/o/r/archive/refs/tags/v1.tar.gz", Some("https://f.test/o/r")),
            ("https://f.test/o/r/releases/download/v1/r-1.tar.gz", Some("https://f.test/o/r")),
            ("https://f.test/o/r/-/archive/v1/r-1.tar.gz", Some("https://f.test/o/r")),
            ("https://a.test/releases/x-1.tar.gz", Some("https://a.test/")),
            ("http://a.test:8080/x/x-1.tar.gz", Some("http://a.test:8080/")),
            ("https://user:secret@a.test/x-1.tar.gz", Some("https://a.test/")),
            ("file:///srv/x-1.tar.gz", None),
        ] {
            assert_eq!(homepage(url).as_deref(), page, "{url}");
        }
    }
}
