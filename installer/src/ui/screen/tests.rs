//! Screens driven by keys, and what they look like.
//!
//! `tests/screens/NAME.txt` is what an 80x24 terminal shows. With `KAON_UPDATE_CASES=1` in the environment these are written again.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::super::interview::tests::interview;
use super::super::{Kind, Section};
use super::flow::{Flow, Screen, Step};
use super::progress::{Event, Press, Progress, State};
use super::theme::Theme;
use super::{Decoder, Key, view};

/// Keys as a terminal sends them; `\n` is Return.
fn keys(text: &str) -> Vec<Key> {
    let (mut decoder, mut keys) = (Decoder::default(), Vec::new());
    text.bytes().for_each(|byte| decoder.feed(byte, &mut keys));
    decoder.settle(&mut keys);
    keys
}

fn press(flow: &mut Flow, text: &str) -> Step {
    keys(text).into_iter().map(|key| flow.press(key)).last().unwrap_or(Step::Goes)
}

/// A flow after these keys.
fn after(text: &str) -> Flow {
    let mut flow = Flow::new(interview());
    press(&mut flow, text);
    flow
}

const DOWN: &str = "\x1b[B";
const BACK: &str = "\x1b";
const F1: &str = "\x1bOP";
const F8: &str = "\x1b[19~";

/// Keys to the partitions by hand.
const BY_HAND: &str = "\n\n2\n";
/// Keys to the packages, picked one by one.
const PICKING: &str = "\n\n\n3\n";
/// Keys to the routes.
const ROUTES: &str = "\n\n\n\n\n2\n\n192.0.2.7/24\n192.0.2.1\n";
/// Keys to root's password.
const PASSWORD: &str = "\n\n\n\n\n\n\n";
/// Keys to the summary.
const SUMMARY: &str = "\n\n\n\n\n\n\n\n\n\n\n\n";

#[test]
fn where_keys_lead() {
    let table: [(&str, Section, &str); 12] = [
        ("", Section::Licence, "Licence"),
        ("\n", Section::Disk, "Disk"),
        ("\n\n", Section::Partitions, "Partitions"),
        (BY_HAND, Section::Partitions, "Partitions by hand"),
        (PICKING, Section::Packages, "Packages"),
        (ROUTES, Section::Network, "Routes"),
        (PASSWORD, Section::Accounts, "Root's password"),
        (SUMMARY, Section::Summary, "Summary"),
        ("\n\n\x1b", Section::Disk, "Disk"),
        ("\n\x03n", Section::Disk, "Disk"),
        ("\n?x", Section::Disk, "Disk"),
        ("\n\n\n\n\n\nno_name\n", Section::HostName, "Host name"),
    ];
    for (text, section, title) in table {
        let flow = after(text);
        assert_eq!((flow.question().section, flow.question().title, flow.screen()), (section, title, Screen::Question), "{text:?}");
    }
}

#[test]
fn help_cancel_and_back_work_on_every_screen() {
    for end in 0..=SUMMARY.len() {
        let mut flow = after(&SUMMARY[..end]);
        let title = flow.question().title;
        press(&mut flow, F1);
        assert_eq!(flow.screen(), Screen::Help, "{title}");
        press(&mut flow, "\n");
        press(&mut flow, "\x03");
        assert_eq!(flow.screen(), Screen::Cancel { yes: false }, "{title}");
        assert_eq!(press(&mut flow, "\n"), Step::Goes);
        assert_eq!((flow.screen(), flow.question().title), (Screen::Question, title));
        assert_eq!(press(&mut flow.clone(), "\x1b[21~\x1b[C\n"), Step::Cancelled);
        assert_eq!(press(&mut flow.clone(), "\x1b0y"), Step::Cancelled);
        assert_eq!(flow.press(Key::Redraw), Step::Redraw);
        press(&mut flow, BACK);
        assert_eq!(flow.interview().answered(), end.saturating_sub(1), "{title}");
    }
}

#[test]
fn nothing_is_confirmed_but_by_the_disks_name() {
    let mut flow = after(SUMMARY);
    for wrong in ["\n", "y\n", "\x15yes\n", "\x15/dev/sdb\n"] {
        assert_eq!(press(&mut flow, wrong), Step::Goes, "{wrong:?}");
        assert!(flow.notice().is_some_and(|notice| notice.contains("nothing was written")), "{wrong:?}");
    }
    assert_eq!(press(&mut flow, "\x15/dev/sda\n"), Step::Confirmed);
}

