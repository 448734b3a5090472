//! From what is wanted and what is there to what is done. Pure: the same input produces the same plan.

mod disks;
mod facts;
mod files;
mod step;

use std::fmt;

use disk_layout::Guid;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

pub use facts::{DiskFacts, Facts, Firmware};
pub use step::{Place, Script, Step};

use kickstart::{Finish, Kickstart, PackageList, Password};
use system::account::{Credential, RootAccount, UserAccount};
use well_known::{MINIMAL, ON_EVERY_DISK};

/// What a plan is made of.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What is wanted.
    pub kickstart: &'a Kickstart,
    /// The lists that its `packagelist_file` and `packagelist_files` name, read.
    pub lists: &'a [PackageList],
    /// What is there.
    pub facts: &'a Facts,
    /// Whether a directory is filled instead of disks.
    pub directory: bool,
    /// Chance: identities of disks and file systems are made of it.
    pub seed: [u8; 32],
}

/// What will be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The disks whose content is lost.
    pub destroys: Vec<Destroyed>,
    /// In this order.
    pub steps: Vec<Step>,
}

/// A disk whose content is lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Destroyed {
    /// Its device.
    pub device: String,
    /// Device, size and model.
    pub description: String,
    /// What is on it now.
    pub holds: Vec<String>,
}

/// Why there is no plan: the key that is to blame, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The path of the key in the kickstart file.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Refusal {
    fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), hint: None }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "\n  hint: {hint}"))
    }
}

/// Makes the plan.
///
/// # Errors
/// All reasons why the machine cannot be installed as wanted.
pub fn plan(request: &Request<'_>) -> Result<Plan, Vec<Refusal>> {
    let kickstart = request.kickstart;
    let mut plan = Plan { destroys: Vec::new(), steps: Vec::new() };
    scripts(&mut plan.steps, "preinstall", &kickstart.preinstall, &kickstart.preinstallscripts, |name, script| Step::RunHere {
        name,
        script,
    });
    let disks = if request.directory { None } else { Some(disks::plan(request)?) };
    if let Some(disks) = &disks {
        plan.destroys.clone_from(&disks.destroys);
        plan.steps.extend(disks.steps.iter().cloned());
    }
    plan.steps.push(Step::InstallPackages { packages: packages(request) });
    plan.steps.extend(files::before_configure(kickstart, disks.as_ref().map_or("", |disks| &disks.fstab)));
    plan.steps.push(Step::Configure);
    plan.steps.extend(files::masks(kickstart));
    accounts(kickstart, &mut plan.steps);
    for (source, to) in kickstart.additional_files.iter().flatten() {
        plan.steps.push(Step::Copy { source: source.clone(), to: to.clone() });
    }
    scripts(&mut plan.steps, "postinstall", &kickstart.postinstall, &kickstart.postinstallscripts, |name, script| Step::RunInTarget {
        name,
        script,
    });
    if let Some(disks) = disks {
        plan.steps.push(Step::Close);
        plan.steps.push(disks.boot);
    }
    let on_machine = !request.directory && kickstart.live && kickstart.disks.get("default").is_none_or(|disk| disk.filename.is_none());
    if on_machine {
        if kickstart.eject_cdrom && kickstart.finish != Finish::Stay {
            plan.steps.push(Step::Eject);
        }
        plan.steps.push(Step::Finish { how: kickstart.finish });
    }
    Ok(plan)
}

fn packages(request: &Request<'_>) -> Vec<String> {
    let kickstart = request.kickstart;
    let mut all: Vec<String> = kickstart.packages.clone();
    all.extend(request.lists.iter().flat_map(|list| list.packages.iter().cloned()));
    if all.is_empty() {
        all.push(MINIMAL.to_owned());
    }
    all.extend(kickstart.additional_packages.iter().cloned());
    all.push(kickstart.linux_flavor.package().to_owned());
    all.extend(ON_EVERY_DISK.map(str::to_owned));
    if !request.directory {
        all.extend(kickstart.partitions.iter().filter_map(|partition| partition.filesystem.package()).map(str::to_owned));
    }
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|package| seen.insert(package.clone()));
    all
}

fn scripts(into: &mut Vec<Step>, name: &str, lines: &[String], files: &[String], step: fn(String, Script) -> Step) {
    if !lines.is_empty() {
        let text = kickstart::Secret::new(lines.join("\n") + "\n");
        into.push(step(name.to_owned(), Script::Text(text)));
    }
    into.extend(files.iter().map(|file| step(format!("{name}scripts"), Script::File(file.clone()))));
}

fn accounts(kickstart: &Kickstart, steps: &mut Vec<Step>) {
    let credential = |password: &Password| Credential { text: password.text.clone(), crypted: password.crypted, age: password.age };
    let short = kickstart.shadow_password.clone().map(|text| Credential { text, crypted: true, age: None });
    // Behind a key, a line of `authorized_keys` is comment.
    let ssh_keys = kickstart.public_key.iter().map(|key| {
        let reason = key.reason.iter().map(|reason| format!(" ({reason})"));
        reason.fold(key.key.trim().to_owned(), |line, reason| line + &reason)
    });
    let locks = |credential: &Credential| credential.crypted && matches!(credential.text.reveal(), "*" | "!" | "!*");
    let password = kickstart.password.as_ref().map(credential).or(short).filter(|credential| !locks(credential));
    steps.push(Step::Root(RootAccount { password, ssh_keys: ssh_keys.collect() }));
    for user in &kickstart.users {
        steps.push(Step::User(UserAccount {
            name: user.name.clone(),
            gecos: user.gecos.clone(),
            uid: user.uid,
            groups: user.groups.clone(),
            shell: user.shell.clone(),
            password: user.password.as_ref().map(credential),
            ssh_keys: user.ssh_keys.iter().map(|key| key.trim().to_owned()).collect(),
        }));
    }
}

/// The identity of a part, made of chance and its name.
fn guid(seed: &[u8; 32], part: &str) -> Guid {
    let digest = Sha256::new().chain_update(seed).chain_update(part.as_bytes()).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Guid::from_digest(bytes)
}

/// A size for people.
pub fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20)];
    let (unit, factor) = UNITS.into_iter().find(|(_, factor)| bytes >= *factor).unwrap_or(("MiB", 1 << 20));
    // Rounded down: what is shown is there.
    let tenths = u128::from(bytes) * 10 / u128::from(factor);
    if tenths % 10 == 0 || tenths >= 1000 { format!("{} {unit}", tenths / 10) } else { format!("{}.{} {unit}", tenths / 10, tenths % 10) }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for disk in &self.destroys {
            writeln!(f, "Everything on {} will be lost{}", disk.description, if disk.holds.is_empty() { "; it is empty." } else { ":" })?;
            disk.holds.iter().try_for_each(|line| writeln!(f, "    {line}"))?;
        }
        for (index, step) in self.steps.iter().enumerate() {
            writeln!(f, "{:>3}. {step}", index + 1)?;
        }
        Ok(())
    }
}
