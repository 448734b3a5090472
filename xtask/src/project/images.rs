//! Image descriptions on disk.

use std::fs;
use std::path::Path;

use super::ProjectError;
use crate::diagnostic::Problems;
use crate::document::did_you_mean;
use crate::image::{self, Image};
use crate::name::PackageName;

/// Reads the image called `name`.
///
/// # Errors
/// When there is none, with the nearest name; or all mistakes in it.
pub fn load_image(root: &Path, name: &str) -> Result<Image, ProjectError> {
    let folder = root.join("images");
    let unknown = || {
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        let mut known: Vec<String> =
            entries.filter_map(|entry| entry.file_name().to_string_lossy().strip_suffix(".toml").map(str::to_owned)).collect();
        known.sort();
        let hint = did_you_mean(name, known.iter().map(String::as_str)).unwrap_or_else(|| format!("known: {}", known.join(", ")));
        ProjectError::UnknownImage { name: name.to_owned(), hint }
    };
    let parsed: PackageName = name.parse().map_err(|_| unknown())?;
    let path = folder.join(format!("{parsed}.toml"));
    if !path.is_file() {
        return Err(unknown());
    }
    let text = fs::read_to_string(&path).map_err(|source| ProjectError::Io { path, source })?;
    image::parse(&parsed, &format!("images/{parsed}.toml"), &text).map_err(|problems| Problems::new(problems).into())
}
