//! Kernels and the specs that compile them.

use std::collections::BTreeMap;

use super::Index;
use crate::project::SpecFolder;
use crate::spec::KernelStep;
use base::diagnostic::Problem;
use base::document::place;
use base::name::PackageName;

/// The spec that compiles the kernel of `folder`; none for specs that build no kernel.
pub(super) fn objects<'a>(folder: &SpecFolder, specs: &'a BTreeMap<PackageName, SpecFolder>, index: &Index) -> Option<&'a SpecFolder> {
    let flavour = folder.spec.build.system.flavour_for(KernelStep::Certify)?;
    let needed = folder.spec.build_requires.iter().filter_map(|name| specs.get(index.owner(index.package(name.as_str())?)?));
    needed.into_iter().find(|needed| needed.spec.build.system.flavour_for(KernelStep::Compile) == Some(flavour))
}

/// Reports kernels whose objects nothing compiles, and those of another version than their objects.
pub(super) fn check(specs: &BTreeMap<PackageName, SpecFolder>, index: &Index, problems: &mut Vec<Problem>) {
    for (name, folder) in specs {
        let Some(flavour) = folder.spec.build.system.flavour_for(KernelStep::Certify) else { continue };
        let problem = |path: &[&str], message| Problem::new(&folder.source, place(&folder.source, path, |_| true), message);
        match objects(folder, specs, index) {
            None => {
                let message = format!("the kernel of `{name}` has no compiled objects of flavour `{flavour}`");
                let hint = format!("add a spec with `[build.kernel-objects]` and `flavour = \"{flavour}\"` to `requires.build`");
                problems.push(problem(&["build", "kernel", "flavour"], message).hint(hint));
            }
            Some(compiled) if compiled.spec.version != folder.spec.version => {
                let (own, other) = (&folder.spec.version, &compiled.spec.version);
                let message = format!("the kernel of `{name}` has version {own}, and `{}` compiles version {other}", compiled.spec.name);
                problems.push(problem(&["package", "version"], message).hint("write the same version in both specs"));
            }
            Some(_) => {}
        }
    }
}
