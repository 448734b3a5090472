//! The project's tests: finding them, what each needs, running them in stages, and the results.
//!
//! Cargo compiles the test binaries and reports their paths; their tests are listed, assigned to stages by the reason of their `#[ignore]`,
//! and run. An unknown reason is an error, so that no test is left out by mistake.

mod bare;
mod discover;
mod error;
mod need;
mod run;
mod select;
mod summary;

pub use bare::run_bare;
pub use discover::{Binary, discover};
pub use error::TestError;
pub use need::{Need, Stage};
pub use run::{Outcome, run_stage};
pub use select::{Host, Scope, Selection};
pub use summary::{StageResult, Summary};
