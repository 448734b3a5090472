//! `!param NAME=VALUE`: Photon's image builder sets the value on its command line, or takes the one written here.

use crate::document::{Place, Problem};

use super::Told;

const TAG: &str = "!param";

/// The text with the values that are written in it. Lines and columns stay what they are.
pub(crate) fn with_defaults(text: &str, told: &mut Told) -> String {
    let mut whole = String::with_capacity(text.len());
    for (index, line) in text.split_inclusive('\n').enumerate() {
        match parameter(line) {
            None => whole.push_str(line),
            Some((at, word)) => {
                let place = Place { line: index + 1, column: line[..at].chars().count() + 1 };
                let word = word.split_whitespace().next().unwrap_or_default();
                let end = at + line[at..].find(word).unwrap_or_default();
                match word.split_once('=') {
                    Some((name, value)) => {
                        whole.push_str(&line[..at]);
                        whole.push_str(&" ".repeat(line[at..end].chars().count() + name.chars().count() + 1));
                        whole.push_str(value);
                        whole.push_str(&line[end + word.len()..]);
                        told.note(String::new(), place, format!("the parameter `{name}` has the value that is written here"));
                    }
                    None => {
                        let (message, hint) = (format!("the parameter `{word}` has no value"), "write one: `!param NAME=VALUE`".to_owned());
                        told.problems.push(Problem { path: String::new(), place, message, hint: Some(hint) });
                        whole.push_str(&line[..at]);
                        whole.push_str(&line[end + word.len()..]);
                    }
                }
            }
        }
    }
    whole
}

/// Where a line's value is a parameter, and what stands behind the tag.
fn parameter(line: &str) -> Option<(usize, &str)> {
    let at = line.find(TAG)?;
    let (before, behind) = (line[..at].trim_end(), &line[at + TAG.len()..]);
    let is_value = before.ends_with([':', '-', '[', ',']) && !before.trim_start().starts_with('#');
    (is_value && behind.starts_with([' ', '\t'])).then_some((at, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_where_they_stood() {
        let mut told = Told::default();
        let text = "disks:\n  default: {filename: x}\nname: !param root=a.img # why\nother: \"!param x\"\n- !param none\n";
        let read = with_defaults(text, &mut told);
        assert_eq!(read, "disks:\n  default: {filename: x}\nname:             a.img # why\nother: \"!param x\"\n- \n");
        assert_eq!((told.notes.len(), told.problems.len()), (1, 1));
        assert_eq!((told.notes[0].place, told.problems[0].place.line), (Place { line: 3, column: 7 }, 5));
    }
}
