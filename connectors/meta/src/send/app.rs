//! What Meta wants to know of an app:
//! <https://developers.facebook.com/documentation/ads-commerce/conversions-api/parameters/app-data>.

use serde_json::{Value, json};

/// `None` without the two that Meta asks for: the system and its version.
pub fn app_data(touchpoint: &Value) -> Option<Value> {
    let device = &touchpoint["device"];
    let system = device["os"].as_str()?.to_lowercase();
    let kind = match system.as_str() {
        "android" => "a2",
        "ios" | "ipados" => "i2",
        _ => return None,
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let pixels =
        |name: &str| device["screen"][name].as_u64().map_or_else(String::new, |size| size.to_string());
    let version = device["os_version"].as_str()?.to_owned();
    let app = &touchpoint["app"];
    let blank = String::new;
    // In Meta's order, with blanks for what is not known.
    let extinfo = [
        kind.to_owned(),
        text(&app["id"]),
        text(&app["version"]),
        text(&app["build"]),
        version,
        text(&device["model"]),
        text(&touchpoint["locale"]),
        blank(),
        text(&touchpoint["network"]["carrier"]),
        pixels("width_px"),
        pixels("height_px"),
        blank(),
        blank(),
        blank(),
        blank(),
        text(&touchpoint["timezone"]),
    ];
    // The system gives an advertising id to those only who let themselves be tracked.
    let tracked = device["advertising_id"].is_string();
    Some(json!({
        "advertiser_tracking_enabled": tracked,
        "application_tracking_enabled": tracked,
        "extinfo": extinfo,
    }))
}
