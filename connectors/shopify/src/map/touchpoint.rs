//! Where something happened, and what brought the customer there.

use super::Hook;
use crate::tree::{Node, Object, Text};

/// Done to a customer's record by the shop, its apps or the customer: Shopify does not say by whom.
pub fn backoffice<'a>() -> Object<'a> {
    on("commerce_backoffice")
}

pub fn on<'a>(channel: &'static str) -> Object<'a> {
    let mut touchpoint = Object::new();
    touchpoint.put("channel", channel);
    touchpoint
}

/// Of an order or a checkout: takes what it says of channel, place, device and staff. `source_name` and the addresses of
/// the visit stay for the order itself.
pub fn of_sale<'a>(hook: Hook<'a>, body: &mut Object<'a>) -> Object<'a> {
    let channel = match body.peek("source_name").as_deref() {
        Some("pos") => "pos",
        Some("iphone" | "android") => "mobile",
        Some("shopify_draft_order") => "commerce_backoffice",
        _ if hook.topic.starts_with("checkouts/") => "web",
        Some("web") => "web",
        // Other names are those of apps, which may sell anywhere.
        _ => "",
    };
    let mut touchpoint = Object::new();
    touchpoint.put("channel", channel);
    let store = named("id", body.text("location_id"));
    let mut location = Object::new();
    location.put("store", store);
    touchpoint.put("location", location);
    touchpoint.put("operator", named("id", body.text("user_id")));
    touchpoint.put("app", named("id", body.text("app_id")));
    touchpoint.put("locale", body.text("customer_locale"));
    let mut device = named("id", body.text("device_id"));
    let ip = body.text("browser_ip");
    if let Some(client) = body.object("client_details") {
        if let Some(ip) = &ip {
            client.drop_if("browser_ip", ip);
        }
        touchpoint.put("user_agent", client.text("user_agent"));
        touchpoint.put("session", named("id", client.text("session_hash")));
        let mut screen = Object::new();
        screen.put("width_px", client.count("browser_width"));
        screen.put("height_px", client.count("browser_height"));
        device.put("screen", screen);
    }
    touchpoint.put("device", device);
    touchpoint.put("network", named("ip", ip));
    touchpoint.put("campaign", body.peek("landing_site").map(|url| campaign(&url)));
    touchpoint
}

fn named<'a>(name: &'static str, value: Option<Text<'a>>) -> Object<'a> {
    let mut object = Object::new();
    object.put(name, value);
    object
}

/// The campaign that a landing page's address names, by the customary parameters.
fn campaign<'a>(url: &str) -> Object<'a> {
    let mut campaign = Object::new();
    let mut clicks = Object::new();
    let query = url.split_once('?').map_or("", |(_, query)| query);
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        let value = || Node::from(decoded(value.split('#').next().unwrap_or_default()));
        match name {
            "utm_id" => campaign.put("id", value()),
            "utm_source" => campaign.put("source", value()),
            "utm_medium" => campaign.put("medium", value()),
            "utm_campaign" => campaign.put("name", value()),
            "utm_term" => campaign.put("term", value()),
            "utm_content" => campaign.put("content", value()),
            "gclid" => clicks.put("gclid", value()),
            "fbclid" => clicks.put("fbclid", value()),
            "msclkid" => clicks.put("msclkid", value()),
            "ttclid" => clicks.put("ttclid", value()),
            _ => {}
        }
    }
    campaign.put("click_ids", clicks);
    campaign
}

/// `application/x-www-form-urlencoded`. What is no UTF-8 becomes the replacement character.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = |place: usize| tail.get(place).and_then(|&digit| (digit as char).to_digit(16));
        rest = match (first, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).expect("two hex digits make a byte"));
                &tail[2..]
            }
            (b'+', ..) => {
                bytes.push(b' ');
                tail
            }
            _ => {
                bytes.push(*first);
                tail
            }
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
