//! Builders that are killed, out of space, on a faulty disk, or not alone: nothing is lost, and results are never wrong.
//!
//! Each test runs the whole program with a project of three small packages. Their SDK is made of a few programs of the SDK's base layer, so
//! these tests run only on request: `cargo test -p xtask --test resilience -- --ignored`.

#[path = "../../tests/support"]
mod support {
    pub mod namespace;
    pub mod scratch;
    pub mod sdk;
    pub mod small_root;
}

mod resilience {
    mod buildbox;
    mod cache;
    mod damage;
    mod disk;
    mod failure;
    mod fetch;
    mod kill;
    mod leftovers;
    mod legal;
    mod limits;
    mod project;
    mod remote;
    mod sameness;
    mod together;
}
