//! Which word of the format is which event.

use serde_json::{Value, json};
use snippet::{Form, HANDOVER, Shape, pick};
use snodo_connector::Draft;
use snodo_connector::fields::{self, Fields, Take};

use crate::config::Config;
use crate::context;

const SCENE: Shape = &[
    ("id", Form::Text),
    ("name", Form::Text),
    ("kind", Form::Text),
    ("space_id", Form::Text),
    ("version", Form::Text),
    ("runtime", Form::Text),
    ("dwell_ms", Form::Whole),
    ("entered_from", Form::Text),
    ("exit_reason", Form::Text),
    ("load_ms", Form::Whole),
    ("frame_rate", Form::Number),
    ("participants", Form::Whole),
    ("avatar_id", Form::Text),
    ("objects_seen", Form::Whole),
];

const SESSION: Shape = &[
    ("id", Form::Text),
    ("index", Form::Whole),
    ("started_at", Form::Moment),
    ("ended_at", Form::Moment),
    ("duration_ms", Form::Whole),
    ("first", Form::Flag),
    ("end_reason", Form::Text),
];

const ATTRIBUTE: Shape = &[("name", Form::Text), ("value", Form::Scalar)];

const PRODUCT: Shape = &[
    ("id", Form::Text),
    ("variant_id", Form::Text),
    ("sku", Form::Text),
    ("name", Form::Text),
    ("variant", Form::Text),
    ("brand", Form::Text),
    ("category", Form::Text),
    ("price", Form::Money),
    ("url", Form::Text),
    ("image_url", Form::Text),
    ("size", Form::Text),
    ("colour", Form::Text),
    ("material", Form::Text),
    ("quantity", Form::Decimal),
    ("model_3d_url", Form::Text),
];

const POSITION: Shape = &[("x", Form::Number), ("y", Form::Number), ("z", Form::Number)];

const OBJECT: Shape = &[
    ("id", Form::Text),
    ("name", Form::Text),
    ("kind", Form::Text),
    ("product", Form::Part(PRODUCT)),
    ("input", Form::Text),
    ("gaze_ms", Form::Whole),
    ("gaze_count", Form::Whole),
    ("held_ms", Form::Whole),
    ("position", Form::Part(POSITION)),
    ("surface", Form::Text),
    ("anchor_id", Form::Text),
    ("scale", Form::Number),
    ("price", Form::Money),
    ("snapshot_url", Form::Text),
    ("matched_size", Form::Text),
    ("fit_score", Form::Number),
    ("body_part", Form::Text),
    ("duration_ms", Form::Whole),
];

const MEDIA: Shape = &[
    ("id", Form::Text),
    ("title", Form::Text),
    ("kind", Form::One(&["video", "audio", "animation", "volumetric"])),
    ("url", Form::Text),
    ("duration_ms", Form::Whole),
    ("position_ms", Form::Whole),
    ("played_ms", Form::Whole),
    ("action", Form::One(&["started", "paused", "resumed", "sought", "completed", "stopped"])),
    ("muted", Form::Flag),
];

const COMFORT: Shape = &[
    ("level", Form::Text),
    ("score", Form::Number),
    ("questionnaire", Form::Text),
    ("symptoms", Form::Texts),
    ("setting", Form::Text),
    ("action", Form::Text),
];

const CART: Shape = &[("id", Form::Text), ("token", Form::Text), ("url", Form::Text), ("total", Form::Money)];

/// The format's words, and those that WebXR and OpenXR have for the same.
fn kind(word: &str) -> Option<&'static str> {
    Some(match word {
        "session.started" | "start" => "xr.session.started",
        "session.ended" | "end" => "xr.session.ended",
        "session.focus_changed" | "visibilitychange" | "state" => "xr.session.focus_changed",
        "session.presence_changed" | "presence" => "xr.session.presence_changed",
        "scene.entered" => "xr.scene.entered",
        "scene.exited" => "xr.scene.exited",
        "object.selected" | "select" => "xr.object.selected",
        "object.grabbed" | "squeezestart" => "xr.object.grabbed",
        "object.released" | "squeezeend" => "xr.object.released",
        "object.placed" => "xr.object.placed",
        "object.gazed" => "xr.object.gazed",
        "object.configured" => "xr.object.configured",
        "product.tried_on" => "xr.product.tried_on",
        "product.viewed" => "commerce.product.viewed",
        "cart.item_added" => "commerce.cart.item_added",
        "media.played" => "xr.media.played",
        "comfort.reported" => "xr.comfort.reported",
        "handover.requested" => "xr.handover.requested",
        "user.identified" => "identity.user.identified",
        _ => return None,
    })
}

