//! Which spec comes next: pure bookkeeping, without threads.

use std::collections::{BTreeMap, BTreeSet};

use super::run::Weight;
use base::name::PackageName;
use planning::graph::Graph;

/// Specs that are waiting, running or done.
pub(super) struct Queue {
    /// Specs that have not begun, with the specs they still wait for.
    waiting: BTreeMap<PackageName, BTreeSet<PackageName>>,
    /// Length of the longest chain of work that begins with a spec, in milliseconds.
    urgency: BTreeMap<PackageName, u64>,
    weights: BTreeMap<PackageName, Weight>,
    running: BTreeSet<PackageName>,
    memory_bytes: u64,
}

impl Queue {
    /// `order` must be a build order.
    pub(super) fn new(graph: &Graph, order: &[&PackageName], weight: impl Fn(&PackageName) -> Weight, memory_bytes: u64) -> Self {
        let members: BTreeSet<&PackageName> = order.iter().copied().collect();
        let mut waiting = BTreeMap::new();
        let mut urgency: BTreeMap<PackageName, u64> = BTreeMap::new();
        let weights: BTreeMap<PackageName, Weight> = order.iter().map(|spec| ((*spec).clone(), weight(spec))).collect();
        // From the end: a spec's own duration plus the longest chain among the specs that wait for it.
        let mut above: BTreeMap<&PackageName, u64> = BTreeMap::new();
        for spec in order.iter().rev() {
            let length = weights[*spec].elapsed_ms + above.get(*spec).copied().unwrap_or(0);
            urgency.insert((*spec).clone(), length);
            let edges: BTreeSet<_> = graph.build_edges(spec).into_iter().filter(|edge| members.contains(edge)).collect();
            for edge in &edges {
                let longest = above.entry(edge).or_default();
                *longest = (*longest).max(length);
            }
            waiting.insert((*spec).clone(), edges.into_iter().cloned().collect());
        }
        Self { waiting, urgency, weights, running: BTreeSet::new(), memory_bytes }
    }

    /// Takes the most urgent spec that is ready and fits into memory next to what runs; one that is larger than the memory runs alone.
    pub(super) fn take(&mut self) -> Option<PackageName> {
        let used: u64 = self.running.iter().map(|spec| self.weights[spec].memory_bytes).sum();
        let fits = |spec: &PackageName| self.running.is_empty() || used + self.weights[spec].memory_bytes <= self.memory_bytes;
        let ready = self.waiting.iter().filter(|(spec, needs)| needs.is_empty() && fits(spec)).map(|(spec, _)| spec);
        let next = ready.max_by(|a, b| self.urgency[*a].cmp(&self.urgency[*b]).then_with(|| b.cmp(a)))?.clone();
        self.waiting.remove(&next);
        self.running.insert(next.clone());
        Some(next)
    }

    /// Records that a spec is built. Others may be ready now.
    pub(super) fn finish(&mut self, spec: &PackageName) {
        self.running.remove(spec);
        for needs in self.waiting.values_mut() {
            needs.remove(spec);
        }
    }

    /// Records that a spec failed, and removes all specs that wait for it, directly or indirectly.
    pub(super) fn fail(&mut self, spec: &PackageName) -> Vec<PackageName> {
        self.running.remove(spec);
        let mut lost = vec![spec.clone()];
        let mut at = 0;
        while at < lost.len() {
            let more: Vec<PackageName> =
                self.waiting.iter().filter(|(_, needs)| needs.contains(&lost[at])).map(|(spec, _)| spec.clone()).collect();
            for spec in &more {
                self.waiting.remove(spec);
            }
            lost.extend(more);
            at += 1;
        }
        lost.remove(0);
        lost.sort();
        lost
    }

    /// How many specs have not begun.
    pub(super) fn left(&self) -> usize {
        self.waiting.len()
    }

    /// Whether no specs are left to begin.
    pub(super) fn is_over(&self) -> bool {
        self.waiting.is_empty()
    }
}
