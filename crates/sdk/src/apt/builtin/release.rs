//! A suite's `Release` file: its indexes, and how long it is valid.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use super::date;
use base::digest::Digest;

/// One index of a suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexFile {
    /// Its digest.
    pub sha256: Digest,
    /// Its size.
    pub size_bytes: u64,
}

/// The content of a `Release` file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Release {
    names: Vec<String>,
    date: Option<u64>,
    valid_until: Option<u64>,
    /// Whether indexes are also available by digest.
    pub has_by_hash: bool,
    /// Indexes by path relative to the suite's folder.
    pub files: BTreeMap<String, IndexFile>,
}

/// Why a `Release` file cannot be used although it is signed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseError {
    /// It is of another suite.
    #[error("it is the index of suite `{found}`")]
    OtherSuite {
        /// Its name.
        found: String,
    },
    /// A time in it cannot be read.
    #[error("its field `{field}` is not a time")]
    NoTime {
        /// The field.
        field: &'static str,
    },
    /// It has expired: a mirror may be withholding newer ones.
    #[error("it expired {hours} hours ago")]
    Expired {
        /// How long ago.
        hours: u64,
    },
    /// It is from the future: this machine's clock is slow.
    #[error("it is from the future: the clock of this machine is {seconds} seconds behind")]
    Future {
        /// How many seconds.
        seconds: u64,
    },
}

/// The accepted difference of clocks in seconds, the same as in apt (`Acquire::Max-FutureTime`).
const CLOCK_SKEW_S: u64 = 10;

impl Release {
    /// Reads the text of a `Release` file whose signature was checked.
    ///
    /// # Errors
    /// When a time in it cannot be read.
    pub fn parse(text: &str) -> Result<Self, ReleaseError> {
        let mut release = Self::default();
        let mut field = "";
        for line in text.lines().map(str::trim_end) {
            if let Some(entry) = line.strip_prefix(' ') {
                if field == "SHA256" {
                    release.files.extend(index_file(entry));
                }
                continue;
            }
            let Some((name, value)) = line.split_once(':') else { continue };
            field = name;
            let value = value.trim();
            match name {
                "Suite" | "Codename" => release.names.push(value.to_owned()),
                "Date" => release.date = Some(date::parse(value).ok_or(ReleaseError::NoTime { field: "Date" })?),
                "Valid-Until" => release.valid_until = Some(date::parse(value).ok_or(ReleaseError::NoTime { field: "Valid-Until" })?),
                "Acquire-By-Hash" => release.has_by_hash = value == "yes",
                _ => {}
            }
        }
        Ok(release)
    }

    /// Checks that it is of `suite`, and valid at `now`, in seconds since 1970. Otherwise a mirror could return another suite's file, or an
    /// old one with known vulnerabilities.
    ///
    /// # Errors
    /// When it is not.
    pub fn check(&self, suite: &str, now: u64) -> Result<(), ReleaseError> {
        if !self.names.iter().any(|name| name == suite) {
            return Err(ReleaseError::OtherSuite { found: self.names.last().cloned().unwrap_or_default() });
        }
        let date = self.date.ok_or(ReleaseError::NoTime { field: "Date" })?;
        if date > now + CLOCK_SKEW_S {
            return Err(ReleaseError::Future { seconds: date - now });
        }
        match self.valid_until {
            Some(end) if end < now => Err(ReleaseError::Expired { hours: (now - end) / 3600 }),
            _ => Ok(()),
        }
    }
}

/// `DIGEST SIZE PATH`.
fn index_file(entry: &str) -> Option<(String, IndexFile)> {
    let mut words = entry.split_whitespace();
    let (sha256, size_bytes, path) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?, words.next()?);
    Some((path.to_owned(), IndexFile { sha256, size_bytes }))
}

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(more: &str) -> String {
        let hash = Digest::of_bytes("x").hex();
        format!(
            "Origin: Debian\nSuite: stable\nCodename: trixie\nDate: Thu, 01 Jan 1970 01:00:00 UTC\n{more}Acquire-By-Hash: yes\nMD5Sum:\n {hash} 1 other\n\
             SHA256:\n {hash}       7 main/binary-amd64/Packages.xz\n {hash} 9 x\nDescription: SHA256\n"
        )
    }

    #[test]
    fn fields_and_files() {
        let release = Release::parse(&text("")).unwrap();
        assert!(release.has_by_hash);
        let expected = IndexFile { sha256: Digest::of_bytes("x"), size_bytes: 7 };
        assert_eq!(release.files.get("main/binary-amd64/Packages.xz"), Some(&expected));
        assert_eq!(release.files.len(), 2);
    }

    #[test]
    fn suite_and_times_are_checked() {
        let until = "Valid-Until: Thu, 01 Jan 1970 03:00:00 UTC\n";
        for (more, suite, now, expected) in [
            ("", "trixie", 3600, Ok(())),
            ("", "stable", u64::from(u32::MAX), Ok(())),
            ("", "bookworm", 3600, Err(ReleaseError::OtherSuite { found: "trixie".into() })),
            ("", "trixie", 3590, Ok(())),
            ("", "trixie", 3589, Err(ReleaseError::Future { seconds: 11 })),
            (until, "trixie", 10800, Ok(())),
            (until, "trixie", 10800 + 7200, Err(ReleaseError::Expired { hours: 2 })),
        ] {
            assert_eq!(Release::parse(&text(more)).unwrap().check(suite, now), expected, "{more} {suite} {now}");
        }
        assert_eq!(Release::parse("Date: yesterday\n"), Err(ReleaseError::NoTime { field: "Date" }));
        let without_date = Release::parse("Suite: trixie\n").unwrap();
        assert_eq!(without_date.check("trixie", 0), Err(ReleaseError::NoTime { field: "Date" }));
    }
}
