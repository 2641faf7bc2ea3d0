//! The store from outside: what it promises, whatever happens to it.

mod bench;
mod crash;
mod delivering;
mod finding;
mod model;
mod opening;
mod recording;
