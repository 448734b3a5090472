//! The Kaon builder: from package specs to bootable images.
//!
//! The pure half (`spec`, `image`, `graph`, `action`, `plan`, `recipe`, `kernel::config`) touches no file, process, clock or
//! environment; the effectful half (`store`, `sdk`, `source`, `sandbox`, `executor`, `package`, `repo`, `rootfs`,
//! `iso`) imports it, never the reverse.

pub mod action;
pub mod apt;
pub mod bench;
pub mod cancel;
pub mod cli;
pub mod command;
pub mod contents;
pub mod diagnostic;
pub mod digest;
pub mod disk;
pub mod doctor;
pub mod document;
pub mod edition;
pub mod executor;
pub mod formats;
pub mod graph;
pub mod image;
pub mod image_tools;
pub mod initramfs;
pub mod iso;
pub mod kernel;
pub mod name;
pub mod oci;
pub mod output;
pub mod ova;
pub mod package;
pub mod plan;
pub mod progress;
pub mod project;
pub mod qemu;
pub mod recipe;
pub mod repo;
pub mod rootfs;
pub mod sandbox;
pub mod sbom;
pub mod sdk;
pub mod sign;
pub mod source;
pub mod spec;
pub mod store;
pub mod tool;
pub mod workers;
pub mod workshop;
pub mod xml;
