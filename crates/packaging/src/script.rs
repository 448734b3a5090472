//! The interpreter a script needs.

use super::usrmerge::merged;

/// The longest first line the kernel reads (`BINPRM_BUF_SIZE`).
pub const FIRST_LINE_BYTES: u64 = 256;

/// The program that runs a script which begins with `start`, by its path in the image: for `#!/usr/bin/env python3` it is
/// `/usr/bin/python3`, which is what must be there.
pub fn interpreter(start: &[u8]) -> Option<String> {
    let line = start.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let mut words = line.split_ascii_whitespace();
    let program = words.next().filter(|program| program.starts_with('/'))?;
    if merged(program) != "/usr/bin/env" {
        return Some(merged(program));
    }
    match words.find(|word| !word.starts_with('-') && !word.contains('=')) {
        Some(path) if path.starts_with('/') => Some(merged(path)),
        Some(name) => Some(format!("/usr/bin/{name}")),
        None => Some("/usr/bin/env".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpreters() {
        for (start, expected) in [
            ("#!/bin/sh\necho", Some("/usr/bin/sh")),
            ("#! /usr/bin/bash -e\n", Some("/usr/bin/bash")),
            ("#!/usr/bin/env python3\n", Some("/usr/bin/python3")),
            ("#!/usr/bin/env -S A=1 perl -w\n", Some("/usr/bin/perl")),
            ("#!/sbin/nft -f", Some("/usr/bin/nft")),
            ("#!sh\n", None),
            ("#!\n", None),
            ("echo", None),
        ] {
            assert_eq!(interpreter(start.as_bytes()).as_deref(), expected, "{start}");
        }
    }
}
