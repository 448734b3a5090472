//! The questions as screens, driven by keys. Pure: it neither reads nor draws.

use super::super::{Answer, Interview, Kind, Outcome, Question};
use super::Key;
use super::form::{Form, Reaction};

/// What is on top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// The question.
    Question,
    /// What explains it.
    Help,
    /// Whether all is to be broken off.
    Cancel {
        /// What Enter would say.
        yes: bool,
    },
}

/// What a key led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There is something new to show, perhaps.
    Goes,
    /// Everything is to be redrawn.
    Redraw,
    /// All is confirmed.
    Confirmed,
    /// It was broken off; nothing was written.
    Cancelled,
}

/// An interview on a screen.
#[derive(Clone, Debug)]
pub struct Flow {
    interview: Interview,
    question: Question,
    form: Form,
    screen: Screen,
    notice: Option<String>,
    scroll: u16,
}

impl Flow {
    /// Shows the interview's question.
    pub fn new(interview: Interview) -> Self {
        let question = interview.question();
        let form = Form::new(&question.kind);
        Self { interview, question, form, screen: Screen::Question, notice: None, scroll: 0 }
    }

    /// What has been said.
    pub fn interview(&self) -> &Interview {
        &self.interview
    }

    /// The interview, as it ended.
    pub fn into_interview(self) -> Interview {
        self.interview
    }

    /// The question that is shown.
    pub fn question(&self) -> &Question {
        &self.question
    }

    /// What is typed.
    pub fn form(&self) -> &Form {
        &self.form
    }

    /// What is on top.
    pub fn screen(&self) -> Screen {
        self.screen
    }

    /// Why the last key did not do what it might have.
    pub fn notice(&self) -> Option<&str> {
        self.notice.as_deref()
    }

    /// Lines of the text that are above the screen. The view shows the last ones where this is too much.
    pub fn scroll(&self) -> u16 {
        self.scroll
    }

    /// Takes a key.
    pub fn press(&mut self, key: Key) -> Step {
        if key == Key::Redraw {
            return Step::Redraw;
        }
        match self.screen {
            Screen::Help => self.screen = if key == Key::Cancel { Screen::Cancel { yes: false } } else { Screen::Question },
            Screen::Cancel { yes } => match cancel(yes, key) {
                Ok(screen) => self.screen = screen,
                Err(Breaks) => return Step::Cancelled,
            },
            Screen::Question => return self.press_at_question(key),
        }
        Step::Goes
    }

    fn press_at_question(&mut self, key: Key) -> Step {
        self.notice = None;
        match key {
            Key::Help => self.screen = Screen::Help,
            Key::Char('?') if !self.form.takes_letters() => self.screen = Screen::Help,
            Key::Cancel => self.screen = Screen::Cancel { yes: false },
            Key::Esc => {
                if self.interview.back() {
                    self.show();
                } else {
                    self.notice = Some("This is the first question; F10 or Ctrl-C cancels.".into());
                }
            }
            key => match self.form.press(key, &self.question.kind) {
                Reaction::Answer(answer) => return self.answer(&answer),
                Reaction::Typed => {}
                Reaction::Nothing => self.move_text(key),
            },
        }
        Step::Goes
    }

    fn answer(&mut self, answer: &Answer) -> Step {
        let before = self.interview.answered();
        match self.interview.answer(answer) {
            Ok(Outcome::Confirmed) => return Step::Confirmed,
            Ok(Outcome::Goes) => {
                self.show();
                if let (Form::List { at, .. }, Answer::Remove(index), true) = (&mut self.form, answer, before == self.interview.answered())
                {
                    *at = index.saturating_sub(1);
                }
            }
            Err(reason) => self.notice = Some(reason),
        }
        Step::Goes
    }

    fn show(&mut self) {
        self.question = self.interview.question();
        self.form = Form::new(&self.question.kind);
        self.scroll = 0;
    }

    /// The summary may be longer than the screen.
    fn move_text(&mut self, key: Key) {
        if !matches!(self.question.kind, Kind::Confirm { .. }) {
            return;
        }
        let lines = u16::try_from(self.question.text.lines().count()).unwrap_or(u16::MAX);
        self.scroll = match key {
            Key::Up => self.scroll.saturating_sub(1),
            Key::Down => self.scroll.saturating_add(1),
            Key::PageUp => self.scroll.saturating_sub(10),
            Key::PageDown => self.scroll.saturating_add(10),
            _ => self.scroll,
        }
        .min(lines.saturating_sub(1));
    }
}

/// What a key does where it is asked whether to break off: what is on top then, or that it is done.
pub(super) fn cancel(yes: bool, key: Key) -> Result<Screen, Breaks> {
    match key {
        Key::Char('y' | 'Y') => Err(Breaks),
        Key::Enter if yes => Err(Breaks),
        Key::Left | Key::Right | Key::Tab | Key::BackTab => Ok(Screen::Cancel { yes: !yes }),
        Key::Enter | Key::Esc | Key::Char('n' | 'N') => Ok(Screen::Question),
        _ => Ok(Screen::Cancel { yes }),
    }
}

/// It is broken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Breaks;
