//! Following symbolic links within a root, wherever its links are known from. Nothing leads out of the root.

/// As many links are followed for one path as Linux does (path_resolution(7)).
const MOST_LINKS: usize = 40;

/// Follows every link of `path`, whose targets `link_at` returns for paths such as `/usr/lib`. The root is the empty path, and `..` does not
/// leave it. Returns `None` where links lead in a circle.
///
/// # Errors
/// What `link_at` returns.
pub fn follow<Error>(path: &str, mut link_at: impl FnMut(&str) -> Result<Option<String>, Error>) -> Result<Option<String>, Error> {
    let mut left: Vec<String> = path.rsplit('/').map(str::to_owned).collect();
    let mut done = String::new();
    let mut followed = 0;
    while let Some(component) = left.pop() {
        match component.as_str() {
            "" | "." => {}
            ".." => done.truncate(done.rfind('/').unwrap_or(0)),
            name => {
                let here = format!("{done}/{name}");
                let Some(target) = link_at(&here)? else {
                    done = here;
                    continue;
                };
                followed += 1;
                if followed > MOST_LINKS {
                    return Ok(None);
                }
                if target.starts_with('/') {
                    done.clear();
                }
                left.extend(target.rsplit('/').map(str::to_owned));
            }
        }
    }
    Ok(Some(done))
}

/// As [`follow`], where links are looked up in memory.
pub fn follow_known(path: &str, mut link_at: impl FnMut(&str) -> Option<String>) -> Option<String> {
    follow(path, |here| Ok::<_, std::convert::Infallible>(link_at(here))).unwrap_or_else(|never| match never {})
}

/// As [`follow`], for the place of `path` itself: a link at its end is not followed.
///
/// # Errors
/// What `link_at` returns.
pub fn place<Error>(path: &str, link_at: impl FnMut(&str) -> Result<Option<String>, Error>) -> Result<Option<String>, Error> {
    match path.rsplit_once('/') {
        Some((directory, base)) if !matches!(base, "" | "." | "..") => {
            Ok(follow(directory, link_at)?.map(|directory| format!("{directory}/{base}")))
        }
        _ => follow(path, link_at),
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn link_at(path: &str) -> Result<Option<String>, Infallible> {
        let links =
            [("/lib", "usr/lib"), ("/abs", "/usr/lib"), ("/out", "../../../etc"), ("/a", "b"), ("/b", "a"), ("/usr/x", "../var/./x/")];
        Ok(links.into_iter().find(|(link, _)| *link == path).map(|(_, target)| target.to_owned()))
    }

    #[test]
    fn links_are_followed_within_the_root() {
        for (path, expected) in [
            ("", Some("")),
            ("/", Some("")),
            ("/lib/x", Some("/usr/lib/x")),
            ("lib//./x", Some("/usr/lib/x")),
            ("/abs", Some("/usr/lib")),
            ("/out/passwd", Some("/etc/passwd")),
            ("/../../lib", Some("/usr/lib")),
            ("/usr/x/y", Some("/var/x/y")),
            ("/a/x", None),
        ] {
            assert_eq!(follow(path, link_at).unwrap().as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn the_last_link_is_a_place_of_its_own() {
        for (path, expected) in [
            ("/lib", Some("/lib")),
            ("/lib/lib", Some("/usr/lib/lib")),
            ("/lib/..", Some("/usr")),
            ("/lib/", Some("/usr/lib")),
            ("/a", Some("/a")),
            ("/a/b", None),
        ] {
            assert_eq!(place(path, link_at).unwrap().as_deref(), expected, "{path}");
        }
    }
}
