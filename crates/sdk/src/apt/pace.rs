//! Checks whether a server is fast enough to be worth waiting for.

use std::time::{Duration, Instant};

/// The minimum rate of a server that sends anything. One that sends nothing is detected by a timeout.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Bytes a second, on average.
    pub bytes_per_s: u64,
    /// The length of the consecutive periods over which the average is taken.
    pub over: Duration,
}

impl Rate {
    /// The minimum that dnf accepts (`minrate` and `timeout` in dnf.conf(5)).
    pub const USUAL: Self = Self { bytes_per_s: 1000, over: Duration::from_secs(30) };
}

/// Measures a transfer.
pub(super) struct Pace {
    rate: Rate,
    idle: Duration,
    since: Instant,
    bytes: u64,
    last_byte: Instant,
}

impl Pace {
    /// A transfer that begins now and may stall for `idle`.
    pub fn new(rate: Rate, idle: Duration) -> Self {
        Self { rate, idle, since: Instant::now(), bytes: 0, last_byte: Instant::now() }
    }

    /// Records received bytes, and returns an error if the last period had too few.
    pub fn take(&mut self, bytes: u64) -> Result<(), String> {
        if bytes > 0 {
            self.last_byte = Instant::now();
        } else if self.last_byte.elapsed() > self.idle {
            return Err(format!("nothing was received for {} s", self.idle.as_secs()));
        }
        self.bytes += bytes;
        let elapsed = self.since.elapsed();
        if elapsed < self.rate.over {
            return Ok(());
        }
        let (came, rate) = (self.bytes, self.rate.bytes_per_s);
        (self.since, self.bytes) = (Instant::now(), 0);
        if came > 0 && (came as f64) < rate as f64 * elapsed.as_secs_f64() {
            let seconds = elapsed.as_secs_f64().ceil();
            return Err(format!("too slow: {came} bytes in {seconds} s; the minimum is {rate} bytes per second"));
        }
        Ok(())
    }
}
