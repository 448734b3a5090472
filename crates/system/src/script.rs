//! Scripts, which are run without ever being written to a disk: they may contain secrets.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};

use nix::sys::memfd::{MFdFlags, memfd_create};

/// What runs a script that does not say it itself.
const SHELL: &[u8] = b"#!/bin/sh\n";

/// A script in memory.
#[derive(Debug)]
pub struct Executable {
    memory: OwnedFd,
    environment: BTreeMap<String, String>,
}

impl Executable {
    /// Takes a script's text.
    pub fn new(text: &[u8]) -> io::Result<Self> {
        // Programs started from here inherit it: interpreters open it by its number.
        let memory = memfd_create(&*CString::from(c"script"), MFdFlags::empty())?;
        let mut file = File::from(memory);
        if !text.starts_with(b"#!") {
            file.write_all(SHELL)?;
        }
        file.write_all(text)?;
        Ok(Self { memory: file.into(), environment: BTreeMap::new() })
    }

    /// With further variables.
    #[must_use]
    pub fn with(mut self, environment: &BTreeMap<String, String>) -> Self {
        self.environment.clone_from(environment);
        self
    }

    /// Its further variables.
    pub fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    /// Where programs started from here find it, whatever their root is, if the kernel's `/proc` is mounted there.
    pub fn path(&self) -> String {
        format!("/proc/self/fd/{}", self.memory.as_raw_fd())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_run_with_and_without_an_interpreter() {
        for text in ["echo $0 \"$((6 * 7))\"\n", "#!/bin/sh\necho 42\n"] {
            let script = Executable::new(text.as_bytes()).unwrap();
            let said = crate::program::run_script("a script", &script).unwrap();
            assert!(said.ends_with("42"), "{said}");
        }
    }

    #[test]
    fn scripts_have_their_variables() {
        let environment = BTreeMap::from([("NAME".to_owned(), "a b".to_owned())]);
        let script = Executable::new(b"echo \"<$NAME>\"\n").unwrap().with(&environment);
        assert_eq!(crate::program::run_script("a script", &script).unwrap(), "<a b>");
    }
}
