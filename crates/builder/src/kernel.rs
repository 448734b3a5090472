//! The project's kernels, ready to be built: their configurations, and the key of their modules.
//!
//! One spec compiles a flavour, which is the same for every builder, and another makes the kernel of it, which trusts this builder's modules.

use std::collections::BTreeMap;
use std::path::Path;

use base::diagnostic::Report;
use base::digest::Digest;
use base::document::Spanned;
use base::name::PackageName;
use kernel::signing::{ModuleKey, SigningError};
use kernel::{Description, certify, compile};
use planning::graph::Graph;
use planning::recipe::Phase;
use planning::spec::{KernelStep, Spec};

/// What building kernels needs beyond their specs.
#[derive(Default)]
pub struct Kernels {
    description: Description,
    /// Spec → the step that it does, and the flavour.
    steps: BTreeMap<PackageName, (KernelStep, String)>,
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
        let step = |spec: &Spec| {
            let (step, flavour) = spec.build.system.kernel_step()?;
            Some((spec.name.clone(), (step, flavour.to_owned())))
        };
        let steps: BTreeMap<_, _> = graph.specs().filter_map(|(_, folder)| step(&folder.spec)).collect();
        if steps.is_empty() {
            return Ok(Self::default());
        }
        let description = Description::load(root)?;
        for (_, flavour) in steps.values() {
            description.kernel(flavour)?;
        }
        Ok(Self { description, steps, key: ModuleKey::open(keys)?, trusted: None })
    }

    /// Whether what a spec builds depends on the module key.
    pub fn needs_key(&self, spec: &PackageName) -> bool {
        matches!(self.steps.get(spec), Some((KernelStep::Certify, _)))
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
        match self.steps.get(spec) {
            Some((KernelStep::Compile, flavour)) => self.description.kernel(flavour).map(|kernel| compile(&kernel)).unwrap_or_default(),
            // With neither certificate, nothing has been built yet: these phases are only planned, and no store has a result for their digest.
            Some((KernelStep::Certify, flavour)) => {
                certify(flavour, self.own_certificate().or(self.trusted.as_deref()).unwrap_or_default())
            }
            None => Vec::new(),
        }
    }

    /// The files of the project that configure a kernel, relative to its top folder; none for other specs.
    pub fn files(&self, spec: &PackageName) -> Vec<String> {
        let Some((KernelStep::Compile, flavour)) = self.steps.get(spec) else { return Vec::new() };
        let Some(flavour) = self.description.flavours.get(flavour) else { return Vec::new() };
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
        let name = match self.steps.get(spec) {
            Some((KernelStep::Compile, _)) => "kernel configuration",
            Some((KernelStep::Certify, _)) => "kernel certificate",
            None => return BTreeMap::new(),
        };
        BTreeMap::from([(name.to_owned(), Digest::of_json(&self.phases(spec)))])
    }

    /// Signs the modules that a kernel's spec installed; does nothing for other specs.
    ///
    /// # Errors
    /// When one cannot be signed.
    pub fn sign(&self, spec: &PackageName, installed: &Path) -> Result<(), SigningError> {
        match &self.key {
            Some(key) if self.needs_key(spec) => kernel::signing::sign_modules(installed, key).map(drop),
            _ => Ok(()),
        }
    }
}
