//! The packages that are asked for, by the names that this medium has for them.

use std::collections::BTreeSet;

use kickstart::LinuxFlavor;
use kickstart::photon::{Taken, is_kernel, taken};
use rpm_engine::dependency::Capability;
use well_known::{MINIMAL, ON_EVERY_DISK};

use super::{Note, Refusal, Request};

/// The package that container images need.
const DOCKER: &str = "docker";

/// What to install, each once.
pub(super) fn packages(request: &Request<'_>, notes: &mut Vec<Note>, refusals: &mut Vec<Refusal>) -> Vec<String> {
    let kickstart = request.kickstart;
    let listed = |key: &'static str, list: &[String]| {
        list.iter().enumerate().map(|(index, name)| (format!("{key}[{index}]"), name.clone())).collect::<Vec<_>>()
    };
    let mut wanted = listed("packages", &kickstart.packages);
    let files = kickstart.packagelist_file.iter().map(|_| "packagelist_file".to_owned());
    let files = files.chain((0..kickstart.packagelist_files.len()).map(|index| format!("packagelist_files[{index}]")));
    for (path, list) in files.zip(request.lists) {
        wanted.extend(list.packages.iter().map(|name| (path.clone(), name.clone())));
    }
    if wanted.is_empty() {
        wanted.push((String::new(), MINIMAL.to_owned()));
    }
    wanted.extend(listed("additional_packages", &kickstart.additional_packages));
    if !kickstart.docker.images.is_empty() {
        wanted.push(("docker".into(), DOCKER.to_owned()));
    }
    let mut all: Vec<String> = wanted.iter().filter_map(|(path, name)| one(request, path, name, notes, refusals)).collect();
    all.extend(kernel(request, notes, refusals));
    all.extend(ON_EVERY_DISK.map(str::to_owned));
    if !request.directory {
        all.extend(kickstart.partitions.iter().filter_map(|partition| partition.filesystem.package()).map(str::to_owned));
    }
    let mut seen = BTreeSet::new();
    all.retain(|package| seen.insert(package.clone()));
    all
}

/// A package by the name it has here.
fn one(request: &Request<'_>, path: &str, name: &str, notes: &mut Vec<Note>, refusals: &mut Vec<Refusal>) -> Option<String> {
    let bare = Capability::parse(name).map_or_else(|| name.to_owned(), |capability| capability.name);
    let is_offered = |name: &str| request.offered.is_some_and(|offered| offered.names.contains(name));
    if is_kernel(&bare) {
        notes.push(Note::new(path, format!("`{bare}` is left out of the list: the kernel is that of `linux_flavor`")));
        return None;
    }
    if is_offered(&bare) {
        return Some(name.to_owned());
    }
    match taken(&bare) {
        Some(Taken::Needless(why)) => {
            notes.push(Note::new(path, format!("`{bare}` is left out: {why}")));
            None
        }
        Some(Taken::Instead(other, why)) => {
            notes.push(Note::new(path, format!("`{bare}` is `{other}` here: {why}")));
            Some(other.to_owned())
        }
        Some(Taken::Refused(why)) => {
            refusals.push(Refusal::new(path, format!("`{bare}` is not available: {why}")).hint("leave it out"));
            None
        }
        // Paths of files, and what is not known yet, are the solver's.
        None if request.offered.is_none() || bare.starts_with('/') => Some(name.to_owned()),
        None => {
            let near = request.offered.and_then(|offered| text::nearest(&bare, offered.packages.keys().map(String::as_str)));
            let hint = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "leave it out; `build-iso --kickstart` puts packages of the project that the file names onto the medium".to_owned(),
            };
            refusals.push(Refusal::new(path, format!("the medium has no package `{bare}`")).hint(hint));
            None
        }
    }
}

/// The kernel, by a name that the medium has.
fn kernel(request: &Request<'_>, notes: &mut Vec<Note>, refusals: &mut Vec<Refusal>) -> Option<String> {
    const KEY: &str = "linux_flavor";
    let flavor = request.kickstart.linux_flavor;
    let is_offered = |name: &&&str| request.offered.is_none_or(|offered| offered.names.contains(**name));
    let Some(found) = flavor.packages().iter().find(is_offered) else {
        let others: Vec<&str> = LinuxFlavor::KERNELS.iter().map(|flavor| flavor.package()).collect();
        let there = others.iter().filter(is_offered).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let hint = if there.is_empty() { "the medium has no kernel".to_owned() } else { format!("it has {there}") };
        refusals.push(Refusal::new(KEY, format!("the medium has no kernel `{}`", flavor.name())).hint(hint));
        return None;
    };
    if *found != flavor.name() {
        notes.push(Note::new(KEY, format!("`{}` is `{found}` here", flavor.name())));
    }
    Some((*found).to_owned())
}
