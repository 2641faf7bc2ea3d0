//! What a home promises, whichever it is: each check runs against the store on one machine and against a cluster of one node. What only a
//! cluster promises is checked with several nodes, and with the wires between them and their servers cut.

mod bench;
mod cut;
mod delivering;
mod finding;
mod homes;
mod lanes;
mod model;
mod nodes;
mod opening;
mod recording;
mod services;
mod values;
mod wire;
mod work;

/// Each check for both homes.
macro_rules! both {
    ($($check:ident),* $(,)?) => {
        mod embedded {
            $(#[test] fn $check() { super::$check(&mut crate::bench::Bench::embedded()); })*
        }
        mod cluster {
            $(#[test] fn $check() { super::$check(&mut crate::bench::Bench::cluster()); })*
        }
    };
}
pub(crate) use both;
