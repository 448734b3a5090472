//! The terminal's own settings, which are restored however the program ends.

use std::io::{self, Write as _};
use std::panic;
use std::sync::{Mutex, Once};

use nix::sys::termios::{OutputFlags, SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};
use ratatui::layout::Size;

use super::vt;

/// What is restored.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Restores the terminal when it goes.
#[derive(Debug)]
pub struct Raw;

impl Raw {
    /// From here on each key is read at once, and nothing is echoed.
    ///
    /// # Errors
    /// When standard input is not a terminal.
    pub fn enter() -> io::Result<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let before = panic::take_hook();
            panic::set_hook(Box::new(move |what| {
                restore();
                before(what);
            }));
        });
        let stdin = io::stdin();
        let settings = tcgetattr(&stdin)?;
        let mut raw = settings.clone();
        cfmakeraw(&mut raw);
        // What others write to the terminal meanwhile stays in lines.
        raw.output_flags.insert(OutputFlags::OPOST | OutputFlags::ONLCR);
        if let Ok(mut before) = BEFORE.lock() {
            before.get_or_insert(settings);
        }
        tcsetattr(&stdin, SetArg::TCSADRAIN, &raw)?;
        Ok(Self)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        restore();
    }
}

/// Puts everything back, once.
pub fn restore() {
    let Some(settings) = BEFORE.try_lock().ok().and_then(|mut before| before.take()) else { return };
    let mut out = io::stdout().lock();
    // A terminal that is gone needs nothing any more.
    let _ = out.write_all(vt::END).and_then(|()| out.flush());
    let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &settings);
}

/// What a terminal has that does not say.
const USUAL: Size = Size { width: 80, height: 24 };

/// The screen's size.
pub fn size() -> Size {
    nix::ioctl_read_bad!(window_size, nix::libc::TIOCGWINSZ, nix::libc::winsize);
    let mut size = nix::libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the kernel fills the structure it is given, whose size the request implies.
    let found = unsafe { window_size(1, &raw mut size) };
    sane(found.ok().map(|_| (size.ws_col, size.ws_row)))
}

/// Serial lines say that they have no columns.
fn sane(found: Option<(u16, u16)>) -> Size {
    found.filter(|(columns, rows)| *columns > 0 && *rows > 0).map_or(USUAL, |(columns, rows)| Size::new(columns.min(500), rows.min(200)))
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use nix::pty::openpty;
    use nix::sys::termios::LocalFlags;

    use super::*;

    #[test]
    #[ignore = "another test calls it, on a terminal"]
    fn panics_on_a_terminal() {
        let raw = Raw::enter().unwrap();
        assert!(!tcgetattr(io::stdin()).unwrap().local_flags.contains(LocalFlags::ECHO));
        // What ships does not unwind.
        std::mem::forget(raw);
        panic!("as it is meant to");
    }

    #[test]
    fn a_panic_restores_the_terminal() {
        let pair = openpty(None, None).unwrap();
        let echoes = || tcgetattr(&pair.slave).unwrap().local_flags.contains(LocalFlags::ECHO | LocalFlags::ICANON);
        assert!(echoes());
        let mut myself = Command::new(std::env::current_exe().unwrap());
        myself.args(["--exact", "--ignored", "--nocapture", "ui::screen::tty::tests::panics_on_a_terminal"]);
        let end = || Stdio::from(pair.slave.try_clone().unwrap());
        let output = myself.stdin(end()).stdout(end()).stderr(Stdio::piped()).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(echoes() && told.contains("as it is meant to"), "{told}");
    }

    #[test]
    fn sizes() {
        let table = [(None, (80, 24)), (Some((0, 0)), (80, 24)), (Some((80, 25)), (80, 25)), (Some((0, 25)), (80, 24))];
        for (found, (width, height)) in table {
            assert_eq!(sane(found), Size { width, height }, "{found:?}");
        }
    }
}
