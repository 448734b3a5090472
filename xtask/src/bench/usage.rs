//! Clocks: wall time, and processor time of this process and of the children it waited for.

use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

/// The cost of something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usage {
    /// Wall time, in seconds.
    pub wall_s: f64,
    /// Processor time, user and system, in seconds.
    pub cpu_s: f64,
}

/// Runs `work` and returns its cost, including processes it waited for.
pub fn measure<T>(work: impl FnOnce() -> T) -> (T, Usage) {
    let (begun, before) = (Instant::now(), cpu_s());
    let result = work();
    (result, Usage { wall_s: begun.elapsed().as_secs_f64(), cpu_s: cpu_s() - before })
}

fn cpu_s() -> f64 {
    let used = |who| getrusage(who).map_or(0, |usage| usage.user_time().num_microseconds() + usage.system_time().num_microseconds());
    (used(UsageWho::RUSAGE_SELF) + used(UsageWho::RUSAGE_CHILDREN)) as f64 / 1e6
}

/// The median; of two middle values, the mean. 0 if there are no values.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        count if count % 2 == 1 => values[count / 2],
        count => (values[count / 2 - 1] + values[count / 2]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median([]), 0.0);
    }

    #[test]
    fn work_takes_time() {
        let (sum, usage) = measure(|| (0..2_000_000_u64).fold(0, |sum, value| sum ^ value.wrapping_mul(31)));
        assert!(sum > 0 && usage.wall_s > 0.0 && usage.cpu_s > 0.0, "{usage:?}");
    }
}
