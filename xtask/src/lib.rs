//! The Kaon builder: from package specs to bootable images.
//!
//! The pure half (the crate `planning`: specs, graph, actions, plans, recipes; here `image` and how kernels are configured) starts no process
//! and asks neither clock nor environment; the effectful half (`store`, `sdk`, `source`, `sandbox`, `executor`, `package`, `repo`, `rootfs`, `iso`) imports it,
//! never the reverse.

pub mod apt;
pub mod bench;
pub mod beneath;
pub mod cancel;
pub mod cli;
pub mod command;
pub mod contents;
pub mod disk;
pub mod doctor;
pub mod edition;
pub mod executor;
pub mod formats;
pub mod image;
pub mod image_tools;
pub mod initramfs;
pub mod iso;
pub mod kernel;
pub mod nameless;
pub mod oci;
pub mod open_files;
pub mod output;
pub mod ova;
pub mod package;
pub mod progress;
pub mod project;
pub mod qemu;
pub mod repo;
pub mod rootfs;
pub mod sandbox;
pub mod sbom;
pub mod sdk;
pub mod sign;
pub mod source;
pub mod store;
pub mod testing;
pub mod tool;
pub mod workers;
pub mod workshop;
pub mod xml;

pub use planning::{action, address, diagnostic, digest, document, glob, graph, name, plan, recipe, spec};
