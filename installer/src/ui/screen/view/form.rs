//! A question and what is typed.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::super::super::{Choice, Field, Item, Kind};
use super::super::flow::Flow;
use super::super::form::{Cell, Form};
use super::super::input::Input;
use super::super::theme::Theme;
use super::draw_lines;
use super::text::{first_shown, window, wrap};

/// Draws it, and returns the cursor's place where there is one.
pub fn draw(frame: &mut Frame<'_>, area: Rect, flow: &Flow, theme: Theme) -> Option<Position> {
    let question = flow.question();
    let lines = wrap(&question.text, area.width);
    let is_long = matches!(question.kind, Kind::Confirm { .. });
    let count = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let rest = if is_long { Constraint::Length(2) } else { Constraint::Min(1) };
    let room = if is_long { Constraint::Min(0) } else { Constraint::Length(count + u16::from(count > 0)) };
    let [_, title, _, text, form] =
        Layout::vertical([Constraint::Length(1), Constraint::Length(1), Constraint::Length(1), room, rest]).areas(area);
    draw_lines(frame, title, &[question.title.to_owned()], theme.title());
    // The end of a text too long stays in sight, however far it is moved.
    let first = usize::from(flow.scroll()).min(lines.len().saturating_sub(usize::from(text.height)));
    // What is lost stands before the steps.
    let lost = if is_long { lines.iter().take_while(|line| !line.starts_with("  -")).count() } else { 0 };
    let rows = lines.iter().enumerate().skip(first).take(usize::from(text.height));
    let row = |(index, line): (usize, &String)| Line::styled(line.clone(), if index < lost { theme.alarm() } else { Style::new() });
    frame.render_widget(Paragraph::new(rows.map(row).collect::<Vec<_>>()), text);
    match (flow.form(), &question.kind) {
        (Form::Choose { at }, Kind::Choose { choices, .. }) => choices_rows(frame, form, choices, *at, theme),
        (Form::Line(input), Kind::Secret { .. }) => Some(field(frame, form, &"*".repeat(input.len()), input.at(), theme)),
        (Form::Line(input), Kind::Confirm { word }) => {
            let label = format!("Type {word}: ");
            let start = u16::try_from(label.chars().count()).unwrap_or(0).min(form.width / 2);
            let row = Rect { y: form.y + form.height.saturating_sub(1), height: form.height.min(1), ..form };
            draw_lines(frame, row, &[label], theme.alarm());
            Some(field(frame, Rect { x: row.x + start, width: (row.width - start).min(40), ..row }, &input.text(), input.at(), theme))
        }
        (Form::Line(input), _) => Some(field(frame, form, &input.text(), input.at(), theme)),
        (Form::Pick { search, at, picked }, Kind::Pick { items, .. }) => {
            Some(pick(frame, form, (search, *at), items, |name| picked.contains(name), theme))
        }
        (Form::List { at, focus, cells }, Kind::List { entries, fields }) => {
            list(frame, form, (entries, *at), (fields, cells, *focus), theme)
        }
        _ => None,
    }
}

/// A row that is typed into.
fn field(frame: &mut Frame<'_>, area: Rect, text: &str, cursor: usize, theme: Theme) -> Position {
    let row = Rect { height: area.height.min(1), ..area };
    // Of several lines the one with the cursor.
    let before: Vec<char> = text.chars().take(cursor).collect();
    let start = before.iter().rposition(|letter| *letter == '\n').map_or(0, |at| at + 1);
    let line: String = text.chars().skip(start).take_while(|letter| *letter != '\n').collect();
    let (shown, column) = window(&line, cursor - start, row.width.saturating_sub(1));
    let room = usize::from(row.width);
    frame.render_widget(Paragraph::new(format!("{shown:<room$}")).style(theme.field()), row);
    Position { x: (row.x + column).min(row.right().saturating_sub(1)), y: row.y }
}

fn choices_rows(frame: &mut Frame<'_>, area: Rect, choices: &[Choice], at: usize, theme: Theme) -> Option<Position> {
    let [rows, _, reason] = Layout::vertical([
        Constraint::Length(u16::try_from(choices.len()).unwrap_or(u16::MAX).min(area.height)),
        Constraint::Length(1),
        Constraint::Min(0),
    ])
    .areas(area);
    let first = first_shown(at, usize::from(rows.height));
    let row = |(index, choice): (usize, &Choice)| {
        let style = match (index == at, &choice.refusal) {
            (true, _) => theme.chosen(),
            (false, Some(_)) => theme.dim(),
            (false, None) => Style::new(),
        };
        let reason = if choice.refusal.is_some() { " (not possible)" } else { "" };
        Line::styled(format!("{:>2}. {}{reason} ", index + 1, choice.label), style)
    };
    frame.render_widget(Paragraph::new(choices.iter().enumerate().skip(first).map(row).collect::<Vec<_>>()), rows);
    if let Some(refusal) = choices.get(at).and_then(|choice| choice.refusal.as_ref()) {
        draw_lines(frame, reason, &wrap(&format!("This cannot be chosen: {refusal}."), reason.width), theme.alarm());
    }
    Some(Position { x: rows.x, y: (rows.y + u16::try_from(at - first).unwrap_or(0)).min(area.bottom().saturating_sub(1)) })
}

