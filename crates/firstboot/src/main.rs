//! `kaon-firstboot`

use std::process::ExitCode;

fn main() -> ExitCode {
    firstboot::main(std::env::args_os())
}
