//! Drawing a state. Nothing here remembers anything.

mod form;
mod progress;
mod text;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};

use super::super::{Kind, Section};
use super::flow::{Flow, Screen};
use super::theme::Theme;

pub use progress::progress;
use text::wrap;

/// Columns of the list of sections, where there is room for it.
const SECTIONS: u16 = 16;

/// Less than this has no room for it.
const WIDE: u16 = 70;

/// The parts every screen has.
struct Parts {
    head: Rect,
    body: Rect,
    notice: Rect,
    foot: Rect,
}

fn parts(area: Rect) -> Parts {
    let rows = [Constraint::Length(1), Constraint::Min(0), Constraint::Length(2), Constraint::Length(1)];
    let [head, body, notice, foot] = Layout::vertical(rows).areas(area);
    Parts { head, body, notice, foot }
}

/// Draws a question.
pub fn question(frame: &mut Frame<'_>, flow: &Flow, theme: Theme) {
    let question = flow.question();
    let Parts { head, body, notice, foot } = parts(frame.area());
    let number = Section::ALL.iter().position(|section| *section == question.section).unwrap_or(0) + 1;
    bar(frame, head, " Kaon installer", &format!("{number} of {} ", Section::ALL.len()), theme.head());
    bar(frame, foot, keys(&question.kind), "", theme.foot());
    let main = sections(frame, body, question.section, theme);
    let cursor = form::draw(frame, main, flow, theme);
    if let Some(text) = flow.notice() {
        draw_lines(frame, notice.inner(margin()), &wrap(text, notice.width.saturating_sub(2)), theme.alarm());
    }
    match flow.screen() {
        Screen::Question => {
            if let Some(position) = cursor {
                frame.set_cursor_position(position);
            }
        }
        Screen::Help => {
            let text = format!("{}\n\n{}", question.help, more_keys(&question.kind));
            dialog(frame, &format!(" {} ", question.title), &text, " Press any key to continue ", theme);
        }
        Screen::Cancel { yes } => ask_cancel(frame, "Nothing has been written yet.", yes, theme),
    }
}

/// The sections at the left, where there is room; what is left of the area.
fn sections(frame: &mut Frame<'_>, area: Rect, now: Section, theme: Theme) -> Rect {
    if area.width < WIDE {
        return area.inner(margin());
    }
    let [left, rule, main] = Layout::horizontal([Constraint::Length(SECTIONS), Constraint::Length(1), Constraint::Min(0)]).areas(area);
    let row = |section: &Section| {
        let style = if *section == now {
            theme.chosen()
        } else if *section < now {
            theme.done()
        } else {
            theme.dim()
        };
        let mark = if *section == now { '>' } else { ' ' };
        Line::styled(format!("{mark} {:<13}", section.title()), style)
    };
    frame.render_widget(Paragraph::new(Section::ALL.iter().map(row).collect::<Vec<_>>()), left);
    frame.render_widget(Paragraph::new(vec![Line::raw(theme.rule()); usize::from(rule.height)]).style(theme.dim()), rule);
    main.inner(margin())
}

fn margin() -> ratatui::layout::Margin {
    ratatui::layout::Margin::new(1, 0)
}

/// A line across the screen with something at either end.
fn bar(frame: &mut Frame<'_>, area: Rect, left: &str, right: &str, style: ratatui::style::Style) {
    let gap = usize::from(area.width).saturating_sub(left.chars().count() + right.chars().count());
    frame.render_widget(Paragraph::new(format!("{left}{}{right}", " ".repeat(gap))).style(style), area);
}

fn draw_lines(frame: &mut Frame<'_>, area: Rect, lines: &[String], style: ratatui::style::Style) {
    let lines: Vec<Line<'_>> = lines.iter().take(usize::from(area.height)).map(|line| Line::raw(line.as_str())).collect();
    frame.render_widget(Paragraph::new(lines).style(style), area);
}

/// What the keys do, in the last line.
fn keys(kind: &Kind) -> &'static str {
    match kind {
        Kind::Choose { .. } => " Up/Down choose   Enter next   Esc back   F1 help   F10 cancel",
        Kind::Pick { .. } => " Type to search   Space picks   Enter next   Esc back   F1 help   F10 cancel",
        Kind::List { .. } => " Tab field   Enter add/next   F8 remove   Esc back   F1 help   F10 cancel",
        Kind::Confirm { .. } => " Up/Down read   Enter install   Esc back   F1 help   F10 cancel",
        Kind::Text { .. } | Kind::Secret { .. } => " Enter next   Esc back   F1 help   F10 cancel",
    }
}

/// What else the keys do.
fn more_keys(kind: &Kind) -> String {
    let own = match kind {
        Kind::Choose { .. } => "Up, Down or a digit selects, Enter confirms.",
        Kind::Pick { .. } => "Letters search names and summaries, Up and Down move, Space selects or deselects, Enter confirms.",
        Kind::List { .. } => {
            "Tab moves between fields, Left and Right change a choice. Enter in the last field adds the entry; with an empty field it continues. \
             Up and Down move among the entries, F8 or Ctrl-D removes one."
        }
        Kind::Confirm { .. } => "Up, Down and the page keys move the text. Nothing happens before the disk's name is typed.",
        Kind::Text { .. } | Kind::Secret { .. } => "Ctrl-U empties the line.",
    };
    format!(
        "{own}\nEsc goes back; answers are kept. F10 or Ctrl-C cancels. Ctrl-L redraws the screen. Without function keys: Esc 1 for F1, Esc 8 for F8, Esc 0 for F10."
    )
}

/// A box in the middle.
fn dialog(frame: &mut Frame<'_>, title: &str, text: &str, foot: &str, theme: Theme) -> Rect {
    let area = frame.area();
    let width = area.width.saturating_sub(8).min(66);
    let lines = wrap(text, width.saturating_sub(4));
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2).min(area.height);
    let place = Rect { x: (area.width - width) / 2, y: (area.height - height) / 2, width, height };
    let block =
        Block::bordered().border_set(theme.border()).title(Span::styled(title.to_owned(), theme.title())).title_bottom(foot.to_owned());
    frame.render_widget(Clear, place);
    let inside = block.inner(place);
    frame.render_widget(block, place);
    draw_lines(frame, inside.inner(margin()), &lines, ratatui::style::Style::new());
    place
}

/// Asks whether to break off.
fn ask_cancel(frame: &mut Frame<'_>, text: &str, yes: bool, theme: Theme) {
    let place = dialog(frame, " Break off? ", &format!("{text}\n\n"), " Left/Right, Enter; or y, n ", theme);
    let button = |label: &'static str, chosen: bool| {
        let text = if chosen { format!("[{label}]") } else { format!(" {label} ") };
        Span::styled(text, if chosen { theme.chosen() } else { ratatui::style::Style::new() })
    };
    let line = Line::from(vec![button(" No ", !yes), Span::raw("   "), button(" Yes ", yes)]);
    let row = Rect { x: place.x + 2, y: (place.y + place.height).saturating_sub(2), width: place.width.saturating_sub(4), height: 1 };
    frame.render_widget(Paragraph::new(line), row.intersection(frame.area()));
    frame.set_cursor_position(Position { x: row.x, y: row.y });
}
