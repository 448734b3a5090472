//! `cargo xtask`: the builder's command line.

use std::env::args_os;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = args_os().skip(1).collect();
    match &arguments[..] {
        [command, option, file] if command == "worker" && option == "--job" => xtask::sandbox::worker_main(Path::new(file)),
        _ => ExitCode::from(2),
    }
}
