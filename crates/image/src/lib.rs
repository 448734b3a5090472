//! Images: their descriptions ([`description`], [`variant`]), and the media, disks and archives they are written as.

pub mod description;
pub mod disk;
pub mod disk_format;
pub mod initramfs;
pub mod iso;
pub mod oci;
pub mod ova;
pub mod sbom;
pub mod tools;
pub mod variant;
