//! Globs over paths of the image: `*` stays within a directory, `**` does not.

use globset::{GlobBuilder, GlobMatcher};

use super::error::PackageError;

/// A list of globs, in order.
#[derive(Debug, Default)]
pub struct Globs(Vec<Glob>);

/// One glob.
#[derive(Debug, Clone)]
pub struct Glob {
    text: String,
    matcher: GlobMatcher,
}

impl Glob {
    /// Compiles a glob.
    ///
    /// # Errors
    /// When it is none.
    pub fn new(text: &str) -> Result<Self, PackageError> {
        let glob = GlobBuilder::new(text)
            .literal_separator(true)
            .build()
            .map_err(|source| PackageError::BadGlob { glob: text.to_owned(), source })?;
        Ok(Self { text: text.to_owned(), matcher: glob.compile_matcher() })
    }

    /// The glob as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it matches `path`.
    pub fn matches(&self, path: &str) -> bool {
        self.matcher.is_match(path)
    }

    /// Whether it can match one path only.
    pub fn is_path(&self) -> bool {
        !self.text.contains(['*', '?', '[', '{', '\\'])
    }
}

impl Globs {
    /// Compiles globs.
    ///
    /// # Errors
    /// When one is none.
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, PackageError> {
        texts.into_iter().map(Glob::new).collect::<Result<_, _>>().map(Self)
    }

    /// Whether one of them matches `path`.
    pub fn matches(&self, path: &str) -> bool {
        self.0.iter().any(|glob| glob.matches(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stays_in_its_directory() {
        for (glob, path, expected) in [
            ("/usr/lib/*.so", "/usr/lib/libz.so", true),
            ("/usr/lib/*.so", "/usr/lib/x/libz.so", false),
            ("/usr/include/**", "/usr/include/a/b.h", true),
            ("/usr/include/**", "/usr/include", false),
            ("/**/*.la", "/usr/lib/a.la", true),
            ("/usr/lib/lib{a,b}.so", "/usr/lib/libb.so", true),
            ("/usr/bin/[", "/usr/bin/[", false),
        ] {
            assert_eq!(Glob::new(glob).is_ok_and(|it| it.matches(path)), expected, "{glob} {path}");
        }
        assert!(Glob::new("/usr/bin/[[]").unwrap().matches("/usr/bin/["));
    }
}
