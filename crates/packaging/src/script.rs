//! The interpreter of a script.

use std::fmt;

use super::obstacle::escaped;
use super::usrmerge::destination;
use base::diagnostic::must_be_escaped;
use base::name::Dependency;

/// How much of a file the kernel reads to find the interpreter (`BINPRM_BUF_SIZE`).
pub const FIRST_LINE_BYTES: u64 = 256;

/// How much of a first line a message shows, in characters.
const MOST_SHOWN: usize = 60;

/// UTF-8's byte order mark.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Characters of placeholders in templates, which are not in paths of programs.
const OF_TEMPLATES: [char; 8] = ['@', '$', '{', '}', '%', '<', '>', '`'];

/// Why a script cannot be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// There is a byte order mark before `#!`.
    ByteOrderMark,
    /// The line ends in a carriage return, which becomes part of the name or argument.
    CarriageReturn,
    /// The line is longer than the kernel reads.
    TooLong,
    /// The line is not UTF-8 text.
    NotText,
    /// The line contains a control character or a character that changes the direction of text.
    Control,
    /// Nothing follows `#!`.
    Missing,
    /// The interpreter is a placeholder that the build did not replace.
    Template,
    /// The interpreter is not an absolute path.
    Relative,
    /// `env` has several arguments without `-S`, which it takes as one name.
    EnvArguments,
    /// The interpreter's path contains characters that RPM does not allow in requirements.
    OddName,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ByteOrderMark => "a byte order mark precedes `#!`",
            Self::CarriageReturn => "it ends in a carriage return, as on Windows",
            Self::TooLong => "the kernel reads only the first 256 bytes of it",
            Self::NotText => "it is not UTF-8 text",
            Self::Control => "it contains a control character",
            Self::Missing => "it has no interpreter",
            Self::Template => "it is a placeholder that the build did not replace",
            Self::Relative => "it is not an absolute path",
            Self::EnvArguments => "`env` treats several words as one name unless `-S` is given",
            Self::OddName => "a requirement of a package cannot contain that name",
        })
    }
}

/// An executable script that cannot be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadInterpreter {
    /// The file in the image.
    pub path: String,
    /// The beginning of its first line, with control characters escaped.
    pub line: String,
    /// What is wrong with it.
    pub fault: Fault,
}

impl BadInterpreter {
    /// The finding about the file at `path`, which begins with `start`.
    pub fn new(path: &str, start: &[u8], fault: Fault) -> Self {
        let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let text = String::from_utf8_lossy(line);
        let cut: String = text.chars().take(MOST_SHOWN).collect();
        let dots = if cut.len() < text.len() { "…" } else { "" };
        Self { path: path.to_owned(), line: format!("{}{dots}", escaped(cut.as_bytes())), fault }
    }
}

impl fmt::Display for BadInterpreter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` begins with `{}` ({})", escaped(self.path.as_bytes()), self.line, self.fault)
    }
}

/// The path in the image of the program that runs an executable file beginning with `start`: for `#!/usr/bin/env python3` it is
/// `/usr/bin/python3`, which must be installed. `None` if it is not a script.
///
/// # Errors
/// When neither the kernel nor `env` finds the program (Linux, `fs/binfmt_script.c`; execve(2), env(1)).
pub fn interpreter(start: &[u8]) -> Result<Option<String>, Fault> {
    if start.strip_prefix(BYTE_ORDER_MARK).is_some_and(|rest| rest.starts_with(b"#!")) {
        return Err(Fault::ByteOrderMark);
    }
    let Some(rest) = start.strip_prefix(b"#!") else { return Ok(None) };
    let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if line.len() == rest.len() && start.len() as u64 >= FIRST_LINE_BYTES {
        return Err(Fault::TooLong);
    }
    let line = std::str::from_utf8(line).map_err(|_| Fault::NotText)?;
    if line.ends_with('\r') {
        return Err(Fault::CarriageReturn);
    }
    if line.chars().any(must_be_escaped) {
        return Err(Fault::Control);
    }
    let line = line.trim_matches([' ', '\t']);
    let (program, argument) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    let program = path_of(program)?;
    let program = if program == "/usr/bin/env" { run_by_env(argument.trim_start())? } else { program };
    if program.parse::<Dependency>().is_err() {
        return Err(Fault::OddName);
    }
    Ok(Some(program))
}

/// The path in the image of an interpreter, which must be absolute.
fn path_of(program: &str) -> Result<String, Fault> {
    if program.is_empty() {
        return Err(Fault::Missing);
    }
    if program.contains(OF_TEMPLATES) {
        return Err(Fault::Template);
    }
    if program.starts_with('/') { Ok(destination("", program)) } else { Err(Fault::Relative) }
}

/// The program that `env` runs. The kernel passes the rest of the line as one argument.
fn run_by_env(argument: &str) -> Result<String, Fault> {
    let splits = argument.starts_with("--split-string") || (argument.starts_with('-') && word_of(argument).contains('S'));
    if !splits && argument.contains([' ', '\t']) {
        return Err(Fault::EnvArguments);
    }
    let argument = argument.strip_prefix("--split-string").map_or(argument, |rest| rest.trim_start_matches('='));
    let is_program = |word: &&str| !word.starts_with('-') && !word.contains('=');
    let glued = argument.strip_prefix("-S").filter(|rest| !rest.starts_with([' ', '\t'])).unwrap_or(argument);
    match glued.split_ascii_whitespace().find(is_program) {
        None => Err(Fault::Missing),
        Some(name) if name.contains('/') => path_of(name),
        Some(name) if name.contains(OF_TEMPLATES) => Err(Fault::Template),
        Some(name) => Ok(format!("/usr/bin/{name}")),
    }
}

