//! From the thread that installs to the one that shows it.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender};

use super::progress::Event;
use crate::apply;
use crate::plan::{Plan, Step};

/// Passes on what happens, and holds the last steps back until they may go on.
pub(super) struct Observer {
    events: Sender<Event>,
    /// The number of the first step that leaves the installed system behind.
    last: Option<usize>,
    go_on: Mutex<Receiver<()>>,
}

impl Observer {
    /// Of this plan; where `holds` is false, nothing is held back.
    pub fn new(plan: &Plan, holds: bool, events: Sender<Event>, go_on: Receiver<()>) -> Self {
        let first = plan.steps.iter().position(|step| matches!(step, Step::Eject | Step::Finish { .. }));
        Self { events, last: first.filter(|_| holds).map(|index| index + 1), go_on: Mutex::new(go_on) }
    }

    fn send(&self, event: Event) {
        // Who shows it may be gone; the work is done all the same.
        let _ = self.events.send(event);
    }
}

impl apply::Observer for Observer {
    fn begins(&self, number: usize, _of: usize, _what: &str) {
        if self.last == Some(number) {
            self.send(Event::Waits);
            if let Ok(go_on) = self.go_on.lock() {
                // An end of the other side lets it go on, too.
                let _ = go_on.recv();
            }
        }
        self.send(Event::Begins(number));
    }

    fn progress(&self, done: u64, of: u64) {
        self.send(Event::Part { done, of });
    }

    fn says(&self, text: &str) {
        self.send(Event::Says(text.to_owned()));
    }
}
