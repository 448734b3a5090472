//! What is known of an image's packages before anything is written.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::LegalError;
use super::texts::texts;
use crate::{Builder, ImageResult, files, shipped};
use base::digest::Digest;
use base::name::PackageName;
use image::description::Image;
use planning::action::BuiltPackage;
use planning::project::SpecFolder;

/// An image, its packages, and what these were built from.
pub struct Facts<'a> {
    /// The image's name.
    pub image: &'a str,
    /// Its packages, by name: those of the root, of media and of disks.
    pub packages: Vec<PackageFacts<'a>>,
    /// Their specs, and those of the packages in their sandboxes: statically linked code comes from there.
    pub specs: BTreeMap<&'a PackageName, &'a SpecFolder>,
    /// Files of the project that several specs may be built from, relative to its top folder.
    pub shared: Vec<String>,
}

/// A package of the image.
pub struct PackageFacts<'a> {
    /// Its name.
    pub name: &'a PackageName,
    /// `x86_64` or `noarch`.
    pub arch: String,
    /// What it was built from.
    pub folder: &'a SpecFolder,
    /// The spec that names its sources.
    pub compiled_from: &'a SpecFolder,
    /// The package file's digest.
    pub object: Digest,
    /// Its licence texts, as [`texts`] finds them.
    pub texts: BTreeMap<String, String>,
}

impl<'a> Facts<'a> {
    /// Reads all packages of a built image.
    ///
    /// # Errors
    /// When a package is missing or damaged, or the user asked to stop.
    pub fn gather(builder: &Builder<'a>, image: &'a Image, result: &'a ImageResult) -> Result<Self, LegalError> {
        let members = shipped(builder, image, result)?;
        let built = |name: &str| {
            let made = result.results.iter().flat_map(|(spec, result)| result.packages.iter().map(move |package| (spec, package)));
            made.into_iter().find(|(_, package)| package.name.as_str() == name)
        };
        let found: Vec<(&PackageName, &BuiltPackage)> = members.iter().filter_map(|member| built(&member.package.name)).collect();
        let graph = builder.graph;
        let packages = found.par_iter().filter_map(|(spec, package)| Some((graph.spec(spec)?, *package)));
        let packages = packages.map(|(folder, package)| match builder.cancel.is_raised() {
            true => Err(LegalError::Interrupted),
            false => PackageFacts::of(builder, folder, package),
        });
        let mut specs = BTreeMap::new();
        for (spec, _) in &found {
            let reach = graph.reach(spec);
            let is_needed = |name: &PackageName| name == *spec || graph.number(name).is_some_and(|number| reach.contains(number));
            specs.extend(graph.specs().filter(|(name, _)| is_needed(name)));
        }
        let mut shared: Vec<String> = specs.keys().flat_map(|spec| builder.kernels.files(spec)).collect();
        shared.extend(sdk::FILES.iter().filter(|file| builder.settings.project.join(file).is_file()).map(|file| (*file).to_owned()));
        Ok(Self { image: image.name.as_str(), packages: packages.collect::<Result<_, _>>()?, specs, shared })
    }
}

impl<'a> PackageFacts<'a> {
    fn of(builder: &Builder<'a>, folder: &'a SpecFolder, package: &'a BuiltPackage) -> Result<Self, LegalError> {
        let stem = package.file_name.trim_end_matches(".rpm");
        Ok(Self {
            name: &package.name,
            arch: stem.rsplit_once('.').map_or(stem, |(_, arch)| arch).to_owned(),
            folder,
            compiled_from: builder.graph.compiled_from(folder),
            object: package.object,
            texts: texts(package.name.as_str(), &files(builder.store, package)?),
        })
    }
}
