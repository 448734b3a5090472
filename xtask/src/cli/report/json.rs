//! Events as JSON, one a line, for pipelines.

use std::io::{self, Write as _};

use crate::progress::{Event, Reporter};

/// Writes each event to standard output.
pub struct JsonLines;

impl Reporter for JsonLines {
    fn event(&self, event: Event) {
        if let Ok(mut line) = serde_json::to_string(&event) {
            line.push('\n');
            let _ = io::stdout().lock().write_all(line.as_bytes());
        }
    }
}
