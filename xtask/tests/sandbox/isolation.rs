//! What is out of a build's reach.
