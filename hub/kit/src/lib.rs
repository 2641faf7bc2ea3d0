//! The connector kit: makes a connector's folder, builds it, runs its golden cases and certifies it. Everything offline: a
//! connector is run in the same sandbox that the hub runs it in, and the vendor is what the folder has recorded of it.

pub mod build;
pub mod certify;
pub mod create;
pub mod folder;
pub mod golden;
pub mod pack;
pub mod sign;

pub use certify::{Level, Report, certify};
pub use folder::Folder;
pub use pack::Pack;
