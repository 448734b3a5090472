//! Upstream's version in a version of Debian's (deb-version(7)).

/// The version that a spec gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpecVersion {
    /// Derived in the same way as the spec's current one.
    Derived(String),
    /// Upstream's version. The spec's current one is not derived from Debian's in any known way, so a person has to look at it.
    Guessed(String),
}

/// Words with which Debian marks archives that it changed.
const REPACKAGED: [&str; 3] = ["dfsg", "ds", "repack"];

/// The version of a spec whose current version is `current` with `old` of Debian's, for the version `new` of Debian's.
pub fn spec_version(current: &str, old: &str, new: &str) -> SpecVersion {
    let (old, new) = (upstream(old), upstream(new));
    if old == new {
        SpecVersion::Derived(current.to_owned())
    } else if old == current {
        SpecVersion::Derived(new)
    } else if dotted(&old) == current {
        SpecVersion::Derived(dotted(&new))
    } else {
        SpecVersion::Guessed(new)
    }
}

/// Whether a spec's version is derived from this version of Debian's.
pub fn is_derived(version: &str, debian: &str) -> bool {
    let upstream = upstream(debian);
    upstream == version || dotted(&upstream) == version
}

/// Specs write a date in a version as one more number.
fn dotted(version: &str) -> String {
    version.replace('+', ".")
}

/// A version without its epoch, as in names of files.
pub fn without_epoch(version: &str) -> &str {
    version.split_once(':').map_or(version, |(_, rest)| rest)
}

/// A version without Debian's revision.
pub fn without_revision(version: &str) -> &str {
    version.rsplit_once('-').map_or(version, |(upstream, _)| upstream)
}

/// Upstream's own version: without epoch, revision and marks of repackaging. `1+really0.9` is 0.9.
fn upstream(version: &str) -> String {
    let version = without_revision(without_epoch(version));
    let mut version = version.rsplit_once("+really").map_or(version, |(_, really)| really);
    while let Some(shorter) = unmarked(version) {
        version = shorter;
    }
    version.to_owned()
}

/// A version without the mark at its end: `+dfsg1`, `~ds`, `.dfsg.2`, or that of a stable update (`~deb13u1`).
fn unmarked(version: &str) -> Option<&str> {
    let is_digit = |c: char| c.is_ascii_digit();
    let without_number = version.trim_end_matches(is_digit);
    let of_release = without_number.strip_suffix('u').map(|rest| rest.trim_end_matches(is_digit)).and_then(|rest| rest.strip_suffix("deb"));
    let forms = [without_number, without_number.trim_end_matches('.')];
    let marked = forms.into_iter().flat_map(|form| REPACKAGED.into_iter().filter_map(move |word| form.strip_suffix(word)));
    of_release.into_iter().chain(marked).find_map(|rest| rest.strip_suffix(['+', '~', '.'])).filter(|rest| !rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upstreams_versions() {
        for (debian, expected) in [
            ("5.2.37-2+b1", "5.2.37"),
            ("1:10.0p1-7+deb13u4", "10.0p1"),
            ("26.1.5+dfsg1-9+deb13u1", "26.1.5"),
            ("1.7.24~ds1-6+deb13u1", "1.7.24"),
            ("1.3.6+ds-1", "1.3.6"),
            ("1.3.dfsg+really1.3.1-1", "1.3.1"),
            ("1.3.dfsg-3", "1.3"),
            ("5.6.1+really5.4.5-1", "5.4.5"),
            ("2.0+dfsg.3-1", "2.0"),
            ("2.0+dfsg1+ds2-1", "2.0"),
            ("2.0+repack-1", "2.0"),
            ("20250419", "20250419"),
            ("20250419~deb12u1", "20250419"),
            ("6.5+20250216-2", "6.5+20250216"),
            ("2.0~rc1-1", "2.0~rc1"),
            ("2026c-0+deb13u1", "2026c"),
            ("1-2-3", "1-2"),
            ("1.words-1", "1.words"),
        ] {
            assert_eq!(upstream(debian), expected, "{debian}");
        }
    }

    #[test]
    fn a_spec_keeps_its_way_of_writing_versions() {
        let derived = |version: &str| SpecVersion::Derived(version.into());
        for (current, old, new, expected) in [
            ("26.1.5", "26.1.5+dfsg1-9", "28.0.1+dfsg2-1", derived("28.0.1")),
            ("6.5.20250216", "6.5+20250216-2", "6.6+20261001-1", derived("6.6.20261001")),
            ("10.0p1", "1:10.0p1-7", "1:10.2p1-1", derived("10.2p1")),
            ("14.2.0", "2.41-1", "2.42-1", SpecVersion::Guessed("2.42".into())),
            ("14.2.0", "2.41-1", "2.41-2", derived("14.2.0")),
        ] {
            assert_eq!(spec_version(current, old, new), expected, "{new}");
            assert_eq!(is_derived(current, old), current != "14.2.0", "{current}");
        }
    }
}
