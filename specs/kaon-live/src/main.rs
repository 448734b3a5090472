//! `/init` of the live medium's initramfs.
//!
//! Finds the medium by its label, mounts the root image on it with memory laid over for changes, writes in what the boot menu gave
//! (keys, a password, a name), and becomes systemd. It is one static program, the only one in the initramfs; systemd starts it once more at the
//! very end.

mod access;
mod args;
mod console;
mod device;
mod ending;
mod failure;
mod glob;
mod journal;
mod loopback;
mod medium;
mod modules;
mod root;
mod sha256;
mod sys;

use std::fs;
use std::path::Path;

use args::Arguments;
use console::{Choice, Console};
use failure::Failure;
use modules::Loader;

fn main() {
    if std::process::id() != 1 {
        // Run by hand, it would mount and delete things on a living system.
        std::process::exit(2);
    }
    let mut words = std::env::args();
    let (name, verb) = (words.next().unwrap_or_default(), words.next());
    if let Some(how) = ending::asked(&name, verb.as_deref()) {
        ending::end(how);
    }
    let mut line = match root::mount_kernel_file_systems() {
        Ok(()) => fs::read_to_string("/proc/cmdline").unwrap_or_default(),
        Err(failure) => recover(&Console::new(true), &failure, String::new()),
    };
    loop {
        let (arguments, complaints) = Arguments::parse(&line);
        let console = Console::new(arguments.debug);
        complaints.iter().for_each(|complaint| console.warn(complaint));
        let failure = match start(&arguments, &console) {
            Ok(never) => match never {},
            Err(failure) => failure,
        };
        line = recover(&console, &failure, line);
    }
}

/// A value that never is: what a function gives that returns only to fail.
enum Never {}

fn start(arguments: &Arguments, console: &Console) -> Result<Never, Failure> {
    let mut loader = Loader::open(Path::new("/modules"));
    let image = medium::root_image(arguments, &mut loader, console)?;
    root::assemble(image, arguments, &mut loader, console)?;
    access::apply(&arguments.access, Path::new(root::NEW_ROOT), Path::new("/run"), console);
    if let Err(error) = journal::settle(Path::new("/run")) {
        console.warn(&format!("the journal goes to the disk of memory: {error}"));
    }
    if let Err(error) = ending::prepare(Path::new("/run"), Path::new("/proc/self/exe")) {
        console.warn(&format!("the system will end with errors about its medium: {error}"));
    }
    Err(root::switch(&arguments.init))
}

/// Asks what to do about a failure, and gives the command line to try next.
fn recover(console: &Console, failure: &Failure, line: String) -> String {
    loop {
        match console.ask(&failure.to_string()) {
            Choice::Retry => return line,
            Choice::With(words) => return format!("{line} {words}"),
            Choice::End(how) => console.warn(&format!("the kernel refuses: {}", sys::power(how))),
        }
    }
}
