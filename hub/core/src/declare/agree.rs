//! Whether the files of a configuration agree: whatever one names, another declares, and nothing goes in a circle. Works on what
//! was written, so that a mistake in one file hides none in another.

mod channels;
mod routes;

use super::load::Loaded;
use super::{Known, Manifest, Severity};

pub fn check(loaded: &mut Loaded<'_>, known: Known<'_>) {
    let mut mistakes = channels::check(loaded, known);
    mistakes.extend(routes::check(loaded, known));
    loaded.mistakes.extend(mistakes);
    // A channel that a route names wrongly is not one that nobody wants.
    if loaded.mistakes.iter().all(|one| one.severity == Severity::Note) {
        let unused = channels::check_use(loaded);
        loaded.mistakes.extend(unused);
    }
}

fn manifest<'k>(known: Known<'k>, connector: Option<&str>) -> Option<&'k Manifest> {
    known.manifests.iter().find(|manifest| Some(manifest.name.as_str()) == connector)
}
