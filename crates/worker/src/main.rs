//! `kaon-worker action`: runs the build that is described in its working directory.

use std::env::args_os;
use std::path::Path;
use std::process::ExitCode;

use worker::action::ARGUMENT;

fn main() -> ExitCode {
    runtime::signals::restore();
    runtime::limits::raise();
    let arguments: Vec<_> = args_os().collect();
    match &arguments[..] {
        // The sandbox's worker process, which must not have threads or signal handlers.
        [_, command, option, file] if command == "worker" && option == "--job" => runtime::sandbox::worker_main(Path::new(file)),
        [_, command] if command == ARGUMENT => match worker::run::run(Path::new(".")) {
            Ok(exit) => ExitCode::from(exit.code()),
            Err(error) => unable(&error),
        },
        _ => wrong_call(),
    }
}

#[expect(clippy::print_stderr, reason = "the builder shows standard error when there is no report")]
fn unable(error: &worker::run::RunError) -> ExitCode {
    eprintln!("{}", text::with_causes(error));
    if let Some(hint) = base::diagnostic::Failure::hint(error) {
        eprintln!("hint: {hint}");
    }
    ExitCode::from(worker::action::Exit::Unable.code())
}

#[expect(clippy::print_stderr, reason = "no report applies")]
fn wrong_call() -> ExitCode {
    eprintln!("usage: kaon-worker {ARGUMENT}, in a directory that the builder filled");
    ExitCode::from(2)
}
