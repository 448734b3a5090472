//! What is typed before it is an answer.

use std::collections::BTreeSet;

use super::super::{Answer, Field, Item, Kind, goes_on};
use super::Key;
use super::input::Input;

/// What is typed, by the kind of the question.
#[derive(Clone, Debug)]
pub enum Form {
    /// The choice the cursor is on.
    Choose {
        /// Its index.
        at: usize,
    },
    /// A line, shown or not.
    Line(Input),
    /// A search, the item the cursor is on, and all that are picked.
    Pick {
        /// What is searched for.
        search: Input,
        /// The index among those found.
        at: usize,
        /// By name.
        picked: BTreeSet<String>,
    },
    /// An entry that is not yet in its list.
    List {
        /// The entry of the list that can be taken out.
        at: usize,
        /// The field that is typed into.
        focus: usize,
        /// What stands in the fields.
        cells: Vec<Cell>,
    },
}

/// What stands in a field.
#[derive(Clone, Debug)]
pub enum Cell {
    /// Text.
    Text(Input),
    /// The choice with this index.
    Choice(usize),
}

/// What a key led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// This is the answer.
    Answer(Answer),
    /// Something was typed or moved.
    Typed,
    /// The key means nothing here.
    Nothing,
}

impl Form {
    /// An empty form, or one with what is taken if nothing is said.
    pub fn new(kind: &Kind) -> Self {
        match kind {
            Kind::Choose { default, .. } => Self::Choose { at: *default },
            Kind::Text { default } => Self::Line(Input::proposed(default)),
            Kind::Secret { default } => Self::Line(Input::proposed(default.reveal())),
            Kind::Confirm { .. } => Self::Line(Input::default()),
            Kind::Pick { default, .. } => Self::Pick { search: Input::default(), at: 0, picked: default.iter().cloned().collect() },
            Kind::List { entries, fields } => {
                Self::List { at: entries.len().saturating_sub(1), focus: 0, cells: fields.iter().map(Cell::new).collect() }
            }
        }
    }

    /// Whether a letter would be lost that is taken for a command.
    pub fn takes_letters(&self) -> bool {
        match self {
            Self::Choose { .. } => false,
            Self::Line(_) => true,
            Self::Pick { search, .. } => !search.is_empty(),
            Self::List { focus, cells, .. } => matches!(cells.get(*focus), Some(Cell::Text(input)) if !input.is_empty()),
        }
    }

    /// Takes a key.
    pub fn press(&mut self, key: Key, kind: &Kind) -> Reaction {
        match (self, kind) {
            (Self::Choose { at }, Kind::Choose { choices, .. }) => choose(at, choices.len(), key),
            (Self::Line(input), _) => match key {
                Key::Enter => Reaction::Answer(Answer::Text(input.text())),
                key => typed(input.press(key)),
            },
            (Self::Pick { search, at, picked }, Kind::Pick { items, .. }) => pick(search, at, picked, items, key),
            (Self::List { at, focus, cells }, Kind::List { entries, fields }) => match key {
                Key::Enter => enter(focus, cells, fields),
                Key::Up | Key::Down | Key::PageUp | Key::PageDown => typed(travel(at, entries.len(), key)),
                Key::Remove if !entries.is_empty() => Reaction::Answer(Answer::Remove(*at)),
                Key::Delete if !entries.is_empty() && cells.get(*focus).is_some_and(Cell::is_empty) => {
                    Reaction::Answer(Answer::Remove(*at))
                }
                Key::Tab => typed(step(focus, cells.len(), 1)),
                Key::BackTab => typed(step(focus, cells.len(), cells.len().saturating_sub(1))),
                key => match (cells.get_mut(*focus), fields.get(*focus)) {
                    (Some(cell), Some(field)) => typed(cell.press(key, field)),
                    _ => Reaction::Nothing,
                },
            },
            _ => Reaction::Nothing,
        }
    }
}

impl Cell {
    fn new(field: &Field) -> Self {
        if field.choices.is_empty() { Self::Text(Input::default()) } else { Self::Choice(0) }
    }

