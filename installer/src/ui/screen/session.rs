//! The loop between a terminal and the screens.

use std::io::{self, Stdout};
use std::os::fd::AsFd as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGWINCH};

use super::super::Interview;
use super::flow::{Flow, Step};
use super::key::{Decoder, Key};
use super::observer::Observer;
use super::progress::{Event, Press, Progress};
use super::theme::Theme;
use super::{tty, view, vt};
use crate::apply::{self, ApplyError, Journal, Sources};
use crate::plan::Plan;

/// How a conversation or an installation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All is confirmed.
    Confirmed,
    /// It was broken off.
    Cancelled,
}

/// So long the rest of an escape sequence may take: slow lines send its bytes one by one, and a busy hypervisor late. ncurses waits for a
/// second, which is long for who pressed the escape key.
const SEQUENCE: Duration = Duration::from_millis(500);

/// How often clocks on the screen move.
const TICK: Duration = Duration::from_millis(500);

/// How often signals are looked for while nothing is typed.
const IDLE: Duration = Duration::from_secs(1);

/// A screen. The terminal is what it was once it is dropped, and also after panics and signals.
pub struct Session {
    terminal: Terminal<vt::Vt<Stdout>>,
    theme: Theme,
    decoder: Decoder,
    ended: Arc<AtomicUsize>,
    resized: Arc<AtomicBool>,
    _raw: tty::Raw,
}

impl Session {
    /// Takes the terminal on standard input and output.
    ///
    /// # Errors
    /// When it is not one, or cannot be set up.
    pub fn open(kind: &str) -> io::Result<Self> {
        let (ended, resized) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] {
            signal_hook::flag::register_usize(signal, Arc::clone(&ended), signal.unsigned_abs() as usize)?;
        }
        signal_hook::flag::register(SIGWINCH, Arc::clone(&resized))?;
        let raw = tty::Raw::enter()?;
        let size = tty::size();
        let mut backend = vt::Vt::new(io::stdout(), size);
        backend.send(vt::BEGIN)?;
        let viewport = Viewport::Fixed(Rect::from((ratatui::layout::Position::ORIGIN, size)));
        let terminal = Terminal::with_options(backend, TerminalOptions { viewport })?;
        let theme = Theme::of(kind, std::env::var("NO_COLOR").ok().as_deref());
        Ok(Self { terminal, theme, decoder: Decoder::default(), ended, resized, _raw: raw })
    }

    /// Asks everything.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn ask(&mut self, interview: Interview) -> io::Result<(Interview, End)> {
        let mut flow = Flow::new(interview);
        loop {
            let theme = self.theme;
            self.terminal.draw(|frame| view::question(frame, &flow, theme))?;
            for key in self.keys(IDLE)? {
                match flow.press(key) {
                    Step::Goes => {}
                    Step::Redraw => self.terminal.clear()?,
                    Step::Confirmed => return Ok((flow.into_interview(), End::Confirmed)),
                    Step::Cancelled => return Ok((flow.into_interview(), End::Cancelled)),
                }
            }
        }
    }

    /// Carries a plan out and shows how it goes on. Where `holds` is true, the machine is not restarted before a key is pressed, and what
    /// failed stays to be read. None where it was broken off.
    ///
    /// # Errors
    /// When the terminal is gone, or the work cannot begin.
    pub fn install(
        &mut self,
        plan: &Plan,
        sources: &Sources,
        directory: Option<&Path>,
        holds: bool,
    ) -> io::Result<Option<Result<Journal, ApplyError>>> {
        let (events, happens) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel();
        let observer = Observer::new(plan, holds, events, may_go_on);
        let mut progress = Progress::new(plan);
        let theme = self.theme;
        // Also what fails at once was on the screen.
        self.terminal.draw(|frame| view::progress(frame, &progress, theme))?;
        let (plan, sources, directory) = (plan.clone(), sources.clone(), directory.map(Path::to_owned));
        // Who breaks off does not wait for it.
        let work = thread::Builder::new().spawn(move || apply::apply(&plan, &sources, directory.as_deref(), &observer))?;
        let begun = Instant::now();
        loop {
            let now_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            // Before the events: what it said before its end is in the channel then.
            let is_over = work.is_finished();
            while let Ok(event) = happens.try_recv() {
                progress.update(event, now_ms);
            }
            if is_over {
                break;
            }
            progress.tick(now_ms);
            match self.show(&mut progress)? {
                Some(Press::Continue) => drop(go_on.send(())),
                Some(Press::BreakOff) => return Ok(None),
                _ => {}
            }
        }
        let done = work.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let event = done.as_ref().err().map_or(Event::Done, |error| Event::Failed(text::with_causes(error)));
        progress.update(event, progress.now_ms());
        while holds && done.is_err() && self.show(&mut progress)? != Some(Press::Leave) {}
        Ok(Some(done))
    }

    /// Draws, and takes keys for a while; gives the first that leads somewhere.
    fn show(&mut self, progress: &mut Progress) -> io::Result<Option<Press>> {
        let theme = self.theme;
        self.terminal.draw(|frame| view::progress(frame, progress, theme))?;
        for key in self.keys(TICK)? {
            match progress.press(key) {
                Press::Goes => {}
                Press::Redraw => self.terminal.clear()?,
                other => return Ok(Some(other)),
            }
        }
        Ok(None)
    }

    /// The keys that are pressed within this time; none if it passes.
    fn keys(&mut self, wait: Duration) -> io::Result<Vec<Key>> {
        let mut keys = Vec::new();
        let until = Instant::now() + wait;
        while keys.is_empty() {
            self.heed_signals()?;
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() && !self.decoder.is_waiting() {
                break;
            }
            let wait = if self.decoder.is_waiting() { SEQUENCE } else { left };
            let stdin = io::stdin();
            let mut fds = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, PollTimeout::try_from(wait).unwrap_or(PollTimeout::ZERO)) {
                Ok(0) => self.decoder.settle(&mut keys),
                Ok(_) => {
                    let mut bytes = [0; 256];
                    let count = nix::unistd::read(&stdin, &mut bytes)?;
                    if count == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    bytes[..count].iter().for_each(|byte| self.decoder.feed(*byte, &mut keys));
                }
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(keys)
    }

    /// A signal that ends the program does, once the terminal is restored.
    fn heed_signals(&mut self) -> io::Result<()> {
        let signal = self.ended.load(Ordering::Relaxed);
        if signal != 0 {
            tty::restore();
            signal_hook::low_level::emulate_default_handler(i32::try_from(signal).unwrap_or(SIGTERM))?;
        }
        if self.resized.swap(false, Ordering::Relaxed) {
            let size = tty::size();
            self.terminal.backend_mut().resize(size);
            self.terminal.resize(Rect::from((ratatui::layout::Position::ORIGIN, size)))?;
        }
        Ok(())
    }
}
