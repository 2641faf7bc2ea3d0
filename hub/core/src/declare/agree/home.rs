//! What a home on several nodes does not do is not declared for it: nothing that was asked for is left undone in silence.

use crate::declare::document::Spot;
use crate::declare::load::Loaded;
use crate::declare::{Home, Hub, Mistake, Retention};

pub fn check(loaded: &Loaded<'_>) -> Option<Mistake> {
    let found = loaded.hub.as_ref()?;
    let (document, Hub { home, retention, .. }) = (found.document.as_ref()?, found.declared.as_ref()?);
    let is_asked_for = *retention != Retention::default() && matches!(home, Home::Cluster(_));
    is_asked_for.then(|| {
        let message = "a home of kind \"cluster\" removes nothing yet: what is stored there stays".to_owned();
        let remedy = "leave the keys of [retention] out, or write kind = \"local\" in [home]".to_owned();
        document.mistake(&Spot::Value("/retention"), message, remedy)
    })
}
