//! What a home promises, whichever it is: each check runs against the store on one machine and against a cluster of one node. What only a
//! cluster promises is checked with several nodes, and with the wires between them and their servers cut.

mod bench;
mod cut;
mod delivering;
mod destinations;
mod finding;
mod lanes;
mod left;
mod model;
mod nodes;
mod opening;
mod recording;
mod replay;
mod retaining;
mod services;
#[path = "../../../store/tests/store/values.rs"]
mod values;
mod wire;
mod work;

/// Each check for both homes.
macro_rules! both {
    ($($check:ident),* $(,)?) => {
        mod embedded {
            $(#[test] fn $check() { super::$check(&mut crate::bench::Bench::new(crate::bench::Kind::OneMachine)); })*
        }
        mod cluster {
            $(#[test] fn $check() { super::$check(&mut crate::bench::Bench::new(crate::bench::Kind::SeveralNodes)); })*
        }
    };
}
pub(crate) use both;
