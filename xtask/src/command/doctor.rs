//! `cargo xtask doctor`

use crate::cli::Context;
use crate::doctor::{self, Patient};
use base::diagnostic::{ExitCode, Report};
use sdk::Sdk;

/// Examines this machine and prints the findings.
///
/// # Errors
/// When the SDK's description cannot be read.
pub fn run(context: &Context<'_>) -> Result<ExitCode, Report> {
    let (store, keys) = (context.store(), context.keys());
    let remote = context.trust().and_then(|trust| context.remote(&trust));
    let (settings, sdk) = (context.settings(), Sdk::load(&context.root)?);
    let patient = Patient {
        store: store.as_ref().map_err(Report::failure),
        keys: keys.as_deref().map_err(Report::failure),
        remote: remote.as_ref().map(Option::as_ref).map_err(Report::failure),
        settings: &settings,
        suite: &sdk.description.suite,
        cancel: &context.cancel,
    };
    let findings = doctor::examine(&patient);
    if context.output.is_json() {
        context.output.document(&findings);
    } else {
        let text: String = findings.iter().map(|finding| format!("{finding}\n")).collect();
        context.output.text(&text);
    }
    if findings.iter().any(doctor::Finding::is_lack) { Ok(ExitCode::Host) } else { Ok(ExitCode::Done) }
}
