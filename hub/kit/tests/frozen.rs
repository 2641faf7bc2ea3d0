//! A connector that was built and packed for version 1 of the contract, kept as it was: it runs in every later hub, and says what
//! it said then. `tests/v1/README.md` tells how it came to be.

use snodo_host::{Compile, Limits, Options, Role, Sandbox};
use snodo_kit::Pack;
use snodo_kit::golden::{Mode, Side};

const BELLS: &[u8] = include_bytes!("../../../tests/v1/bells-1.0.0.wasm");

#[test]
fn what_was_built_for_version_1_of_the_contract_runs_and_says_what_it_said() {
    let digest = blake3::hash(BELLS).to_hex();
    assert_eq!(
        digest.as_str(),
        include_str!("../../../tests/v1/digest.txt").trim(),
        "it is never built again"
    );
    let options = Options { cache_dir: None, compile: Compile::InProcess, limits: Limits::default() };
    let connector = Sandbox::new(options).unwrap().load(BELLS).unwrap();
    assert!(Role::ALL.into_iter().all(|role| connector.has(role)));
    let unpacked = Pack::read(BELLS).unwrap().unpack().unwrap();
    for side in [Side::Source, Side::Poll, Side::Destination, Side::Transform] {
        assert!(unpacked.folder.cases.iter().any(|case| case.side == side), "{side:?}");
    }
    for case in &unpacked.folder.cases {
        case.check(&connector, Mode::Compare).unwrap_or_else(|why| panic!("{}:\n{why}", case.name));
    }
}
