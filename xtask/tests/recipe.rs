//! The scripts of recipes with unusual sources, patches and installed files, run in sandboxes with the SDK's layers.
//!
//! The layers are taken from the user's store, and fetched if missing; so these tests run only on request: `cargo test -p xtask --test
//! recipe -- --ignored`.

#[path = "../../tests/support"]
mod support {
    pub mod scratch;
    pub mod sdk;
}

mod recipe {
    mod bench;
    mod deb;
    mod flavours;
    mod go;
    mod licences;
    mod patch;
    mod strip;
    mod unpack;
}
