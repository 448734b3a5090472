//! Names and paths on which several parts of Kaon must agree.

/// Where an image with the package manager has the key its packages are signed with.
pub const PUBLIC_KEY: &str = "/etc/pki/rpm-gpg/RPM-GPG-KEY-kaon";
