//! Tests of what only root can do: sandboxes in containers that forbid namespaces. The stages that run as an ordinary user leave these
//! tests out: `cargo test -p xtask --test as_root -- --ignored`.

#[path = "../../tests/support"]
mod support {
    pub mod scratch;
    pub mod sdk;
    pub mod small_root;
}

#[allow(dead_code, reason = "the sandbox's other tests take the rest")]
mod sandbox {
    mod bench;
    mod chroot;
    mod inside;
    mod profile;
    mod real;
}
