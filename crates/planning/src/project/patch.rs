//! Checks whether a patch next to a spec changes anything.

/// Whether a file contains a change that patch(1) applies: a hunk of a unified, context or normal diff, or git's rename or mode change. An
/// empty file, a mail without a diff and an error page of a server contain none.
pub fn has_change(patch: &[u8]) -> bool {
    patch.split(|byte| *byte == b'\n').any(|line| {
        line.starts_with(b"@@ -") || line.starts_with(b"***************") || line.starts_with(b"diff --git ") || is_command(line)
    })
}

/// Whether a line is a command of a normal diff: `3d2`, `1,2c1,4`, `0a1`.
fn is_command(line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let is_range = |text: &[u8]| {
        let mut numbers = text.splitn(2, |byte| *byte == b',');
        numbers.all(|number| !number.is_empty() && number.iter().all(u8::is_ascii_digit))
    };
    let letter = line.iter().position(|byte| b"acd".contains(byte));
    letter.is_some_and(|at| is_range(&line[..at]) && is_range(&line[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_told_from_other_text() {
        for (patch, expected) in [
            ("", false),
            ("\n", false),
            ("This is a mail\nwithout a diff\n", false),
            ("--- a/f\n+++ b/f\n", false),
            ("<html>\n<body>404</body>\n", false),
            ("--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n", true),
            ("--- a/f\r\n+++ b/f\r\n@@ -1 +1 @@\r\n-a\r\n+b\r\n", true),
            ("*** f\n--- g\n***************\n*** 1 ****\n", true),
            ("diff --git a/f b/g\nsimilarity index 100%\nrename from f\nrename to g\n", true),
            ("1,2c3\n< a\n< b\n---\n> c\n", true),
            ("0a1\n> x\n", true),
            ("a\nd\nc\n1,c2\n", false),
        ] {
            assert_eq!(has_change(patch.as_bytes()), expected, "{patch}");
        }
    }
}
