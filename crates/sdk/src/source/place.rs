//! The addresses of a source, in the order of attempts.

use crate::apt::{Archive, CacheAddress, Mirror};
use base::digest::Digest;
use planning::spec::{Origin, Source};

/// One address, and what it should return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The address.
    pub uri: String,
    /// The digest of what it should return.
    pub sha256: Digest,
    /// Whether it belongs to a mirror, which is tried several times; upstream's servers are tried once, since mirrors follow.
    pub is_mirror: bool,
}

/// All addresses of a source: its origins in the spec's order, then source mirrors, by file name and by digest, then shared caches.
pub fn places(source: &Source, archive: &Archive, source_mirrors: &[Mirror], caches: &[CacheAddress]) -> Vec<Place> {
    let mut places = Vec::new();
    for origin in &source.origins {
        let sha256 = *origin.sha256();
        match origin {
            Origin::Url { url, .. } => places.push(Place { uri: url.clone(), sha256, is_mirror: false }),
            // Cargo's cache is used before any address is tried.
            Origin::Crate { .. } => {}
            Origin::Debian { package, file, .. } | Origin::Deb { source: package, file, .. } => {
                let in_main = archive.main.iter().map(|mirror| mirror.file(&pool_path("pool/main", package, file)));
                let in_security = archive.security.iter().map(|mirror| mirror.file(&pool_path("pool/updates/main", package, file)));
                places.extend(in_main.chain(in_security).map(|uri| Place { uri, sha256, is_mirror: true }));
            }
        }
    }
    for mirror in source_mirrors {
        for origin in &source.origins {
            let sha256 = *origin.sha256();
            for name in [origin.file_name(), &sha256.hex()] {
                places.push(Place { uri: mirror.file(name), sha256, is_mirror: true });
            }
        }
    }
    for cache in caches {
        let place = |sha256: Digest| Place { uri: cache.by_digest(&sha256), sha256, is_mirror: true };
        places.extend(source.origins.iter().map(|origin| place(*origin.sha256())));
    }
    places
}

/// The path of a source package's file in an archive: below its first letter, or for libraries below `lib` and the next letter (Debian's
/// pool layout).
pub fn pool_path(pool: &str, package: &str, file: &str) -> String {
    let letters = if package.starts_with("lib") { 4 } else { 1 };
    let prefix: String = package.chars().take(letters).collect();
    format!("{pool}/{prefix}/{package}/{file}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use planning::spec::SourceUsage;

    #[test]
    fn pool_paths() {
        for (package, file, path) in [
            ("bash", "bash_5.2.37.orig.tar.xz", "pool/main/b/bash/bash_5.2.37.orig.tar.xz"),
            ("libcap2", "libcap2_2.75.orig.tar.xz", "pool/main/libc/libcap2/libcap2_2.75.orig.tar.xz"),
            ("lib", "x", "pool/main/lib/lib/x"),
            ("linux", "x", "pool/main/l/linux/x"),
        ] {
            assert_eq!(pool_path("pool/main", package, file), path);
        }
    }

    #[test]
    fn origins_come_before_mirrors() {
        let (upstream, debian) = (Digest::of_bytes("upstream"), Digest::of_bytes("debian"));
        let source = Source {
            origins: vec![
                Origin::Url { url: "https://up.test/x-1.tar.gz".into(), sha256: upstream },
                Origin::Debian { package: "x".into(), version: "1-1".into(), file: "x_1.orig.tar.gz".into(), sha256: debian },
            ],
            name: None,
            path: None,
            usage: SourceUsage::Keep,
        };
        let mirror = |text: &str| -> Mirror { text.parse().unwrap() };
        let archive = Archive { main: vec![mirror("http://d.test/debian")], security: vec![mirror("http://s.test/security")] };
        let found = places(&source, &archive, &[mirror("file:///srv/m")], &["https://c.test".parse().unwrap()]);
        let shown: Vec<(&str, &Digest)> = found.iter().map(|place| (place.uri.as_str(), &place.sha256)).collect();
        let (up, deb) = (format!("copy:/srv/m/{upstream}"), format!("copy:/srv/m/{debian}"));
        let (cached_up, cached_deb) = (format!("https://c.test/cas/{upstream}"), format!("https://c.test/cas/{debian}"));
        let expected = [
            ("https://up.test/x-1.tar.gz", &upstream),
            ("http://d.test/debian/pool/main/x/x/x_1.orig.tar.gz", &debian),
            ("http://s.test/security/pool/updates/main/x/x/x_1.orig.tar.gz", &debian),
            ("copy:/srv/m/x-1.tar.gz", &upstream),
            (&up, &upstream),
            ("copy:/srv/m/x_1.orig.tar.gz", &debian),
            (&deb, &debian),
            (&cached_up, &upstream),
            (&cached_deb, &debian),
        ];
        assert_eq!(shown, expected);
    }
}
