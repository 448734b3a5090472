//! Runs images in the SDK's emulator.
//!
//! [`Machine`] describes what is emulated and is pure; [`Emulator`] is QEMU of the SDK's `test` layer, run without installing it.

mod archive;
mod credential;
mod direct;
mod disk;
mod emulator;
mod error;
mod kvm;
mod machine;
mod monitor;
mod standstill;

pub use archive::{disk_of, network_start};
pub use credential::credential;
pub use direct::{direct, kernel_of};
pub use disk::{Bus, Disk, DiskLayout};
pub use emulator::{Emulator, Ended, Limits};
pub use error::QemuError;
pub use kvm::kvm_works;
pub use machine::{Accelerator, Boot, Card, Credential, Firmware, Idle, Machine, Port, PrivateNetwork, Serial};
