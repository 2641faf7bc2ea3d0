//! Where a call was made: <https://segment.com/docs/connections/spec/common/#context>.

use serde_json::Value;

use super::Call;
use super::customer::country;
use snodo_connector::fields::{Fields, Take};

pub fn touchpoint(call: Option<Call>, message: &mut Fields, context: &mut Fields) -> Value {
    let mut touchpoint =
        context.texts(&[("userAgent", "user_agent"), ("locale", "locale"), ("timezone", "timezone")]);
    let channel = channel(call, message, context);
    touchpoint.leave("channel", channel);
    touchpoint.leave("device", device(context));
    if let Some(mut app) = context.object("app") {
        let found =
            app.texts(&[("namespace", "id"), ("name", "name"), ("version", "version"), ("build", "build")]);
        touchpoint.leave("app", found);
        context.leave("app", app);
    }
    if let Some(mut campaign) = context.object("campaign") {
        let same = ["id", "name", "source", "medium", "term", "content"].map(|name| (name, name));
        touchpoint.leave("campaign", campaign.texts(&same));
        context.leave("campaign", campaign);
    }
    if let Some(mut page) = context.object("page") {
        let same = ["url", "path", "title", "referrer", "search"].map(|name| (name, name));
        touchpoint.leave("page", page.texts(&same));
        context.leave("page", page);
    }
    let mut network = context.texts(&[("ip", "ip")]);
    if let Some(mut found) = context.object("network") {
        network.extend(found.texts(&[("carrier", "carrier")]));
        context.leave("network", found);
    }
    touchpoint.leave("network", network);
    // RudderStack's name for it: <https://www.rudderstack.com/docs/event-spec/standard-events/common-fields/>.
    touchpoint.leave("session", context.texts(&[("sessionId", "id")]));
    if let Some(mut location) = context.object("location") {
        let mut geo = location.texts(&[("city", "city"), ("region", "region")]);
        for name in ["latitude", "longitude"] {
            geo.leave(name, location.take(name, Value::as_f64));
        }
        let mut code = country(&mut location);
        geo.extend(code.shift_remove_entry("country_code"));
        location.extend(code);
        touchpoint.leave("location", Fields::from_iter([("geo".to_owned(), geo.into())]));
        context.leave("location", location);
    }
    Value::Object(touchpoint)
}

/// What the sender says; else what only one kind of touchpoint can do.
fn channel(call: Option<Call>, message: &mut Fields, context: &mut Fields) -> Option<&'static str> {
    let said = |value: &Value| match value.as_str()? {
        "browser" | "web" => Some("web"),
        "mobile" => Some("mobile"),
        _ => None,
    };
    let told = context.take("channel", said).or_else(|| message.take("channel", said));
    let library = context.get("library").and_then(|library| library["name"].as_str()).unwrap_or_default();
    let device = context.get("device").and_then(|device| device["type"].as_str()).unwrap_or_default();
    told.or(match (call, library, device.to_ascii_lowercase().as_str()) {
        (_, "analytics.js", _) | (Some(Call::Page), ..) => Some("web"),
        (_, _, "ios" | "android") | (Some(Call::Screen), ..) => Some("mobile"),
        _ => None,
    })
}

fn device(context: &mut Fields) -> Fields {
    let mut device = Fields::new();
    if let Some(mut found) = context.object("device") {
        device = found.texts(&[
            ("id", "id"),
            ("name", "name"),
            ("manufacturer", "manufacturer"),
            ("model", "model"),
            ("advertisingId", "advertising_id"),
            ("token", "push_token"),
        ]);
        context.leave("device", found);
    }
    if let Some(mut os) = context.object("os") {
        device.extend(os.texts(&[("name", "os"), ("version", "os_version")]));
        context.leave("os", os);
    }
    if let Some(mut found) = context.object("screen") {
        let mut screen = Fields::new();
        for (from, to) in [("width", "width_px"), ("height", "height_px")] {
            screen.leave(to, found.take(from, Value::as_u64));
        }
        screen.leave("density", found.take("density", Value::as_f64));
        device.leave("screen", screen);
        context.leave("screen", found);
    }
    device
}
