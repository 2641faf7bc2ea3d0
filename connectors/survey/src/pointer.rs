//! JSON Pointers (RFC 6901), to take what is there, and with `*` for every element of a list.

use serde_json::Value;
use snodo_connector::fields::Take;

/// Takes what is at that place out of its object, if `read` can read it. Within a list it is left null, so that its neighbours keep
/// their places.
pub fn take<T>(whole: &mut Value, at: &str, read: impl FnOnce(&Value) -> Option<T>) -> Option<T> {
    let (parent, step) = at.rsplit_once('/')?;
    let step = step.replace("~1", "/").replace("~0", "~");
    match whole.pointer_mut(parent)? {
        Value::Object(fields) => fields.take(&step, read),
        Value::Array(list) => {
            let place = list.get_mut(step.parse::<usize>().ok()?)?;
            let found = read(place)?;
            *place = Value::Null;
            Some(found)
        }
        _ => None,
    }
}

/// The places that a pointer with `*` means, in their order.
pub fn places(whole: &Value, at: &str) -> Vec<String> {
    let mut places = vec![String::new()];
    for step in at.split('/').skip(1) {
        let mut next = Vec::new();
        for place in places {
            let Some(found) = whole.pointer(&place) else { continue };
            if step == "*" {
                let count = found.as_array().map_or(0, Vec::len);
                next.extend((0..count).map(|number| format!("{place}/{number}")));
            } else {
                next.push(format!("{place}/{step}"));
            }
        }
        places = next;
    }
    places.retain(|place| whole.pointer(place).is_some());
    places
}
