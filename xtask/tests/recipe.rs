//! What the scripts of recipes do with odd sources, patches and installed files, run in sandboxes on the SDK's layers.
//!
//! They are taken from the user's store, and fetched where they are missing; so these tests run only when asked for:
//! `cargo test -p xtask --test recipe -- --ignored`.

#[path = "../../tests/support"]
mod support {
    pub mod scratch;
    pub mod sdk;
}

mod recipe {
    mod bench;
    mod go;
    mod licences;
    mod patch;
    mod strip;
    mod unpack;
}
