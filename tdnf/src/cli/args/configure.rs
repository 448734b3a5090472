//! What is done to configuration files.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What is done to configuration files.
#[derive(Debug, Args)]
pub struct Configure {
    /// With create: the file to write to, instead of one named after the repository.
    #[arg(short = 'f', long = "file", global = true, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub action: ConfigureAction,
}

/// What is done.
#[derive(Debug, Subcommand)]
pub enum ConfigureAction {
    /// Set keys of `main` or of a repository.
    Edit(Settings),
    /// Describe a new repository.
    Create(Settings),
    /// Print the value of a key.
    Get {
        /// `main`, or a repository.
        section: String,
        /// The key.
        key: String,
    },
    /// Remove keys from `main` or from a repository.
    Remove {
        /// `main`, or a repository.
        section: String,
        /// The keys.
        #[arg(required = true)]
        keys: Vec<String>,
    },
    /// Remove the description of a repository.
    Removerepo {
        /// The repository.
        section: String,
    },
    /// Print `main` or a repository as it is configured.
    Dump {
        /// `main`, or a repository.
        section: String,
    },
}

/// Keys and values.
#[derive(Debug, Args)]
pub struct Settings {
    /// `main`, or a repository.
    pub section: String,
    /// Keys and their values.
    #[arg(required = true, value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
}
