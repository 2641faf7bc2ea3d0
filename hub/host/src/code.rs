//! Compiled code of a connector: ready to be instantiated, with the places of its functions.

use wasmtime::component::{ComponentExportIndex, InstancePre};

use crate::Role;
use crate::instance::State;

/// A function of the contract.
#[derive(Clone, Copy)]
pub enum Function {
    Decode,
    Next,
    Encode,
    Interpret,
    Apply,
}

impl Function {
    pub const COUNT: usize = 5;

    const ALL: [(Self, Role, &str); Self::COUNT] = [
        (Self::Decode, Role::Source, "decode"),
        (Self::Next, Role::Poll, "next"),
        (Self::Encode, Role::Destination, "encode"),
        (Self::Interpret, Role::Destination, "interpret"),
        (Self::Apply, Role::Transform, "apply"),
    ];
}

pub struct Code {
    pub pre: InstancePre<State>,
    /// By `Function as usize`; those of the roles it has.
    pub exports: [Option<ComponentExportIndex>; Function::COUNT],
}

impl Code {
    /// `roles` with the exact names of their interfaces.
    pub fn new(pre: InstancePre<State>, roles: &[(Role, String)]) -> wasmtime::Result<Self> {
        let component = pre.component();
        let mut exports = [None; Function::COUNT];
        for (function, role, name) in Function::ALL {
            let Some((_, interface)) = roles.iter().find(|(has, _)| *has == role) else { continue };
            let interface_index = component.get_export_index(None, interface);
            let export = interface_index.and_then(|index| component.get_export_index(Some(&index), name));
            let missing = || wasmtime::Error::msg(format!("{interface} has no function {name}"));
            exports[function as usize] = Some(export.ok_or_else(missing)?);
        }
        Ok(Self { pre, exports })
    }

    pub fn functions(&self) -> impl Iterator<Item = Function> {
        let has = |function: &Function| self.exports[*function as usize].is_some();
        Function::ALL.into_iter().map(|(function, ..)| function).filter(has)
    }
}