    fn is_empty(&self) -> bool {
        matches!(self, Self::Text(input) if input.is_empty())
    }

    fn press(&mut self, key: Key, field: &Field) -> bool {
        match (self, key) {
            (Self::Text(input), key) => input.press(key),
            (Self::Choice(index), Key::Right | Key::Char(' ')) => step(index, field.choices.len(), 1),
            (Self::Choice(index), Key::Left) => step(index, field.choices.len(), field.choices.len().saturating_sub(1)),
            _ => false,
        }
    }
}

fn typed(is: bool) -> Reaction {
    if is { Reaction::Typed } else { Reaction::Nothing }
}

/// Moves a cursor around a ring.
fn step(at: &mut usize, count: usize, by: usize) -> bool {
    if count > 0 {
        *at = (*at + by) % count;
    }
    count > 1
}

/// Entries a key for a screen moves by.
const PAGE: usize = 8;

/// Moves a cursor in a list.
fn travel(at: &mut usize, count: usize, key: Key) -> bool {
    let last = count.saturating_sub(1);
    *at = match key {
        Key::Up => at.saturating_sub(1),
        Key::Down => at.saturating_add(1),
        Key::PageUp => at.saturating_sub(PAGE),
        Key::PageDown => at.saturating_add(PAGE),
        Key::Home => 0,
        Key::End => last,
        _ => return false,
    }
    .min(last);
    true
}

fn choose(at: &mut usize, count: usize, key: Key) -> Reaction {
    match key {
        Key::Enter | Key::Char(' ') => Reaction::Answer(Answer::Index(*at)),
        Key::Char(digit @ '1'..='9') => {
            let index = digit as usize - '1' as usize;
            if index < count {
                *at = index;
            }
            typed(index < count)
        }
        key => typed(travel(at, count, key)),
    }
}

fn pick(search: &mut Input, at: &mut usize, picked: &mut BTreeSet<String>, items: &[Item], key: Key) -> Reaction {
    let text = search.text();
    let found: Vec<&Item> = items.iter().filter(|item| item.matches(&text)).collect();
    match key {
        Key::Enter => Reaction::Answer(Answer::Text(picked.iter().map(String::as_str).collect::<Vec<_>>().join(" "))),
        Key::Char(' ') => {
            let Some(item) = found.get(*at) else { return Reaction::Nothing };
            if !picked.remove(&item.name) {
                picked.insert(item.name.clone());
            }
            Reaction::Typed
        }
        Key::Up | Key::Down | Key::PageUp | Key::PageDown | Key::Home | Key::End => typed(travel(at, found.len(), key)),
        key => {
            let taken = search.press(key);
            *at = if taken { 0 } else { *at };
            typed(taken)
        }
    }
}

/// Nothing in any field ends the list; in the last field the entry is whole.
fn enter(focus: &mut usize, cells: &mut [Cell], fields: &[Field]) -> Reaction {
    let is_empty = cells.iter().all(|cell| cell.is_empty() || matches!(cell, Cell::Choice(_)));
    if is_empty {
        return Reaction::Answer(Answer::Text(String::new()));
    }
    if *focus + 1 < cells.len() {
        *focus += 1;
        return Reaction::Typed;
    }
    let line = line(cells, fields);
    match cells {
        [Cell::Text(input)] if goes_on(&line) => {
            input.insert('\n');
            Reaction::Typed
        }
        _ => Reaction::Answer(Answer::Text(line)),
    }
}

/// The entry as it is typed where there are no fields.
fn line(cells: &[Cell], fields: &[Field]) -> String {
    let word = |(cell, field): (&Cell, &Field)| match cell {
        Cell::Text(input) => input.text().trim().to_owned(),
        Cell::Choice(index) => field.choices.get(*index).map(|choice| choice.label.clone()).unwrap_or_default(),
    };
    let mut words: Vec<String> = cells.iter().zip(fields).map(word).collect();
    while words.last().is_some_and(String::is_empty) {
        words.pop();
    }
    // A word that is missing is seen as such, and the others stay in their places.
    words.iter().map(|word| if word.is_empty() { "-" } else { word }).collect::<Vec<_>>().join(" ")
}
