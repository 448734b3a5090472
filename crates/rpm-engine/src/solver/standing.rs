//! What the repository that a package comes from means for whether it is taken.

/// Where a package stands behind others: the smaller is taken first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Standing {
    /// The priority number of its repository; for an installed package the smallest of those that offer its name, and the largest number if
    /// none does. Packages of other names replace it only if their number is not larger.
    pub priority: i32,
    /// Whether a repository with a smaller number offers other packages of its name, so that it comes only if it is required or requested.
    pub is_hidden: bool,
}
