//! Sources of packages.
