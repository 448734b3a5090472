//! What is asked of the history.

use clap::{Args, Subcommand};

/// What to do with the history.
#[derive(Debug, Subcommand)]
pub enum HistoryAction {
    /// Show what was done.
    List(HistoryRange),
    /// Show what was done and which packages changed.
    Info(HistoryRange),
    /// Record changes made without tdnf.
    #[command(alias = "init")]
    Update,
    /// Return to the state after a transaction.
    Rollback {
        /// Its number.
        #[arg(long)]
        to: u32,
    },
    /// Undo transactions.
    Undo(HistorySpan),
    /// Redo transactions.
    Redo(HistorySpan),
}

/// Which transactions.
#[derive(Debug, Args, Default)]
pub struct HistoryRange {
    /// The first.
    #[arg(long)]
    pub from: Option<u32>,
    /// The last.
    #[arg(long)]
    pub to: Option<u32>,
    /// The newest first.
    #[arg(long)]
    pub reverse: bool,
}

/// Which transactions.
#[derive(Debug, Args)]
pub struct HistorySpan {
    /// The first.
    #[arg(long)]
    pub from: u32,
    /// The last, if not the same.
    #[arg(long)]
    pub to: Option<u32>,
}
