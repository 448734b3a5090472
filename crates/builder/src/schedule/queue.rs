//! Which spec comes next: pure bookkeeping, without threads.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::run::Weight;
use base::name::PackageName;
use planning::graph::Graph;

/// Specs that are waiting, running or done.
pub(super) struct Queue {
    /// Specs not begun that wait for others, with how many they wait for.
    waiting: BTreeMap<PackageName, usize>,
    /// Specs not begun that wait for nothing, the most urgent last; of equally urgent ones the first by name.
    ready: BTreeSet<(u64, Reverse<PackageName>)>,
    /// The specs that wait for a spec, directly.
    above: BTreeMap<PackageName, Vec<PackageName>>,
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
        let weights: BTreeMap<PackageName, Weight> = order.iter().map(|spec| ((*spec).clone(), weight(spec))).collect();
        let mut queue = Self {
            waiting: BTreeMap::new(),
            ready: BTreeSet::new(),
            above: BTreeMap::new(),
            urgency: BTreeMap::new(),
            weights,
            running: BTreeSet::new(),
            memory_bytes,
        };
        // From the end: a spec's own duration, and the longest chain among those that wait for it.
        for spec in order.iter().rev() {
            let above = queue.above.get(*spec).map_or(&[][..], Vec::as_slice);
            let longest = above.iter().map(|other| queue.urgency[other]).max().unwrap_or(0);
            let urgency = queue.weights[*spec].elapsed_ms + longest;
            queue.urgency.insert((*spec).clone(), urgency);
            let edges: Vec<&PackageName> = graph.build_edges(spec).into_iter().filter(|edge| members.contains(edge)).collect();
            for edge in &edges {
                queue.above.entry((*edge).clone()).or_default().push((*spec).clone());
            }
            match edges.len() {
                0 => drop(queue.ready.insert((urgency, Reverse((*spec).clone())))),
                count => drop(queue.waiting.insert((*spec).clone(), count)),
            }
        }
        queue
    }

    /// Takes the most urgent spec that is ready and fits into memory next to what runs; one that is larger than the memory runs alone.
    pub(super) fn take(&mut self) -> Option<PackageName> {
        let used: u64 = self.running.iter().map(|spec| self.weights[spec].memory_bytes).sum();
        let fits = |spec: &PackageName| self.running.is_empty() || used + self.weights[spec].memory_bytes <= self.memory_bytes;
        let next = self.ready.iter().rev().find(|(_, Reverse(spec))| fits(spec))?.clone();
        self.ready.remove(&next);
        let (_, Reverse(spec)) = next;
        self.running.insert(spec.clone());
        Some(spec)
    }

    /// Records that a spec is built. Others may be ready now.
    pub(super) fn finish(&mut self, spec: &PackageName) {
        self.running.remove(spec);
        for above in self.above.remove(spec).unwrap_or_default() {
            // What waited for a failed spec, too, is not here any more.
            let Some(left) = self.waiting.get_mut(&above) else { continue };
            *left -= 1;
            if *left == 0 {
                self.waiting.remove(&above);
                self.ready.insert((self.urgency[&above], Reverse(above)));
            }
        }
    }

    /// Records that a spec failed, and removes all specs that wait for it, directly or indirectly.
    pub(super) fn fail(&mut self, spec: &PackageName) -> Vec<PackageName> {
        self.running.remove(spec);
        let (mut lost, mut left) = (Vec::new(), vec![spec.clone()]);
        while let Some(spec) = left.pop() {
            for above in self.above.remove(&spec).unwrap_or_default() {
                if self.waiting.remove(&above).is_some() {
                    lost.push(above.clone());
                    left.push(above);
                }
            }
        }
        lost.sort();
        lost
    }

    /// How many specs have not begun.
    pub(super) fn left(&self) -> usize {
        self.waiting.len() + self.ready.len()
    }

    /// Whether no specs are left to begin.
    pub(super) fn is_over(&self) -> bool {
        self.left() == 0
    }
}