pub fn event(word: &str, mut event: Fields, config: &Config) -> Option<Draft> {
    let kind = kind(word)?;
    let customer = context::customer(&mut event, config);
    let consent = snippet::consent(&mut event, &[]);
    let mut scene = scene(&mut event);
    let mode = scene.get("mode").and_then(Value::as_str).map(str::to_owned);
    let mut touchpoint = context::touchpoint(&mut event, mode.as_deref(), config);
    let visit = snippet::part(&mut event, "session", SESSION).unwrap_or_default();
    let session = visit.get("id").and_then(fields::text);
    let mut data = Fields::new();
    let mut part = |name: &str, shape: Shape| snippet::part(&mut event, name, shape);
    let subject = match kind {
        "xr.session.started" | "xr.session.ended" => Some(format!("session/{}", session.as_ref()?)),
        "xr.session.focus_changed" => {
            scene.get("state")?;
            session.as_ref().map(|id| format!("session/{id}"))
        }
        "xr.session.presence_changed" => {
            let present = event.take("present", Value::as_bool)?;
            scene.insert("user_present".into(), present.into());
            session.as_ref().map(|id| format!("session/{id}"))
        }
        "xr.scene.entered" | "xr.scene.exited" => subject("scene", &scene, &["id", "name"])?,
        "xr.media.played" => named(&mut data, "media", part("media", MEDIA)?, &["id", "title", "url"])?,
        "xr.comfort.reported" => {
            named(&mut data, "comfort", part("comfort", COMFORT)?, &["level", "score", "symptoms"])?;
            None
        }
        "xr.handover.requested" => {
            touchpoint.leave("handover", part("handover", HANDOVER)?);
            data.leave("cart", part("cart", CART));
            products(&mut event, &mut data);
            session.as_ref().map(|id| format!("session/{id}"))
        }
        "commerce.product.viewed" => {
            named(&mut data, "product", part("product", PRODUCT)?, &["id", "sku", "name"])?
        }
        "commerce.cart.item_added" => {
            let cart = part("cart", CART).unwrap_or_default();
            let about = cart.get("id").and_then(Value::as_str).map(|id| format!("cart/{id}"));
            data.leave("cart", cart);
            products(&mut event, &mut data);
            data.get("products")?;
            about
        }
        "xr.product.tried_on" => {
            let object = part("object", OBJECT);
            let product = part("product", PRODUCT)?;
            data.leave("scene_object", object);
            named(&mut data, "product", product, &["id", "sku", "name"])?
        }
        "identity.user.identified" => {
            customer.get("identifiers")?;
            None
        }
        _ => {
            let mut object = part("object", OBJECT).unwrap_or_default();
            let product = part("product", PRODUCT);
            if kind == "xr.object.configured" {
                let chosen = pick(&mut event, &[("configuration", Form::Parts(ATTRIBUTE))]);
                let chosen = chosen.get("configuration")?.as_array()?;
                // A choice without a name says nothing.
                if !chosen.iter().all(|one| one.get("name").is_some()) {
                    return None;
                }
                object.insert("configuration".into(), chosen.clone().into());
                data.leave("product", product);
                named(&mut data, "scene_object", object, &["configuration"])?
            } else {
                if !object.contains_key("product") {
                    object.leave("product", product);
                }
                named(&mut data, "scene_object", object, &["id", "name", "product"])?
            }
        }
    };
    if kind.starts_with("xr.") {
        data.leave("scene", scene);
    } else {
        let place = scene.texts(&[("id", "scene_id"), ("space_id", "space_id")]);
        touchpoint.leave("location", json!({"xr": place}));
        event.leave("scene", scene);
    }
    if kind.starts_with("xr.session.") {
        touchpoint.leave("session", visit.get("id").map_or(Value::Null, |id| json!({"id": id})));
        data.leave("session", visit);
    } else {
        touchpoint.leave("session", visit);
    }
    data.leave("customer", customer);
    data.leave("consent", consent);
    data.leave("touchpoint", touchpoint);
    data.leave("vendor", event);
    let mut draft = Draft::new(kind, &data);
    draft.subject = subject;
    draft.attributes.extend(session.map(|session| ("correlationid".to_owned(), session)));
    Some(draft)
}

/// Puts a part in if it has one of the fields without which it says nothing.
fn named(data: &mut Fields, name: &str, part: Fields, needs: &[&str]) -> Option<Option<String>> {
    let object = if name == "scene_object" { "object" } else { name };
    let subject = subject(object, &part, needs)?;
    data.insert(name.to_owned(), part.into());
    Some(subject)
}

fn subject(object: &str, part: &Fields, needs: &[&str]) -> Option<Option<String>> {
    needs.iter().any(|name| part.contains_key(*name)).then_some(())?;
    Some(part.get("id").and_then(Value::as_str).map(|id| format!("{object}/{id}")))
}

fn products(event: &mut Fields, data: &mut Fields) {
    data.extend(pick(event, &[("products", Form::Parts(PRODUCT))]));
}

/// The scene, with the session's mode and state: WebXR and OpenXR have their own words for both.
fn scene(event: &mut Fields) -> Fields {
    let mut sent = event.object("scene").unwrap_or_default();
    let mut scene = pick(&mut sent, SCENE);
    event.leave("scene", sent);
    scene.leave("mode", event.take("mode", |mode| Some(self::mode(mode.as_str()?)?.to_owned())));
    for (from, to) in [("state", "state"), ("previous_state", "previous_state")] {
        scene.leave(to, event.take(from, |state| self::state(state.as_str()?)));
    }
    scene
}

/// XRSessionMode: <https://www.w3.org/TR/webxr/#xrsessionmode-enum>.
fn mode(word: &str) -> Option<&'static str> {
    Some(match word {
        "immersive-vr" | "immersive_vr" => "immersive_vr",
        "immersive-ar" | "immersive_ar" => "immersive_ar",
        "inline" => "inline",
        "passthrough" => "passthrough",
        _ => return None,
    })
}

/// XRVisibilityState in small letters, XrSessionState in capitals. What WebXR calls visible has the input, too, which is OpenXR's
/// FOCUSED; blurred is shown without it, OpenXR's VISIBLE; hidden is not shown at all, SYNCHRONIZED.
fn state(word: &str) -> Option<String> {
    let word = word.strip_prefix("XR_SESSION_STATE_").unwrap_or(word);
    Some(match word {
        "visible" | "FOCUSED" => "focused".to_owned(),
        "visible-blurred" | "VISIBLE" => "visible".to_owned(),
        "hidden" | "SYNCHRONIZED" => "synchronised".to_owned(),
        "" => return None,
        other => other.to_lowercase(),
    })
}
