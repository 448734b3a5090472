//! What is asked of the history.

use clap::{Args, Subcommand};

/// What is asked of the history.
#[derive(Debug, Args, Default)]
pub struct HistoryArguments {
    /// Which transactions.
    #[command(flatten)]
    pub range: HistoryRange,
    /// Show which packages changed, too.
    #[arg(long)]
    pub info: bool,
    /// What to do with the history.
    #[command(subcommand)]
    pub action: Option<HistoryAction>,
}

/// What to do with the history.
#[derive(Debug, Subcommand)]
pub enum HistoryAction {
    /// Show what was done.
    List(HistoryShown),
    /// Show what was done and which packages changed.
    Info(HistoryShown),
    /// Record changes made without tdnf.
    #[command(alias = "init")]
    Update,
    /// Return to the state after a transaction.
    Rollback {
        /// Its number, or `last`.
        #[arg(value_name = "TRANSACTION")]
        number: Option<String>,
        /// Its number.
        #[arg(long)]
        to: Option<u32>,
    },
    /// Undo transactions.
    Undo(HistorySpan),
    /// Redo transactions.
    Redo(HistorySpan),
}

/// Which transactions.
#[derive(Clone, Debug, Args, Default)]
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

impl HistoryRange {
    /// This, and what it leaves open as `other` says.
    pub fn or(self, other: &Self) -> Self {
        Self { from: self.from.or(other.from), to: self.to.or(other.to), reverse: self.reverse || other.reverse }
    }
}

/// Which transactions are shown.
#[derive(Debug, Args, Default)]
pub struct HistoryShown {
    /// The number of one, `last`, or the first and the last: `3-5`.
    #[arg(value_name = "TRANSACTION")]
    pub number: Option<String>,
    /// Which, by options.
    #[command(flatten)]
    pub range: HistoryRange,
}

/// Which transactions.
#[derive(Debug, Args)]
pub struct HistorySpan {
    /// The number of one, `last`, or the first and the last: `3-5`.
    #[arg(value_name = "TRANSACTION")]
    pub number: Option<String>,
    /// The first.
    #[arg(long)]
    pub from: Option<u32>,
    /// The last, if not the same.
    #[arg(long)]
    pub to: Option<u32>,
}
