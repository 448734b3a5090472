//! The command line of `kaon-installer`.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

use crate::document::{self, Language};
use crate::kickstart;
use crate::medium::{self, Loaded, MediumError};
use crate::plan::{self, Facts, Plan};

/// Puts Kaon onto this machine: by questions, or as a kickstart file says.
#[derive(Debug, Parser)]
#[command(name = "kaon-installer", version, after_help = "Exit codes: 0 done, 1 failed, 2 wrong command line, 3 wrong kickstart file.")]
struct Arguments {
    /// The kickstart file: JSON, YAML or TOML. Without one, questions are asked.
    kickstart: Option<PathBuf>,
    /// Print what would be done, and do nothing.
    #[arg(long, requires = "kickstart")]
    plan: bool,
    /// Plan for the machine this file describes rather than for this one.
    #[arg(long, value_name = "FILE", requires = "plan")]
    facts: Option<PathBuf>,
    /// Print plans as JSON.
    #[arg(long, requires = "plan")]
    json: bool,
    /// Print the JSON Schema of kickstart files.
    #[arg(long, exclusive = true)]
    schema: bool,
    /// Print the reference of kickstart files, in Markdown.
    #[arg(long, exclusive = true, hide = true)]
    reference: bool,
}

/// Why the installer ends.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    #[error(transparent)]
    Medium(#[from] MediumError),
    #[error("{0}")]
    Refused(document::Problems),
    #[error("cannot write the answer")]
    Output(#[from] io::Error),
}

impl CommandError {
    fn exit(&self) -> ExitCode {
        match self {
            Self::Medium(MediumError::Wrong(_) | MediumError::NotFound { .. }) | Self::Refused(_) => ExitCode::from(3),
            Self::Medium(MediumError::Io { .. }) | Self::Output(_) => ExitCode::FAILURE,
        }
    }
}

/// Runs the program.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => error.exit(),
    };
    match run(&arguments, &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&error);
            error.exit()
        }
    }
}

fn tell(error: &CommandError) {
    let mut err = io::stderr().lock();
    let _ = writeln!(err, "error: {error}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let _ = writeln!(err, "  because: {cause}");
        source = cause.source();
    }
}

fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), CommandError> {
    if arguments.schema {
        return Ok(writeln!(out, "{:#}", kickstart::schema())?);
    }
    if arguments.reference {
        return Ok(write!(out, "{}", kickstart::reference())?);
    }
    if let (true, Some(path)) = (arguments.plan, &arguments.kickstart) {
        let facts = match &arguments.facts {
            Some(file) => read_facts(file)?,
            None => crate::machine::facts(),
        };
        let plan = plan_file(&medium::load(path)?, &facts, chance())?;
        let text = if arguments.json { json(&plan) } else { plan.to_string() };
        return Ok(write!(out, "{text}")?);
    }
    Ok(())
}

/// A plan as JSON.
fn json(plan: &Plan) -> String {
    serde_json::to_string_pretty(plan).unwrap_or_else(|error| error.to_string()) + "\n"
}

/// Reads the description of a machine.
fn read_facts(path: &Path) -> Result<Facts, MediumError> {
    let text = medium::text(path)?;
    let name = path.display().to_string();
    Ok(document::read(&name, &text, Language::of(&name, &text), |_, _| None)?.value)
}

/// Plans what a kickstart file asks for.
fn plan_file(loaded: &Loaded, facts: &Facts, seed: [u8; 32]) -> Result<Plan, CommandError> {
    let kickstart = &loaded.kickstart;
    let request = plan::Request { kickstart: &kickstart.value, lists: &loaded.lists, facts, directory: false, seed };
    plan::plan(&request).map_err(|refusals| {
        let problem = |refusal: plan::Refusal| kickstart.problem(&refusal.path, refusal.message, refusal.hint);
        CommandError::Refused(kickstart.problems(refusals.into_iter().map(problem).collect()))
    })
}

/// Chance from the kernel, for identities.
fn chance() -> [u8; 32] {
    use std::io::Read as _;
    let mut seed = [0; 32];
    // Without it identities would repeat; the address of a fresh allocation and the clock would be no better than failing.
    if let Err(error) = std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut seed)) {
        let _ = writeln!(io::stderr(), "error: cannot read /dev/urandom: {error}");
        std::process::exit(1);
    }
    seed
}
