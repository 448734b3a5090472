//! Packages as the command line names them.

use glob::Pattern as Glob;

use rpm_engine::package::Nevra;

/// A name, a name with an architecture or a version, or a shell pattern of one.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    glob: Option<Glob>,
}

impl Pattern {
    /// A pattern of what was written. One that is malformed fits only itself.
    pub fn new(text: &str) -> Self {
        let glob = text.contains(['*', '?', '[']).then(|| Glob::new(text).ok()).flatten();
        Self { text: text.to_owned(), glob }
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
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
        [
            format!("{name}.{arch}"),
            format!("{name}-{version}"),
            format!("{name}-{version}-{release}"),
            format!("{name}-{version}-{release}.{arch}"),
            format!("{name}-{epoch}:{version}"),
            format!("{name}-{epoch}:{version}-{release}"),
            format!("{name}-{epoch}:{version}-{release}.{arch}"),
            format!("{epoch}:{name}-{version}-{release}.{arch}"),
        ]
        .iter()
        .any(|text| self.fits_text(text))
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
        for text in ["gcc", "gcc-c++.noarch", "gcc-c++-12", "gcc-c++-2:12.2-3.k1", "g?", "[", ""] {
            assert!(!Pattern::new(text).fits(&nevra), "{text}");
        }
    }
}
