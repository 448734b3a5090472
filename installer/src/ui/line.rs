//! Questions line by line, for serial consoles and whatever else shows no screen.

use std::io::{self, BufRead, Write};

use super::{Answer, Interview, Item, Kind, Outcome, Question, goes_on};

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
        // What is not a terminal shows nothing anyway.
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
    writeln!(out, "At any question: ? for help, < to go back, ! to cancel, - for nothing. Nothing is written before the last question.")?;
    loop {
        let question = interview.question();
        show(&question, out)?;
        let Some(line) = read_entry(&question.kind, input, out, echo)? else { return Ok(End::Cancelled) };
        match (line.as_str(), &question.kind) {
            ("?", _) => writeln!(out, "{}{}", question.help, more_help(&question.kind))?,
            ("!", _) => return Ok(End::Cancelled),
            ("<", _) => {
                if !interview.back() {
                    writeln!(out, "This is the first question.")?;
                }
            }
            (line, Kind::Pick { items, .. }) if line.starts_with('/') => find(items, &line[1..], out)?,
            (line, kind) => match answer(kind, line).and_then(|answer| interview.answer(&answer)) {
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
        Kind::List { entries, .. } => {
            for (index, entry) in entries.iter().enumerate() {
                writeln!(out, "  {}. {entry}", index + 1)?;
            }
            write!(out, "> ")?;
        }
        Kind::Text { default } if !default.is_empty() => write!(out, "[{default}] ")?,
        Kind::Pick { default, .. } => write!(out, "/WORD searches. [{}] ", default.join(" "))?,
        Kind::Secret { default } if !default.reveal().is_empty() => write!(out, "[as before] ")?,
        Kind::Text { .. } | Kind::Secret { .. } | Kind::Confirm { .. } => write!(out, "> ")?,
    }
    out.flush()
}

/// What can be typed besides an answer.
fn more_help(kind: &Kind) -> &'static str {
    match kind {
        Kind::Pick { .. } => "\n`/WORD` searches names and summaries; `/` alone shows everything.",
        Kind::List { .. } => "\n`-2` removes the second entry.",
        _ => "",
    }
}

/// Shows what a search finds.
fn find(items: &[Item], search: &str, out: &mut dyn Write) -> io::Result<()> {
    let found: Vec<&Item> = items.iter().filter(|item| item.matches(search)).collect();
    found.iter().try_for_each(|item| writeln!(out, "  {:<24} {}", item.name, item.summary))?;
    writeln!(out, "{} of {} packages", found.len(), items.len())
}

/// A line, or as many as belong together; none where the input has ended. Secrets do not show.
fn read_entry(kind: &Kind, input: &mut dyn BufRead, out: &mut dyn Write, echo: &dyn Echo) -> io::Result<Option<String>> {
    let secret = matches!(kind, Kind::Secret { .. });
    if secret {
        echo.set(false);
    }
    let first = read(input);
    if secret {
        echo.set(true);
        writeln!(out)?;
    }
    let Some(mut text) = first? else { return Ok(None) };
    while matches!(kind, Kind::List { .. }) && goes_on(&text) {
        let Some(line) = read(input)? else { return Ok(None) };
        text = format!("{text}\n{line}");
    }
    Ok(Some(text))
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
    let word = line.trim();
    match kind {
        Kind::Choose { default, .. } if word.is_empty() => Ok(Answer::Index(*default)),
        Kind::Choose { choices, .. } => {
            let number = word.parse::<usize>().ok().filter(|number| (1..=choices.len()).contains(number));
            number.map(|number| Answer::Index(number - 1)).ok_or_else(|| format!("enter a number from 1 to {}", choices.len()))
        }
        Kind::List { .. } => {
            let number = word.strip_prefix('-').and_then(|number| number.parse::<usize>().ok()).filter(|number| *number > 0);
            Ok(number.map_or_else(|| Answer::Text(word.to_owned()), |number| Answer::Remove(number - 1)))
        }
        Kind::Confirm { .. } => Ok(Answer::Text(word.to_owned())),
        _ if line == "-" => Ok(Answer::Text(String::new())),
        Kind::Text { default } if word.is_empty() => Ok(Answer::Text(default.clone())),
        Kind::Pick { default, .. } if word.is_empty() => Ok(Answer::Text(default.join(" "))),
        Kind::Secret { default } if line.is_empty() => Ok(Answer::Text(default.reveal().to_owned())),
        Kind::Secret { .. } => Ok(Answer::Text(line.to_owned())),
        Kind::Text { .. } | Kind::Pick { .. } => Ok(Answer::Text(word.to_owned())),
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
        let (end, out, interview, echo) = talk(&("\n".repeat(12) + "/dev/sda\n"));
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
    fn packages_are_searched_and_lists_corrected() {
        let (_, out, interview, _) = talk(concat!(
            "\n\n2\n/ rest\n/var 10%\n/srv 10%\n-2\n?\n\n",
            "3\n/edit\nminimal vim\n\n\n\n\n\n\n",
            "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n\n!\n"
        ));
        assert!(out.contains("  vim                      edits text\n1 of 5 packages") && out.contains("`-2` removes"), "{out}");
        let kickstart = interview.kickstart();
        assert_eq!(kickstart.partitions.iter().filter_map(|partition| partition.mountpoint.as_deref()).collect::<Vec<_>>(), ["/", "/srv"]);
        assert_eq!(kickstart.packages, ["minimal", "vim"]);
        assert_eq!(kickstart.ca_certificates, ["-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"]);
    }

    #[test]
    fn what_was_given_stays_the_default_and_can_be_taken_back() {
        let hello = "\n\n\n\n\n\nnode\none\none\n\n";
        let (_, out, interview, _) = talk(&format!("{hello}<\n<\n<\n<\n\n\n\n\n!\n"));
        assert!(out.contains("[node] ") && out.contains("[as before] "), "{out}");
        assert_eq!(interview.kickstart().hostname.as_deref(), Some("node"));
        assert_eq!(interview.kickstart().password.as_ref().map(|password| password.text.reveal()), Some("one"));
        let (_, _, interview, _) = talk(&format!("{hello}<\n<\n<\n-\n!\n"));
        assert_eq!(interview.kickstart().password, None);
    }

    #[test]
    fn a_secret_is_not_shown() {
        let (_, out, ..) = talk("\n\n\n\n\n\n\nsesame\nsesame\n!\n");
        assert!(!out.contains("sesame"));
    }
}
