//! From what is wanted and what is there to what is done. Pure: the same input produces the same plan.

mod disks;
mod facts;
mod files;
mod first_start;
mod mounts;
mod names;
mod offered;
mod step;

use std::fmt;

use disk_layout::Guid;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

pub(crate) use disks::DEFAULT_DISK;
pub use facts::{DiskFacts, Facts, Firmware};
pub use offered::{Contents, Offered};
pub use step::{Place, Script, Step};

use kickstart::document::Problem;
use kickstart::{Arch, Finish, Kickstart, PackageList, Password, PublicKey, Security, Selinux, User};
use system::account::{Credential, RootAccount, UserAccount};

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
    /// What the medium has, where that is known.
    pub offered: Option<&'a Offered>,
    /// Whether the scripts of `preinstall` have run.
    pub prepared: bool,
    /// Chance: identities of disks and file systems are made of it.
    pub seed: [u8; 32],
}

impl Request<'_> {
    /// The network cards of the machine that is to start the system, as far as they are known: those of this one are others' where the system
    /// is put into a file or a directory, or onto a disk that leaves this machine.
    fn cards(&self) -> &[String] {
        let is_elsewhere = self.directory || !self.kickstart.live || self.kickstart.disks.values().any(|disk| disk.filename.is_some());
        if is_elsewhere { &[] } else { &self.facts.cards }
    }
}

/// What will be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// What is done otherwise than written.
    pub notes: Vec<Note>,
    /// The disks whose content is lost.
    pub destroys: Vec<Destroyed>,
    /// In this order.
    pub steps: Vec<Step>,
}

/// Something that is done otherwise than it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    /// Where it is written: file, line and column; empty where nobody knows.
    pub at: String,
    /// The path of the key in the kickstart file; empty for the file.
    pub path: String,
    /// What is done instead.
    pub message: String,
}

impl Note {
    fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { at: String::new(), path: path.into(), message: message.into() }
    }
}

impl Note {
    /// A note about what is written in a file of this name.
    pub fn of(name: &str, note: &Problem) -> Self {
        let at = format!("{name}:{}:{}", note.place.line, note.place.column);
        Self { at, path: note.path.clone(), message: note.message.clone() }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [self.at.as_str(), self.path.as_str(), self.message.as_str()];
        f.write_str(&parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(": "))
    }
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
    // A key that nobody uses does not compile: what is not bound here belongs to who is named before it.
    let Kickstart {
        preinstall,
        preinstallscripts,
        postinstall,
        postinstallscripts,
        archives: to_unpack,
        live,
        disks: given_disks,
        eject_cdrom,
        finish,
        // `disks`:
        disk: _,
        partition_type: _,
        partitions: _,
        bootmode: _,
        // `names`, with what `medium` read:
        packages: _,
        additional_packages: _,
        packagelist_file: _,
        packagelist_files: _,
        linux_flavor: _,
        // `files`:
        hostname: _,
        kernel_arguments: _,
        network: _,
        ca_certificates: _,
        ssh: _,
        services: _,
        // `first_start`:
        firstboot: _,
        docker: _,
        // `accounts` and `copies`:
        password: _,
        shadow_password: _,
        public_key: _,
        users: _,
        additional_files: _,
        // The command:
        environment: _,
        search_path: _,
        ui: _,
        log_level: _,
        // There is one value:
        arch: Arch::X86_64,
        security: Security { selinux: Selinux::Disabled },
    } = kickstart;
    let (mut notes, mut refusals) = (Vec::new(), Vec::new());
    let mut plan = Plan { notes: Vec::new(), destroys: Vec::new(), steps: Vec::new() };
    if !request.prepared {
        scripts(&mut plan.steps, "preinstall", preinstall, preinstallscripts, |name, script| Step::RunHere { name, script });
    }
    let disks = match request.directory {
        true => None,
        false => disks::plan(request, &mut notes).map_err(|mut found| refusals.append(&mut found)).ok(),
    };
    let packages = names::packages(request, &mut notes, &mut refusals);
    archives(request, &mut refusals);
    if !refusals.is_empty() {
        return Err(refusals);
    }
    if let Some(disks) = &disks {
        plan.destroys.clone_from(&disks.destroys);
        plan.steps.extend(disks.steps.iter().cloned());
    }
    let on_machine = !request.directory && *live && given_disks.get("default").is_none_or(|disk| disk.filename.is_none());
    plan.steps.push(Step::InstallPackages { packages });
    plan.steps.extend(files::before_configure(request, disks.as_ref(), &mut notes));
    plan.steps.extend(copies(kickstart, offered::is_about_units));
    plan.steps.push(Step::Configure);
    plan.steps.extend(files::masks(kickstart));
    accounts(kickstart, &mut plan.steps);
    plan.steps.extend(copies(kickstart, |path| !offered::is_about_units(path)));
    let unpack = |(source, to): (&String, &String)| Step::Unpack { source: source.clone(), to: to.clone() };
    plan.steps.extend(to_unpack.iter().flatten().map(unpack));
    let apart = request.directory || given_disks.values().any(|disk| disk.filename.is_some());
    let in_target: fn(String, Script) -> Step = match apart {
        true => |name, script| Step::RunInTarget { name, script, apart: true },
        false => |name, script| Step::RunInTarget { name, script, apart: false },
    };
    scripts(&mut plan.steps, "postinstall", postinstall, postinstallscripts, in_target);
    if let Some(disks) = disks {
        plan.steps.push(Step::Close);
        plan.steps.push(disks.boot);
    }
    if on_machine {
        if *eject_cdrom && *finish != Finish::Stay {
            plan.steps.push(Step::Eject);
        }
        plan.steps.push(Step::Finish { how: *finish });
    }
    plan.notes = notes;
    Ok(plan)
}

