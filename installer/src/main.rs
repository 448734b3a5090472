//! `kaon-installer`

use std::process::ExitCode;

fn main() -> ExitCode {
    installer::main(std::env::args_os())
}
