//! The receivers of progress.

mod activity;
mod bars;
mod heartbeat;
mod json;
mod lines;

pub use bars::Bars;
pub use json::JsonLines;
pub use lines::Lines;

/// `1.2 s`, `3 min 05 s`, `1 h 02 min`
fn duration(elapsed_ms: u64) -> String {
    match elapsed_ms {
        0..60_000 => format!("{}.{} s", elapsed_ms / 1000, elapsed_ms % 1000 / 100),
        60_000..3_600_000 => format!("{} min {:02} s", elapsed_ms / 60_000, elapsed_ms / 1000 % 60),
        3_600_000.. => format!("{} h {:02} min", elapsed_ms / 3_600_000, elapsed_ms / 60_000 % 60),
    }
}
