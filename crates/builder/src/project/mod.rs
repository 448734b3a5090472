//! The project's folder on disk: specs, images and advisories.

mod advisories;
mod images;
mod together;

pub use advisories::{AdvisoriesError, load_advisories};
pub use images::{ImageFileError, load_image, load_images};
pub use together::graph;