#[test]
fn partitions_are_added_and_taken_out_by_fields() {
    let xfs = format!("{BY_HAND}/\trest\t\n/srv\t1024\t\x1b[C\n");
    let mut flow = after(&xfs);
    assert!(flow.notice().is_some_and(|notice| notice.contains("mkfs.xfs")), "{:?}", flow.notice());
    // What was typed is still there: swap instead.
    press(&mut flow, "\x1b[D\x1b[D\n");
    let entries = |flow: &Flow| match &flow.question().kind {
        Kind::List { entries, .. } => entries.clone(),
        _ => Vec::new(),
    };
    assert_eq!(entries(&flow), ["/ the rest ext4", "swap 1 GiB swap"]);
    press(&mut flow, &format!("{F8}/var\n10%\n\n"));
    assert_eq!(entries(&flow), ["/ the rest ext4", "/var 10 % ext4"]);
    press(&mut flow, "\x1b[A\x04\n");
    assert!(flow.notice().is_some_and(|notice| notice.contains('/')), "a root is missing: {:?}", flow.notice());
    press(&mut flow, "/\nrest\n\n\n");
    assert_eq!(flow.question().section, Section::Packages);
}

#[test]
fn packages_are_searched_and_picked() {
    let mut flow = after(&format!("{PICKING}text \x15compi {DOWN}\n"));
    assert_eq!(flow.interview().kickstart().packages, ["developer", "minimal", "vim"]);
    press(&mut flow, BACK);
    press(&mut flow, "vim \x15\n");
    assert_eq!(flow.interview().kickstart().packages, ["developer", "minimal"]);
}

#[test]
fn routes_keys_and_pasted_certificates() {
    let mut flow = after(&format!("{ROUTES}10.0.0.0/8\t192.0.2.2\t\n172.16.0.0/12\n192.0.2.2\n50\n\n"));
    assert_eq!(flow.question().title, "Name servers");
    press(&mut flow, "\n\nnode\n\n\ndev\n\n/keys\n\n");
    assert_eq!(flow.question().section, Section::Certificates);
    press(&mut flow, "-----BEGIN CERTIFICATE-----\rMAQA\rAAAA\r-----END CERTIFICATE-----\r\r\r");
    assert_eq!(flow.question().section, Section::Summary, "{:?}", flow.notice());
    let kickstart = flow.interview().kickstart();
    assert_eq!(kickstart.ca_certificates, ["-----BEGIN CERTIFICATE-----\nMAQA\nAAAA\n-----END CERTIFICATE-----\n"]);
    assert_eq!(kickstart.users[0].ssh_keys.len(), 2);
    assert_eq!(kickstart.network.as_ref().unwrap().ethernets["eth0"].routes[1].metric, Some(50));
}

fn progress() -> Progress {
    let flow = after(SUMMARY);
    Progress::new(&flow.interview().plan().unwrap())
}

#[test]
fn progress_waits_at_the_end_and_asks_before_it_is_broken_off() {
    let mut progress = progress();
    progress.update(Event::Begins(1), 0);
    progress.update(Event::Begins(2), 1500);
    assert_eq!(progress.rows()[0].took_ms, Some(1500));
    assert_eq!((progress.press(Key::Enter), progress.press(Key::Esc)), (Press::Goes, Press::Goes));
    assert_eq!((progress.press(Key::Cancel), progress.press(Key::Enter)), (Press::Goes, Press::Goes));
    assert_eq!((progress.press(Key::Cancel), progress.press(Key::Char('y'))), (Press::Goes, Press::BreakOff));
    progress.update(Event::Begins(99), 2000);
    progress.update(Event::Waits, 3000);
    assert_eq!(progress.press(Key::Cancel), Press::Goes);
    assert_eq!(progress.state(), &State::Waits);
    assert_eq!(progress.press(Key::Enter), Press::Continue);
    progress.update(Event::Failed("no room".into()), 4000);
    assert_eq!(progress.press(Key::Enter), Press::Leave);
}

