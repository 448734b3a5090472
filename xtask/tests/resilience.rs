//! Builders that are killed, starved of room, lied to by their disk, or not alone: nothing is lost, and nothing wrong comes out.
//!
//! Each test runs the whole program on a project of three small packages. Their SDK is made of this machine's own bash and a few
//! tools, so nothing is fetched.

mod resilience {
    mod damage;
    mod disk;
    mod kill;
    mod project;
    mod sameness;
    mod together;
}
