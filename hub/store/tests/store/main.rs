//! The store from outside: what it promises, whatever happens to it. What every home promises, and this one with it, is checked by the suite
//! of `snodo-cluster`.

mod backup;
mod bench;
mod crash;
mod disks;
mod large;
mod opening;
mod power;
mod repeated;
mod retaining;
#[allow(dead_code, reason = "the suite of both homes needs more of it")]
mod values;
mod writing;
