//! Whose turn a build is, where several builders share a store.

use runtime::store::{Lock, Store, StoreError};

/// Whose turn it is.
#[derive(Debug)]
pub(super) enum Turn<P, T> {
    /// This builder's, which holds the locks and may run one more build.
    Mine {
        /// Why it may run.
        permit: P,
        /// Nobody else builds it.
        locks: Vec<Lock>,
    },
    /// Another builder made it meanwhile.
    Made(T),
}

/// Waits until this builder may run a build and has all its `locks`, or another builder has `made` it. Nothing is held while something else
/// is waited for: with a lock held, another builder that has a processor free would wait as long; with a permit held, a processor would.
///
/// # Errors
/// When a permit or a lock cannot be had.
pub(super) fn wait<P, T, E: From<StoreError>>(
    store: &Store,
    locks: &[String],
    permit: impl Fn() -> Result<P, E>,
    waiting: impl Fn(),
    made: impl Fn() -> Option<T>,
) -> Result<Turn<P, T>, E> {
    loop {
        let permit = permit()?;
        // Those that were got are released again if one is missing.
        let taken = locks.iter().map(|name| store.try_lock(name)).collect::<Result<Option<Vec<Lock>>, StoreError>>()?;
        if let Some(made) = made() {
            return Ok(Turn::Made(made));
        }
        if let Some(locks) = taken {
            return Ok(Turn::Mine { permit, locks });
        }
        drop(permit);
        for name in locks {
            drop(store.lock(name, &waiting)?);
        }
        if let Some(made) = made() {
            return Ok(Turn::Made(made));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    fn acquired(server: &jobserver::Client) -> Result<jobserver::Acquired, StoreError> {
        server.acquire().map_err(|source| StoreError::io("acquire", Path::new("token"), source))
    }

    #[test]
    fn who_waits_for_a_processor_keeps_nobody_else_from_building() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let locks = ["one".to_owned(), "other".to_owned()];
        let (busy, idle) = (jobserver::Client::new(1).unwrap(), jobserver::Client::new(1).unwrap());
        let is_made = AtomicBool::new(false);
        let made = || is_made.load(Ordering::SeqCst).then_some("made");
        let token = busy.acquire().unwrap();
        thread::scope(|scope| {
            let (asks, asked) = mpsc::channel();
            let first = scope.spawn({
                let (store, locks, busy, made) = (&store, &locks, &busy, &made);
                move || {
                    let permit = || {
                        asks.send(()).unwrap();
                        acquired(busy)
                    };
                    wait(store, locks, permit, || {}, made)
                }
            });
            asked.recv().unwrap();
            let second = wait(&store, &locks, || acquired(&idle), || {}, made).unwrap();
            assert!(matches!(second, Turn::Mine { .. }));
            is_made.store(true, Ordering::SeqCst);
            drop(second);
            drop(token);
            assert!(matches!(first.join().unwrap(), Ok(Turn::Made("made"))));
        });
        // Neither is left with somebody.
        drop(busy.acquire().unwrap());
        assert!(store.try_lock("one").unwrap().is_some());
    }

    #[test]
    fn who_waits_for_a_lock_gives_the_processor_back() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let locks = ["one".to_owned(), "other".to_owned()];
        let held = store.try_lock("other").unwrap();
        let server = jobserver::Client::new(1).unwrap();
        let waited = AtomicUsize::new(0);
        let (waits, waiting) = mpsc::channel();
        thread::scope(|scope| {
            let builder = scope.spawn({
                let (store, locks, server, waited) = (&store, &locks, &server, &waited);
                move || {
                    let say = || {
                        waited.fetch_add(1, Ordering::SeqCst);
                        waits.send(()).unwrap();
                    };
                    wait(store, locks, || acquired(server), say, || None::<()>).map(|turn| matches!(turn, Turn::Mine { .. }))
                }
            });
            waiting.recv().unwrap();
            drop(server.acquire().unwrap());
            drop(store.try_lock("one").unwrap().unwrap());
            drop(held);
            assert!(builder.join().unwrap().unwrap());
        });
        assert_eq!(waited.into_inner(), 1);
    }
}
