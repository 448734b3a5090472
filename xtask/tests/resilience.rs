//! Builders that are killed, starved of room, lied to by their disk, or not alone: nothing is lost, and nothing wrong comes out.
//!
//! Each test runs the whole program on a project of three small packages. Their SDK is made of a few programs of the SDK's base layer, so
//! these tests run only when asked for: `cargo test -p xtask --test resilience -- --ignored`.

#[path = "../../tests/support"]
mod support {
    pub mod namespace;
    pub mod scratch;
    pub mod sdk;
    pub mod small_root;
}

mod resilience {
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
    mod sameness;
    mod together;
}
