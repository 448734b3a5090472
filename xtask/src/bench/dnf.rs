//! dnf from the SDK's `test` layer, in a sandbox, to compare our own programs with.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::{Bench, BenchError, guest};
use packaging::repo;
use runtime::sandbox::{self, Input, Job, Outcome, Root, Step, StepsEnded};

/// The path of the repository in the sandbox.
const REPOSITORY: &str = "/repo";

/// Disables parts of rpm that do not work in a sandbox with only one user: creating users, whose files then belong to root, and namespaces
/// for scripts.
const MACROS: &str = "%__systemd_sysusers %{nil}\n%__transaction_unshare %{nil}\n";

/// A dnf with one repository.
pub struct Dnf {
    /// The SDK's trees, lowest first.
    layers: Vec<PathBuf>,
    repository: PathBuf,
    is_signed: bool,
}

impl Dnf {
    /// dnf for the repository in the folder `repository`. If that `is_signed`, all checks are enabled.
    ///
    /// # Errors
    /// When the SDK's layer is not available.
    pub fn new(bench: &mut Bench<'_>, repository: &Path, is_signed: bool) -> Result<Self, BenchError> {
        Ok(Self { layers: guest::trees(bench, "test")?, repository: repository.to_owned(), is_signed })
    }

    /// Creates the directory `room`, with a root to install into.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn prepare(&self, room: &Path) -> Result<(), BenchError> {
        for name in ["build/root", "build/home", "upper", "work"] {
            let path = room.join(name);
            fs::create_dir_all(&path).map_err(BenchError::io("make", &path))?;
        }
        for (name, text) in [("build/dnf.conf", &*self.configuration()), ("build/home/.rpmmacros", MACROS)] {
            let path = room.join(name);
            fs::write(&path, text).map_err(BenchError::io("write", &path))?;
        }
        Ok(())
    }

    fn configuration(&self) -> String {
        let check = u8::from(self.is_signed);
        format!(
            "[main]\ngpgcheck={check}\nrepo_gpgcheck={check}\nlocalpkg_gpgcheck={check}\ncachedir=/build/cache\nlogdir=/build/log\n\
             reposdir=/nonexistent\n[kaon]\nname=Kaon\nbaseurl=file://{REPOSITORY}\ngpgkey=file://{REPOSITORY}/{}\n",
            repo::PUBLIC_KEY
        )
    }

    /// Runs dnf in a prepared room; the cost of the sandbox itself is not counted. It must end with one of the `codes`.
    ///
    /// # Errors
    /// When it ends otherwise.
    pub fn run<'a>(
        &self,
        bench: &Bench<'_>,
        room: &Path,
        words: impl IntoIterator<Item = &'a str>,
        codes: &[u8],
    ) -> Result<Outcome, BenchError> {
        let codes = codes.iter().map(u8::to_string).collect::<Vec<_>>().join("|");
        let script = format!("\"$@\"; case $? in {codes}) ;; *) exit 1 ;; esac");
        let dnf = ["bash", "dnf", "--config", "/build/dnf.conf", "--installroot", "/build/root", "--releasever", "1"];
        let shell = ["bash".to_owned(), "-c".to_owned(), script];
        self.sandboxed(bench, room, shell.into_iter().chain(dnf.into_iter().chain(words).map(str::to_owned)).collect())
    }

    /// The packages installed in a room, by name, version and architecture.
    ///
    /// # Errors
    /// When rpm cannot report it.
    pub fn installed(&self, bench: &Bench<'_>, room: &Path) -> Result<BTreeSet<String>, BenchError> {
        let format = "%{NAME}-%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}.%{ARCH}\\n";
        let list = format!("rpm --root /build/root -qa --qf '{format}' >/build/installed");
        self.sandboxed(bench, room, vec!["bash".into(), "-c".into(), list])?;
        let installed = room.join("build/installed");
        let text = fs::read_to_string(&installed).map_err(BenchError::io("read", &installed))?;
        Ok(text.lines().filter(|line| !line.starts_with("gpg-pubkey-")).map(str::to_owned).collect())
    }

    fn sandboxed(&self, bench: &Bench<'_>, room: &Path, argv: Vec<String>) -> Result<Outcome, BenchError> {
        let variables = [("PATH", "/usr/bin:/usr/sbin"), ("HOME", "/build/home"), ("LC_ALL", "C.UTF-8")];
        let job = Job {
            name: "dnf".into(),
            root: Root::Overlay { layers: self.layers.iter().rev().cloned().collect(), upper: room.join("upper"), work: room.join("work") },
            build_dir: Some(room.join("build")),
            inputs: vec![Input { host: self.repository.clone(), at: REPOSITORY.into() }],
            env: variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<BTreeMap<_, _>>(),
            steps: vec![Step { phase: "dnf".into(), argv, cwd: "/build".into() }],
        };
        let log = bench.builder.store.log("bench-dnf.log");
        let outcome = sandbox::run(&job, None, &log, &bench.builder.cancel, &|_| {}).map_err(BenchError::around)?;
        match outcome.status {
            StepsEnded::Done => Ok(outcome),
            StepsEnded::Failed { end, .. } => {
                Err(BenchError::Broken { what: format!("dnf ended with {end}"), next: Some(format!("its log is `{}`", log.display())) })
            }
        }
    }
}
