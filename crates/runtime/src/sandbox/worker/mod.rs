//! The process that creates a sandbox and runs a job's steps in it: `xtask worker --job FILE`.

mod confinement;
mod copied;
mod copy;
mod devices;
mod filter;
mod init;
mod limits;
mod namespaces;
mod network;
mod place;
mod processes;
mod report;
mod root;
mod scope;
mod steps;
mod tokens;

use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use super::Isolation;
use super::message::{Message, Order, Refusal};
use confinement::Confinement;
use report::Report;
use tokens::Tokens;

/// Runs the job in `job_file` and ends: with 0 if all steps succeeded, 1 if one failed, 4 if the sandbox could not be created or a step
/// could not be started.
///
/// The process must have a single thread, because it enters the sandbox.
pub fn worker_main(job_file: &Path) -> ExitCode {
    let Ok(mut report) = Report::open() else { return ExitCode::from(4) };
    let order = match read_order(job_file) {
        Ok(order) => order,
        Err(error) => {
            report.send(&Message::BadJob(error.to_string()));
            return ExitCode::from(4);
        }
    };
    match supervise(&order, &mut report) {
        Ok(code) => ExitCode::from(code),
        Err(refusal) => {
            report.send(&Message::Refused(refusal));
            ExitCode::from(4)
        }
    }
}

fn read_order(path: &Path) -> io::Result<Order<'static>> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

fn supervise(order: &Order<'_>, report: &mut Report) -> Result<u8, Refusal> {
    init::default_signals();
    let tokens = Tokens::inherited();
    match order.isolation {
        Isolation::Namespaces => namespaces::enter()?,
        Isolation::Chroot => {}
    }
    init::run(order.isolation, || live(order, tokens, report))
}

/// The whole life of process 1 of the sandbox.
fn live(order: &Order<'_>, tokens: Option<Tokens>, report: &mut Report) -> u8 {
    let confinement = match Confinement::new(order) {
        Ok(confinement) => confinement,
        Err(refusal) => {
            report.send(&Message::Refused(refusal));
            return 4;
        }
    };
    let tokens = tokens.and_then(Tokens::settle);
    let (message, code) = steps::run_all(order, &confinement, tokens.as_ref(), report);
    match confinement.take_apart() {
        Ok(()) => {
            report.send(&message);
            code
        }
        Err(refusal) => {
            report.send(&Message::Refused(refusal));
            4
        }
    }
}
