//! buildbox-casd, a server of the Remote Execution API that is also its only worker.

use std::env;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getuid};
use runtime::cancel::Cancel;
use runtime::progress::Silent;
use runtime::remote::{Program, REMOTE, WORKER};

/// The variable with the directory of buildbox's programs; otherwise they are on `PATH`.
const BUILDBOX_VARIABLE: &str = "KAON_TEST_BUILDBOX";

/// Has `kaon-remote` compiled beside the program that is tested, where projects without its source find it.
pub fn compile_remote() {
    static COMPILED: OnceLock<()> = OnceLock::new();
    COMPILED.get_or_init(|| beside(&REMOTE));
}

/// Has `kaon-worker` compiled there, too.
fn compile_worker() {
    static COMPILED: OnceLock<()> = OnceLock::new();
    COMPILED.get_or_init(|| beside(&WORKER));
}

fn beside(program: &Program) {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let found = program.find(top, &Silent, &Cancel::new()).unwrap();
    let beside = Path::new(env!("CARGO_BIN_EXE_xtask")).with_file_name(program.name);
    if found != beside {
        // Another test may be running it.
        let new = beside.with_extension("new");
        fs::copy(&found, &new).unwrap();
        fs::rename(&new, &beside).unwrap();
    }
}

fn program(name: &str) -> PathBuf {
    env::var_os(BUILDBOX_VARIABLE).map_or(name.into(), |given| Path::new(&given).join(name))
}

/// A server, until the test ends.
pub struct Casd {
    child: Child,
    folder: PathBuf,
    host: SocketAddr,
    has_workers: bool,
    pub address: String,
}

impl Casd {
    /// A server with an empty cache, in a directory that does not exist yet.
    pub fn new(folder: PathBuf) -> Self {
        compile_remote();
        Self::start(folder, false)
    }

    /// The same, which also runs programs. What workers unpack stays in `folder`, too.
    pub fn with_workers(folder: PathBuf) -> Self {
        compile_remote();
        compile_worker();
        Self::start(folder, true)
    }

    fn start(folder: PathBuf, has_workers: bool) -> Self {
        let host = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let child = listening(&folder, host, has_workers);
        Self { child, folder, host, has_workers, address: format!("grpc://{host}") }
    }

    /// The file of a blob, made writable.
    pub fn blob(&self, digest: &str) -> PathBuf {
        let path = self.folder.join("cas/objects").join(&digest[..2]).join(&digest[2..]);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        path
    }

    /// The directory of all blobs.
    pub fn blobs(&self) -> PathBuf {
        self.folder.join("cas")
    }

    /// The directory in which workers keep what they unpacked.
    pub fn kept(&self) -> PathBuf {
        kept(&self.folder)
    }

    /// Kills the server and what runs on it, and starts it anew.
    pub fn restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = listening(&self.folder, self.host, self.has_workers);
    }

    /// Kills the program that runs on its worker, once there is one.
    pub fn kill_worker(&self) {
        let worker = self.wait_for_worker();
        kill(worker, Signal::SIGKILL).unwrap();
    }

    /// The process on its worker, once there is one.
    pub fn wait_for_worker(&self) -> Pid {
        let begun = Instant::now();
        loop {
            if let Some(worker) = self.worker() {
                return worker;
            }
            assert!(begun.elapsed() < Duration::from_secs(120), "nothing runs on the worker");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The process on its worker that has begun to build.
    pub fn worker(&self) -> Option<Pid> {
        let own = self.child.id();
        let mut processes = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse::<u32>().ok());
        let is_worker = |process: &u32| {
            let is_named = fs::read_to_string(format!("/proc/{process}/comm")).is_ok_and(|name| name.trim() == WORKER.name);
            let has_child =
                fs::read_to_string(format!("/proc/{process}/task/{process}/children")).is_ok_and(|list| !list.trim().is_empty());
            is_named && has_child && ancestors(*process).any(|ancestor| ancestor == own)
        };
        processes.find(is_worker).map(|process| Pid::from_raw(process.cast_signed()))
    }
}

/// The parents of a process.
fn ancestors(process: u32) -> impl Iterator<Item = u32> {
    let parent = |process: &u32| {
        let text = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        text.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse::<u32>().ok()
    };
    std::iter::successors(Some(process), parent).take_while(|process| *process > 1)
}

fn kept(folder: &Path) -> PathBuf {
    folder.with_extension("kept")
}

fn listening(folder: &Path, host: SocketAddr, has_workers: bool) -> Child {
    let mut command = Command::new(program("buildbox-casd"));
    command.arg(format!("--bind={host}")).stdout(Stdio::null()).stderr(Stdio::null());
    for directory in [folder, &kept(folder)] {
        fs::create_dir_all(directory).unwrap();
    }
    if has_workers {
        command.arg(format!("--buildbox-run={}", program("buildbox-run").display())).arg("--jobs=2");
        // Where buildbox-fuse is found, it would be used, which not every user may.
        command.arg("--runner-arg=--staging-mode=copy-or-link");
        for mount in ["/proc:/proc".to_owned(), format!("{}:/kaon-store", kept(folder).display())] {
            command.arg(format!("--runner-arg=--bind-mount={mount}"));
        }
    }
    let child = command.arg(folder).spawn().unwrap();
    let begun = Instant::now();
    while TcpStream::connect(host).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(60), "buildbox-casd does not listen");
        thread::sleep(Duration::from_millis(50));
    }
    child
}

/// `[remote]` of `cache.toml` for a server's workers.
pub fn settings(address: &str) -> String {
    format!("[remote]\nurl = \"{address}\"\nproperties = {{ unixUID = \"{}\" }}\n", getuid())
}

impl Drop for Casd {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
