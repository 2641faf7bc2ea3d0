//! Compiles a component, here or in a process of its own that has limits. Stores nothing.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::engine::{self, Fuel};
use crate::inspect;
use crate::limits::{
    ARTEFACT_BYTES_MAX, COMPILE_ADDRESS_BYTES_MAX, COMPILE_CPU_SECONDS_MAX, COMPONENT_BYTES_MAX,
};

/// Where components are compiled.
#[derive(Clone, Debug)]
pub enum Compile {
    /// For components that are known to be good, and for tests.
    InProcess,
    /// By a command that calls [`compile_main`]: a component that makes the compiler run away takes only that process with it.
    Process { program: PathBuf, args: Vec<String> },
}

#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The component is at fault.
    #[error("{0}")]
    Invalid(String),
    #[error("the compiler stopped ({0}): the component may be too large for its limits")]
    Stopped(String),
    #[error("failed to run the compiler: {0}")]
    Io(#[from] std::io::Error),
}

/// What the compiler's process is called with when guests' work is to be counted.
const FUEL: &str = "--fuel";

/// The whole of the compiler's process: a component comes in, compiled code goes out. Sets the limits of this very process.
pub fn compile_main(fuel: Fuel, mut input: impl Read, mut output: impl Write) -> Result<(), CompileError> {
    limit(libc::RLIMIT_AS, COMPILE_ADDRESS_BYTES_MAX)?;
    limit(libc::RLIMIT_CPU, COMPILE_CPU_SECONDS_MAX)?;
    limit(libc::RLIMIT_CORE, 0)?;
    let mut component = Vec::new();
    input.by_ref().take(COMPONENT_BYTES_MAX as u64 + 1).read_to_end(&mut component)?;
    inspect::inspect(&component).map_err(|refusal| CompileError::Invalid(refusal.to_string()))?;
    output.write_all(&here(fuel, &component)?)?;
    Ok(output.flush()?)
}

pub fn compile(by: &Compile, fuel: Fuel, component: &[u8]) -> Result<Vec<u8>, CompileError> {
    match by {
        Compile::InProcess => here(fuel, component),
        Compile::Process { program, args } => {
            let fuel = (fuel == Fuel::Counted).then_some(FUEL);
            apart(Command::new(program).args(args).args(fuel).env_clear().current_dir("/"), component)
        }
    }
}

fn here(fuel: Fuel, component: &[u8]) -> Result<Vec<u8>, CompileError> {
    let invalid = |error: wasmtime::Error| CompileError::Invalid(format!("{error:#}"));
    engine::on_demand(fuel).and_then(|engine| engine.precompile_component(component)).map_err(invalid)
}

fn apart(command: &mut Command, component: &[u8]) -> Result<Vec<u8>, CompileError> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut stdin = child.stdin.take().expect("a child has the pipes it was started with");
    let stdout = child.stdout.take().expect("a child has the pipes it was started with");
    let stderr = child.stderr.take().expect("a child has the pipes it was started with");
    let mut artefact = Vec::new();
    let mut said = String::new();
    std::thread::scope(|scope| {
        // A child that does not read to the end says on the other pipes why.
        scope.spawn(move || stdin.write_all(component).is_ok());
        let said = &mut said;
        scope.spawn(move || stderr.take(4_096).read_to_string(said).is_ok());
        stdout.take(ARTEFACT_BYTES_MAX as u64 + 1).read_to_end(&mut artefact)
    })?;
    let status = child.wait()?;
    match status.code() {
        Some(0) if artefact.len() <= ARTEFACT_BYTES_MAX => Ok(artefact),
        Some(0) => Err(CompileError::Invalid(format!("its code has more than {ARTEFACT_BYTES_MAX} bytes"))),
        Some(_) if !said.trim().is_empty() => Err(CompileError::Invalid(said.trim().to_owned())),
        _ => Err(CompileError::Stopped(status.to_string())),
    }
}

fn limit(resource: libc::__rlimit_resource_t, at_most: u64) -> std::io::Result<()> {
    let value = libc::rlimit { rlim_cur: at_most, rlim_max: at_most };
    // SAFETY: `value` is a valid rlimit that lives through the call, and nothing else is passed.
    match unsafe { libc::setrlimit(resource, &raw const value) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}
