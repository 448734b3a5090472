//! Asking, then installing what was answered.

use std::io::{self, Write};
use std::path::Path;

use super::{Arguments, CommandError, Screen, carry_out, medium_sources, print};
use crate::apply::{self, ApplyError};
use crate::plan::Facts;
use crate::ui::choose::{Interface, Terminal, choose};
use crate::ui::line::{self, End};
use crate::ui::screen::{self, Session};
use crate::ui::{Interview, Surroundings};
use kickstart::medium;

impl Arguments {
    /// How to ask, by the command line and the terminal.
    pub(super) fn interface(&self) -> Result<Interface, CommandError> {
        let wanted = match (self.line, self.full_screen) {
            (true, _) => Some(Interface::Line),
            (_, true) => Some(Interface::FullScreen),
            _ => None,
        };
        choose(wanted, &Terminal::own()).map_err(CommandError::NoScreen)
    }
}

/// Takes the whole screen.
pub(super) fn open() -> io::Result<Session> {
    Session::open(&Terminal::own().kind)
}

/// Asks everything, then does it; or only shows what would be done.
pub(super) fn ask(arguments: &Arguments, facts: Facts, seed: [u8; 32], out: &mut dyn Write) -> Result<(), CommandError> {
    if !arguments.plan && !nix::unistd::geteuid().is_root() {
        // Before anyone answers in vain.
        return Err(ApplyError::NotRoot.into());
    }
    let sources = medium_sources(arguments);
    let offers = apply::offered(&sources)?;
    let interview = Interview::new(Surroundings { facts, offers, read, seed });
    let (interview, session) = match arguments.interface()? {
        Interface::Line => (on_lines(interview, out)?, None),
        Interface::FullScreen => {
            let mut session = open()?;
            match session.ask(interview)? {
                (interview, screen::End::Confirmed) => (interview, Some(session)),
                (_, screen::End::Cancelled) => return Err(CommandError::Cancelled),
            }
        }
    };
    let plan = interview.plan().map_err(CommandError::NoPlan)?;
    if arguments.plan {
        drop(session);
        return print(arguments, &plan, out);
    }
    carry_out(arguments, &plan, interview.kickstart(), &sources, session.map(Screen::Attended), out)
}

fn on_lines(mut interview: Interview, out: &mut dyn Write) -> Result<Interview, CommandError> {
    match line::run(&mut interview, &mut io::stdin().lock(), out, &line::Terminal)? {
        End::Confirmed => Ok(interview),
        End::Cancelled => Err(CommandError::Cancelled),
    }
}

/// More than any key or certificate has.
const LARGEST_BYTES: u64 = 1 << 20;

/// Reads a file that an answer names.
fn read(path: &str) -> Result<String, String> {
    let about = std::fs::metadata(path).map_err(|error| format!("cannot read `{path}`: {error}"))?;
    if !about.is_file() || about.len() > LARGEST_BYTES {
        return Err(format!("`{path}` is not a file of at most 1 MiB"));
    }
    medium::text(Path::new(path))
        .map_err(|error| format!("{error}: {}", std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default()))
}
