//! What is not taken as a connector, and what is said about it.

use snodo_test_components::{HOSTILE, of_world, of_world_and_contract};

use super::sandbox;
use crate::limits::COMPONENT_BYTES_MAX;

const SOURCE: &str = "export snodo:connector/source@1.0.0;";

fn world(items: &str) -> Vec<u8> {
    of_world(&format!(
        "package test:guest; world guest {{ {items} }} interface other {{ now: func() -> u64; }}"
    ))
}

fn newer(version: &str) -> Vec<u8> {
    let wit = format!("package test:guest; world guest {{ export snodo:connector/source@{version}; }}");
    of_world_and_contract(&wit, version)
}

#[test]
fn a_component_is_refused_by_what_it_is_or_wants() {
    let compiled = wasmtime::Engine::default().precompile_component(&world(SOURCE)).unwrap();
    let cases: [(&str, Vec<u8>, Option<&str>); 13] = [
        ("a source", world(SOURCE), None),
        ("a source that logs", world(&format!("import snodo:connector/log@1.0.0; {SOURCE}")), None),
        ("a patch of the contract", newer("1.0.7"), None),
        (
            "a foreign interface",
            world(&format!("import other; {SOURCE}")),
            Some("it imports test:guest/other: "),
        ),
        (
            "a foreign function",
            world(&format!("import now: func() -> u64; {SOURCE}")),
            Some("it imports now: "),
        ),
        (
            "a role of ours as an import",
            world(&format!("import snodo:connector/transform@1.0.0; {SOURCE}")),
            Some("it imports snodo:connector/transform@1.0.0: "),
        ),
        (
            "a newer contract",
            newer("1.1.0"),
            Some("it speaks version 1.1.0 of the contract, this hub speaks up to 1.0"),
        ),
        ("another contract", newer("2.0.0"), Some("it speaks version 2.0.0 of the contract")),
        (
            "nothing of the contract",
            world("export other;"),
            Some("it exports none of the contract's interfaces"),
        ),
        ("a core module", b"\0asm\x01\0\0\0".to_vec(), Some("it is a core WebAssembly module")),
        ("compiled code", compiled, Some("it is compiled code")),
        ("a text", b"hello".to_vec(), Some("it is not a WebAssembly component")),
        ("a flood", vec![0; COMPONENT_BYTES_MAX + 1], Some("it has 67108865 bytes")),
    ];
    let sandbox = sandbox();
    for (name, component, expected) in cases {
        let error = sandbox.load(&component).err().map(|error| error.to_string());
        let as_expected = match expected {
            None => error.is_none(),
            Some(expected) => error.as_ref().is_some_and(|error| error.contains(expected)),
        };
        assert!(as_expected, "{name}: {error:?}");
    }
}

#[test]
fn a_component_with_the_names_but_not_the_types_is_refused() {
    let wit = "package snodo:connector@1.0.0; interface source { decode: func(ctx: string) -> string; } \
               world guest { export source; }";
    let error = sandbox().load(&snodo_test_components::of_world_alone(wit)).err().unwrap().to_string();
    assert!(error.contains("does not fit the contract"), "{error}");
}

#[test]
fn a_damaged_component_is_refused() {
    let sandbox = sandbox();
    for part in 1..16 {
        let cut = &HOSTILE[..HOSTILE.len() * part / 16];
        assert!(sandbox.load(cut).is_err(), "{part}/16");
        let mut bent = HOSTILE.to_vec();
        bent[HOSTILE.len() * part / 16] ^= 0x80;
        // A bent byte may still be valid: then it is a guest like any other.
        let _ = sandbox.load(&bent);
    }
}
