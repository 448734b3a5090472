//! Image descriptions on disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base::diagnostic::{ExitCode, Failure, Problems};
use base::name::PackageName;
use image::description::{self, Image};
use runtime::regular;
use text::did_you_mean;

/// The largest file that an image description may name, in bytes. It is held in memory.
const LARGEST_FILE_BYTES: u64 = 1 << 30;

/// Why an image's description could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ImageFileError {
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No image has this name.
    #[error("unknown image `{name}`")]
    Unknown {
        /// The name.
        name: String,
        /// The next step.
        hint: String,
    },
    /// The file contains mistakes.
    #[error(transparent)]
    Problems(#[from] Problems),
}

impl Failure for ImageFileError {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Problems(error) => Some(error),
            Self::Io { .. } | Self::Unknown { .. } => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { hint, .. } => Some(hint.clone()),
            Self::Io { .. } | Self::Problems(_) => None,
        }
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::Unknown { .. } => ExitCode::Usage,
            Self::Io { .. } | Self::Problems(_) => self.inner().map_or(ExitCode::Failed, Failure::exit),
        }
    }
}

/// Reads every image of `images`, by name.
///
/// # Errors
/// All mistakes in the first image that has any.
pub fn load_images(root: &Path) -> Result<Vec<Image>, ImageFileError> {
    names(root).iter().map(|name| load_image(root, name)).collect()
}

/// The names of all images, sorted.
fn names(root: &Path) -> Vec<String> {
    let entries = fs::read_dir(root.join("images")).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.file_name().to_string_lossy().strip_suffix(".toml").map(str::to_owned)).collect();
    names.sort();
    names
}

/// Reads an image: `minimal` is `images/minimal.toml`, and a name that contains `/` or ends in `.toml` is a path.
///
/// # Errors
/// If there is none, with the nearest name; or all mistakes in it.
pub fn load_image(root: &Path, name: &str) -> Result<Image, ImageFileError> {
    let is_path = name.contains('/') || name.ends_with(".toml");
    let path = if is_path { PathBuf::from(name) } else { root.join("images").join(format!("{name}.toml")) };
    let parsed: Option<PackageName> = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
    let Some(parsed) = parsed.filter(|_| path.is_file()) else {
        return Err(ImageFileError::Unknown { name: name.to_owned(), hint: known_images(root, name) });
    };
    let text = fs::read_to_string(&path).map_err(|source| ImageFileError::Io { path: path.clone(), source })?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
    description::parse(&parsed, &shown, &text, &|file| regular::read(&folder.join(file), LARGEST_FILE_BYTES))
        .map_err(|problems| Problems::new(problems).into())
}

/// The hint for an unknown image.
fn known_images(root: &Path, name: &str) -> String {
    let known = names(root);
    did_you_mean(name, known.iter().map(String::as_str)).unwrap_or_else(|| format!("known: {}", known.join(", ")))
}
