//! Packages as the command line names them.

use std::cmp::Ordering;

use glob::Pattern as Glob;

use rpm_engine::dependency::Comparison;
use rpm_engine::package::Nevra;
use rpm_engine::version::Evr;

/// A name, a name with an architecture or a version, or a shell pattern of one; perhaps with a range of versions (`name>=2`).
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    glob: Option<Glob>,
    range: Option<(Comparison, Evr)>,
}

impl Pattern {
    /// A pattern of what was written. One that is malformed fits only itself.
    pub fn new(text: &str) -> Self {
        let (name, range) = parted(text).unwrap_or((text, None));
        let glob = name.contains(['*', '?', '[']).then(|| Glob::new(name).ok()).flatten();
        Self { text: name.to_owned(), glob, range }
    }

    /// As it was written, but for a range of versions.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it has a range of versions.
    pub fn is_ranged(&self) -> bool {
        self.range.is_some()
    }

    /// Whether it may fit several names.
    pub fn is_glob(&self) -> bool {
        self.glob.is_some()
    }

    /// Whether a text fits.
    pub fn fits_text(&self, text: &str) -> bool {
        match &self.glob {
            Some(glob) => glob.matches(text),
            None => self.text == text,
        }
    }

    /// Whether a package fits: by its name, with or without architecture, version, release and epoch.
    pub fn fits(&self, nevra: &Nevra) -> bool {
        let is_within = |(comparison, evr): &(Comparison, Evr)| {
            // A version without a release means all of its releases.
            let order = nevra.evr.compare_version(evr).then_with(|| nevra.evr.compare_release(evr).unwrap_or(Ordering::Equal));
            match comparison {
                Comparison::Less => order.is_lt(),
                Comparison::AtMost => order.is_le(),
                Comparison::Equal => order.is_eq(),
                Comparison::AtLeast => order.is_ge(),
                Comparison::Greater => order.is_gt(),
            }
        };
        if !self.range.as_ref().is_none_or(is_within) {
            return false;
        }
        if self.fits_text(&nevra.name) {
            return true;
        }
        if self.glob.is_none() && !self.text.starts_with(|first: char| first.is_ascii_digit()) && !self.text.starts_with(&nevra.name) {
            return false;
        }
        let Nevra { name, evr, arch } = nevra;
        let version = &evr.version;
        let release = evr.release.as_deref().unwrap_or_default();
        let epoch = evr.epoch;
        // A pattern without a colon would mistake an epoch for the beginning of a version.
        let spellings = match self.text.contains(':') {
            true => [
                format!("{name}-{epoch}:{version}"),
                format!("{name}-{epoch}:{version}-{release}"),
                format!("{name}-{epoch}:{version}-{release}.{arch}"),
                format!("{epoch}:{name}-{version}-{release}.{arch}"),
            ],
            false => [
                format!("{name}.{arch}"),
                format!("{name}-{version}"),
                format!("{name}-{version}-{release}"),
                format!("{name}-{version}-{release}.{arch}"),
            ],
        };
        spellings.iter().any(|text| self.fits_text(text))
    }

    /// The names that packages fitting this may have, where it is not a pattern: it is cut where a version or an architecture may begin.
    pub fn names(&self) -> Vec<&str> {
        let text =
            self.text.split_once(':').filter(|(epoch, _)| epoch.bytes().all(|byte| byte.is_ascii_digit())).map_or(&*self.text, |all| all.1);
        let mut names = vec![&*self.text, text];
        names.extend(text.rsplit_once('.').map(|(name, _)| name));
        let cut = text.rsplit_once('-').map(|(name, _)| name);
        names.extend(cut);
        names.extend(cut.and_then(|name| name.rsplit_once('-')).map(|(name, _)| name));
        names.dedup();
        names
    }
}

/// A name and a range of versions: `name=1.0`, `name>=1.0-2`, `name < 2:1`; none where it is not written so. Names of capabilities may contain
/// such signs within brackets.
fn parted(text: &str) -> Option<(&str, Option<(Comparison, Evr)>)> {
    let at = text.find(['<', '>', '='])?;
    let length = text[at..].find(|sign| !matches!(sign, '<' | '>' | '=')).unwrap_or(text.len() - at);
    let (name, sign, version) = (text[..at].trim(), &text[at..at + length], text[at + length..].trim());
    let comparison = Comparison::parse(if sign == "==" { "=" } else { sign })?;
    let is_plain = |word: &str| !word.is_empty() && !word.contains(['(', ')', '/', ' ']);
    (is_plain(name) && is_plain(version)).then(|| (name, Some((comparison, Evr::parse(version)))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rpm_engine::version::Evr;

    #[test]
    fn spellings() {
        let nevra = Nevra { name: "gcc-c++".into(), evr: Evr::parse("1:12.2-3.k1"), arch: "x86_64".into() };
        let fits = [
            "gcc-c++",
            "gcc-c++.x86_64",
            "gcc-c++-12.2",
            "gcc-c++-12.2-3.k1",
            "gcc-c++-12.2-3.k1.x86_64",
            "gcc-c++-1:12.2-3.k1.x86_64",
            "1:gcc-c++-12.2-3.k1.x86_64",
            "gcc*",
            "*-c++-12*",
            "gcc-c++.[nx]*",
        ];
        for text in fits {
            let pattern = Pattern::new(text);
            assert!(pattern.fits(&nevra), "{text}");
            assert!(pattern.is_glob() || pattern.names().contains(&"gcc-c++"), "{text}");
        }
        let ranges = [
            ("gcc-c++=1:12.2-3.k1", true),
            ("gcc-c++=1:12.2", true),
            ("gcc-c++ = 12.2", false),
            ("gcc-c++>=1:12", true),
            ("gcc-c++ >= 1:12.3", false),
            ("gcc-c++<=1:12.2", true),
            ("gcc-c++<1:12.2", false),
            ("gcc-c++>1:12.2-2", true),
            ("gcc-c++==1:12.2", true),
            ("gcc*>1:1", true),
            ("gcc*>2:1", false),
            ("gcc-c++.x86_64<2:0", true),
            ("gcc>1:1", false),
        ];
        for (text, expected) in ranges {
            let pattern = Pattern::new(text);
            assert_eq!(pattern.fits(&nevra), expected, "{text}");
            assert!(pattern.is_ranged());
        }
        assert!(!Pattern::new("pkgconfig(x) >= 2").is_ranged());
        let with_epoch = Nevra { name: "k".into(), evr: Evr::parse("1:5.10-2"), arch: "noarch".into() };
        for (text, expected) in
            [("k-1*", false), ("k-5*", true), ("k-1:5*", true), ("k-1:*-2", true), ("*-1*", false), ("[0-9]:k-5.10-2.n*", true)]
        {
            assert_eq!(Pattern::new(text).fits(&with_epoch), expected, "{text}");
        }
        for text in ["gcc", "gcc-c++.noarch", "gcc-c++-12", "gcc-c++-2:12.2-3.k1", "g?", "[", ""] {
            assert!(!Pattern::new(text).fits(&nevra), "{text}");
        }
    }
}
