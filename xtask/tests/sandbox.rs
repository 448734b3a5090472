//! What a sandboxed build can and cannot do, asked from inside.
//!
//! The root is made of this machine's own bash and a few tools with the libraries they need, so no SDK is wanted.

mod sandbox {
    mod bench;
    mod ending;
    mod host;
    mod isolation;
    mod sameness;
    mod shell;
}
