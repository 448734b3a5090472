//! Kaon package manager engine.