/// The packages that will be asked for; none where some are not to be had.
pub fn packages(request: &Request<'_>) -> Option<Vec<String>> {
    let mut refusals = Vec::new();
    let packages = names::packages(request, &mut Vec::new(), &mut refusals);
    refusals.is_empty().then_some(packages)
}

/// What is copied to paths of a kind. Units come before they are switched on.
fn copies(kickstart: &Kickstart, is_meant: impl Fn(&str) -> bool) -> impl Iterator<Item = Step> {
    let all =
        kickstart.additional_files.iter().flatten().map(|(source, to)| (source.clone(), to.clone())).chain(first_start::copies(kickstart));
    all.filter(move |(_, to)| is_meant(to)).map(|(source, to)| Step::Copy { source, to })
}

/// The program that unpacks archives.
const UNPACKER: &str = "tar";

fn archives(request: &Request<'_>, refusals: &mut Vec<Refusal>) {
    if !request.kickstart.archives.is_empty() && !request.facts.programs.iter().any(|known| known == UNPACKER) {
        let refusal = Refusal::new("archives", format!("this live system has no `{UNPACKER}`"));
        refusals.push(refusal.hint("copy a directory with `additional_files`, or add the package `tar` to the image's `iso.live`"));
    }
}

fn scripts(into: &mut Vec<Step>, name: &str, lines: &[String], files: &[String], step: fn(String, Script) -> Step) {
    if !lines.is_empty() {
        let text = kickstart::Secret::new(lines.join("\n") + "\n");
        into.push(step(name.to_owned(), Script::Text(text)));
    }
    into.extend(files.iter().map(|file| step(format!("{name}scripts"), Script::File(file.clone()))));
}

fn accounts(kickstart: &Kickstart, steps: &mut Vec<Step>) {
    let credential = |Password { text, crypted, age }: &Password| Credential { text: text.clone(), crypted: *crypted, age: *age };
    let short = kickstart.shadow_password.clone().map(|text| Credential { text, crypted: true, age: None });
    // Behind a key, a line of `authorized_keys` is comment.
    let ssh_keys = kickstart.public_key.iter().flat_map(|PublicKey { key, reason }| {
        let reason = reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"));
        let lines = key.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.map(|line| format!("{line}{reason}")).collect::<Vec<_>>()
    });
    let locks = |credential: &Credential| credential.crypted && matches!(credential.text.reveal(), "*" | "!" | "!*");
    let password = kickstart.password.as_ref().map(credential).or(short).filter(|credential| !locks(credential));
    steps.push(Step::Root(RootAccount { password, ssh_keys: ssh_keys.collect() }));
    // What a user may do with sudo is a file.
    for User { name, gecos, uid, groups, shell, password, ssh_keys, sudo: _ } in &kickstart.users {
        steps.push(Step::User(UserAccount {
            name: name.clone(),
            gecos: gecos.clone(),
            uid: *uid,
            groups: groups.clone(),
            shell: shell.clone(),
            password: password.as_ref().map(credential),
            ssh_keys: ssh_keys.iter().map(|key| key.trim().to_owned()).collect(),
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
        self.notes.iter().try_for_each(|note| writeln!(f, "note: {note}"))?;
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
