//! The sandbox: the engines, the clock, and the way from a component's bytes to a connector that can be called.

use std::hash::{Hash, Hasher};
use std::path::PathBuf;
use std::sync::Arc;

use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use crate::cache::Cache;
use crate::code::Code;
use crate::compile::{self, CompileError};
use crate::engine::{self, Clock, Fuel};
use crate::inspect::{self, Inspected};
use crate::instance::State;
use crate::{Compile, Connector, Limits, Refusal, log};

#[derive(Clone, Debug)]
pub struct Options {
    /// Where compiled code is kept. Without it everything is compiled at every start.
    pub cache_dir: Option<PathBuf>,
    pub compile: Compile,
    pub limits: Limits,
}

/// The sandbox itself cannot be.
#[derive(Debug, thiserror::Error)]
#[error("failed to start the sandbox: {0}")]
pub struct StartError(String);

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The component is at fault, and stays so.
    #[error("the component is refused: {0}")]
    Refused(#[from] Refusal),
    #[error("failed to compile the component: {0}")]
    Compile(#[from] CompileError),
    /// It has the contract's names, but not its types.
    #[error("the component does not fit the contract: {0}")]
    Unfit(String),
}

/// Cheap to clone; the clock stops with the last of it and of its connectors.
#[derive(Clone)]
pub struct Sandbox(Arc<Inner>);

pub(crate) struct Inner {
    pub limits: Limits,
    fuel: Fuel,
    compile: Compile,
    cache: Option<Cache>,
    /// With the pool, unless the system gives no room for one.
    engine: Engine,
    /// Without the pool, for when it is full.
    spare: Engine,
    _clock: Clock,
}

impl Sandbox {
    pub fn new(options: Options) -> Result<Self, StartError> {
        let spare = engine::on_demand(Fuel::Uncounted).map_err(|error| StartError(format!("{error:#}")))?;
        let engine = engine::pooled(&options.limits).unwrap_or_else(|error| {
            tracing::warn!(%error, "no room for a pool of instances; they are made one by one");
            spare.clone()
        });
        Self::with(options, Fuel::Uncounted, engine, spare)
    }

    /// One in which [`Connector::fuel`] tells how much work was done: slower, and for few calls.
    pub fn counting(options: Options) -> Result<Self, StartError> {
        let engine = engine::on_demand(Fuel::Counted).map_err(|error| StartError(format!("{error:#}")))?;
        Self::with(options, Fuel::Counted, engine.clone(), engine)
    }

    fn with(options: Options, fuel: Fuel, engine: Engine, spare: Engine) -> Result<Self, StartError> {
        let Options { cache_dir, compile, limits } = options;
        let cache = cache_dir.and_then(|folder| {
            let failed = |error| tracing::warn!(folder = %folder.display(), %error, "failed to open the cache of compiled code");
            Cache::open(&folder).map_err(failed).ok()
        });
        let clock = Clock::start(vec![engine.clone(), spare.clone()])
            .map_err(|error| StartError(error.to_string()))?;
        Ok(Self(Arc::new(Inner { limits, fuel, compile, cache, engine, spare, _clock: clock })))
    }

    /// Takes a component that is a connector, and compiles it unless that is already done.
    pub fn load(&self, component: &[u8]) -> Result<Connector, LoadError> {
        let inspected = inspect::inspect(component)?;
        let digest = blake3::hash(component);
        let name = self.0.artefact_name(&digest);
        let kept = self.0.cache.as_ref().and_then(|cache| cache.get(&name));
        // What is kept may still be of no use, if a file system has lied: then it is made anew.
        let loaded = kept.and_then(|artefact| self.0.deserialize(&artefact).ok());
        let loaded = match loaded {
            Some(loaded) => loaded,
            None => {
                let artefact = compile::compile(&self.0.compile, self.0.fuel, component)?;
                if let Some(Err(error)) = self.0.cache.as_ref().map(|cache| cache.put(&name, &artefact)) {
                    tracing::warn!(%error, "failed to keep compiled code; it is compiled again at the next start");
                }
                self.0.deserialize(&artefact).map_err(|error| unfit(&error))?
            }
        };
        let code = self.0.link(&loaded, &inspected).map_err(|error| unfit(&error))?;
        let connector = Connector::new(Arc::clone(&self.0), digest, inspected, code);
        connector.check().map_err(|error| unfit(&error))?;
        Ok(connector)
    }
}

fn unfit(error: &wasmtime::Error) -> LoadError {
    LoadError::Unfit(format!("{error:#}"))
}

impl Inner {
    /// Code fits only the component, the compiler and the settings it was made with.
    fn artefact_name(&self, digest: &blake3::Hash) -> String {
        let mut fingerprint = Fingerprint(blake3::Hasher::new());
        self.engine.precompile_compatibility_hash().hash(&mut fingerprint);
        format!("{}-{}", digest.to_hex(), &fingerprint.0.finalize().to_hex()[..16])
    }

    fn deserialize(&self, artefact: &[u8]) -> wasmtime::Result<Component> {
        // SAFETY: the bytes come from our own compiler a moment ago, or from a file that it wrote and that carries our seal.
        unsafe { Component::deserialize(&self.engine, artefact) }
    }

    fn link(&self, component: &Component, inspected: &Inspected) -> wasmtime::Result<Code> {
        let mut linker: Linker<State> = Linker::new(component.engine());
        if let Some(name) = &inspected.log {
            log::define(&mut linker, name)?;
        }
        Code::new(linker.instantiate_pre(component)?, &inspected.roles)
    }

    /// The same code for the engine without the pool.
    pub fn link_spare(&self, code: &Code, inspected: &Inspected) -> wasmtime::Result<Code> {
        let artefact = code.pre.component().serialize()?;
        // SAFETY: the bytes are those of a component that is already loaded.
        let component = unsafe { Component::deserialize(&self.spare, artefact)? };
        self.link(&component, inspected)
    }
}

struct Fingerprint(blake3::Hasher);

impl Hasher for Fingerprint {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = self.0.finalize();
        u64::from_le_bytes(digest.as_bytes()[..8].try_into().expect("a digest has 32 bytes"))
    }
}
