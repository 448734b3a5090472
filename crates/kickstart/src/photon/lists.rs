//! Lists of packages that Photon's media contain. Kickstart files name them without having them.

/// A list's name, and what stands for it.
const LISTS: [(&str, &[&str]); 12] = [
    ("packages_ami.json", &["minimal"]),
    ("packages_appliance.json", &["minimal"]),
    ("packages_azure.json", &["minimal"]),
    ("packages_developer.json", &["minimal", "developer"]),
    ("packages_full.json", &["minimal", "developer"]),
    ("packages_gce.json", &["minimal"]),
    ("packages_micro.json", &["minimal"]),
    ("packages_minimal.json", &["minimal"]),
    ("packages_ova.json", &["minimal"]),
    ("packages_ova_uefi.json", &["minimal"]),
    ("packages_real_time.json", &["minimal"]),
    ("packages_rt.json", &["minimal"]),
];

/// What stands for a list of this name, wherever it was on the medium.
pub(crate) fn builtin(name: &str) -> Option<&'static [&'static str]> {
    let name = name.rsplit('/').next().unwrap_or(name);
    LISTS.iter().find(|(known, _)| *known == name).map(|(_, packages)| *packages)
}

/// The names of all of them.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    LISTS.iter().map(|(name, _)| *name)
}
