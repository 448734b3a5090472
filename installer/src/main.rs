//! `kaon-installer`

use std::process::ExitCode;

fn main() -> ExitCode {
    installer::command::main(std::env::args_os())
}
