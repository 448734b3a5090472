//! Moves programs to `/usr/bin` and libraries to `/usr/lib`, whatever a build chose.

/// Directories that are links in the image, and their destinations.
const MERGED: [(&str, &str); 6] = [
    ("/bin", "/usr/bin"),
    ("/sbin", "/usr/bin"),
    ("/lib", "/usr/lib"),
    ("/lib64", "/usr/lib"),
    ("/usr/sbin", "/usr/bin"),
    ("/usr/lib64", "/usr/lib"),
];

/// The path in the image of the file installed at `path`. The merged directories themselves stay, for the package that contains the links.
pub fn merged(path: &str) -> String {
    for (from, to) in MERGED {
        if let Some(rest) = path.strip_prefix(from)
            && rest.starts_with('/')
        {
            return format!("{to}{rest}");
        }
    }
    path.to_owned()
}

/// Whether `path` is a merged directory, which is a link in the image.
pub fn is_merged_directory(path: &str) -> bool {
    MERGED.iter().any(|(from, _)| *from == path)
}

/// The target of a link that moved from `from` to `to`, so that it has the same destination.
pub fn moved_target(target: &str, from: &str, to: &str) -> String {
    if target.starts_with('/') || from == to {
        return target.to_owned();
    }
    let destination = merged(&resolve(parent(from), target));
    relative(parent(to), &destination)
}

/// The path that the link at `path` points to.
pub fn destination(path: &str, target: &str) -> String {
    let directory = if target.starts_with('/') { "" } else { parent(path) };
    merged(&resolve(directory, target))
}

/// Whether the link at `path` points to itself, before merging.
pub fn leads_to_itself(path: &str, target: &str) -> bool {
    resolve(if target.starts_with('/') { "" } else { parent(path) }, target) == path
}

/// The directory of `path`; empty for the root.
pub fn parent(path: &str) -> &str {
    path.rfind('/').map_or("", |at| &path[..at])
}

/// `target` as seen from `directory`, without `.` and `..`.
fn resolve(directory: &str, target: &str) -> String {
    let mut parts: Vec<&str> = directory.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// The relative path from `directory` to `destination`.
fn relative(directory: &str, destination: &str) -> String {
    let from: Vec<&str> = directory.split('/').filter(|part| !part.is_empty()).collect();
    let to: Vec<&str> = destination.split('/').filter(|part| !part.is_empty()).collect();
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let ups = std::iter::repeat_n("..", from.len() - common);
    let way: Vec<&str> = ups.chain(to[common..].iter().copied()).collect();
    if way.is_empty() { ".".to_owned() } else { way.join("/") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_move_below_usr() {
        for (from, to) in [
            ("/bin/sh", "/usr/bin/sh"),
            ("/sbin/init", "/usr/bin/init"),
            ("/usr/sbin/x/y", "/usr/bin/x/y"),
            ("/lib64/libc.so.6", "/usr/lib/libc.so.6"),
            ("/usr/lib64/pkgconfig/a.pc", "/usr/lib/pkgconfig/a.pc"),
            ("/lib", "/lib"),
            ("/library/x", "/library/x"),
            ("/usr/lib/x", "/usr/lib/x"),
        ] {
            assert_eq!(merged(from), to);
            assert_eq!(merged(to), to, "moving twice is moving once");
        }
    }

    #[test]
    fn moved_links_keep_their_destination() {
        for (from, target, expected) in [
            ("/lib/libx.so", "../usr/lib/libx.so.1", "libx.so.1"),
            ("/lib/libx.so", "libx.so.1", "libx.so.1"),
            ("/sbin/a", "../bin/b", "b"),
            ("/bin/a", "../etc/alternatives/a", "../../etc/alternatives/a"),
            ("/sbin/a", "/usr/bin/b", "/usr/bin/b"),
            ("/usr/bin/a", "../lib64/b", "../lib64/b"),
        ] {
            assert_eq!(moved_target(target, from, &merged(from)), expected, "{from} -> {target}");
        }
        for (target, expected) in [("../sbin/x", "/usr/bin/x"), ("/bin/x", "/usr/bin/x"), ("y", "/usr/bin/y"), ("../../etc/./y", "/etc/y")]
        {
            assert_eq!(destination("/usr/bin/x", target), expected);
        }
    }

    fn path() -> impl Strategy<Value = String> {
        let roots =
            proptest::sample::select(vec!["/bin", "/sbin", "/lib", "/lib64", "/usr/bin", "/usr/sbin", "/usr/lib64", "/etc", "/usr/share"]);
        (roots, "[a-c](/[a-c]){0,2}").prop_map(|(root, rest)| format!("{root}/{rest}"))
    }

    proptest! {
        #[test]
        fn a_moved_link_leads_to_where_its_target_moved(from in path(), to in path(), is_absolute: bool) {
            let target = if is_absolute { to.clone() } else { relative(parent(&from), &to) };
            let moved = merged(&from);
            prop_assert_eq!(destination(&moved, &moved_target(&target, &from, &moved)), merged(&to));
        }
    }
}
