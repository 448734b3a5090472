//! A failure as plain data: what is printed and what progress events contain.

use std::error::Error;
use std::fmt::Write as _;

use serde::Serialize;

use super::{Failure, Style, visible};
use crate::address::without_passwords;

/// How to raise the limit of the sizes of files.
pub const LARGER_FILES: &str = "this process may not write files of that size: lift the limit with `ulimit -f unlimited` in this shell (above \
    its hard limit as root), or `LimitFSIZE=infinity` of a service; a file system may have its own limit";

/// How the text of the system's error "file too large" ends (errno(3)).
const EFBIG: &str = "(os error 27)";

/// A failure as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Explanation {
    /// What failed.
    pub message: String,
    /// Why, from the nearest cause to the first.
    pub causes: Vec<String>,
    /// The last lines of the log, if a logged program failed.
    pub last_lines: Vec<String>,
    /// The next step.
    pub hint: Option<String>,
}

impl Explanation {
    /// The explanation of `failure`, without passwords of addresses.
    pub fn of(failure: &dyn Failure) -> Self {
        let public = |text: &str| without_passwords(text).into_owned();
        let mut causes = Vec::new();
        let mut is_too_large = false;
        let mut cause: Option<&dyn Error> = failure.source();
        while let Some(error) = cause {
            causes.push(public(&error.to_string()));
            // Libraries may wrap the error so that it cannot be downcast, but its text still ends with the number that the standard library
            // adds.
            is_too_large |= error.to_string().ends_with(EFBIG);
            cause = error.source();
        }
        let last_lines = failure.last_lines().iter().map(|line| public(line)).collect();
        // Any file may be the first that is too large, and no other hint would help.
        let hint = if is_too_large { Some(LARGER_FILES.to_owned()) } else { failure.hint().as_deref().map(public) };
        Self { message: public(&failure.to_string()), causes, last_lines, hint }
    }

    /// The text, ending with a newline: the message, its causes, the log's last lines and the hint. A newline inside one of them cannot
    /// start a line at the left margin, which would look like an error or a hint of this program.
    pub fn render(&self, style: Style) -> String {
        let (red, cyan, off) = match style {
            Style::Plain => ("", "", ""),
            Style::Colour => ("\x1b[1;31m", "\x1b[1;36m", "\x1b[0m"),
        };
        let mut text = format!("{red}error{off}: {}\n", indented(&self.message));
        for cause in &self.causes {
            let _ = writeln!(text, "  cause: {}", indented(cause));
        }
        for line in &self.last_lines {
            let _ = writeln!(text, "  | {}", indented(line));
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "{cyan}hint{off}: {}", indented(hint));
        }
        text
    }
}

/// The text, safe to show, with every line but the first indented.
fn indented(text: &str) -> String {
    let shown = visible(text);
    let mut lines = shown.trim_end_matches('\n').split('\n');
    let mut indented = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        indented.push_str(if line.starts_with([' ', '\t']) { "\n" } else { "\n  " });
        indented.push_str(line);
    }
    indented
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot write `x`")]
    struct NotWritten(#[source] io::Error);

    impl Failure for NotWritten {
        fn hint(&self) -> Option<String> {
            Some("make room".into())
        }
    }

    #[test]
    fn a_limit_of_file_sizes_comes_with_what_raises_it() {
        let hint = |errno| Explanation::of(&NotWritten(io::Error::from_raw_os_error(errno))).hint.unwrap();
        assert!(hint(27).contains("`ulimit -f unlimited`"));
        assert_eq!(hint(28), "make room");
    }

    #[test]
    fn untrusted_text_cannot_look_like_an_error_or_a_hint() {
        let explanation = Explanation {
            message: "cannot read `a\nerror: everything is fine`".into(),
            causes: vec!["\x1b[2J\rgone:\n    kept indent".into()],
            last_lines: vec!["\x1b]0;title\x07".into(), "a\nhint: do harm".into()],
            hint: Some("run\nit".into()),
        };
        assert_eq!(
            explanation.render(Style::Plain),
            "error: cannot read `a\n  error: everything is fine`\n  cause: \\x1b[2J\\rgone:\n    kept indent\n  | \\x1b]0;title\\x07\n  | a\n  \
             hint: do harm\nhint: run\n  it\n"
        );
        assert!(explanation.render(Style::Colour).starts_with("\x1b[1;31merror\x1b[0m: cannot"));
    }
}
