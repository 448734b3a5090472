//! Kaon's package manager engine: RPM repositories, dependency solving, transactions and the RPM database.
//!
//! The pure half (`version`, `dependency`, `package`, `solver`, `order`, `layout`, `manifest`) touches no file; `rpmfile`, `repo`,
//! `transaction` and `rpmdb` read and write them. Nothing here prints, and nothing is installed whose signature was not checked.

pub mod checksum;
pub mod config;
pub mod dependency;
pub mod filecaps;
pub mod history;
pub mod key;
pub mod keyring;
pub mod layout;
pub mod links;
pub mod lock;
pub mod manifest;
mod names;
pub mod order;
pub mod owned;
pub mod package;
pub mod repo;
pub mod rpmdb;
pub mod rpmfile;
pub mod solver;
pub mod system;
pub mod transaction;
pub mod version;
