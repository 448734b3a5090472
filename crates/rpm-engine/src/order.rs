//! The order packages are installed in: what is needed comes before what needs it.

use crate::dependency::{Capability, Dependency};
use crate::package::{Package, Provided};

/// The indexes of `packages` such that each comes after those it requires, except within circles; ties go by name and version.
pub fn by_dependencies(packages: &[&Package]) -> Vec<usize> {
    let mut by_name: Vec<usize> = (0..packages.len()).collect();
    by_name.sort_by(|a, b| packages[*a].nevra.cmp(&packages[*b].nevra));
    let needs = needs(packages, &by_name);
    let mut walk = Walk { needs: &needs, seen: vec![false; packages.len()], order: Vec::new() };
    for index in by_name {
        walk.visit(index);
    }
    walk.order
}

/// For each package those that provide what it requires, in the order of names.
fn needs(packages: &[&Package], by_name: &[usize]) -> Vec<Vec<usize>> {
    let providers = Provided::of(by_name.iter().map(|index| (*index, packages[*index])));
    let needed = |package: &&Package| {
        let mut wanted = Vec::new();
        for dependency in &package.requires {
            leaves(dependency, &mut wanted);
        }
        wanted.into_iter().flat_map(|wanted| providers.by(wanted).collect::<Vec<_>>()).collect()
    };
    packages.iter().map(needed).collect()
}

/// The capabilities an expression names; for an order it matters only that they come earlier where they are there at all.
fn leaves<'a>(dependency: &'a Dependency, into: &mut Vec<&'a Capability>) {
    match dependency {
        Dependency::Simple(capability) => into.push(capability),
        Dependency::Rich(rich) => into.extend(rich.leaves().into_iter().filter(|(_, tested)| !tested).map(|(capability, _)| capability)),
    }
}

struct Walk<'a> {
    needs: &'a [Vec<usize>],
    seen: Vec<bool>,
    order: Vec<usize>,
}

impl Walk<'_> {
    /// Depth first with a stack of its own: chains of requirements may be longer than a thread's stack allows.
    fn visit(&mut self, start: usize) {
        let mut stack = vec![(start, 0)];
        if std::mem::replace(&mut self.seen[start], true) {
            return;
        }
        while let Some((index, next)) = stack.pop() {
            let Some(needed) = self.needs[index].get(next) else {
                self.order.push(index);
                continue;
            };
            stack.push((index, next + 1));
            if !std::mem::replace(&mut self.seen[*needed], true) {
                stack.push((*needed, 0));
            }
        }
    }
}
