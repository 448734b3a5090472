//! The project's SDK files, and the operations of `cargo xtask sdk`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::resolve::{resolve, resolve_again};
use super::{Description, LayerName, LayerTree, Lock, SdkError, ensure};
use crate::apt::Settings;
use runtime::cancel::Cancel;
use runtime::progress::Reporter;
use runtime::store::{Store, TreeState};

/// The SDK of a project: its description and its lock.
#[derive(Clone, Debug)]
pub struct Sdk {
    /// `specs/sdk.toml`.
    pub description: Description,
    /// `specs/sdk.lock`.
    pub lock: Lock,
    lock_path: PathBuf,
}

/// The state of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerStatus {
    /// The layer.
    pub name: LayerName,
    /// What it is for.
    pub summary: String,
    /// Number of its own packages; 0 if it is not locked.
    pub packages: usize,
    /// Bytes of its packages as `.deb` files.
    pub size_bytes: u64,
    /// Whether the lock matches its description.
    pub is_locked: bool,
    /// Its tree.
    pub tree: TreeState,
}

/// The project's SDK files, relative to its root.
const DESCRIPTION: &str = "specs/sdk.toml";
const LOCK: &str = "specs/sdk.lock";
const KEYRING: &str = "specs/sdk-keyring.asc";

/// The files that describe a project's SDK, relative to its top folder.
pub const FILES: [&str; 3] = [DESCRIPTION, LOCK, KEYRING];

impl Sdk {
    /// Reads the SDK files of the project in `root`. A project without a lock has an empty one.
    ///
    /// # Errors
    /// When a file cannot be read, or all problems in it.
    pub fn load(root: &Path) -> Result<Self, SdkError> {
        let description = Self::describe(root)?;
        let lock_path = root.join(LOCK);
        let lock = match fs::read_to_string(&lock_path) {
            Ok(text) => Lock::parse(LOCK, &text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Lock::default(),
            Err(source) => return Err(SdkError::io("read", &lock_path, source)),
        };
        Ok(Self { description, lock, lock_path })
    }

    /// Reads only the description.
    ///
    /// # Errors
    /// When it cannot be read, or all problems in it.
    pub fn describe(root: &Path) -> Result<Description, SdkError> {
        let path = root.join(DESCRIPTION);
        let text = fs::read_to_string(&path).map_err(|source| SdkError::io("read", &path, source))?;
        Ok(Description::parse(DESCRIPTION, &text)?)
    }

    /// The project's copy of the Debian archive's keys.
    pub fn keyring(root: &Path) -> PathBuf {
        root.join(KEYRING)
    }

    /// All layers' names.
    pub fn layers(&self) -> Vec<LayerName> {
        self.description.closure(&self.description.layers.keys().cloned().collect::<Vec<_>>())
    }

    /// Returns the trees of `layers` and of all layers they need (see [`fn@ensure`]), and records a changed lock.
    ///
    /// # Errors
    /// As for [`fn@ensure`]; or when the lock cannot be written.
    pub fn ensure(
        &mut self,
        store: &Store,
        settings: &Settings,
        layers: &[LayerName],
        reporter: &dyn Reporter,
        cancel: &Cancel,
    ) -> Result<Vec<LayerTree>, SdkError> {
        let before = self.lock.clone();
        let trees = ensure(store, settings, &self.description, &mut self.lock, layers, reporter, cancel)?;
        if self.lock != before {
            self.save()?;
        }
        Ok(trees)
    }

    /// Resolves `layers` and all that stand on them again, or all layers if there are none, and records the result; returns what changed,
    /// package by package.
    ///
    /// # Errors
    /// When a layer is unknown, the archive cannot be read, a layer that stays no longer fits, or the lock cannot be written.
    pub fn update(&mut self, store: &Store, settings: &Settings, layers: &[LayerName], cancel: &Cancel) -> Result<Vec<String>, SdkError> {
        self.description.check_names(layers)?;
        let newer = match layers {
            [] => resolve(store, settings, &self.description, &self.layers(), cancel)?,
            layers => resolve_again(store, settings, &self.description, &self.lock, layers, cancel)?,
        };
        let changes = self.lock.changes(&newer);
        self.lock = newer;
        self.save()?;
        Ok(changes)
    }

    /// The state of each layer, lowest first.
    pub fn status(&self, store: &Store) -> Vec<LayerStatus> {
        self.layers().into_iter().filter_map(|name| self.layer_status(store, name)).collect()
    }

    fn layer_status(&self, store: &Store, name: LayerName) -> Option<LayerStatus> {
        let layer = self.description.layers.get(&name)?;
        let packages = self.lock.layers.get(&name).map(|locked| &locked.packages[..]).unwrap_or_default();
        Some(LayerStatus {
            summary: layer.summary.clone(),
            packages: packages.len(),
            size_bytes: packages.iter().map(|package| package.size_bytes).sum(),
            is_locked: self.lock.holds(&self.description, &name),
            tree: self.lock.layer_digest(&name).map_or(TreeState::Missing, |digest| store.tree_state(&digest)),
            name,
        })
    }

    fn save(&self) -> Result<(), SdkError> {
        let folder = self.lock_path.parent().unwrap_or(Path::new("."));
        let write = || -> io::Result<()> {
            let mut file = tempfile::Builder::new().prefix(".sdk-lock-").tempfile_in(folder)?;
            io::Write::write_all(&mut file, self.lock.to_text().as_bytes())?;
            file.as_file().set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
            file.as_file().sync_all()?;
            file.persist(&self.lock_path).map_err(|error| error.error)?;
            Ok(())
        };
        write().map_err(|source| SdkError::io("write", &self.lock_path, source))
    }
}
