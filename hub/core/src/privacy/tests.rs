use serde_json::json;

use super::*;

fn privacy() -> Privacy {
    Privacy::new(&Vocabulary::load())
}

#[test]
fn an_order_shows_what_was_bought_and_hides_who_bought_it() {
    let data = json!({
        "customer": {
            "identifiers": [{ "namespace": "email", "value": "anna@example.com", "primary": true }],
            "traits": { "given_name": "Anna", "orders_count": 3, "addresses": [{ "city": "Forlì", "kind": "home" }] }
        },
        "order": {
            "id": "1001",
            "total": { "amount": "12.50", "currency": "EUR" },
            "shipping_address": { "line1": "Via Roma 1", "country_code": "IT" },
            "lines": [{ "product": { "sku": "TEE-S" }, "attributes": [{ "name": "engraving", "value": "For Leo" }] }],
            "note": "ring at Bianchi",
            "tags": ["vip"]
        },
        "vendor": { "deep": [{ "x": "y" }, 7] }
    });
    let masked = json!({
        "customer": {
            "identifiers": [{ "namespace": "email", "value": "‹identifier›", "primary": true }],
            "traits": { "given_name": "‹name›", "orders_count": "‹behavioural›", "addresses": [{ "city": "‹location›", "kind": "home" }] }
        },
        "order": {
            "id": "1001",
            "total": { "amount": "12.50", "currency": "EUR" },
            "shipping_address": { "line1": "‹location›", "country_code": "‹location›" },
            "lines": [{ "product": { "sku": "TEE-S" }, "attributes": [{ "name": "engraving", "value": "‹content›" }] }],
            "note": "‹content›",
            "tags": ["vip"]
        },
        "vendor": { "deep": [{ "x": "‹content›" }, "‹content›"] }
    });
    let privacy = privacy();
    assert_eq!(privacy.mask("commerce.order.placed", &data), masked);
    let values = privacy.personal_values("commerce.order.placed", &data);
    let told: Vec<_> =
        values.iter().map(|found| (found.pointer.as_str(), found.class, found.value.as_str())).collect();
    assert_eq!(
        told,
        [
            ("/customer/identifiers/0/value", Class::Identifier, "anna@example.com"),
            ("/customer/traits/given_name", Class::Name, "Anna"),
            ("/customer/traits/orders_count", Class::Behavioural, "3"),
            ("/customer/traits/addresses/0/city", Class::Location, "Forlì"),
            ("/order/shipping_address/line1", Class::Location, "Via Roma 1"),
            ("/order/shipping_address/country_code", Class::Location, "IT"),
            ("/order/lines/0/attributes/0/value", Class::Content, "For Leo"),
            ("/order/note", Class::Content, "ring at Bianchi"),
            ("/vendor/deep/0/x", Class::Content, "y"),
            ("/vendor/deep/1", Class::Content, "7"),
        ]
    );
    for found in &values {
        assert_eq!(
            data.pointer(&found.pointer)
                .map(|value| value.as_str().map_or(value.to_string(), str::to_owned))
                .as_ref(),
            Some(&found.value)
        );
    }
    assert!(!format!("{values:?}").contains("Anna"));
}

#[test]
fn what_no_schema_describes_is_personal() {
    let privacy = privacy();
    for (kind, data, masked) in [
        ("no.such.type", json!({ "a": ["b"] }), json!({ "a": ["‹content›"] })),
        (
            "unknown.message.received",
            json!({ "topic": "t/1", "body": { "a": 1 } }),
            json!({ "topic": "t/1", "body": { "a": "‹content›" } }),
        ),
        // Quarantined events are shown as well: their fields may stand anywhere.
        ("commerce.order.placed", json!({ "buyer": "Anna" }), json!({ "buyer": "‹content›" })),
        ("commerce.order.placed", json!({ "order": "Anna" }), json!({ "order": "‹content›" })),
        (
            "commerce.order.placed",
            json!({ "order": { "id": { "x": "Anna" } } }),
            json!({ "order": { "id": { "x": "‹content›" } } }),
        ),
        (
            "commerce.order.placed",
            json!({ "order": { "tags": "Anna" } }),
            json!({ "order": { "tags": "‹content›" } }),
        ),
    ] {
        assert_eq!(privacy.mask(kind, &data), masked, "{kind}");
    }
}

#[test]
fn a_mark_on_a_group_of_values_holds_for_each() {
    let data = json!({ "touchpoint": { "campaign": { "source": "google", "click_ids": { "gclid": "Cj0K" } } }, "page": { "name": "home" } });
    let values = privacy().personal_values("web.page.viewed", &data);
    assert_eq!(values.len(), 1);
    assert_eq!(
        (values[0].pointer.as_str(), values[0].class),
        ("/touchpoint/campaign/click_ids/gclid", Class::Identifier)
    );
}

#[test]
fn a_type_knows_its_classes() {
    let privacy = privacy();
    assert_eq!(privacy.classes("no.such.type"), None);
    let of_field = |kind, field| {
        privacy.classes_of_field(kind, field).into_iter().map(Class::as_str).collect::<Vec<_>>()
    };
    assert_eq!(of_field("xr.comfort.reported", "comfort"), ["sensitive"]);
    assert_eq!(of_field("pos.drawer.opened", "till"), Vec::<&str>::new());
    assert!(of_field("commerce.order.placed", "order").contains(&"location"));
}
