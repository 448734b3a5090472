//! What the scripts of recipes do with odd sources, patches and installed files, run in sandboxes on the SDK's base layer.
//!
//! The layer is taken from the user's store, and fetched where it is missing.

mod recipe {
    mod bench;
    mod patch;
    mod strip;
    mod unpack;
}
