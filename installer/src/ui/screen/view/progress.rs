//! How an installation goes on.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::super::flow::Screen;
use super::super::progress::{Progress, Row, State};
use super::super::theme::Theme;
use super::text::wrap;
use super::{Parts, ask_cancel, bar, dialog, draw_lines, margin, parts};
use kickstart::Finish;

/// Draws it.
pub fn progress(frame: &mut Frame<'_>, progress: &Progress, theme: Theme) {
    let Parts { head, body, notice, foot } = parts(frame.area());
    bar(frame, head, " Kaon installer", &format!("{} ", seconds(progress.now_ms())), theme.head());
    bar(frame, foot, keys(progress.state()), "", theme.foot());
    let [_, steps, _, gauge, said] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(1), Constraint::Length(1), Constraint::Length(1), Constraint::Length(3)])
            .areas(body.inner(margin()));
    rows(frame, steps, progress, theme);
    let percent = progress.percent().map(|percent| format!(", {percent} % of this one")).unwrap_or_default();
    let has_begun = progress.rows().iter().any(|row| row.began_ms.is_some());
    let whole = match has_begun {
        true => format!("{} of {} steps are done{percent}", progress.done(), progress.rows().len()),
        false => "The packages are checked first.".to_owned(),
    };
    draw_lines(frame, gauge, &[bar_of(progress, gauge.width, &whole)], theme.title());
    draw_lines(frame, said, &progress.said().map(str::to_owned).collect::<Vec<_>>(), theme.dim());
    let (text, style) = match progress.state() {
        State::Running => (String::new(), Style::new()),
        State::Waits => (format!("The system is installed. {}", next(progress.finish())), theme.done()),
        State::Done => ("The system is installed.".to_owned(), theme.done()),
        State::Failed(_) if !has_begun => ("The installation failed. Nothing was written.".to_owned(), theme.alarm()),
        State::Failed(_) => ("The installation failed. The system on the disk does not start.".to_owned(), theme.alarm()),
    };
    draw_lines(frame, notice.inner(margin()), &wrap(&text, notice.width.saturating_sub(2)), style);
    match (progress.screen(), progress.state()) {
        (Screen::Cancel { yes }, _) if has_begun => {
            ask_cancel(frame, "The disk's old content is already lost, and the new content does not start.", yes, theme)
        }
        (Screen::Cancel { yes }, _) => ask_cancel(frame, "Nothing has been written yet.", yes, theme),
        (Screen::Help, _) => {
            let text = "Each step shows how long it took. The system starts only after all steps are done: until then, the disk shows that the \
                        installation is not finished.\n\nThe journal is in /var/log/kaon-installer.json of the installed system, \
                        and in /run/kaon/installer.json of this one.\n\nF10 or Ctrl-C interrupts. Ctrl-L redraws the screen.";
            dialog(frame, " Installing ", text, " Press any key to continue ", theme);
        }
        (Screen::Question, State::Failed(reason)) => {
            dialog(frame, " Failed ", reason, " Press Enter to exit ", theme);
        }
        (Screen::Question, _) => {}
    }
}

fn keys(state: &State) -> &'static str {
    match state {
        State::Running => " F1 help   F10 cancel",
        State::Waits => " Enter continue   F1 help",
        State::Done | State::Failed(_) => " Enter exit   F1 help",
    }
}

fn next(finish: Finish) -> &'static str {
    match finish {
        Finish::Reboot => "Press Enter to start it, then remove the medium.",
        Finish::Poweroff => "Press Enter to power off the machine.",
        Finish::Stay => "Press Enter to return to the live system.",
    }
}

/// The steps around the one that runs.
fn rows(frame: &mut Frame<'_>, area: ratatui::layout::Rect, progress: &Progress, theme: Theme) {
    let height = usize::from(area.height);
    let at = progress.rows().iter().rposition(|row| row.began_ms.is_some()).unwrap_or(0);
    // A few of those to come stay in sight.
    let first = (at + 4).saturating_sub(height).min(progress.rows().len().saturating_sub(height));
    let lines = progress.rows().iter().skip(first).take(height).map(|row| line(row, progress, area.width, theme));
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), area);
}

/// Columns of the time a step took.
const TIME: usize = 10;

fn line<'a>(row: &Row, progress: &Progress, columns: u16, theme: Theme) -> Line<'a> {
    let (mark, time, style) = match (row.began_ms, row.took_ms) {
        (_, Some(ms)) => ("*", seconds(ms), theme.done()),
        (Some(began), None) => (">", seconds(progress.now_ms().saturating_sub(began)), theme.chosen()),
        (None, None) => (" ", String::new(), theme.dim()),
    };
    let room = usize::from(columns).saturating_sub(TIME + 3);
    let what: String = row.what.chars().take(room).collect();
    Line::from(Span::styled(format!("{mark} {what:<room$} {time:>TIME$}"), style))
}

/// A bar with words behind it.
fn bar_of(progress: &Progress, columns: u16, words: &str) -> String {
    let room = usize::from(columns).saturating_sub(words.chars().count() + 3).min(30);
    let full = (room * progress.done()).checked_div(progress.rows().len()).unwrap_or(0);
    format!("[{}{}] {words}", "#".repeat(full), " ".repeat(room - full))
}

/// A time for people.
fn seconds(ms: u64) -> String {
    match ms {
        0..60_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        _ => format!("{} min {:02} s", ms / 60_000, ms / 1000 % 60),
    }
}
