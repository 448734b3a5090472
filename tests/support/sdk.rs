//! The SDK's layers as used by `cargo xtask`: from the user's store, fetched if missing.

use std::path::{Path, PathBuf};

use base::diagnostic::{Failure, Style, render};
use runtime::cancel::Cancel;
use runtime::progress::Silent;
use runtime::store::Store;
use sdk::apt::{ClientChoice, HOST_APT_FOLDER, Settings};
use sdk::{LayerName, Sdk};

/// Trees of the SDK.
pub struct Layers {
    /// Uppermost first.
    pub trees: Vec<PathBuf>,
    /// Open, so that nothing is removed from it.
    _store: Store,
}

/// A layer and those below it, or why they are not available. Callers keep the error as well, so that each test that needs the layer fails
/// with it.
pub fn layers(name: &str) -> Result<Layers, String> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the package has no folder above it")?;
    let layer: LayerName = name.parse().map_err(|error| format!("{error}"))?;
    let settings = Settings {
        debian_mirror: std::env::var("KAON_DEBIAN_MIRROR").ok(),
        client: ClientChoice::Auto.client(),
        source_mirrors: Vec::new(),
        caches: Vec::new(),
        apt_folder: HOST_APT_FOLDER.into(),
        keyring: Sdk::keyring(project),
        project: project.to_owned(),
        locked: true,
    };
    let mut sdk = Sdk::load(project).map_err(|error| told(name, &error))?;
    let store = Store::open(&store()?).map_err(|error| told(name, &error))?;
    let trees = sdk.ensure(&store, &settings, &[layer], &Silent, &Cancel::default()).map_err(|error| told(name, &error))?;
    Ok(Layers { trees: trees.into_iter().rev().map(|tree| tree.path).collect(), _store: store })
}

/// The path of the user's store.
fn store() -> Result<PathBuf, String> {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")));
    folder("KAON_STORE").or_else(|| Some(cache?.join("kaon"))).ok_or_else(|| "neither KAON_STORE nor HOME is set".to_owned())
}

fn told(layer: &str, error: &dyn Failure) -> String {
    format!("this test needs layer `{layer}` of the SDK:\n{}", render(error, Style::Plain))
}
