//! The command line: what it looks like, and which command does what.

mod arguments;
mod context;
mod output;
mod report;
mod signal;

use std::ffi::OsString;

use clap::Parser as _;

use crate::command;
use crate::diagnostic::{ExitCode, Report};

pub use arguments::{Arguments, Command, Global};
pub use context::Context;
pub use output::Output;

/// Runs the command line and gives the process's exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = if error.use_stderr() { ExitCode::Usage } else { ExitCode::Done };
            // A closed pipe is the only way this fails, and nobody is left to be told.
            let _ = error.print();
            return code;
        }
    };
    let output = Output::new(&arguments.global);
    match dispatch(arguments, &output) {
        Ok(code) => code,
        Err(report) => {
            output.failure(report.failure());
            report.failure().exit()
        }
    }
}

fn dispatch(arguments: Arguments, output: &Output) -> Result<ExitCode, Report> {
    let Arguments { global, command } = arguments;
    if let Command::Completions(options) = command {
        return command::completions::run(&options);
    }
    let context = Context::new(global, output)?;
    match command {
        Command::BuildIso(options) => command::build_iso::run(&context, &options),
        Command::BuildOva(options) => command::build_ova::run(&context, &options),
        Command::BuildImage(options) => command::build_image::run(&context, &options),
        Command::Inspect(options) => command::inspect::run(&context, &options),
        Command::Diff(options) => command::diff::run(&context, &options),
        Command::Test(options) => command::test::run(&context, &options),
        Command::Qemu(options) => command::qemu::run(&context, &options),
        Command::Build(options) => command::build::run(&context, &options),
        Command::Repo(options) => command::repo::run(&context, &options),
        Command::Fetch(options) => command::fetch::run(&context, &options),
        Command::Plan(options) => command::plan::run(&context, &options),
        Command::Why(options) => command::why::run(&context, &options),
        Command::List => command::list::run(&context),
        Command::Show(options) => command::show::run(&context, &options),
        Command::Graph(options) => command::graph::run(&context, &options),
        Command::Log(options) => command::log::run(&context, &options),
        Command::Shell(options) => command::shell::run(&context, &options),
        Command::Kernel(options) => command::kernel::run(&context, &options),
        Command::Sdk(options) => command::sdk::run(&context, &options),
        Command::Doctor => command::doctor::run(&context),
        Command::Bench(options) => command::bench::run(&context, &options),
        Command::Gc(options) => command::gc::run(&context, &options),
        Command::Completions(_) => Ok(ExitCode::Done),
    }
}
