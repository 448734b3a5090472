//! What only root can do: sandboxes in containers that forbid namespaces. Others cannot run these tests, and the stages that run as an
//! ordinary user leave them out: `cargo test -p xtask --test as_root -- --ignored`.

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
