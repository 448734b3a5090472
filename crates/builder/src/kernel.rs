//! The project's kernels, ready to be built: their configurations, and the key of their modules.

use std::collections::BTreeMap;
use std::path::Path;

use base::diagnostic::Report;
use base::digest::Digest;
use base::document::Spanned;
use base::name::PackageName;
use kernel::signing::{ModuleKey, SigningError};
use kernel::{Description, phases};
use planning::graph::Graph;
use planning::recipe::Phase;
use planning::spec::Spec;

/// What building kernels needs beyond their specs.
#[derive(Default)]
pub struct Kernels {
    description: Description,
    /// Spec → flavour.
    flavours: BTreeMap<PackageName, String>,
    key: Option<ModuleKey>,
    /// The certificate of a trusted builder, whose kernels are used while this builder has no module key.
    trusted: Option<String>,
}

impl Kernels {
    /// Reads `kernel-config` of the project at `root`, and the module key in the directory `keys` if there is one.
    ///
    /// # Errors
    /// Mistakes in the descriptions, unknown flavours, a key that cannot be used.
    pub fn load(graph: &Graph, root: &Path, keys: &Path) -> Result<Self, Report> {
        let flavour = |spec: &Spec| Some((spec.name.clone(), spec.build.system.kernel_flavour()?.to_owned()));
        let flavours: BTreeMap<_, _> = graph.specs().filter_map(|(_, folder)| flavour(&folder.spec)).collect();
        if flavours.is_empty() {
            return Ok(Self::default());
        }
        let description = Description::load(root)?;
        for flavour in flavours.values() {
            description.kernel(flavour)?;
        }
        Ok(Self { description, flavours, key: ModuleKey::open(keys)?, trusted: None })
    }

    /// Whether a spec builds a kernel.
    pub fn holds(&self, spec: &PackageName) -> bool {
        self.flavours.contains_key(spec)
    }

    /// Plans kernels with this certificate, in PEM, of a builder that the user trusts, while this builder has no module key.
    pub fn trust(&mut self, certificate: String) {
        self.trusted = Some(certificate);
    }

    /// Creates the module key if there is none; kernels built here contain its certificate. Returns whether it was created.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn ensure_key(&mut self, keys: &Path) -> Result<bool, SigningError> {
        let is_missing = self.key.is_none();
        if is_missing {
            self.key = Some(ModuleKey::open_or_create(keys)?);
        }
        Ok(is_missing)
    }

    /// The certificate, in PEM, that kernels are built with here; none until the first kernel is built.
    pub fn own_certificate(&self) -> Option<&str> {
        self.key.as_ref().map(ModuleKey::certificate_pem)
    }

    /// The phases of a kernel's build beyond those of any other; none for other specs.
    pub fn phases(&self, spec: &PackageName) -> Vec<Phase> {
        let kernel = self.flavours.get(spec).and_then(|flavour| self.description.kernel(flavour).ok());
        // With neither, nothing has been built yet: these phases are only planned, and no store has a result for their digest.
        let certificate = self.own_certificate().or(self.trusted.as_deref()).unwrap_or_default();
        kernel.map(|kernel| phases(&kernel, certificate)).unwrap_or_default()
    }

    /// The files of the project that configure a kernel, relative to its top folder; none for other specs.
    pub fn files(&self, spec: &PackageName) -> Vec<String> {
        let Some(flavour) = self.flavours.get(spec).and_then(|name| self.description.flavours.get(name)) else { return Vec::new() };
        let named = |names: &[Spanned<String>], folder: &str, end: &str| -> Vec<String> {
            names.iter().map(|name| format!("kernel-config/{folder}/{}.{end}", name.value)).collect()
        };
        let mut files = named(&flavour.fragments, "fragments", "config");
        files.extend(named(&flavour.contracts, "contracts", "toml"));
        files.push(format!("kernel-config/flavours/{}.toml", flavour.name));
        files
    }

    /// What goes into a kernel's key.
    pub fn inputs(&self, spec: &PackageName) -> BTreeMap<String, Digest> {
        if !self.holds(spec) {
            return BTreeMap::new();
        }
        BTreeMap::from([("kernel configuration and certificate".to_owned(), Digest::of_json(&self.phases(spec)))])
    }

    /// Signs the modules a kernel's build installed; does nothing for other specs.
    ///
    /// # Errors
    /// When one cannot be signed.
    pub fn sign(&self, spec: &PackageName, installed: &Path) -> Result<(), SigningError> {
        match &self.key {
            Some(key) if self.holds(spec) => kernel::signing::sign_modules(installed, key).map(drop),
            _ => Ok(()),
        }
    }
}
