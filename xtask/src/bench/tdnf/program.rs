//! tdnf as shipped, as a separate process.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use super::steps::{MIB, Step, Taken};
use crate::bench::{Bench, BenchError, Figure, Goal};
use packaging::elf::{self, Elf};
use packaging::repo;
use runtime::tool::Tool;

/// The libraries of the C library and the compiler.
const OF_LIBC_AND_GCC: [&str; 4] = ["libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2", "libgcc_s.so.1"];

/// The program.
pub struct Program {
    path: PathBuf,
    log: PathBuf,
}

impl Program {
    /// The program next to this one, compiled as shipped.
    ///
    /// # Errors
    /// When it was not.
    pub fn find(bench: &Bench<'_>) -> Result<Self, BenchError> {
        let path = bench.program.parent().and_then(Path::parent).unwrap_or(bench.root).join("release/tdnf");
        if !path.is_file() {
            return Err(BenchError::NotBuilt { what: "tdnf as it is shipped".into(), next: "cargo build --release -p tdnf".into() });
        }
        Ok(Self { path, log: bench.builder.store.log("bench-tdnf.log") })
    }

    /// Its size, and the libraries it needs.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn figures(&self) -> Result<Vec<Figure>, BenchError> {
        let size = fs::metadata(&self.path).map_err(BenchError::io("read", &self.path))?.len();
        let needed = match elf::read(File::open(&self.path).map_err(BenchError::io("read", &self.path))?) {
            Ok(Elf::Dynamic(found)) => found.needed,
            _ => Vec::new(),
        };
        let others = needed.iter().filter(|name| !OF_LIBC_AND_GCC.contains(&name.as_str())).count();
        Ok(vec![
            Figure::with_goal("tdnf: the program", size as f64 / MIB, "MiB", Goal::AtMost(10.0)),
            Figure::with_goal("tdnf: shared libraries besides libc and libgcc_s", others as f64, "libraries", Goal::AtMost(0.0)),
        ])
    }

    /// Creates an empty root that uses `repository`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn prepare(&self, root: &Path, repository: &Path, is_signed: bool) -> Result<(), BenchError> {
        let (place, check) = (repository.display(), u8::from(is_signed));
        let key = if is_signed { format!("gpgkey=file://{place}/{}\n", repo::PUBLIC_KEY) } else { String::new() };
        let text = format!("[kaon]\nname=Kaon\nbaseurl=file://{place}\nenabled=1\ngpgcheck={check}\nrepo_gpgcheck={check}\n{key}");
        for (name, text) in [("etc/tdnf/tdnf.conf", "[main]\nprotected_packages=\n"), ("etc/yum.repos.d/kaon.repo", &text)] {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap_or(root)).map_err(BenchError::io("make", root))?;
            fs::write(&path, text).map_err(BenchError::io("write", &path))?;
        }
        Ok(())
    }

    /// Runs a step in a prepared root.
    ///
    /// # Errors
    /// When it fails.
    pub fn step(&self, bench: &Bench<'_>, root: &Path, step: Step, packages: &[&str]) -> Result<Taken, BenchError> {
        let (words, code): (&[&str], i32) = match step {
            Step::Fetch => (&["makecache"], 0),
            // The error number of Photon's tdnf for a declined transaction, as an exit code.
            Step::Plan => (&["--assumeno", "--cacheonly", "install"], 1032 % 256),
            Step::Install => (&["--assumeyes", "--cacheonly", "install"], 0),
            Step::Remove => (&["--assumeyes", "erase", "*"], 0),
            Step::Search => (&["--cacheonly", "search"], 0),
        };
        if bench.builder.cancel.is_raised() {
            return Err(BenchError::Interrupted);
        }
        let root = format!("--installroot={}", root.display());
        let tool = Tool::new(&self.path).arg(root).args(words).args(step.named(packages));
        let measured = tool.measured(&self.log()?).map_err(BenchError::around)?;
        if measured.status.code() != Some(code) {
            let next = Some(format!("its log is `{}`", self.log.display()));
            return Err(BenchError::Broken { what: format!("tdnf {} ended with {}", words.join(" "), measured.status), next });
        }
        let memory_mib = measured.peak_memory_bytes as f64 / MIB;
        Ok(Taken { wall_s: measured.wall_s, cpu_s: measured.cpu_s, memory_mib })
    }

    fn log(&self) -> Result<File, BenchError> {
        OpenOptions::new().create(true).append(true).open(&self.log).map_err(BenchError::io("write", &self.log))
    }
}
