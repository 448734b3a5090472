//! Names of packages that Photon OS has, and what they are here.

/// What becomes of a name that the medium does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is left out, for this reason.
    Needless(&'static str),
    /// Another package takes its place, for this reason.
    Instead(&'static str, &'static str),
    /// It is refused, for this reason.
    Refused(&'static str),
}

/// Names of kernels, Photon's and Kaon's.
const KERNELS: [&str; 6] = ["linux", "linux-aws", "linux-esx", "linux-generic", "linux-rt", "linux-secure"];

/// Whether it is a kernel.
pub fn is_kernel(name: &str) -> bool {
    KERNELS.contains(&name)
}

const NO_INITRAMFS: &str = "there is no initramfs: the kernel has the drivers it needs";
const OWN_LOADER: &str = "every disk gets the medium's boot loader";
const GROWS: &str = "the root grows to the size of its disk by itself";
const NO_LVM: &str = "there are no logical volumes; use a partition each";
const PARTS: &str = "it has all of it";

const NAMES: [(&str, Taken); 24] = [
    ("initramfs", Taken::Needless(NO_INITRAMFS)),
    ("dracut", Taken::Needless(NO_INITRAMFS)),
    ("grub2", Taken::Needless(OWN_LOADER)),
    ("grub2-efi", Taken::Needless(OWN_LOADER)),
    ("grub2-efi-image", Taken::Needless(OWN_LOADER)),
    ("grub2-pc", Taken::Needless(OWN_LOADER)),
    ("grub2-theme", Taken::Needless(OWN_LOADER)),
    ("cloud-utils", Taken::Needless(GROWS)),
    ("cloud-utils-growpart", Taken::Needless(GROWS)),
    ("photon-release", Taken::Instead("kaon-release", "the release's own")),
    ("photon-repos", Taken::Needless("the installed system uses the repository that the medium names")),
    ("cloud-init", Taken::Instead("kaon-firstboot", "it does what cloud-init documents say")),
    ("openssh-server", Taken::Instead("openssh", PARTS)),
    ("openssh-clients", Taken::Instead("openssh", PARTS)),
    ("docker-cli", Taken::Instead("docker", PARTS)),
    ("docker-engine", Taken::Instead("docker", PARTS)),
    ("systemd-udev", Taken::Instead("systemd", PARTS)),
    ("systemd-networkd", Taken::Instead("systemd", PARTS)),
    ("systemd-resolved", Taken::Instead("systemd", PARTS)),
    ("build-essential", Taken::Instead("developer", "programs to develop with")),
    ("lvm2", Taken::Refused(NO_LVM)),
    ("selinux-policy", Taken::Refused("the system has no policy for SELinux")),
    ("openssl-fips-provider", Taken::Refused(super::keys::FIPS)),
    ("stig-hardening", Taken::Refused("its playbooks are for Photon OS")),
];

/// What becomes of a name that the medium does not have; none where nothing is known of it.
pub fn taken(name: &str) -> Option<Taken> {
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, taken)| *taken)
}
