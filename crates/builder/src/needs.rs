//! What the project in its current state needs in the store.

use super::pipeline::image_keys;
use super::signed::signed_key;
use super::{Builder, ImageError, kconfig};
use base::digest::Digest;
use base::name::PackageName;
use image::description::Image;
use planning::action::{known_key, record_key};
use planning::plan::plan;
use runtime::store::Needs;
use signing::Keys;

/// What all specs and `images` need in the store: sources, their results, signed copies, images, the SDK's packages and trees.
///
/// # Errors
/// When an image needs a package that no spec builds, or the keys cannot be used.
pub fn needs(builder: &Builder<'_>, images: &[Image]) -> Result<Needs, ImageError> {
    let all: Vec<PackageName> = builder.graph.main_packages().cloned().collect();
    let (plan, results) = plan(builder.graph, &all, builder);
    let mut needs = Needs::default();
    needs.results.extend(builder.graph.specs().map(|(name, _)| record_key(name)));
    for key in plan.steps.iter().filter_map(|step| step.state.key()) {
        needs.results.extend([*key, known_key(key)]);
    }
    if !results.is_empty() {
        let fingerprint = Keys::open_or_create(&builder.keys)?.fingerprint();
        let packages = results.values().flat_map(|result| &result.packages);
        needs.results.extend(packages.map(|package| signed_key(&package.object, &fingerprint)));
    }
    for image in images {
        needs.results.extend(image_keys(builder, image)?);
        needs.logs.extend(["image", "iso", "disk"].map(|what| builder.store.own_name(&format!("{what}-{}.log", image.name))));
    }
    for (name, folder) in builder.graph.specs() {
        let origins = folder.spec.sources.iter().flat_map(|source| &source.origins);
        needs.objects.extend(origins.map(|origin| *origin.sha256()));
        needs.logs.insert(builder.store.own_name(&format!("{name}.log")));
        needs.failed.insert(builder.store.failed_name(name.as_str()));
    }
    let lock = &builder.sdk.lock;
    needs.objects.extend(lock.layers.values().flat_map(|layer| &layer.packages).map(|package| package.sha256));
    needs.trees.extend(lock.layers.keys().filter_map(|layer| lock.layer_digest(layer)));
    Ok(needs)
}

/// The keys of the trees that may be created from an object: an unpacked package, a kernel's Kconfig files.
pub fn trees_of(object: &Digest) -> Vec<Digest> {
    vec![worker::inputs::tree_key(object), kconfig::tree_key(object)]
}
