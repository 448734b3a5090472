//! The kernel: fragments, flavours, contracts, Kconfig's results, and the scripts that build it.
//!
//! Everything here is pure except [`Description::load`] and [`signing`].

pub mod check;
pub mod contract;
pub mod diff;
pub mod dotconfig;
pub mod flavour;
pub mod fragment;
pub mod kconfig;
mod load;
pub mod merge;
mod recipe;
pub mod signing;
pub mod symbol;
pub mod why;

use std::collections::BTreeMap;

use base::diagnostic::{ExitCode, Failure, Problems};
use contract::Contract;
use flavour::Flavour;
use fragment::Fragment;
use merge::Merged;
use symbol::Symbol;
use text::did_you_mean;

pub use load::LoadError;
pub use recipe::{certify, compile};

/// Everything below `kernel-config`, by name, with all references checked.
#[derive(Debug, Default)]
pub struct Description {
    /// `flavours/*.toml`
    pub flavours: BTreeMap<String, Flavour>,
    /// `fragments/*.config`
    pub fragments: BTreeMap<String, Fragment>,
    /// `contracts/*.toml`
    pub contracts: BTreeMap<String, Contract>,
}

/// One flavour with its fragments merged.
#[derive(Debug)]
pub struct Kernel<'a> {
    /// The flavour.
    pub flavour: &'a Flavour,
    /// The requests of its fragments.
    pub merged: Merged<'a>,
    /// The contracts it must fulfil.
    pub contracts: Vec<&'a Contract>,
}

/// Why a kernel cannot be inspected or built.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// There is no such flavour.
    #[error("unknown kernel flavour `{name}`")]
    NoFlavour {
        /// The name.
        name: String,
        /// A similar name, or all names.
        known: String,
    },
    /// Neither the kernel nor this project has such an option.
    #[error("the {flavour} kernel has no option `{symbol}`: no Kconfig file defines it, and `kernel-config` does not mention it")]
    NoOption {
        /// The option.
        symbol: Symbol,
        /// The flavour.
        flavour: String,
        /// A similar name.
        near: Option<String>,
    },
    /// No spec compiles a kernel.
    #[error("no spec compiles a kernel, so there is no Kconfig to read")]
    NoSources,
    /// The configuration does not match requests or contracts.
    #[error(transparent)]
    Problems(#[from] Problems),
}

impl Failure for KernelError {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Problems(error) => Some(error),
            Self::NoFlavour { .. } | Self::NoOption { .. } | Self::NoSources => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoFlavour { known, .. } => Some(known.clone()),
            Self::NoOption { near: Some(near), .. } => Some(format!("did you mean `{near}`?")),
            Self::NoOption { flavour, near: None, .. } => {
                Some(format!("`cargo xtask kernel config {flavour}` prints the requested options"))
            }
            Self::NoSources => Some("a spec with `[build.kernel-objects]` names the kernel's sources".into()),
            Self::Problems(_) => None,
        }
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::NoFlavour { .. } | Self::NoOption { .. } => ExitCode::Usage,
            Self::NoSources => ExitCode::Description,
            Self::Problems(_) => self.inner().map_or(ExitCode::Failed, Failure::exit),
        }
    }
}

impl Description {
    /// A flavour with its fragments merged.
    ///
    /// # Errors
    /// When there is no such flavour.
    pub fn kernel(&self, name: &str) -> Result<Kernel<'_>, KernelError> {
        let Some(flavour) = self.flavours.get(name) else {
            let names: Vec<&str> = self.flavours.keys().map(String::as_str).collect();
            let known =
                did_you_mean(name, names.iter().copied()).unwrap_or_else(|| format!("flavours in `kernel-config`: {}", names.join(", ")));
            return Err(KernelError::NoFlavour { name: name.to_owned(), known });
        };
        let fragments = flavour.fragments.iter().filter_map(|name| self.fragments.get(&name.value));
        let contracts = flavour.contracts.iter().filter_map(|name| self.contracts.get(&name.value)).collect();
        Ok(Kernel { flavour, merged: Merged::new(flavour, fragments), contracts })
    }
}

#[cfg(test)]
mod tests;
