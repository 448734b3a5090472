//! How an installation goes on, as a screen driven by keys and events. Pure: it neither works nor draws.

use std::collections::VecDeque;

use super::Key;
use super::flow::{Breaks, Screen, cancel};
use crate::plan::{Plan, Step};
use kickstart::Finish;

/// What happens while it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A step begins, by its number from 1.
    Begins(usize),
    /// Of the step that runs so many parts are done.
    Part {
        /// Done.
        done: u64,
        /// Of so many.
        of: u64,
    },
    /// A program or a package said something.
    Says(String),
    /// The system is whole; what is left waits for a key.
    Waits,
    /// All is done.
    Done,
    /// It failed, and why.
    Failed(String),
}

/// How it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It goes on.
    Running,
    /// The system is whole; a key lets the machine restart, or whatever was chosen.
    Waits,
    /// All is done.
    Done,
    /// It failed, and why.
    Failed(String),
}

/// What a key led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Press {
    /// There is something new to show, perhaps.
    Goes,
    /// Everything is to be redrawn.
    Redraw,
    /// What waits may go on.
    Continue,
    /// There is nothing more to see.
    Leave,
    /// It is broken off; the disk does not start.
    BreakOff,
}

/// A step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it does.
    pub what: String,
    /// When it began, in ms since the beginning.
    pub began_ms: Option<u64>,
    /// How long it took, once it is over.
    pub took_ms: Option<u64>,
}

/// Lines of what was said that are kept.
const SAID: usize = 3;

/// How an installation goes on.
#[derive(Clone, Debug)]
pub struct Progress {
    rows: Vec<Row>,
    finish: Finish,
    part: Option<(u64, u64)>,
    said: VecDeque<String>,
    state: State,
    screen: Screen,
    now_ms: u64,
}

impl Progress {
    /// Of this plan.
    pub fn new(plan: &Plan) -> Self {
        let rows = plan.steps.iter().map(|step| Row { what: step.title(), began_ms: None, took_ms: None }).collect();
        let finish = plan.steps.iter().find_map(|step| if let Step::Finish { how } = step { Some(*how) } else { None });
        let (finish, state, screen) = (finish.unwrap_or(Finish::Stay), State::Running, Screen::Question);
        Self { rows, finish, part: None, said: VecDeque::new(), state, screen, now_ms: 0 }
    }

    /// The steps.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// How many steps are over.
    pub fn done(&self) -> usize {
        self.rows.iter().filter(|row| row.took_ms.is_some()).count()
    }

    /// Of the step that runs, the share that is done, in percent, where it is known.
    pub fn percent(&self) -> Option<u16> {
        let (done, of) = self.part?;
        let percent = (u128::from(done) * 100).checked_div(u128::from(of))?;
        u16::try_from(percent).ok().map(|percent| percent.min(100))
    }

    /// What was said last.
    pub fn said(&self) -> impl Iterator<Item = &str> {
        self.said.iter().map(String::as_str)
    }

    /// How it stands.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What happens at the end.
    pub fn finish(&self) -> Finish {
        self.finish
    }

    /// What is on top.
    pub fn screen(&self) -> Screen {
        self.screen
    }

    /// The time since the beginning, in ms.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Time passes.
    pub fn tick(&mut self, now_ms: u64) {
        if self.state == State::Running {
            self.now_ms = now_ms;
        }
    }

    /// Something happens.
    pub fn update(&mut self, event: Event, now_ms: u64) {
        self.tick(now_ms);
        match event {
            Event::Begins(number) => {
                self.close();
                self.part = None;
                if let Some(row) = self.rows.get_mut(number.saturating_sub(1)) {
                    row.began_ms = Some(now_ms);
                }
            }
            Event::Part { done, of } => self.part = Some((done, of)),
            Event::Says(text) => {
                for line in text.lines().filter(|line| !line.trim().is_empty()) {
                    self.said.push_back(line.chars().filter(|letter| !letter.is_control()).collect());
                }
                while self.said.len() > SAID {
                    self.said.pop_front();
                }
            }
            Event::Waits => {
                self.close();
                self.end(State::Waits);
            }
            Event::Done => {
                self.close();
                self.end(State::Done);
            }
            Event::Failed(reason) => self.end(State::Failed(reason)),
        }
    }

    /// Nothing is left to be broken off.
    fn end(&mut self, state: State) {
        self.state = state;
        self.screen = Screen::Question;
    }

    /// The step that runs is over.
    fn close(&mut self) {
        let now_ms = self.now_ms;
        for row in &mut self.rows {
            if let (Some(began), None) = (row.began_ms, row.took_ms) {
                row.took_ms = Some(now_ms.saturating_sub(began));
            }
        }
    }

    /// Takes a key.
    pub fn press(&mut self, key: Key) -> Press {
        match (key, self.screen) {
            (Key::Redraw, _) => return Press::Redraw,
            (key, Screen::Cancel { yes }) => match cancel(yes, key) {
                Ok(screen) => self.screen = screen,
                Err(Breaks) => return Press::BreakOff,
            },
            (Key::Cancel, _) if self.state == State::Running => self.screen = Screen::Cancel { yes: false },
            (_, Screen::Help) => self.screen = Screen::Question,
            (Key::Help | Key::Char('?'), Screen::Question) => self.screen = Screen::Help,
            (Key::Enter, Screen::Question) if self.state == State::Waits => {
                self.state = State::Running;
                return Press::Continue;
            }
            (Key::Enter, Screen::Question) if self.state != State::Running => return Press::Leave,
            _ => {}
        }
        Press::Goes
    }
}
