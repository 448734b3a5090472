//! What people want to know of a package, and no solver does.

use crate::dependency::Dependency;

/// The part of a package's facts that only queries show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// One line saying what it is.
    pub summary: String,
    /// Some paragraphs saying what it is.
    pub description: String,
    /// Its home page.
    pub url: String,
    /// Its licence, as an SPDX expression or in older terms.
    pub license: String,
    /// The file name of the source package it was built from.
    pub source: String,
    /// When it was built, in seconds since 1970.
    pub build_time: u64,
    /// What must be there before its scripts run.
    pub requires_pre: Vec<Dependency>,
    /// What it goes well with; never installed for that.
    pub suggests: Vec<Dependency>,
    /// What it goes well with, seen from the other side.
    pub enhances: Vec<Dependency>,
}
