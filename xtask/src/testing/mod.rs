//! The project's own tests: which there are, what each needs, in which stage it runs, and how it went.
//!
//! Cargo compiles the test binaries and says where they are; their tests are listed, sorted into stages by the reason of their
//! `#[ignore]`, and run. A reason that no stage knows is an error, so that no test is left out by mistake.

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
pub use select::{Scope, Selection};
pub use summary::{StageResult, Summary};
