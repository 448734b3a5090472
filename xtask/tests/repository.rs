//! Checks of the repository as a whole: its crates, links and spelling. Needs only cargo.

mod repository {
    mod architecture;
    mod crates;
    mod links;
    mod spelling;
    mod versions;

    use std::path::{Path, PathBuf};

    /// The top of the repository.
    fn top() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
    }
}
