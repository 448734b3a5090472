//! The command line: its definition, and its dispatch to commands.

mod arguments;
mod context;
mod listen;
mod output;
mod report;
mod signal;
mod stream;
mod table;

use std::env;
use std::ffi::OsString;
use std::io::{self, Write as _};

use clap::builder::Resettable;
use clap::{Arg, ArgMatches, CommandFactory as _, FromArgMatches as _};

use output::{help, usage_error};
use stream::{Content, Stream};

use crate::command;
use base::diagnostic::{ExitCode, Report, Style, render};
use runtime::cancel::Cancel;
use runtime::limits::{check_memory, start_pool};

pub use arguments::{Arguments, Command, Global};
pub use context::Context;
pub use listen::listen_address;
pub use output::Output;
pub use table::{Cell, Tone};

/// Runs the command line and returns the process's exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let words: Vec<OsString> = arguments.into_iter().collect();
    let command = without_empty_settings(Arguments::command());
    let read = |matches: ArgMatches| Arguments::from_arg_matches(&matches).map_err(|error| error.format(&mut Arguments::command()));
    let arguments = match command.try_get_matches_from(&words).and_then(read) {
        Ok(arguments) => arguments,
        Err(error) => return explain(&error, &words),
    };
    let output = Output::new(&arguments.global, Cancel::new());
    let code = dispatch(arguments, &output).unwrap_or_else(|report| {
        output.failure(report.failure());
        report.failure().exit()
    });
    output.finish(code)
}

/// Prints help, the version or an error of the command line.
fn explain(error: &clap::Error, words: &[OsString]) -> ExitCode {
    let out = Stream::new(Content::Results, io::stdout(), &Cancel::new());
    if !error.use_stderr() {
        out.write(help(error).as_bytes());
        let Some(failure) = out.failure() else { return ExitCode::Done };
        // If this fails as well, only the exit code is left to report it.
        let _ = io::stderr().write_all(render(&failure, Style::Plain).as_bytes());
        return ExitCode::Failed;
    }
    let is_json = words.iter().take_while(|word| *word != "--").any(|word| word == "--json");
    match usage_error(error).filter(|_| is_json) {
        Some(line) => out.write(line.as_bytes()),
        // As above.
        None => drop(error.print()),
    }
    ExitCode::Usage
}

/// Empty settings count as unset: a pipeline passes on variables without a value.
fn without_empty_settings(command: clap::Command) -> clap::Command {
    let is_empty = |arg: &Arg| arg.get_env().and_then(env::var_os).is_some_and(|value| value.is_empty());
    command.mut_args(|arg| if is_empty(&arg) { arg.env(Resettable::Reset) } else { arg }).mut_subcommands(without_empty_settings)
}

fn dispatch(arguments: Arguments, output: &Output) -> Result<ExitCode, Report> {
    let Arguments { global, command } = arguments;
    if let Command::Completions(options) = command {
        return command::completions::run(&options, output);
    }
    match start_pool() {
        Ok(()) => {}
        // `doctor` reports it with everything else that is lacking.
        Err(_) if matches!(command, Command::Doctor) => {}
        Err(error) => {
            // Threads also need address space.
            check_memory()?;
            return Err(error.into());
        }
    }
    let context = Context::new(global, output)?;
    match command {
        Command::BuildIso(options) => command::build_iso::run(&context, &options),
        Command::BuildOva(options) => command::build_ova::run(&context, &options),
        Command::BuildImage(options) => command::build_image::run(&context, &options),
        Command::Inspect(options) => command::inspect::run(&context, &options),
        Command::Diff(options) => command::diff::run(&context, &options),
        Command::LegalInfo(options) => command::legal_info::run(&context, &options),
        Command::Test(options) => command::test::run(&context, &options),
        Command::Qemu(options) => command::qemu::run(&context, &options),
        Command::Build(options) => command::build::run(&context, &options),
        Command::Repo(options) => command::repo::run(&context, &options),
        Command::New(options) => command::new::run(&context, &options),
        Command::Bump(options) => command::bump::run(&context, &options),
        Command::Outdated(options) => command::outdated::run(&context, &options),
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
        Command::Cache(options) => command::cache::run(&context, &options),
        Command::Doctor => command::doctor::run(&context),
        Command::Bench(options) => command::bench::run(&context, &options),
        Command::Gc(options) => command::gc::run(&context, &options),
        Command::Completions(_) => Ok(ExitCode::Done),
    }
}
