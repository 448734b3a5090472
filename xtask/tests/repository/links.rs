//! Links in the documents: each leads to a file that is there, and to a heading that is in it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::top;

/// The pages of the guide.
fn pages() -> Vec<PathBuf> {
    let entries = fs::read_dir(top().join("docs/src")).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|end| end == "md")).collect();
    pages.sort();
    pages
}

/// The text without blocks and spans of code, which contain no links.
fn prose(text: &str) -> String {
    let mut is_code = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code && !line.starts_with("    ") {
            // Every second part of a line with spans of code is one.
            line.split('`').step_by(2).for_each(|part| prose.push_str(part));
        }
        prose.push('\n');
    }
    prose
}

/// The targets of links, with the lines they are in.
fn targets(text: &str) -> Vec<(usize, String)> {
    let prose = prose(text);
    let in_line = |(at, line): (usize, &str)| {
        let found = line.match_indices("](").filter_map(|(start, _)| Some(line[start + 2..].split_once(')')?.0.to_owned()));
        found.map(|target| (at + 1, target)).collect::<Vec<_>>()
    };
    prose.lines().enumerate().flat_map(in_line).collect()
}

/// The names of a page's headings in links, as GitHub and mdBook make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    let mut is_code = false;
    for line in text.lines() {
        is_code ^= line.starts_with("```");
        let Some(title) = line.strip_prefix('#').filter(|_| !is_code).map(|rest| rest.trim_start_matches('#').trim()) else { continue };
        let is_kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        let name: String = title.to_lowercase().chars().filter(is_kept).map(|c| if c == ' ' { '-' } else { c }).collect();
        let again = (1..).map(|count| format!("{name}-{count}"));
        if let Some(free) = std::iter::once(name.clone()).chain(again).find(|name| !anchors.contains(name)) {
            anchors.insert(free);
        }
    }
    anchors
}

/// What is wrong with the links of a page.
fn broken(page: &Path, text: &str) -> Vec<String> {
    let folder = page.parent().unwrap();
    let is_wrong = |target: &str| {
        if target.contains("://") || target.starts_with("mailto:") {
            return false;
        }
        let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
        let file = if path.is_empty() { page.to_owned() } else { folder.join(path) };
        !file.exists() || !anchor.is_empty() && !fs::read_to_string(&file).is_ok_and(|text| anchors(&text).contains(anchor))
    };
    let wrong = targets(text).into_iter().filter(|(_, target)| is_wrong(target));
    wrong.map(|(line, target)| format!("{}:{line}: {target}", page.strip_prefix(top()).unwrap().display())).collect()
}

#[test]
fn links_are_found() {
    let text = "# A `b`, c\n[x](a.md#b) and `[no](code)` and [y](z)\n```\n[no](code)\n# no\n```\n    [no](code)\n## A b c\n";
    assert_eq!(targets(text), [(2, "a.md#b".to_owned()), (2, "z".to_owned())]);
    assert_eq!(anchors(text).into_iter().collect::<Vec<_>>(), ["a-b-c", "a-b-c-1"]);
    let page = top().join("README.md");
    assert_eq!(broken(&page, "[a](LICENSE) [b](gone.md)\n[c](#no) [d](https://a.test/x)"), ["README.md:1: gone.md", "README.md:2: #no"]);
}

#[test]
fn every_link_leads_somewhere() {
    let files = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|name| top().join(name));
    let wrong: Vec<String> = files.into_iter().chain(pages()).flat_map(|page| broken(&page, &fs::read_to_string(&page).unwrap())).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_page_is_in_the_guide() {
    let summary = fs::read_to_string(top().join("docs/src/SUMMARY.md")).unwrap();
    let listed: BTreeSet<String> = targets(&summary).into_iter().map(|(_, target)| target).collect();
    let names = pages().into_iter().map(|page| page.file_name().unwrap().to_string_lossy().into_owned());
    let there: BTreeSet<String> = names.filter(|name| name != "SUMMARY.md").collect();
    assert_eq!(listed, there);
}

#[test]
fn every_directory_of_the_readme_is_there() {
    let readme = fs::read_to_string(top().join("README.md")).unwrap();
    let (_, table) = readme.split_once("\n## The folders\n").unwrap();
    let rows: Vec<&str> = table.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`')).map(|(name, _)| name).collect();
    assert!(rows.len() >= 8, "{rows:?}");
    let gone: Vec<&&str> = rows.iter().filter(|name| !top().join(name).is_dir()).collect();
    assert!(gone.is_empty(), "{gone:?}");
}
