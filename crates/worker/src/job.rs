//! From a recipe to a sandbox job.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base::name::PackageName;
use planning::recipe::{Phase, Recipe, SOURCE_FILES};
use planning::spec::Spec;
use runtime::sandbox::{Input, Job, Root, Step};
use serde::{Deserialize, Serialize};

/// What a recipe runs, on any machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Commands {
    /// The environment, without what depends on the machine.
    pub env: BTreeMap<String, String>,
    /// The steps.
    pub steps: Vec<Step>,
}

impl Commands {
    /// What `recipe` runs.
    pub fn of(recipe: &Recipe) -> Self {
        Self { env: recipe.env.clone(), steps: recipe.phases.iter().map(step).collect() }
    }

    /// The job that runs them in `folder`, whose `build`, `upper` and `work` directories it uses.
    ///
    /// `layers` has the lowest first; `sources` maps names in the sandbox to files; `processors` is how many the job may use.
    pub fn job(self, name: &PackageName, layers: &[PathBuf], sources: &BTreeMap<String, PathBuf>, folder: &Path, processors: usize) -> Job {
        let Self { mut env, steps } = self;
        env.insert("JOBS".into(), processors.to_string());
        let inputs: Vec<Input> =
            sources.iter().map(|(name, host)| Input { host: host.clone(), at: format!("{SOURCE_FILES}/{name}") }).collect();
        Job {
            name: name.to_string(),
            root: Root::Overlay { layers: layers.iter().rev().cloned().collect(), upper: folder.join("upper"), work: folder.join("work") },
            build_dir: Some(folder.join("build")),
            inputs,
            env,
            steps,
        }
    }
}

/// The job that runs `recipe` in `folder`: see [`Commands::job`].
pub fn sandbox_job(
    spec: &Spec,
    recipe: &Recipe,
    layers: &[PathBuf],
    sources: &BTreeMap<String, PathBuf>,
    folder: &Path,
    processors: usize,
) -> Job {
    Commands::of(recipe).job(&spec.name, layers, sources, folder, processors)
}

/// The kernel takes no argument longer than 128 KiB (`MAX_ARG_STRLEN` in execve(2)), the final zero included.
const LONGEST_ARGUMENT_BYTES: usize = 128 * 1024 - 1;

/// Joins the pieces of a script and runs it as if it were one argument.
const JOIN: &str = r#"IFS=; set -- "$*"; IFS=$' \t\n'; eval "shift
$1""#;

fn step(phase: &Phase) -> Step {
    let mut argv = ["/bin/bash", "-euo", "pipefail", "-c"].map(str::to_owned).to_vec();
    if phase.script.len() <= LONGEST_ARGUMENT_BYTES {
        argv.push(phase.script.clone());
    } else {
        argv.extend([JOIN, "/bin/bash"].map(str::to_owned));
        argv.extend(pieces(&phase.script, LONGEST_ARGUMENT_BYTES).map(str::to_owned));
    }
    Step { phase: phase.name.to_owned(), argv, cwd: phase.cwd.clone() }
}

/// `text` in pieces of at most `most_bytes`, which must be at least 4, the longest character.
fn pieces(text: &str, most_bytes: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = (0..=most_bytes.min(rest.len())).rev().find(|at| rest.is_char_boundary(*at)).unwrap_or(0);
        let (piece, after) = rest.split_at(end);
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn run(script: &str) -> (Option<i32>, String) {
        let phase = Phase { name: "build", script: script.to_owned(), cwd: "/".into() };
        let argv = step(&phase).argv;
        let output = Command::new(&argv[0]).args(&argv[1..]).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    }

    #[test]
    fn a_script_longer_than_an_argument_may_be_does_what_a_short_one_does() {
        let filler = format!("# {}\n", "ä".repeat(100)).repeat(700);
        assert!(filler.len() > LONGEST_ARGUMENT_BYTES);
        let script = "words=(a 'b  c'); echo \"$# $0 ${#words[@]} ${IFS@Q}\"; cat <<'END'\n$1 \\x\nEND\nfalse | true; echo late\n";
        let (short, long) = (run(script), run(&format!("{filler}{script}")));
        assert_eq!(short, (Some(1), "0 /bin/bash 2 $' \\t\\n'\n$1 \\x\n".into()));
        assert_eq!(long, short);
    }

    #[test]
    fn pieces_make_up_the_text() {
        for most_bytes in 4..9 {
            let text = "aäx漢字🙂b";
            assert!(pieces(text, most_bytes).all(|piece| piece.len() <= most_bytes));
            assert_eq!(pieces(text, most_bytes).collect::<String>(), text);
        }
    }
}
