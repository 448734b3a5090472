//! buildbox-casd, a server of the Remote Execution API that runs builds itself.

use std::env;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::super::BenchError;

/// The variable with the directory of buildbox's programs; otherwise they are on `PATH`.
const BUILDBOX_VARIABLE: &str = "KAON_TEST_BUILDBOX";

/// A server, until it is dropped.
pub struct Casd {
    child: Child,
    /// Its address.
    pub address: String,
}

impl Casd {
    /// Starts a server that runs so many builds at the same time and keeps its files in `folder`.
    pub fn start(folder: &Path, workers: usize) -> Result<Self, BenchError> {
        let (blobs, kept) = (folder.join("blobs"), folder.join("kept"));
        for directory in [&blobs, &kept] {
            fs::create_dir_all(directory).map_err(BenchError::io("make", directory))?;
        }
        let free = || TcpListener::bind("127.0.0.1:0")?.local_addr();
        let host = free().map_err(BenchError::io("listen for", folder))?;
        let mut command = Command::new(program("buildbox-casd"));
        command.args([format!("--bind={host}"), format!("--jobs={workers}")]);
        command.arg(format!("--buildbox-run={}", program("buildbox-run").display()));
        command.arg("--runner-arg=--staging-mode=copy-or-link");
        for mount in ["/proc:/proc".to_owned(), format!("{}:/kaon-store", kept.display())] {
            command.arg(format!("--runner-arg=--bind-mount={mount}"));
        }
        command.arg(&blobs).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().map_err(|error| BenchError::Broken {
            what: format!("buildbox-casd cannot be started: {error}"),
            next: Some(format!("docs/src/tests.md says how to get it; {BUILDBOX_VARIABLE} names its directory")),
        })?;
        let mut casd = Self { child, address: format!("grpc://{host}") };
        casd.wait(host)?;
        Ok(casd)
    }

    fn wait(&mut self, host: SocketAddr) -> Result<(), BenchError> {
        let begun = Instant::now();
        while TcpStream::connect(host).is_err() {
            let has_ended = !matches!(self.child.try_wait(), Ok(None));
            if has_ended || begun.elapsed() > Duration::from_secs(60) {
                return Err(BenchError::Broken { what: "buildbox-casd does not listen".into(), next: None });
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

fn program(name: &str) -> PathBuf {
    env::var_os(BUILDBOX_VARIABLE).map_or(name.into(), |given| Path::new(&given).join(name))
}

impl Drop for Casd {
    fn drop(&mut self) {
        // If these fail, it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
