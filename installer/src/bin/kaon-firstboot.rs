//! `kaon-firstboot`

use std::process::ExitCode;

fn main() -> ExitCode {
    installer::firstboot::main(std::env::args_os())
}
