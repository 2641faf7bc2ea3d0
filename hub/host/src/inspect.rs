//! Reads from a component's own bytes what it is, what it wants and what it can do, before any of it is compiled.

use wasmparser::{Encoding, Parser, Payload};

/// The newest contract that this hub speaks: major, minor.
pub const CONTRACT: (u64, u64) = (1, 0);

const PACKAGE: &str = "snodo:connector/";

/// What a component can be asked to do. Read from its exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    Source,
    Poll,
    Destination,
    Transform,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Source, Self::Poll, Self::Destination, Self::Transform];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Poll => "poll",
            Self::Destination => "destination",
            Self::Transform => "transform",
        }
    }
}

/// Why a file is not taken as a connector.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("it has {0} bytes, a component may have {1}")]
    TooLarge(usize, usize),
    #[error("it is compiled code; the hub compiles components itself and takes no code from outside")]
    Compiled,
    #[error(
        "it is a core WebAssembly module, not a component: wrap it with wit-component or `wasm-tools component new`"
    )]
    CoreModule,
    #[error("it is not a WebAssembly component: {0}")]
    NotAComponent(String),
    #[error("it imports {0}: a connector is pure and may import the contract's own log only")]
    ForeignImport(String),
    #[error("it speaks version {found} of the contract, this hub speaks up to {}.{}", CONTRACT.0, CONTRACT.1)]
    OtherContract { found: String },
    #[error("it exports none of the contract's interfaces: source, poll, destination, transform")]
    NoRole,
}

/// What was read: the exact names, as the component has them.
#[derive(Debug)]
pub struct Inspected {
    pub roles: Vec<(Role, String)>,
    /// The name of the log, if it is imported.
    pub log: Option<String>,
}

/// Reads the outermost imports and exports. Whether the rest is valid is the compiler's to say.
pub fn inspect(component: &[u8]) -> Result<Inspected, Refusal> {
    if component.len() > crate::limits::COMPONENT_BYTES_MAX {
        return Err(Refusal::TooLarge(component.len(), crate::limits::COMPONENT_BYTES_MAX));
    }
    if component.starts_with(b"\x7fELF") {
        return Err(Refusal::Compiled);
    }
    let not_a_component = |error: wasmparser::BinaryReaderError| Refusal::NotAComponent(error.to_string());
    let mut inspected = Inspected { roles: Vec::new(), log: None };
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(not_a_component)? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                return Err(Refusal::CoreModule);
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    inspected.import(import.map_err(not_a_component)?.name.name)?;
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    inspected.export(export.map_err(not_a_component)?.name.name)?;
                }
            }
            _ => {}
        }
    }
    if inspected.roles.is_empty() { Err(Refusal::NoRole) } else { Ok(inspected) }
}

impl Inspected {
    fn import(&mut self, name: &str) -> Result<(), Refusal> {
        match name.strip_prefix(PACKAGE).and_then(|rest| rest.split_once('@')) {
            Some(("log", version)) => {
                spoken(version)?;
                self.log = Some(name.to_owned());
                Ok(())
            }
            // Types only: there is nothing in it to call.
            Some(("types", version)) => spoken(version),
            _ => Err(Refusal::ForeignImport(name.to_owned())),
        }
    }

    /// What else it exports is its own business: nobody calls it.
    fn export(&mut self, name: &str) -> Result<(), Refusal> {
        let Some((interface, version)) = name.strip_prefix(PACKAGE).and_then(|rest| rest.split_once('@'))
        else {
            return Ok(());
        };
        if let Some(role) = Role::ALL.into_iter().find(|role| role.as_str() == interface) {
            spoken(version)?;
            self.roles.push((role, name.to_owned()));
        }
        Ok(())
    }
}

fn spoken(version: &str) -> Result<(), Refusal> {
    let mut numbers = version.split('.').map(|part| part.parse::<u64>().ok());
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), Some(minor)) if major == CONTRACT.0 && minor <= CONTRACT.1 => Ok(()),
        _ => Err(Refusal::OtherContract { found: version.to_owned() }),
    }
}
