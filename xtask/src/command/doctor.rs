//! `cargo xtask doctor`

use crate::cli::Context;
use crate::diagnostic::{ExitCode, Report};
use crate::doctor;

/// Examines this machine and prints what it found.
///
/// # Errors
/// When there is no place for the store.
pub fn run(context: &Context<'_>) -> Result<ExitCode, Report> {
    let store = context.store()?;
    let findings = doctor::examine(&store, &context.settings());
    if context.output.is_json() {
        context.output.document(&findings);
    } else {
        let text: String = findings.iter().map(|finding| format!("{finding}\n")).collect();
        context.output.text(&text);
    }
    if findings.iter().any(doctor::Finding::is_lack) { Ok(ExitCode::Host) } else { Ok(ExitCode::Done) }
}