fn drawn(width: u16, height: u16, draw: impl FnOnce(&mut ratatui::Frame<'_>)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(draw).unwrap();
    let buffer = terminal.backend().buffer().clone();
    let row = |y| (0..width).map(|x| buffer[(x, y)].symbol().to_owned()).collect::<String>().trim_end().to_owned() + "\n";
    (0..height).map(row).collect()
}

fn show(flow: &Flow, width: u16, height: u16, kind: &str) -> String {
    drawn(width, height, |frame| view::question(frame, flow, Theme::of(kind, None)))
}

fn golden(name: &str, shown: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/screens/{name}.txt"));
    if std::env::var_os("KAON_UPDATE_CASES").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, shown).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(shown, expected, "{}: if this is as it should be, run the test with KAON_UPDATE_CASES=1", path.display());
}

#[test]
fn what_screens_look_like() {
    let medium = format!("\n{}", "\x1b[A");
    let partitions = format!("{BY_HAND}/\trest\t\nswap\t512\t\n/var\t10%");
    let routes = format!("{ROUTES}10.0.0.0/8\n192.0.2.2\n\n2001:db8::/32");
    let help = format!("{BY_HAND}{F1}");
    let secret = format!("{PASSWORD}sesame");
    let refused = "\n\n\n\n\n\nno_name\n";
    let table: [(&str, &str, &str); 12] = [
        ("licence", "", "linux"),
        ("disk", &medium, "linux"),
        ("partitions", &partitions, "linux"),
        ("packages", PICKING, "linux"),
        ("network", "\n\n\n\n\n", "vt220"),
        ("routes", &routes, "linux"),
        ("refused", refused, "linux"),
        ("password", &secret, "linux"),
        ("certificates", "\n\n\n\n\n\n\n\n\n\n/ca.pem\n-----BEGIN CERTIFICATE-----\nMA", "linux"),
        ("summary", SUMMARY, "linux"),
        ("help", &help, "vt220"),
        ("cancel", "\n\n\x03", "vt100"),
    ];
    for (name, text, kind) in table {
        let shown = show(&after(text), 80, 24, kind);
        assert!(!shown.contains("sesame"), "{name}");
        assert!(kind == "linux" || shown.is_ascii(), "{name}");
        golden(name, &shown);
    }
}

#[test]
fn what_progress_looks_like() {
    let mut progress = progress();
    let show = |progress: &Progress| drawn(80, 24, |frame| view::progress(frame, progress, Theme::of("vt220", None)));
    for (number, now_ms) in [(1, 0), (2, 80), (3, 1200), (4, 61_000), (5, 63_500)] {
        progress.update(Event::Begins(number), now_ms);
    }
    progress.update(Event::Part { done: 3, of: 8 }, 70_000);
    progress.update(Event::Says("one\ntwo\x1b[2J\n\nthree\nfour\n".into()), 71_000);
    golden("progress", &show(&progress));
    let mut failed = progress.clone();
    failed.update(Event::Failed("step 5 failed: install packages: `/dev/sda3`: no space left on device".into()), 72_000);
    golden("failed", &show(&failed));
    (6..=progress.rows().len() - 2).for_each(|number| progress.update(Event::Begins(number), 72_000));
    progress.update(Event::Waits, 75_000);
    golden("installed", &show(&progress));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever is typed, on whatever screen: something is shown, nothing panics, and nothing is confirmed by accident.
    #[test]
    fn any_keys_on_any_screen(
        text in "[\\PC\r\r\r\r\t\u{1b}\u{3}\u{4}\u{7f}ny12345/ ]{0,60}", width in 1_u16..120, height in 1_u16..40
    ) {
        let mut flow = Flow::new(interview());
        for key in keys(&text) {
            match flow.press(key) {
                Step::Confirmed => prop_assert!(text.contains("/dev/sda")),
                Step::Cancelled => break,
                Step::Goes | Step::Redraw => drop(show(&flow, width, height, "linux")),
            }
        }
    }

    #[test]
    fn progress_fits_any_screen(width in 1_u16..120, height in 1_u16..40, number in 0_usize..30, keys in "[?y\u{3}\r ]{0,5}") {
        let mut progress = progress();
        progress.update(Event::Begins(number), 5);
        progress.update(Event::Part { done: 7, of: 3 }, 6);
        for letter in keys.chars() {
            progress.press(if letter == '\u{3}' { Key::Cancel } else { Key::Char(letter) });
        }
        drawn(width, height, |frame| view::progress(frame, &progress, Theme::of("linux", Some("1"))));
    }
}
