//! Which way of asking a terminal gets.

use std::io::{IsTerminal as _, stdin, stdout};

/// A way of asking, and of showing progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interface {
    /// Line by line.
    Line,
    /// On the whole screen.
    FullScreen,
}

/// What a terminal is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// Whether both standard input and standard output are one.
    pub is_terminal: bool,
    /// What `TERM` says.
    pub kind: String,
}

impl Terminal {
    /// This process' own.
    pub fn own() -> Self {
        Self { is_terminal: stdin().is_terminal() && stdout().is_terminal(), kind: std::env::var("TERM").unwrap_or_default() }
    }
}

/// Chooses: what was asked for, or the whole screen where there is one that a cursor can be moved on.
///
/// # Errors
/// Why the whole screen that was asked for is not to be had.
pub fn choose(wanted: Option<Interface>, terminal: &Terminal) -> Result<Interface, String> {
    let refusal = match (terminal.is_terminal, terminal.kind.as_str()) {
        (false, _) => Some("standard input and output are not a terminal".to_owned()),
        (true, kind @ ("" | "dumb" | "unknown")) => Some(format!("TERM is `{kind}`, which has no cursor")),
        (true, _) => None,
    };
    match (wanted, refusal) {
        (Some(Interface::Line), _) | (None, Some(_)) => Ok(Interface::Line),
        (Some(Interface::FullScreen), Some(reason)) => Err(reason),
        (_, None) => Ok(Interface::FullScreen),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_gets() {
        use Interface::{FullScreen, Line};
        let table = [
            (None, true, "linux", Ok(FullScreen)),
            (None, true, "vt220", Ok(FullScreen)),
            (None, true, "vt100", Ok(FullScreen)),
            (None, true, "dumb", Ok(Line)),
            (None, true, "", Ok(Line)),
            (None, false, "linux", Ok(Line)),
            (Some(Line), true, "linux", Ok(Line)),
            (Some(FullScreen), true, "xterm-256color", Ok(FullScreen)),
            (Some(FullScreen), true, "dumb", Err(())),
            (Some(FullScreen), false, "linux", Err(())),
        ];
        for (wanted, is_terminal, kind, expected) in table {
            let terminal = Terminal { is_terminal, kind: kind.to_owned() };
            assert_eq!(choose(wanted, &terminal).map_err(drop), expected, "{wanted:?} {terminal:?}");
        }
    }
}
