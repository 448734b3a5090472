//! Text functions that several programs need: quoting for a shell, similar words, an error with its causes.

use std::error::Error;

/// Quotes a word for a POSIX shell and GRUB: in single quotes, unless every character is literal.
pub fn quote(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./=:,+@%^".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// The candidate most similar to `word`, if the difference may be a typing error.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len().min(word.len()) / 4)
        .min()
        .map(|(_, candidate)| candidate)
}

/// All candidates, the one most similar to `word` first; of equally similar ones, in the order in which they are given.
pub fn by_nearness<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut all: Vec<&str> = candidates.into_iter().collect();
    // Of words of different lengths the number of changes says little: all short ones would come first.
    all.sort_by(|one, other| strsim::jaro_winkler(word, other).total_cmp(&strsim::jaro_winkler(word, one)));
    all
}

/// A hint that names the most similar candidate.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, candidates).map(|candidate| format!("did you mean `{candidate}`?"))
}

/// An error and its causes, in one line.
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn words_are_quoted_for_shells() {
        for (word, expected) in [("--prefix=/usr", "--prefix=/usr"), ("a b", "'a b'"), ("it's", r"'it'\''s'"), ("", "''"), ("$x", "'$x'")] {
            assert_eq!(quote(word), expected);
        }
    }

    #[test]
    fn typing_errors_are_recognised_and_other_words_are_not() {
        let keys = ["version", "release", "summary", "license"];
        assert_eq!(nearest("verison", keys), Some("version"));
        assert_eq!(nearest("licence", keys), Some("license"));
        assert_eq!(nearest("homepage", keys), None);
        assert_eq!(by_nearness("licence_file", keys), ["license", "release", "version", "summary"]);
        assert_eq!(did_you_mean("relase", keys).as_deref(), Some("did you mean `release`?"));
    }

    #[test]
    fn causes_follow_their_error() {
        let inner = io::Error::other("no room");
        assert_eq!(with_causes(&io::Error::other(inner)), "no room");
    }
}
