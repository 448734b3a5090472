//! The keys of an image's root and its formats.

use super::{LIVE_PACKAGES, extra_packages};
use crate::Builder;
use base::digest::Digest;
use base::name::PackageName;
use image::description::{Format, Image};
use image::disk;
use image::disk_format;
use image::iso;
use image::oci;
use image::ova;
use planning::action::Results;
use runtime::sandbox::Isolation;
use signing::Keys;

/// Incremented when composing gives other results that no other field of the key reflects.
const ROOT_CONTRACT: u32 = 3;

/// The key of the composed root: the packages, the key that signs them, and what the image requests.
pub(super) fn root_key(image: &Image, keys: &Keys, results: &Results) -> Digest {
    let packages: Vec<(&PackageName, &Digest)> =
        results.values().flat_map(|result| &result.packages).map(|package| (&package.name, &package.object)).collect();
    // Every key of an image file is named here, so that a new one cannot be forgotten: it goes into this key or into those of formats.
    let Image {
        packages: asked,
        kernel,
        enable,
        disable,
        access,
        files,
        name: _,
        source: _,
        summary: _,
        budget: _,
        iso: _,
        container: _,
        disk: _,
        ova: _,
    } = image;
    let wishes = (asked, kernel, extra_packages(image), enable, disable, access, files);
    Isolation::selected().keyed(Digest::of_json(&("root", ROOT_CONTRACT, keys.fingerprint(), wishes, packages)))
}

/// The version in an OVA.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The key of one format of the image with this root.
pub(super) fn format_key(builder: &Builder<'_>, image: &Image, root: &Digest, format: Format) -> Digest {
    let layers: Vec<Option<Digest>> = builder.image_layers().iter().map(|name| builder.sdk.lock.layer_digest(name)).collect();
    let base = (root, format, layers, &image.name);
    let disk = (disk::CONTRACT, disk_format::CONTRACT);
    match format {
        Format::Iso | Format::Pxe => Digest::of_json(&(base, iso::CONTRACT, LIVE_PACKAGES, &image.iso, &image.summary)),
        Format::Raw | Format::Azure | Format::Gce => Digest::of_json(&(base, disk)),
        Format::Qcow2 | Format::Vmdk | Format::Vhd => Digest::of_json(&(base, disk, image.disk)),
        Format::Ova => Digest::of_json(&(base, disk, image.disk, image.ova, &image.summary, ova::CONTRACT, VERSION)),
        Format::Tar => Digest::of_json(&(base, disk_format::CONTRACT)),
        Format::Oci | Format::Docker => Digest::of_json(&(base, disk_format::CONTRACT, oci::CONTRACT, &image.container, &image.summary)),
    }
}
