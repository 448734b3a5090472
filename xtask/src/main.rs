//! `cargo xtask`: the builder's command line.

use std::env::args_os;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    runtime::signals::restore();
    runtime::limits::raise();
    runtime::limits::own_files_are_open();
    let arguments: Vec<_> = args_os().collect();
    match &arguments[..] {
        // The sandbox's worker process, which must not have threads or signal handlers.
        [_, command, option, file] if command == "worker" && option == "--job" => runtime::sandbox::worker_main(Path::new(file)),
        _ => ExitCode::from(xtask::cli::run(arguments) as u8),
    }
}
