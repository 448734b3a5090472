//! `tdnf`: the package manager's command line.

use std::env::args_os;
use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(tdnf::cli::run(args_os().collect()))
}
