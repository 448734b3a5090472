//! The commands, one file each.

pub mod change;
pub mod check;
pub mod check_local;
pub mod check_update;
pub mod clean;
pub mod config;
pub mod count;
pub mod generate;
pub mod history;
pub mod info;
pub mod list;
pub mod makecache;
pub mod mark;
pub mod provides;
pub mod repoinfo;
pub mod repolist;
pub mod repoquery;
pub mod reposync;
pub mod search;
pub mod updateinfo;
