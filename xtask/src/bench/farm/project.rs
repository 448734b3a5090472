//! A made-up project whose builds do next to nothing, with dependencies like real ones.

use std::fs;
use std::path::{Path, PathBuf};

use nix::unistd::getuid;

use super::super::BenchError;
use super::super::synthetic::{LEVELS, name, needs};

/// Builds that need each other, one after the other.
pub const LONGEST_CHAIN: usize = LEVELS + 1;

/// What a build does.
pub enum Step {
    /// It sleeps.
    Sleeps {
        /// For so long.
        seconds: usize,
        /// What no other run's steps contain: they would be taken as built.
        unique: String,
    },
    /// It is never run.
    Nothing,
}

/// A project.
pub struct Project {
    /// Its top folder.
    pub root: PathBuf,
}

impl Project {
    /// Writes a project with so many specs.
    pub fn write(root: &Path, steps: usize, step: &Step) -> Result<Self, BenchError> {
        for number in 0..steps {
            let folder = root.join("specs").join(name(number));
            fs::create_dir_all(&folder).map_err(BenchError::io("make", &folder))?;
            let path = folder.join("package.toml");
            fs::write(&path, spec(number, steps, step)).map_err(BenchError::io("write", &path))?;
        }
        Ok(Self { root: root.to_owned() })
    }

    /// Gives it the SDK of the project at `from`.
    pub fn copy_sdk(&self, from: &Path) -> Result<(), BenchError> {
        for file in ["sdk.toml", "sdk.lock", "sdk-keyring.asc"] {
            let path = from.join("specs").join(file);
            fs::copy(&path, self.root.join("specs").join(file)).map_err(BenchError::io("copy", &path))?;
        }
        Ok(())
    }

    /// Has its packages built by the server at an address.
    pub fn use_server(&self, address: &str) -> Result<(), BenchError> {
        let path = self.root.join(cache::settings::FILE);
        let text = format!("[remote]\nurl = \"{address}\"\nproperties = {{ unixUID = \"{}\" }}\n", getuid());
        fs::write(&path, text).map_err(BenchError::io("write", &path))
    }
}

fn spec(number: usize, steps: usize, step: &Step) -> String {
    let (own, below) = (name(number), needs(number, steps, "build", 4));
    let build: Vec<String> = below.into_iter().map(|one| format!("\"{}\"", name(one))).collect();
    let script = match step {
        Step::Sleeps { seconds, unique } => {
            format!("sleep {seconds}\nmkdir -p $DESTDIR/usr/share/{own}\necho {unique} >$DESTDIR/usr/share/{own}/text\n")
        }
        Step::Nothing => "true\n".to_owned(),
    };
    format!(
        "[package]\nversion = \"1\"\nrelease = 1\nsummary = \"Number {number}\"\nlicense = \"MIT\"\n\n\
         [requires]\nbuild = [{}]\n\n[build.none]\nfinish = \"\"\"\n{script}\"\"\"\n",
        build.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_chain_is_longer_than_said() {
        for steps in [50, 400] {
            let mut chains: Vec<usize> = Vec::new();
            for number in 0..steps {
                let below = needs(number, steps, "build", 4).into_iter().map(|one| chains[one]).max();
                chains.push(below.unwrap_or(0) + 1);
            }
            assert_eq!(chains.into_iter().max(), Some(LONGEST_CHAIN), "{steps}");
        }
    }

    #[test]
    fn specs_can_be_read() {
        for step in [Step::Nothing, Step::Sleeps { seconds: 5, unique: "/a b".into() }] {
            let text = spec(399, 400, &step);
            let read = planning::spec::parse(&name(399).parse().unwrap(), "x", &text).unwrap();
            assert_eq!(read.name.as_str(), "spec-00399", "{text}");
        }
    }
}
