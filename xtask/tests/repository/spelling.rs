//! Checks documents and sources for common misspellings, with a list of words.

use std::collections::BTreeMap;
use std::fs;

use walkdir::WalkDir;

use super::top;

/// Wrong and right words, one pair per line.
const LIST: &str = include_str!("misspellings.txt");

/// The endings of files that people write.
const ENDINGS: [&str; 6] = ["rs", "md", "toml", "sh", "py", "config"];

/// Directories with third-party or generated files, and projects with intended mistakes.
const ELSEWHERE: [&str; 4] = [".git", "target", "out", "cases"];

fn wrong_words(text: &str) -> Vec<(usize, String)> {
    let wrong: BTreeMap<&str, &str> = LIST.lines().filter_map(|line| line.split_once(' ')).collect();
    let in_line = |(at, line): (usize, &str)| {
        let words = line.split(|c: char| !c.is_alphabetic()).map(str::to_lowercase);
        let found = words.filter_map(|word| Some(format!("`{word}`: did you mean `{}`?", wrong.get(&*word)?)));
        found.map(|message| (at + 1, message)).collect::<Vec<_>>()
    };
    text.lines().enumerate().flat_map(in_line).collect()
}

#[test]
fn misspelt_words_are_found() {
    // In parts, because this file is checked as well.
    let wrong = ["SEPER", "ATE_x"].concat();
    assert_eq!(wrong_words(&format!("all is right\n{wrong} is separate\n")), [(2, ["`seper", "ate`: did you mean `separate`?"].concat())]);
}

#[test]
fn nothing_is_misspelt() {
    let top = top();
    let is_ours = |name: &str| !ELSEWHERE.contains(&name);
    let files = WalkDir::new(&top).sort_by_file_name().into_iter().filter_entry(|entry| entry.file_name().to_str().is_some_and(is_ours));
    let mut found = Vec::new();
    let mut looked_at = 0;
    for entry in files.map(Result::unwrap).filter(|entry| entry.file_type().is_file()) {
        let path = entry.path().strip_prefix(&top).unwrap().to_str().unwrap();
        if !path.rsplit_once('.').is_some_and(|(_, end)| ENDINGS.contains(&end)) {
            continue;
        }
        // Some files of tests have other encodings.
        let Ok(text) = fs::read_to_string(entry.path()) else { continue };
        looked_at += 1;
        found.extend(wrong_words(&text).into_iter().map(|(line, message)| format!("{path}:{line}: {message}")));
    }
    assert!(looked_at > 500, "only {looked_at} files were looked at");
    assert!(found.is_empty(), "{found:#?}");
}
