//! Epoch, version and release, compared as RPM does.

use std::cmp::Ordering;
use std::fmt;

/// An epoch, version and release. In a dependency the release may be missing and then stands for any.
#[derive(Clone, Debug)]
pub struct Evr {
    /// 0 where none was written.
    pub epoch: u32,
    /// The upstream version.
    pub version: String,
    /// The release, if one was written.
    pub release: Option<String>,
}

impl Evr {
    /// Reads `[epoch:]version[-release]`. Every text is some EVR: what is not a number before a colon counts as epoch 0, as in RPM.
    pub fn parse(text: &str) -> Self {
        let (epoch, version, release) = rpm_version::Evr::parse_values(text);
        Self::new(epoch.parse().unwrap_or(0), version, Some(release))
    }

    /// An EVR of its parts; an empty release is none.
    pub fn new(epoch: u32, version: &str, release: Option<&str>) -> Self {
        Self { epoch, version: version.to_owned(), release: release.filter(|release| !release.is_empty()).map(str::to_owned) }
    }

    /// Compares epoch and version only.
    pub fn compare_version(&self, other: &Self) -> Ordering {
        self.epoch.cmp(&other.epoch).then_with(|| compare_part(&self.version, &other.version))
    }

    /// Compares releases, where both have one.
    pub fn compare_release(&self, other: &Self) -> Option<Ordering> {
        Some(compare_part(self.release.as_deref()?, other.release.as_deref()?))
    }
}

/// `rpmvercmp`: compares two versions or two releases.
fn compare_part(a: &str, b: &str) -> Ordering {
    rpm_version::Evr::new("", a, "").cmp(&rpm_version::Evr::new("", b, ""))
}

impl Ord for Evr {
    /// The order of RPM; a missing release comes before any other.
    fn cmp(&self, other: &Self) -> Ordering {
        self.compare_version(other)
            .then_with(|| self.compare_release(other).unwrap_or_else(|| self.release.is_some().cmp(&other.release.is_some())))
    }
}

impl PartialOrd for Evr {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Evr {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Evr {}

impl fmt::Display for Evr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.epoch != 0 {
            write!(f, "{}:", self.epoch)?;
        }
        f.write_str(&self.version)?;
        match &self.release {
            Some(release) => write!(f, "-{release}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order() {
        let table = [
            ("1.0-1", Ordering::Less, "1.0-2"),
            ("1.0-9", Ordering::Less, "1.0-10"),
            ("1:0.1-1", Ordering::Greater, "9-1"),
            ("0:1.0-1", Ordering::Equal, "1.0-1"),
            ("1.0~rc1-1", Ordering::Less, "1.0-1"),
            ("1.0^git1-1", Ordering::Greater, "1.0-1"),
            ("1.0^git1-1", Ordering::Less, "1.0.1-1"),
            ("2.0", Ordering::Less, "2.0-1"),
            ("1.a-1", Ordering::Less, "1.1-1"),
        ];
        for (a, expected, b) in table {
            assert_eq!(Evr::parse(a).cmp(&Evr::parse(b)), expected, "{a} against {b}");
        }
    }

    #[test]
    fn text_round_trips() {
        for text in ["1.0", "1.0-1", "2:1.0~rc1-1.k1"] {
            assert_eq!(Evr::parse(text).to_string(), text);
        }
        assert_eq!(Evr::parse("0:1.0-1").to_string(), "1.0-1");
    }
}
