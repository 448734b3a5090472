//! This machine as a builder: the store, the SDK and the project combined.

mod advice;
mod build;
pub mod caching;
mod cost;
pub mod executor;
mod failed;
pub mod farm;
mod files;
mod job;
mod kconfig;
mod kernel;
pub mod legal;
mod local;
mod needs;
mod pipeline;
mod prepare;
pub mod project;
pub mod schedule;
mod signed;
mod step;
mod turn;
mod verify;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use base::digest::Digest;
use base::name::PackageName;
use planning::action::{BuildResult, Known, Record, known_key, record_key};
use planning::graph::Graph;
use planning::plan::{Estimate, Shared, World};
use runtime::cancel::Cancel;
use runtime::progress::Reporter;
use runtime::sandbox::Isolation;
use runtime::store::Store;
use sdk::apt::Settings;
use sdk::{LayerName, Sdk};

use build::existing_results;
pub use build::{PackagesError, available_memory_bytes, build, build_with_inputs, build_without_run_needs, fetch};
pub use caching::{Caching, plan_with, vouched_by_only};
pub use cost::{RecordedCosts, current_costs};
pub use failed::{FAILED_JOB, failed_folder};
pub use farm::{Fallback, Farm};
pub use files::{FilesError, files};
pub use kconfig::{KconfigTreeError, kconfig};
pub use kernel::Kernels;
pub use local::package_tree;
pub use needs::{needs, trees_of};
pub use pipeline::{
    Artifact, Document, ImageError, ImageResult, RootRecord, build_image, cached_image, documents, image_candidates, image_contents,
    image_packages, image_request, shipped,
};
pub use prepare::{PrepareError, prepare};
pub use signed::{PublishError, SignedPackage, sign_all, write_repository, write_repository_with};
pub use verify::{Verdict, verify};
pub use worker::job::sandbox_job;

/// Everything that a build on this machine needs.
pub struct Builder<'a> {
    /// The specs.
    pub graph: &'a Graph,
    /// The store.
    pub store: &'a Store,
    /// The SDK.
    pub sdk: Sdk,
    /// How things are fetched.
    pub settings: Settings,
    /// Where the signing keys are.
    pub keys: PathBuf,
    /// Processors to keep busy.
    pub jobs: usize,
    /// What kernels need beyond their specs.
    pub kernels: Kernels,
    /// The expected costs of builds.
    pub costs: RecordedCosts,
    /// Where results of other builders are, and how they are used.
    pub caching: Caching,
    /// The server whose workers build, if not this machine does.
    pub farm: Option<Farm>,
    /// Where progress goes.
    pub reporter: &'a dyn Reporter,
    /// Raised when the user wants to stop.
    pub cancel: Cancel,
}

impl Builder<'_> {
    /// The base layer and `extra`, with what they require, in stacking order.
    pub fn layer_names(&self, extra: &[String]) -> Vec<LayerName> {
        let base = std::iter::once("base").chain(extra.iter().map(String::as_str));
        let wanted: Vec<LayerName> = base.filter_map(|name| name.parse().ok()).collect();
        self.sdk.description.closure(&wanted)
    }

    /// Whether the packages of a result are in the store.
    pub fn is_whole(&self, result: &BuildResult) -> bool {
        result.packages.iter().all(|package| self.store.object(&package.object).is_some())
    }

    /// The layers whose tools write images, in stacking order.
    pub fn image_layers(&self) -> Vec<LayerName> {
        let image: Vec<LayerName> = "image".parse().into_iter().collect();
        self.sdk.description.closure(&image)
    }

    /// The layers that the sandboxes of these specs are made of.
    pub fn layers_of<'s>(&self, specs: impl Iterator<Item = &'s PackageName>) -> Vec<LayerName> {
        let specs = specs.filter_map(|spec| self.graph.spec(spec));
        let names: BTreeSet<LayerName> = specs.flat_map(|folder| self.layer_names(&folder.spec.sdk)).collect();
        names.into_iter().collect()
    }
}

impl World for Builder<'_> {
    fn layers(&self, extra: &[String]) -> Vec<(String, Digest)> {
        let names = self.layer_names(extra);
        names.iter().filter_map(|name| Some((name.to_string(), self.sdk.lock.layer_digest(name)?))).collect()
    }

    fn extra_inputs(&self, spec: &PackageName) -> BTreeMap<String, Digest> {
        let mut inputs = self.kernels.inputs(spec);
        inputs.extend(Isolation::selected().key_field());
        inputs
    }

    fn result(&self, _: &PackageName, key: &Digest) -> Option<BuildResult> {
        // A result that cannot be read, or refers to missing objects, counts as none: the build recreates it.
        let result = self.store.result_as(key, BuildResult::from_json).ok().flatten()?;
        self.is_whole(&result).then_some(result)
    }

    fn known(&self, _: &PackageName, key: &Digest) -> Option<BuildResult> {
        self.store.result_as(&known_key(key), Known::from_json).ok().flatten().map(|known| known.known)
    }

    fn shared(&self, wanted: &[(&PackageName, Digest)]) -> Vec<Option<Shared>> {
        self.caching.look_up(self, wanted)
    }

    fn record(&self, spec: &PackageName) -> Option<Record> {
        self.store.result(&record_key(spec)).ok().flatten()
    }

    fn expected(&self, spec: &PackageName) -> Option<Estimate> {
        self.costs.estimate(self, spec)
    }
}
