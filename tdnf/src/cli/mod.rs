//! The command line: from arguments to an exit code.

pub mod args;
pub mod console;
pub mod error;
pub mod local;
pub mod number;
pub mod progress;
pub mod session;
pub mod signals;
pub mod usage;

use std::ffi::OsString;

use clap::Parser as _;
use clap::error::ErrorKind;
use serde_json::json;

use crate::command;
use crate::command::change::{self, Verb};
use args::{Cli, Command, Common};
use console::Console;
use error::CliError;
use session::Session;

/// Runs the command line and returns the exit code.
pub fn run(arguments: Vec<OsString>) -> u8 {
    let words: Vec<String> = arguments.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let cli = match Cli::try_parse_from(usage::reordered(as_json(arguments))) {
        Ok(cli) => cli,
        Err(error) => {
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            let number = number::of_usage(&error, &words);
            let advice = usage::advice(&words).filter(|_| error.kind() == ErrorKind::InvalidSubcommand);
            if !asked && words.iter().any(|word| word == "-j" || word == "--json") {
                let text = error.render().to_string();
                let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
                let text = [Some(first.as_str()), advice].into_iter().flatten().collect::<Vec<_>>().join(": ");
                Console::new(&Common::default()).value(&json!({ "Error": number, "ErrorMessage": text }));
                return number as u8;
            }
            // Nothing is left to be done where not even this can be written.
            let _ = error.print();
            advice.into_iter().for_each(|advice| Console::new(&Common::default()).warn(advice));
            return if asked { 0 } else { number as u8 };
        }
    };
    let console = Console::new(&cli.common);
    match dispatch(cli, words) {
        Ok(()) => 0,
        Err(error) => console.fail(&error),
    }
}

/// Called as `tdnfj`, it answers in JSON and asks nothing, as the reference does; called as `tdnf-config`, it is `tdnf config`.
fn as_json(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let name = arguments.first().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if name.ends_with("tdnfj") {
        arguments.splice(1..1, ["-j".into(), "-y".into()]);
    }
    if name.ends_with("tdnf-config") {
        arguments.insert(1, "config".into());
    }
    arguments
}

fn dispatch(cli: Cli, words: Vec<String>) -> Result<(), CliError> {
    if let Command::Generate { what, directory } = &cli.command {
        return command::generate::run(*what, directory);
    }
    if let Command::Config(asked) = &cli.command {
        return command::config::run(&cli.common, asked);
    }
    let mut session = Session::begin(cli.common, words)?;
    match cli.command {
        Command::List(listing) => command::list::run(&session, listing),
        Command::Info(listing) => command::info::run(&session, listing),
        Command::Search(packages) => command::search::run(&session, &packages.packages),
        Command::Provides(packages) => command::provides::run(&session, &packages.packages),
        Command::Repoquery(query) => command::repoquery::run(&session, &query),
        Command::CheckUpdate(packages) => command::check_update::run(&session, &packages.packages),
        Command::Updateinfo(asked) => command::updateinfo::run(&session, &asked),
        Command::Repoinfo { repositories } => command::repoinfo::run(&session, &repositories),
        Command::Repolist { which } => command::repolist::run(&session, which),
        Command::Makecache => command::makecache::run(&mut session),
        Command::Clean { what } => command::clean::run(&session, &what),
        Command::Count => command::count::run(&session),
        Command::CheckLocal { directory } => command::check_local::run(&session, &directory),
        Command::Reposync(asked) => command::reposync::run(&session, &asked),
        // They need no system, and were done.
        Command::Generate { .. } | Command::Config(_) => Ok(()),
        Command::Check => command::check::run(&session),
        Command::Mark { what, packages } => command::mark::run(&mut session, what, &packages),
        Command::History(asked) => command::history::run(&mut session, asked),
        Command::Install(asked) => change::run(&mut session, Verb::Install, &asked.packages),
        Command::Erase(asked) if asked.duplicates => change::run(&mut session, Verb::EraseDuplicates, &asked.packages),
        Command::Erase(asked) => change::run(&mut session, Verb::Erase, &asked.packages),
        Command::Update(asked) => change::run(&mut session, Verb::Update, &asked.packages),
        Command::Downgrade(asked) => change::run(&mut session, Verb::Downgrade, &asked.packages),
        Command::Reinstall(asked) => change::run(&mut session, Verb::Reinstall, &asked.packages),
        Command::DistroSync(asked) => change::run(&mut session, Verb::DistroSync, &asked.packages),
        Command::Autoremove(asked) => change::run(&mut session, Verb::Autoremove, &asked.packages),
    }
}
