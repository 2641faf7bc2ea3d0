//! Components for tests of the sandbox: one that misbehaves on demand, one with a fault to be found, one that polls and transforms, one that
//! keeps and writes, and empty ones of any interface. Nothing is run here.

use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::{ManglingAndAbi, Resolve};

/// Has every role. What it does with an item is the first word of the item's body, or of the channel's configuration:
/// see `hostile/src/lib.rs`.
pub const HOSTILE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/hostile.wasm"));

/// The kit's beginning of a connector, with a fault that its configuration names: see `planted/src/lib.rs`.
pub const PLANTED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/planted.wasm"));

/// Walks the pages of a stand-in, and makes events of events: see `walker/src/lib.rs`.
pub const WALKER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/walker.wasm"));

/// Keeps what comes in, and makes rows and mails of orders: see `clerk/src/lib.rs`.
pub const CLERK: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/clerk.wasm"));

/// A component of the only world in that WIT text, with bodies that trap. The contract of version 1 is at hand for it to use.
///
/// # Panics
/// If the text is not WIT.
pub fn of_world(wit: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    resolve.push_str("connector.wit", CONTRACT).expect("the contract is WIT");
    empty(resolve, wit)
}

/// The same, with a contract of another version number.
///
/// # Panics
/// If the text is not WIT.
pub fn of_world_and_contract(wit: &str, version: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let contract = CONTRACT.replacen("snodo:connector@1.0.0", &format!("snodo:connector@{version}"), 1);
    resolve.push_str("connector.wit", &contract).expect("the contract is WIT");
    empty(resolve, wit)
}

/// The same, without any contract at hand.
///
/// # Panics
/// If the text is not WIT.
pub fn of_world_alone(wit: &str) -> Vec<u8> {
    empty(Resolve::default(), wit)
}

const CONTRACT: &str = include_str!("../../../plugin-sdk/wit/v1/connector.wit");

fn empty(mut resolve: Resolve, wit: &str) -> Vec<u8> {
    let package = resolve.push_str("world.wit", wit).expect("the world is WIT");
    let world = resolve.select_world(&[package], None).expect("there is one world");
    let mut module = wit_component::dummy_module(&resolve, world, ManglingAndAbi::Standard32);
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .expect("a module can say what it is");
    ComponentEncoder::default()
        .module(&module)
        .and_then(|encoder| encoder.encode())
        .expect("a dummy of a world is a component of it")
}
