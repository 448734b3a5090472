//! What a sandboxed build can and cannot do, tested from inside.
//!
//! The root is made of a few programs of the SDK's base layer, so these tests run only on request:
//! `cargo test -p xtask --test sandbox -- --ignored`.

#[path = "../../tests/support"]
mod support {
    pub mod namespace;
    pub mod scratch;
    pub mod sdk;
    pub mod small_root;
}

mod sandbox {
    mod bench;
    mod containers;
    mod ending;
    mod host;
    #[allow(dead_code, reason = "the tests that need root take the rest")]
    mod inside;
    mod isolation;
    #[allow(dead_code, reason = "the tests that need root take the rest")]
    mod profile;
    mod promises;
    mod real;
    mod sameness;
    mod shell;
    mod situations;
}
