//! Servers that have no time at the moment: they are asked again a little later.

use std::thread;
use std::time::{Duration, Instant};

use super::heard::Listener;
use super::{AptError, Download, Outcome, Patience};
use runtime::cancel::Cancel;

/// What came of asking for a file once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tried {
    /// It is decided.
    Done(Outcome),
    /// The server has no time.
    Busy {
        /// Its answer, such as `503 Service Unavailable`.
        answer: String,
        /// When it wants to be asked again.
        after: Option<Duration>,
    },
}

impl Tried {
    /// The outcome if it is not asked again.
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Done(outcome) => outcome,
            Self::Busy { answer, .. } => Outcome::Failed(format!("the server answered {answer}")),
        }
    }
}

/// Pauses of those who are asked to come back, if the server does not say when.
const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// All pauses together are not longer, whatever a server wishes.
const LONGEST: Duration = Duration::from_secs(30);

/// How often to check whether the user asked to stop.
const LOOK: Duration = Duration::from_millis(20);

/// Whether a status means that the server has no time at the moment, or what is behind it.
pub fn is_busy(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502..=504)
}

/// Asks for files once.
pub(super) type Asking<'a> = dyn Fn(&[Download]) -> Result<Vec<Tried>, AptError> + 'a;

/// Asks for files with `once`, and again for those whose server was busy, as often as `patience` allows.
///
/// # Errors
/// Those of `once`; when the user asked to stop.
pub(super) fn patiently(
    downloads: &[Download],
    patience: Patience,
    listener: &Listener<'_>,
    cancel: &Cancel,
    once: &Asking<'_>,
) -> Result<Vec<Outcome>, AptError> {
    let mut tried = once(downloads)?;
    let mut left = LONGEST;
    for usual in PAUSES.into_iter().take(patience.when_busy as usize) {
        let busy = |(at, tried): (usize, &Tried)| match tried {
            Tried::Busy { after, .. } => Some((at, *after)),
            Tried::Done(_) => None,
        };
        let again: Vec<(usize, Option<Duration>)> = tried.iter().enumerate().filter_map(busy).collect();
        let pause = again.iter().filter_map(|(_, after)| *after).max().unwrap_or_default().max(usual).min(left);
        if again.is_empty() || pause.is_zero() {
            break;
        }
        left -= pause;
        wait(pause, listener, cancel)?;
        let asked: Vec<Download> = again.iter().map(|(at, _)| downloads[*at].clone()).collect();
        again.into_iter().zip(once(&asked)?).for_each(|((at, _), now)| tried[at] = now);
    }
    Ok(tried.into_iter().map(Tried::outcome).collect())
}

fn wait(pause: Duration, listener: &Listener<'_>, cancel: &Cancel) -> Result<(), AptError> {
    let until = Instant::now() + pause;
    while Instant::now() < until {
        if cancel.is_raised() {
            return Err(AptError::Interrupted);
        }
        thread::sleep(LOOK);
        listener.look(0);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn busy(after: Option<u64>) -> Tried {
        Tried::Busy { answer: "503 Service Unavailable".into(), after: after.map(Duration::from_secs) }
    }

    /// Asks for two files, of which the first is there and the second is answered with `answers`, one after the other. Returns the outcomes and
    /// which files were asked for.
    fn asked(when_busy: u32, answers: &[Tried]) -> (Vec<Outcome>, Vec<Vec<String>>) {
        let downloads = ["a", "b"].map(|name| Download::new(format!("copy:/{name}"), "/x".into()));
        let patience = Patience { when_busy, ..Patience::new(0, 5) };
        let listener = Listener::new(&|_| {}, &downloads, patience);
        let seen = RefCell::new(Vec::new());
        let once = |downloads: &[Download]| {
            seen.borrow_mut().push(downloads.iter().map(|download| download.uri.clone()).collect::<Vec<_>>());
            let answer = answers[seen.borrow().len() - 1].clone();
            let one = |download: &Download| if download.uri == "copy:/a" { Tried::Done(Outcome::Fetched) } else { answer.clone() };
            Ok(downloads.iter().map(one).collect())
        };
        let outcomes = patiently(&downloads, patience, &listener, &Cancel::new(), &once).unwrap();
        (outcomes, seen.into_inner())
    }

    #[test]
    fn only_what_a_busy_server_has_is_asked_for_again() {
        let both = vec!["copy:/a".to_owned(), "copy:/b".to_owned()];
        let (outcomes, seen) = asked(3, &[busy(Some(0)), Tried::Done(Outcome::NotFound)]);
        assert_eq!((outcomes, seen), (vec![Outcome::Fetched, Outcome::NotFound], vec![both.clone(), vec!["copy:/b".to_owned()]]));
        let (outcomes, seen) = asked(0, &[busy(None)]);
        assert_eq!(outcomes[1], Outcome::Failed("the server answered 503 Service Unavailable".into()));
        assert_eq!(seen, [both]);
    }

    #[test]
    fn who_stays_busy_is_asked_a_few_times() {
        let (outcomes, seen) = asked(2, &[busy(None), busy(None), busy(None)]);
        assert_eq!((outcomes.len(), seen.len()), (2, 3));
    }

    #[test]
    fn who_asks_to_stop_does_not_wait() {
        let cancel = Cancel::new();
        cancel.raise();
        let downloads = [Download::new("copy:/b".into(), "/x".into())];
        let patience = Patience { when_busy: 1, ..Patience::new(0, 5) };
        let listener = Listener::new(&|_| {}, &downloads, patience);
        let ended = patiently(&downloads, patience, &listener, &cancel, &|_| Ok(vec![busy(Some(100_000))]));
        assert!(matches!(ended, Err(AptError::Interrupted)));
    }
}
