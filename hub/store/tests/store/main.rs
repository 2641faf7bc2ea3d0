//! The store from outside: what it promises, whatever happens to it.

mod backup;
mod bench;
mod crash;
mod delivering;
mod disks;
mod finding;
mod lanes;
mod large;
mod left;
mod model;
mod opening;
mod power;
mod recording;
mod repeated;
mod replay;
mod retaining;
mod writing;
