//! From what is wanted and what is there to what is done. Pure: the same input produces the same plan.

mod disks;
mod facts;
mod files;
mod names;
mod offered;
mod step;

use std::fmt;

use disk_layout::Guid;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

pub use facts::{DiskFacts, Facts, Firmware};
pub use offered::{Contents, Offered};
pub use step::{Place, Script, Step};

use kickstart::document::Problem;
use kickstart::{Finish, Kickstart, PackageList, Password};
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
    let (mut notes, mut refusals) = (Vec::new(), Vec::new());
    let mut plan = Plan { notes: Vec::new(), destroys: Vec::new(), steps: Vec::new() };
    if !request.prepared {
        scripts(&mut plan.steps, "preinstall", &kickstart.preinstall, &kickstart.preinstallscripts, |name, script| Step::RunHere {
            name,
            script,
        });
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
    let on_machine = !request.directory && kickstart.live && kickstart.disks.get("default").is_none_or(|disk| disk.filename.is_none());
    plan.steps.push(Step::InstallPackages { packages });
    plan.steps.extend(files::before_configure(request, disks.as_ref(), &mut notes));
    plan.steps.extend(copies(kickstart, offered::is_about_units));
    plan.steps.push(Step::Configure);
    plan.steps.extend(files::masks(kickstart));
    accounts(kickstart, &mut plan.steps);
    plan.steps.extend(copies(kickstart, |path| !offered::is_about_units(path)));
    let unpack = |(source, to): (&String, &String)| Step::Unpack { source: source.clone(), to: to.clone() };
    plan.steps.extend(kickstart.archives.iter().flatten().map(unpack));
    let apart = request.directory || kickstart.disks.values().any(|disk| disk.filename.is_some());
    let in_target: fn(String, Script) -> Step = match apart {
        true => |name, script| Step::RunInTarget { name, script, apart: true },
        false => |name, script| Step::RunInTarget { name, script, apart: false },
    };
    scripts(&mut plan.steps, "postinstall", &kickstart.postinstall, &kickstart.postinstallscripts, in_target);
    if let Some(disks) = disks {
        plan.steps.push(Step::Close);
        plan.steps.push(disks.boot);
    }
    if on_machine {
        if kickstart.eject_cdrom && kickstart.finish != Finish::Stay {
            plan.steps.push(Step::Eject);
        }
        plan.steps.push(Step::Finish { how: kickstart.finish });
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
    let images = kickstart.docker.images.iter().enumerate();
    let images = images.filter_map(|(index, image)| Some((image.filename.clone()?, files::image_archive(index))));
    let all = kickstart.additional_files.iter().flatten().map(|(source, to)| (source.clone(), to.clone())).chain(images);
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