fn pick(
    frame: &mut Frame<'_>,
    area: Rect,
    (search, at): (&Input, usize),
    items: &[Item],
    picked: impl Fn(&str) -> bool,
    theme: Theme,
) -> Position {
    let [line, count, rows] = Layout::vertical([Constraint::Length(1), Constraint::Length(1), Constraint::Min(0)]).areas(area);
    let found: Vec<&Item> = items.iter().filter(|item| item.matches(&search.text())).collect();
    draw_lines(frame, line, &["Search: ".to_owned()], Style::new());
    let start = 8.min(line.width);
    let cursor = field(frame, Rect { x: line.x + start, width: (line.width - start).min(30), ..line }, &search.text(), search.at(), theme);
    let chosen = items.iter().filter(|item| picked(&item.name)).count();
    draw_lines(frame, count, &[format!("{} of {} packages, {chosen} picked", found.len(), items.len())], theme.dim());
    let first = first_shown(at, usize::from(rows.height));
    let row = |(index, item): (usize, &&Item)| {
        let mark = if picked(&item.name) { 'x' } else { ' ' };
        let style = if index == at { theme.chosen() } else { Style::new() };
        Line::styled(format!("[{mark}] {:<20} {}", item.name, item.summary), style)
    };
    frame.render_widget(Paragraph::new(found.iter().enumerate().skip(first).map(row).collect::<Vec<_>>()), rows);
    cursor
}

type Entry<'a> = (&'a [Field], &'a [Cell], usize);

fn list(
    frame: &mut Frame<'_>,
    area: Rect,
    (entries, at): (&[String], usize),
    (fields, cells, focus): Entry<'_>,
    theme: Theme,
) -> Option<Position> {
    let own = u16::try_from(fields.len()).unwrap_or(u16::MAX).saturating_mul(2);
    let [rows, _, below] = Layout::vertical([
        Constraint::Max(u16::try_from(entries.len()).unwrap_or(u16::MAX).min(area.height.saturating_sub(own + 1))),
        Constraint::Length(u16::from(!entries.is_empty())),
        Constraint::Min(own),
    ])
    .areas(area);
    let first = first_shown(at, usize::from(rows.height));
    let row = |(index, entry): (usize, &String)| {
        Line::styled(format!("{:>2}. {entry}", index + 1), if index == at { theme.chosen() } else { Style::new() })
    };
    frame.render_widget(Paragraph::new(entries.iter().enumerate().skip(first).map(row).collect::<Vec<_>>()), rows);
    let mut cursor = None;
    for (index, (given, cell)) in fields.iter().zip(cells).enumerate() {
        let y = below.y + u16::try_from(index).unwrap_or(0) * 2;
        if y >= below.bottom() {
            break;
        }
        let row = Rect { y, height: 1, ..below };
        let place = draw_cell(frame, row, given, cell, index == focus, theme);
        if index == focus {
            cursor = Some(place);
        }
    }
    cursor
}

/// Columns of a field's label.
const LABEL: u16 = 13;

fn draw_cell(frame: &mut Frame<'_>, row: Rect, given: &Field, cell: &Cell, has_focus: bool, theme: Theme) -> Position {
    let [label, value, after] = Layout::horizontal([Constraint::Length(LABEL), Constraint::Percentage(45), Constraint::Min(0)]).areas(row);
    draw_lines(frame, label, &[given.label.to_owned()], if has_focus { theme.title() } else { Style::new() });
    let after = Rect { x: after.x + after.width.min(1), width: after.width.saturating_sub(1), ..after };
    match cell {
        Cell::Text(input) => {
            let lines = input.text().matches('\n').count();
            let note = if lines > 0 { format!("line {}", lines + 1) } else { given.example.to_owned() };
            draw_lines(frame, after, &[note], theme.dim());
            field(frame, value, &input.text(), input.at(), theme)
        }
        Cell::Choice(index) => {
            let choice = given.choices.get(*index);
            let name = choice.map_or("", |choice| choice.label.as_str());
            let style = if has_focus { theme.chosen() } else { theme.field() };
            frame.render_widget(Paragraph::new(Span::styled(format!("< {name:<6}>"), style)), value);
            let refusal = choice.and_then(|choice| choice.refusal.clone()).unwrap_or_default();
            draw_lines(frame, after, &[refusal], theme.alarm());
            Position { x: value.x, y: value.y }
        }
    }
}
