//! Plain threads over a list of items, for work that waits: servers, child processes, locks.
//!
//! Not rayon: a rayon thread that waits inside one item starts another one meanwhile, and two items that need the same lock then wait for
//! each other for ever.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Works on all `items` with at most `threads` threads, in order, and returns the results in the items' order. After the first error no
/// further item is started.
///
/// # Errors
/// The error of the first failed item in their order.
///
/// # Panics
/// When `work` panics.
pub fn try_each<T: Sync, R: Send, E: Send>(items: &[T], threads: usize, work: impl Fn(&T) -> Result<R, E> + Sync) -> Result<Vec<R>, E> {
    let (next, has_failed, results) = (AtomicUsize::new(0), AtomicBool::new(false), Mutex::new(Vec::new()));
    together(threads.min(items.len()), || {
        while !has_failed.load(Ordering::Relaxed) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { break };
            let result = work(item);
            has_failed.fetch_or(result.is_err(), Ordering::Relaxed);
            results.lock().unwrap_or_else(PoisonError::into_inner).push((at, result));
        }
    });
    let mut results: Vec<(usize, Result<R, E>)> = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Runs `work` on `threads` threads in parallel, including this one, and returns when all are done. If the host allows fewer threads, those
/// do everything.
///
/// # Panics
/// When `work` panics.
pub fn together(threads: usize, work: impl Fn() + Sync) {
    thread::scope(|scope| {
        for _ in 1..threads {
            if thread::Builder::new().spawn_scoped(scope, &work).is_err() {
                break;
            }
        }
        work();
    });
}

/// Runs `other` on a separate thread while this one runs `own`; if the host allows no further thread, one after the other.
///
/// # Panics
/// When one of them panics.
pub fn beside<O: Send, R>(other: impl Fn() -> O + Sync, own: impl FnOnce() -> R) -> (O, R) {
    thread::scope(|scope| match thread::Builder::new().spawn_scoped(scope, &other) {
        Ok(thread) => {
            let result = own();
            (thread.join().unwrap_or_else(|panic| resume_unwind(panic)), result)
        }
        Err(_) => (other(), own()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_errors_end_the_work() {
        let items: Vec<usize> = (0..100).collect();
        let doubled = try_each(&items, 7, |item| Ok::<_, ()>(item * 2)).unwrap();
        assert_eq!(doubled, items.iter().map(|item| item * 2).collect::<Vec<_>>());
        let begun = AtomicUsize::new(0);
        let failed = try_each(&items, 2, |item| {
            begun.fetch_add(1, Ordering::Relaxed);
            if *item == 3 { Err(*item) } else { Ok(()) }
        });
        assert_eq!(failed, Err(3));
        assert!(begun.load(Ordering::Relaxed) < 100);
        assert_eq!(try_each(&[] as &[()], 3, |()| Ok::<_, ()>(())), Ok(vec![]));
    }

    #[test]
    fn work_beside_gives_both_results() {
        assert_eq!(beside(|| 1, || 2), (1, 2));
    }
}
