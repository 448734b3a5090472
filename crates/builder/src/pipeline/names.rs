//! Checks the packages and the kernel that an image file names.

use base::diagnostic::{Problem, Problems};
use base::document::place;
use base::name::PackageName;
use image::description::Image;
use planning::graph::Graph;
use planning::spec::KernelStep;
use text::did_you_mean;

/// The packages in an image's root: those it names, its kernel, and what a disk with a kernel needs.
///
/// # Errors
/// All names of the image's file that no spec builds or its container lacks, with their places.
pub(super) fn root_packages(graph: &Graph, image: &Image) -> Result<Vec<PackageName>, Problems> {
    let iso = image.iso.iter().flat_map(|iso| [("live", &iso.live), ("install", &iso.install)]);
    let of_iso = iso.flat_map(|(key, names)| names.iter().map(move |name| (vec!["iso", key], name)));
    let of_root = image.packages.iter().map(|name| (vec!["packages"], name));
    let disk = super::extra_packages(image);
    let of_disk = disk.iter().map(|name| (vec!["kernel"], name));
    let named: Vec<(Vec<&str>, &PackageName)> = of_root.chain(of_disk).chain(of_iso).collect();
    let unknown = named.iter().filter(|(_, name)| graph.index().package(name.as_str()).is_none());
    let problems: Vec<Problem> =
        unknown.map(|(path, name)| unknown_package(graph, image, path, name)).chain(unknown_kernel(graph, image)).collect();
    let packages: Vec<PackageName> = image.packages.iter().cloned().chain(disk).chain(kernel_package(graph, image)).collect();
    let packages = Problems::none_or(problems, packages)?;
    Problems::none_or(not_contained(graph, image, &packages), packages)
}

/// The package of the image's kernel, if it has one that a spec builds.
pub(super) fn kernel_package(graph: &Graph, image: &Image) -> Option<PackageName> {
    let wished = image.kernel.as_deref()?;
    flavours(graph).find(|(flavour, _)| *flavour == wished).map(|(_, package)| package.clone())
}

/// The flavours of kernels that specs build, and their packages.
fn flavours(graph: &Graph) -> impl Iterator<Item = (&str, &PackageName)> {
    graph.specs().filter_map(|(name, folder)| Some((folder.spec.build.system.flavour_for(KernelStep::Certify)?, name)))
}

fn unknown_package(graph: &Graph, image: &Image, path: &[&str], name: &PackageName) -> Problem {
    let hint = did_you_mean(name.as_str(), graph.index().packages().map(PackageName::as_str));
    let why = if path == ["kernel"] { ", which every image with a kernel contains" } else { "" };
    problem(image, path, name.as_str(), format!("no spec builds package `{name}`{why}"))
        .hint(hint.unwrap_or_else(|| "`cargo xtask list` lists all packages".into()))
}

fn unknown_kernel(graph: &Graph, image: &Image) -> Option<Problem> {
    let wished = image.kernel.as_deref().filter(|_| kernel_package(graph, image).is_none())?;
    let mut known: Vec<&str> = flavours(graph).map(|(flavour, _)| flavour).collect();
    known.sort_unstable();
    let list = match &*known {
        [] => "no spec builds a kernel: leave `kernel` out, or add a spec with `[build.kernel]`".to_owned(),
        known => format!("flavours: {}", known.join(", ")),
    };
    let nearest = did_you_mean(wished, known.iter().copied()).map(|hint| hint + " ").unwrap_or_default();
    Some(problem(image, &["kernel"], wished, format!("unknown kernel flavour `{wished}`")).hint(nearest + &list))
}

/// Names of `[container]` that are in no layer of it: they would be left out silently.
fn not_contained(graph: &Graph, image: &Image, packages: &[PackageName]) -> Vec<Problem> {
    let contained = graph.run_closure(packages);
    let named = [("only", &image.container.only), ("layers", &image.container.layers)];
    let named = named.into_iter().flat_map(|(key, names)| names.iter().map(move |name| (key, name)));
    let missing = named.filter(|(_, name)| !contained.contains(name)).map(|(key, name)| {
        let nearest = did_you_mean(name.as_str(), contained.iter().map(|name| name.as_str()));
        problem(image, &["container", key], name.as_str(), format!("the image does not contain package `{name}`"))
            .hint(nearest.unwrap_or_else(|| "add the package to `packages`".into()))
    });
    missing.collect()
}

fn problem(image: &Image, path: &[&str], value: &str, message: String) -> Problem {
    Problem::new(&image.source, place(&image.source, path, |text| text == value), message)
}
