//! The difference between two texts with the same number of lines, in the unified format of diff(1).

/// A line of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiffLine {
    /// The name of a file, or the position of a group of changes.
    Header(String),
    /// A line of both texts.
    Same(String),
    /// A line of the old text.
    Old(String),
    /// A line of the new text.
    New(String),
}

/// How many lines are shown around a change.
const CONTEXT: usize = 3;

/// The difference of two texts, line by line; empty if they are equal.
pub fn difference(path: &str, old: &str, new: &str) -> Vec<DiffLine> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let count = old.len().min(new.len());
    let changed: Vec<usize> = (0..count).filter(|line| old[*line] != new[*line]).collect();
    let mut lines = Vec::new();
    for (start, end) in groups(&changed, count) {
        if lines.is_empty() {
            lines.extend([DiffLine::Header(format!("--- {path}")), DiffLine::Header(format!("+++ {path}"))]);
        }
        let size = end - start;
        lines.push(DiffLine::Header(format!("@@ -{0},{size} +{0},{size} @@", start + 1)));
        let mut at = start;
        while at < end {
            let same = (at..end).take_while(|line| !changed.contains(line)).count();
            lines.extend(old[at..at + same].iter().map(|line| DiffLine::Same((*line).to_owned())));
            at += same;
            let other = (at..end).take_while(|line| changed.contains(line)).count();
            lines.extend(old[at..at + other].iter().map(|line| DiffLine::Old((*line).to_owned())));
            lines.extend(new[at..at + other].iter().map(|line| DiffLine::New((*line).to_owned())));
            at += other;
        }
    }
    lines
}

/// Ranges of lines around the changed ones; adjacent ranges are joined.
fn groups(changed: &[usize], count: usize) -> Vec<(usize, usize)> {
    let mut groups: Vec<(usize, usize)> = Vec::new();
    for line in changed {
        let (start, end) = (line.saturating_sub(CONTEXT), (line + 1 + CONTEXT).min(count));
        match groups.last_mut() {
            Some(last) if start <= last.1 => last.1 = end,
            _ => groups.push((start, end)),
        }
    }
    groups
}

impl DiffLine {
    /// The line in the format of diff(1).
    pub fn text(&self) -> String {
        match self {
            Self::Header(text) => text.clone(),
            Self::Same(text) => format!(" {text}"),
            Self::Old(text) => format!("-{text}"),
            Self::New(text) => format!("+{text}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(old: &str, new: &str) -> String {
        difference("x", old, new).iter().map(|line| line.text() + "\n").collect()
    }

    #[test]
    fn differences_are_those_of_diff() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n";
        assert_eq!(text(old, old), "");
        assert_eq!(
            text(old, &old.replace("2\n3\n", "two\nthree\n").replace("1two", "12")),
            "--- x\n+++ x\n@@ -1,6 +1,6 @@\n 1\n-2\n-3\n+two\n+three\n 4\n 5\n 6\n"
        );
        let new = old.replacen('1', "one", 1).replace("\n9\n", "\nnine\n");
        assert_eq!(
            text(old, &new),
            "--- x\n+++ x\n@@ -1,4 +1,4 @@\n-1\n+one\n 2\n 3\n 4\n@@ -6,7 +6,7 @@\n 6\n 7\n 8\n-9\n+nine\n 10\n 11\n 12\n"
        );
    }
}
