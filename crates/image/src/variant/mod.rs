//! Variants of an image: the same image on a medium made for one purpose.

mod container;
mod error;
mod kickstart;

pub use container::container;
pub use error::VariantError;
pub use kickstart::{Unattended, kickstart};

use std::path::Path;

use crate::description::{File, Image, Iso};
use base::digest::Digest;
use base::name::PackageName;

/// The directory of packages' units.
const UNITS: &str = "/usr/lib/systemd/system";

/// Names the variant of an image after `path`, and returns its medium.
fn named(image: &mut Image, path: &Path) -> Result<(), VariantError> {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_ascii_lowercase();
    let plain: String = stem.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect();
    let name = format!("{}-{}", image.name, plain.trim_matches('-'));
    image.name = name.parse::<PackageName>().map_err(|_| VariantError::Name { path: path.to_owned(), name })?;
    Ok(())
}

fn medium(image: &mut Image) -> Result<&mut Iso, VariantError> {
    let name = image.name.clone();
    image.iso.as_mut().ok_or(VariantError::NoMedium { image: name })
}

/// Adds a file to the live system.
fn add(image: &mut Image, path: String, mode: u16, content: &str) {
    let content = content.as_bytes().to_vec();
    image.files.push(File { path, mode, digest: Digest::of_bytes(&content), content });
    image.files.sort_by(|a, b| a.path.cmp(&b.path));
}
