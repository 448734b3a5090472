//! Trying images in the SDK's own emulator.
//!
//! [`Machine`] says what is emulated and is pure; [`Emulator`] is QEMU of the SDK's `test` layer, run without installing it.

mod direct;
mod emulator;
mod error;
mod kvm;
mod machine;

pub use direct::{direct, kernel_of};
pub use emulator::{Emulator, Ended};
pub use error::QemuError;
pub use kvm::kvm_works;
pub use machine::{Accelerator, Boot, Credential, Disk, Firmware, Machine, Port, Serial};
