//! The scripts that packages of others bring.

use rpm::PackageMetadata;

/// When in a transaction a script runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Before anything is changed (`%pretrans`).
    BeforeAll,
    /// Before the package's files are there (`%pre`).
    BeforeInstall,
    /// When they are there (`%post`).
    AfterInstall,
    /// Before the package's files go (`%preun`).
    BeforeRemoval,
    /// When they are gone (`%postun`).
    AfterRemoval,
    /// When all is done (`%posttrans`).
    AfterAll,
}

impl Phase {
    /// The section's name in a spec file of RPM, which is what packagers know it by.
    pub fn section(self) -> &'static str {
        match self {
            Self::BeforeAll => "%pretrans",
            Self::BeforeInstall => "%pre",
            Self::AfterInstall => "%post",
            Self::BeforeRemoval => "%preun",
            Self::AfterRemoval => "%postun",
            Self::AfterAll => "%posttrans",
        }
    }
}

/// A script and what runs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scriptlet {
    /// The interpreter and its arguments; never empty.
    pub interpreter: Vec<String>,
    /// Its text; empty where the interpreter alone is the script (`%post -p /sbin/ldconfig`).
    pub text: String,
}

impl Scriptlet {
    /// Whether it is written in RPM's built-in Lua, which this engine does not have.
    pub fn is_lua(&self) -> bool {
        self.interpreter[0] == "<lua>"
    }
}

/// All scripts of a package.
pub(crate) fn all(metadata: &PackageMetadata) -> Vec<(Phase, Scriptlet)> {
    use Phase::{AfterAll, AfterInstall, AfterRemoval, BeforeAll, BeforeInstall, BeforeRemoval};
    let phases = [BeforeAll, BeforeInstall, AfterInstall, BeforeRemoval, AfterRemoval, AfterAll];
    phases.into_iter().filter_map(|phase| Some((phase, of(metadata, phase)?))).collect()
}

/// The script of a phase.
pub(crate) fn find(scripts: &[(Phase, Scriptlet)], phase: Phase) -> Option<Scriptlet> {
    scripts.iter().find(|(other, _)| *other == phase).map(|(_, script)| script.clone())
}

/// The script of a phase. A header may name only the interpreter.
fn of(metadata: &PackageMetadata, phase: Phase) -> Option<Scriptlet> {
    use rpm::IndexTag as Tag;
    let (text, program) = match phase {
        Phase::BeforeAll => (Tag::RPMTAG_PRETRANS, Tag::RPMTAG_PRETRANSPROG),
        Phase::BeforeInstall => (Tag::RPMTAG_PREIN, Tag::RPMTAG_PREINPROG),
        Phase::AfterInstall => (Tag::RPMTAG_POSTIN, Tag::RPMTAG_POSTINPROG),
        Phase::BeforeRemoval => (Tag::RPMTAG_PREUN, Tag::RPMTAG_PREUNPROG),
        Phase::AfterRemoval => (Tag::RPMTAG_POSTUN, Tag::RPMTAG_POSTUNPROG),
        Phase::AfterAll => (Tag::RPMTAG_POSTTRANS, Tag::RPMTAG_POSTTRANSPROG),
    };
    let text = metadata.header.get_entry_data_as_string(text).ok().map(str::to_owned);
    // One program is a string, a program with arguments an array.
    let program: Vec<String> = match metadata.header.get_entry_data_as_string_array(program) {
        Ok(words) => words.into_iter().map(str::to_owned).collect(),
        Err(_) => metadata.header.get_entry_data_as_string(program).map(|word| vec![word.to_owned()]).unwrap_or_default(),
    };
    match (text, program.is_empty()) {
        (None, true) => None,
        (text, true) => Some(Scriptlet { interpreter: vec!["/bin/sh".to_owned()], text: text.unwrap_or_default() }),
        (text, false) => Some(Scriptlet { interpreter: program, text: text.unwrap_or_default() }),
    }
}
