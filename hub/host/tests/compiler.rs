//! The compiler as a process of its own. This binary is both: with `compile` it is the compiler, without it is the test.

use std::path::PathBuf;
use std::time::Instant;

use snodo_host::{
    Compile, CompileError, Context, Fuel, Limits, LoadError, Message, Options, Sandbox, compile_main,
};
use snodo_test_components::HOSTILE;

fn main() {
    if std::env::args().nth(1).as_deref() == Some("compile") {
        let counted = std::env::args().nth(2).as_deref() == Some("--fuel");
        let fuel = if counted { Fuel::Counted } else { Fuel::Uncounted };
        if let Err(error) = compile_main(fuel, std::io::stdin().lock(), std::io::stdout().lock()) {
            eprintln!("{error}");
            std::process::exit(1);
        }
        return;
    }
    a_component_is_compiled_apart_once_and_then_kept();
    what_the_compiler_says_or_dies_of_is_told();
    the_same_work_takes_the_same_fuel_and_more_work_takes_more();
}

fn sandbox(cache_dir: Option<PathBuf>, program: PathBuf, args: &[&str]) -> Sandbox {
    let compile = Compile::Process { program, args: args.iter().map(ToString::to_string).collect() };
    Sandbox::new(Options { cache_dir, compile, limits: Limits::default() }).expect("a sandbox can be had")
}

fn a_component_is_compiled_apart_once_and_then_kept() {
    let folder = tempfile::tempdir().expect("a temporary folder can be had");
    let this = std::env::current_exe().expect("a process knows its program");
    let cache = || Some(folder.path().join("compiled"));
    let started = Instant::now();
    let connector = sandbox(cache(), this, &["compile"]).load(HOSTILE).expect("the guest is a connector");
    println!("compiled apart in {:?}", started.elapsed());
    let ctx = Context { channel: "till", config: b"{}", now: 0 };
    let message = Message { id: "1", received_at: 0, headers: &[], name: "", body: b"hello" };
    let results = connector.decode(&ctx, &[message]);
    assert_eq!(results[0].as_ref().expect("a good message is decoded")[0].data, b"hello");

    // The second time no compiler is needed; there is none.
    let started = Instant::now();
    sandbox(cache(), "/nowhere".into(), &[]).load(HOSTILE).expect("the code is in the cache");
    println!("taken from the cache in {:?}", started.elapsed());
    assert!(matches!(
        sandbox(None, "/nowhere".into(), &[]).load(HOSTILE),
        Err(LoadError::Compile(CompileError::Io(_)))
    ));
}

fn the_same_work_takes_the_same_fuel_and_more_work_takes_more() {
    let this = std::env::current_exe().expect("a process knows its program");
    let compile = Compile::Process { program: this, args: vec!["compile".into()] };
    let options = Options { cache_dir: None, compile, limits: Limits::default() };
    let connector = Sandbox::counting(options.clone()).expect("a sandbox can be had").load(HOSTILE);
    let connector = connector.expect("the guest is a connector");
    let decode = |connector: &snodo_host::Connector, channel: &str, body: &[u8]| {
        let ctx = Context { channel, config: b"{}", now: 0 };
        let message = Message { id: "1", received_at: 0, headers: &[], name: "", body };
        connector.decode(&ctx, &[message])[0].as_ref().expect("a good message is decoded");
        connector.fuel(channel)
    };
    let [one, other, long] = [("till", &b"hello"[..]), ("desk", b"hello"), ("shop", &[b'x'; 100_000])]
        .map(|(channel, body)| decode(&connector, channel, body).expect("it is counted"));
    println!("{one} units of fuel for a short message, {long} for a long one");
    assert_eq!(one, other);
    assert!(0 < one && one < long);
    let uncounted = Sandbox::new(options).expect("a sandbox can be had").load(HOSTILE).expect("a connector");
    assert_eq!(decode(&uncounted, "till", b"hello"), None);
}

fn what_the_compiler_says_or_dies_of_is_told() {
    for (script, expected) in [
        ("cat >/dev/null; echo no good >&2; exit 1", "failed to compile the component: no good"),
        ("exit 0", "the component does not fit the contract"),
        ("kill -9 $$", "the compiler stopped"),
    ] {
        let error = sandbox(None, "/bin/sh".into(), &["-c", script])
            .load(HOSTILE)
            .err()
            .expect("it was not compiled");
        assert!(error.to_string().contains(expected), "{script}: {error}");
    }
}
