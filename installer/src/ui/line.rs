//! Questions line by line, for serial consoles and whatever else shows no screen.

use std::io::{self, BufRead, Write};

use super::{Answer, Interview, Kind, Outcome, Question};

/// Lets no secret show while it is typed.
pub trait Echo {
    /// Switches echo off or on.
    fn set(&self, on: bool);
}

/// A terminal, or nothing where standard input is none.
#[derive(Debug, Default)]
pub struct Terminal;

impl Echo for Terminal {
    fn set(&self, on: bool) {
        use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
        let stdin = io::stdin();
        // What is no terminal shows nothing anyway.
        if let Ok(mut settings) = tcgetattr(&stdin) {
            settings.local_flags.set(LocalFlags::ECHO, on);
            let _ = tcsetattr(&stdin, SetArg::TCSANOW, &settings);
        }
    }
}

/// How a conversation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All is confirmed.
    Confirmed,
    /// It was broken off; nothing was written.
    Cancelled,
}

/// Asks everything.
///
/// # Errors
/// When nothing can be read or written.
pub fn run(interview: &mut Interview, input: &mut dyn BufRead, out: &mut dyn Write, echo: &dyn Echo) -> io::Result<End> {
    writeln!(out, "At any question: ? for help, < to go back, ! to cancel. Nothing is written before the last question.")?;
    loop {
        let question = interview.question();
        show(&question, out)?;
        let secret = question.kind == Kind::Secret;
        if secret {
            echo.set(false);
        }
        let line = read(input);
        if secret {
            echo.set(true);
            writeln!(out)?;
        }
        let Some(line) = line? else { return Ok(End::Cancelled) };
        match line.as_str() {
            "?" => writeln!(out, "{}", question.help)?,
            "!" => return Ok(End::Cancelled),
            "<" => {
                if !interview.back() {
                    writeln!(out, "This is the first question.")?;
                }
            }
            _ => match answer(&question.kind, &line).and_then(|answer| interview.answer(&answer)) {
                Ok(Outcome::Goes) => {}
                Ok(Outcome::Confirmed) => return Ok(End::Confirmed),
                Err(reason) => writeln!(out, "Not accepted: {reason}")?,
            },
        }
    }
}

fn show(question: &Question, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n== {} ==", question.title)?;
    if !question.text.is_empty() {
        writeln!(out, "{}", question.text)?;
    }
    match &question.kind {
        Kind::Choose { choices, default } => {
            for (index, choice) in choices.iter().enumerate() {
                let refusal = choice.refusal.as_ref().map(|reason| format!(" (not: {reason})")).unwrap_or_default();
                writeln!(out, "  {}. {}{refusal}", index + 1, choice.label)?;
            }
            write!(out, "[{}] ", default + 1)?;
        }
        Kind::Text { default } if default.is_empty() => write!(out, "> ")?,
        Kind::Text { default } => write!(out, "[{default}] ")?,
        Kind::Secret | Kind::Confirm { .. } => write!(out, "> ")?,
    }
    out.flush()
}

/// A line without its end; none where the input has ended.
fn read(input: &mut dyn BufRead) -> io::Result<Option<String>> {
    let mut line = String::new();
    if input.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
}

fn answer(kind: &Kind, line: &str) -> Result<Answer, String> {
    match kind {
        Kind::Choose { choices, default } => {
            if line.trim().is_empty() {
                return Ok(Answer::Index(*default));
            }
            let number = line.trim().parse::<usize>().ok().filter(|number| (1..=choices.len()).contains(number));
            number.map(|number| Answer::Index(number - 1)).ok_or_else(|| format!("give a number from 1 to {}", choices.len()))
        }
        Kind::Text { default } if line.trim().is_empty() => Ok(Answer::Text(default.clone())),
        Kind::Text { .. } | Kind::Confirm { .. } => Ok(Answer::Text(line.trim().to_owned())),
        Kind::Secret => Ok(Answer::Text(line.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[derive(Default)]
    struct Watched(RefCell<Vec<bool>>);

    impl Echo for Watched {
        fn set(&self, on: bool) {
            self.0.borrow_mut().push(on);
        }
    }

    fn talk(input: &str) -> (End, String, Interview, Vec<bool>) {
        let mut interview = super::super::interview::tests::interview();
        let (mut out, echo) = (Vec::new(), Watched::default());
        let end = run(&mut interview, &mut input.as_bytes(), &mut out, &echo).unwrap();
        (end, String::from_utf8(out).unwrap(), interview, echo.0.into_inner())
    }

    #[test]
    fn defaults_lead_to_the_confirmation() {
        let (end, out, interview, echo) = talk("\n\n\n\n\n\n\n\n\n\n/dev/sda\n");
        assert_eq!(end, End::Confirmed, "{out}");
        assert_eq!(interview.kickstart().hostname.as_deref(), Some("kaon"));
        assert!(out.contains("Type /dev/sda to begin."));
        assert_eq!(echo, [false, true]);
    }

    #[test]
    fn help_back_and_cancel() {
        let (end, out, interview, _) = talk("<\n?\n\n9\n<\n!\n");
        assert_eq!(end, End::Cancelled);
        assert!(out.contains("This is the first question.") && out.contains("before the last question") && out.contains("from 1 to 2"));
        assert_eq!(interview.answered(), 0);
        assert_eq!(talk("\n").0, End::Cancelled);
    }

    #[test]
    fn a_secret_is_not_shown() {
        let (_, out, ..) = talk("\n\n\n\n\n\n\nsesame\nsesame\n!\n");
        assert!(!out.contains("sesame"));
    }
}
