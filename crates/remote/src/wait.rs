//! Waiting for servers: as long as something happens, and again for what may pass.

use std::future::Future;
use std::time::Duration;

use runtime::remote::{Patience, Trouble};
use tonic::Status;

use crate::trouble;

/// The result of something that must happen within the time of silence.
pub async fn within<T>(patience: Patience, happening: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
    tokio::time::timeout(silence(patience), happening).await.unwrap_or_else(|_| Err(silent(patience)))
}

/// The time after which a server counts as dead.
pub fn silence(patience: Patience) -> Duration {
    Duration::from_secs(patience.silence_s.into())
}

/// The error of a silent server.
pub fn silent(patience: Patience) -> Status {
    Status::deadline_exceeded(format!("nothing came for {} s", patience.silence_s))
}

/// Tries something until it succeeds or fails for good.
pub async fn patiently<T>(patience: Patience, once: impl AsyncFn() -> Result<T, Status>) -> Result<T, Trouble> {
    let mut tried = 0;
    loop {
        match once().await {
            Ok(value) => return Ok(value),
            Err(status) if tried < patience.retries && trouble::may_pass(&status) => {
                tokio::time::sleep(pause(tried)).await;
                tried += 1;
            }
            Err(status) => return Err(trouble::of(&status)),
        }
    }
}

/// The time before another try: 1 s, 2 s, 4 s, … up to 10 s.
pub fn pause(tried: u32) -> Duration {
    Duration::from_secs(1 << tried.min(4)).min(Duration::from_secs(10))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn what_may_pass_is_tried_again_and_silence_is_an_error() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let patience = Patience { retries: 1, silence_s: 0 };
        let ask = |status: fn(&str) -> Status| {
            let tries = Cell::new(0);
            let ended = runtime.block_on(patiently(patience, async || -> Result<(), Status> {
                tries.set(tries.get() + 1);
                Err(status("x"))
            }));
            (tries.get(), ended)
        };
        assert_eq!(ask(|text| Status::aborted(text)), (2, Err(Trouble::Failed("ABORTED: x".into()))));
        assert_eq!(ask(|text| Status::not_found(text)), (1, Err(Trouble::NotFound)));
        let dead = runtime.block_on(within(patience, std::future::pending::<Result<(), Status>>()));
        assert_eq!(dead.unwrap_err().message(), "nothing came for 0 s");
    }
}
