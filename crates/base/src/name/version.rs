//! What RPM accepts as a version.

/// A text that RPM does not accept as a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidVersion {
    /// It contains characters other than those RPM allows, or does not begin with a letter or digit.
    #[error("`{text}` is not a version: use letters, digits and `. + ~ ^ _`, beginning with a letter or digit, at most 100")]
    Characters {
        /// The text.
        text: String,
    },
    /// RPM refuses two full stops in a row.
    #[error("`{text}` is not a version: RPM refuses `..`")]
    TwoStops {
        /// The text.
        text: String,
    },
    /// The part before the colon is not a number.
    #[error("`{text}` is not a version: the epoch before `:` must be a number")]
    Epoch {
        /// The text.
        text: String,
    },
}

/// Checks an upstream version or a release, which contain neither `-` nor `:`. The rules are those of rpmbuild (`rpmCharCheck`), plus one
/// of ours: it begins with a letter or digit, because it becomes part of file names.
///
/// # Errors
/// When rpmbuild would refuse it, or it cannot be part of a file name.
pub fn check_version(text: &str) -> Result<(), InvalidVersion> {
    let begins_well = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".+~^_".contains(&byte);
    if !begins_well || !text.bytes().all(is_allowed) || text.len() > 100 {
        return Err(InvalidVersion::Characters { text: text.to_owned() });
    }
    if text.contains("..") { Err(InvalidVersion::TwoStops { text: text.to_owned() }) } else { Ok(()) }
}

/// Checks `[epoch:]version[-release]`, as in constraints.
///
/// # Errors
/// When rpmbuild would refuse it.
pub(super) fn check_evr(text: &str) -> Result<(), InvalidVersion> {
    let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
    if !epoch.bytes().all(|byte| byte.is_ascii_digit()) || epoch.parse::<u32>().is_err() {
        return Err(InvalidVersion::Epoch { text: text.to_owned() });
    }
    let (version, release) = rest.split_once('-').unwrap_or((rest, "0"));
    check_version(version)?;
    check_version(release)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for good in ["1", "1.0~rc1+git^2", "2026c", "10.0p1", "1_2", "1~~2"] {
            assert_eq!(check_version(good), Ok(()), "{good}");
        }
        for bad in ["", "1-2", "1:2", "1 2", "1/2", ".1", "~1", "1..2", "1,2", "ä", &"1".repeat(101)] {
            assert!(check_version(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn versions_with_epoch_and_release() {
        for good in ["1", "3:1.0~rc1+git^2-1.kn1", "0:1-2"] {
            assert_eq!(check_evr(good), Ok(()), "{good}");
        }
        for bad in ["", "x:1", "1:", ":1", "-1", "1-", "1-2-3", "1:2:3", "+1:2", "4294967296:1", "1..2"] {
            assert!(check_evr(bad).is_err(), "{bad}");
        }
    }
}
