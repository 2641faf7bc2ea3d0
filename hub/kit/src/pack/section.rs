//! The custom sections of a component's outermost level. Runtimes pass them over.

use std::borrow::Cow;

use wasm_encoder::{ComponentSection, CustomSection};
use wasmparser::{Encoding, Parser, Payload};

#[derive(Debug, thiserror::Error)]
pub enum MalformedError {
    #[error("{0}")]
    Broken(#[from] wasmparser::BinaryReaderError),
    #[error("it is a core WebAssembly module, not a component")]
    CoreModule,
}

/// Their names and contents, in the order of the file.
pub fn read(component: &[u8]) -> Result<Vec<(&str, &[u8])>, MalformedError> {
    let mut sections = Vec::new();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                return Err(MalformedError::CoreModule);
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(section) if depth == 0 => sections.push((section.name(), section.data())),
            _ => {}
        }
    }
    Ok(sections)
}

pub fn append(component: &mut Vec<u8>, name: &str, data: &[u8]) {
    let section = CustomSection { name: Cow::Borrowed(name), data: Cow::Borrowed(data) };
    section.append_to_component(component);
}