fn word_of(text: &str) -> &str {
    text.split([' ', '\t']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpreters() {
        for (start, expected) in [
            ("#!/bin/sh\necho", Some("/usr/bin/sh")),
            ("#! /usr/bin/bash -e\n", Some("/usr/bin/bash")),
            ("#!\t/usr/bin/bash\t-e \n", Some("/usr/bin/bash")),
            ("#!/usr//lib/../bin/awk -f\n", Some("/usr/bin/awk")),
            ("#!/usr/bin/env python3\n", Some("/usr/bin/python3")),
            ("#!/usr/bin/env python3 \n", Some("/usr/bin/python3")),
            ("#!/bin/env /bin/perl\n", Some("/usr/bin/perl")),
            ("#!/usr/bin/env -S A=1 perl -w\n", Some("/usr/bin/perl")),
            ("#!/usr/bin/env -Sperl -w\n", Some("/usr/bin/perl")),
            ("#!/usr/bin/env -vS perl -w\n", Some("/usr/bin/perl")),
            ("#!/usr/bin/env --split-string=perl -w\n", Some("/usr/bin/perl")),
            ("#!/sbin/nft -f", Some("/usr/bin/nft")),
            ("#!/usr/bin/perl -w # größe @x@ $y\n", Some("/usr/bin/perl")),
            ("echo", None),
            ("\u{feff}echo", None),
            ("", None),
        ] {
            assert_eq!(interpreter(start.as_bytes()), Ok(expected.map(str::to_owned)), "{start}");
        }
    }

    #[test]
    fn interpreters_that_cannot_work() {
        for (start, expected) in [
            (&b"#!/bin/bash\r\necho\r\n"[..], Fault::CarriageReturn),
            (b"#!/bin/bash -e\r\n", Fault::CarriageReturn),
            (b"#!/bin/bash\r", Fault::CarriageReturn),
            (b"\xef\xbb\xbf#!/bin/sh\n", Fault::ByteOrderMark),
            (b"#!bash\n", Fault::Relative),
            (b"#! ./run -x\n", Fault::Relative),
            (b"#!/usr/bin/env ./run\n", Fault::Relative),
            (b"#![allow(unused)]\n", Fault::Relative),
            (b"#!@BASH@\n", Fault::Template),
            (b"#!@prefix@/bin/sh\n", Fault::Template),
            (b"#!/usr/bin/env @PYTHON@\n", Fault::Template),
            (b"#!/usr/bin/env ${PYTHON}\n", Fault::Template),
            (b"#!{{ bash }}\n", Fault::Template),
            (b"#!/bin/sh\0 -e\n", Fault::Control),
            (b"#!/bin/\x1b[31msh\n", Fault::Control),
            ("#!/bin/sh \u{202e}\n".as_bytes(), Fault::Control),
            (b"#!/bin/s\xff\n", Fault::NotText),
            ("#!/bin/größe\n".as_bytes(), Fault::OddName),
            (b"#!/usr/bin/env perl -w\n", Fault::EnvArguments),
            (b"#!/usr/bin/env A=1 perl\n", Fault::EnvArguments),
            (b"#!/usr/bin/env -i perl\n", Fault::EnvArguments),
            (b"#!/usr/bin/env\n", Fault::Missing),
            (b"#!/usr/bin/env -S -i\n", Fault::Missing),
            (b"#!\n", Fault::Missing),
            (b"#! \t \n", Fault::Missing),
        ] {
            assert_eq!(interpreter(start), Err(expected), "{}", start.escape_ascii());
        }
    }

    #[test]
    fn lines_are_as_long_as_the_kernel_reads() {
        for (length, ends, expected) in
            [(253, true, true), (254, true, false), (253, false, true), (254, false, false), (1000, true, false)]
        {
            let mut script = format!("#!/bin/sh {}", "x".repeat(length - "/bin/sh ".len()));
            if ends {
                script.push_str("\necho");
            }
            script.truncate(usize::try_from(FIRST_LINE_BYTES).unwrap());
            let found = interpreter(script.as_bytes());
            assert_eq!(found, if expected { Ok(Some("/usr/bin/sh".to_owned())) } else { Err(Fault::TooLong) }, "{length} {ends}");
        }
    }

    #[test]
    fn messages_are_safe_to_show() {
        let line = format!("#!/bin/\u{202e}{}\0\n", "x".repeat(80));
        let shown = BadInterpreter::new("/usr/bin/a", line.as_bytes(), Fault::Control).to_string();
        assert_eq!(shown, format!("`/usr/bin/a` begins with `#!/bin/\\u{{202e}}{}…` (it contains a control character)", "x".repeat(52)));
        let shown = BadInterpreter::new("/usr/bin/a", b"#!/bin/sh\r\nexit", Fault::CarriageReturn).to_string();
        assert_eq!(shown, "`/usr/bin/a` begins with `#!/bin/sh\\r` (it ends in a carriage return, as on Windows)");
    }
}
