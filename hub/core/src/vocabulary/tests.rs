use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::event::UNKNOWN;
use crate::privacy::Class;

/// The vocabulary, version 1: domain, then object and action.
const TYPES: &[(&str, &str)] = &[
    ("identity", "user.identified alias.asserted profile.merged profile.unmerged group.joined"),
    ("consent", "preference.updated"),
    ("privacy", "request.received request.completed"),
    (
        "web",
        "page.viewed session.started session.ended element.clicked link.clicked_out form.started form.submitted form.abandoned \
         search.performed content.viewed content.downloaded scroll.milestone experiment.exposed error.seen",
    ),
    (
        "mobile",
        "app.installed app.updated app.opened app.backgrounded app.crashed app.uninstalled screen.viewed deeplink.opened \
         install.attributed push_token.changed permission.changed location.region_changed",
    ),
    (
        "commerce",
        "product.list_viewed product.list_filtered product.clicked product.viewed product.reviewed product.shared \
         product.back_in_stock promotion.viewed promotion.clicked cart.item_added cart.item_removed cart.viewed cart.shared \
         cart.abandoned wishlist.item_added wishlist.item_removed checkout.started checkout.step_completed \
         checkout.shipping_entered checkout.payment_entered coupon.applied coupon.denied order.placed order.paid order.edited \
         order.cancelled order.fulfilled order.delivered return.requested refund.issued",
    ),
    (
        "subscription",
        "contract.started contract.renewed contract.paused contract.cancelled contract.payment_failed",
    ),
    ("loyalty", "account.enrolled points.changed"),
    ("giftcard", "card.activated"),
    (
        "pos",
        "sale.completed sale.voided sale.suspended return.completed exchange.completed tender.accepted receipt.issued \
         customer.attached loyalty.redeemed discount.overridden drawer.opened day.closed click_and_collect.picked_up \
         inventory.checked_for_customer",
    ),
    (
        "crm",
        "contact.created contact.updated contact.deleted contact.merged account.created account.updated lead.created \
         lead.converted lead.score_changed opportunity.stage_changed activity.logged task.completed",
    ),
    (
        "contactcentre",
        "interaction.started interaction.ended interaction.queued interaction.dequeued interaction.assigned \
         interaction.transferred interaction.held interaction.abandoned ivr.step_entered message.received message.sent \
         voicemail.left callback.requested wrapup.completed transcript.available ticket.created ticket.status_changed \
         ticket.csat_received",
    ),
    (
        "bot",
        "conversation.started conversation.turn conversation.ended conversation.intent_detected conversation.fallback \
         conversation.handover_requested conversation.tool_executed conversation.feedback_given \
         conversation.guardrail_triggered",
    ),
    (
        "message",
        "sent delivered deferred bounced_soft bounced_hard opened clicked complained unsubscribed preference_changed displayed \
         dismissed",
    ),
    (
        "social",
        "post.published post.mentioned post.commented post.reacted post.shared post.followed dm.received lead.submitted \
         review.posted story.replied",
    ),
    (
        "ad",
        "impression.served impression.clicked impression.viewed_through impression.converted spend.reported audience.synced \
         audience.rejected creative.changed",
    ),
    (
        "xr",
        "session.started session.ended session.focus_changed session.presence_changed scene.entered scene.exited object.gazed \
         object.selected object.grabbed object.released object.placed object.configured product.tried_on media.played \
         comfort.reported handover.requested",
    ),
    (
        "iot",
        "device.paired telemetry.sampled threshold.crossed alert.raised alert.cleared consumable.low firmware.updated",
    ),
    ("store", "zone.entered zone.exited dwell.measured beacon.seen qr.scanned"),
    (
        "voc",
        "survey.sent survey.started survey.answered survey.completed score.recorded comment.classified complaint.raised \
         critical.detected closed_loop.completed",
    ),
    ("thirdparty", "attribute.appended audience.received"),
    ("quality", "violation.detected"),
    ("delivery", "outcome.recorded"),
    ("unknown", "message.received"),
];

#[test]
fn the_vocabulary_has_the_types_that_it_should_and_no_others() {
    let listed = |(domain, objects): &(&str, &str)| {
        objects.split_whitespace().map(|object| format!("{domain}.{object}")).collect::<Vec<_>>()
    };
    let expected: BTreeSet<_> = TYPES.iter().flat_map(listed).collect();
    let found: BTreeSet<_> = Vocabulary::load().kinds().map(str::to_owned).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_type_says_what_it_is() {
    let vocabulary = Vocabulary::load();
    for known in vocabulary.types().chain([vocabulary.envelope()]) {
        let kind = &known.kind;
        assert_eq!(*known.dataschema, *format!("snodo:snodo/{kind}/{}", known.version), "{kind}");
        assert!(
            known.description.ends_with('.') && known.description.len() < 130,
            "{kind}: {}",
            known.description
        );
        assert!(!known.title.is_empty() && !known.standards.is_empty(), "{kind}");
        if known.kind.contains('.') {
            let common = ["customer", "consent", "touchpoint", "vendor"];
            assert!(common.iter().all(|field| known.schema()["properties"][field].is_object()), "{kind}");
        }
    }
}

#[test]
fn every_schema_is_valid_closed_described_and_refers_to_what_is_there() {
    let vocabulary = Vocabulary::load();
    let types =
        vocabulary.types().chain([vocabulary.envelope()]).map(|known| (known.kind.as_ref(), known.schema()));
    for (name, schema) in types.chain(vocabulary.shared()) {
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{name}");
        if let Err(error) = jsonschema::draft202012::meta::validate(schema) {
            panic!("{name}: {error} at {}", error.instance_path());
        }
        inspect(&vocabulary, name, schema);
    }
}

/// Looks at every subschema: objects are closed, properties described, references and marks known.
fn inspect(vocabulary: &Vocabulary, at: &str, schema: &Value) {
    if let Some(id) = schema["$ref"].as_str() {
        assert!(vocabulary.referred(id).is_some(), "{at} refers to {id}, which is not there");
    } else if schema["type"] == "object" {
        let open = schema["additionalProperties"] == true || schema.get("additionalProperties").is_none();
        assert!(!open || at == "vendor" || at == "envelope/data", "{at} is open");
    }
    if let Some(mark) = schema.get("x-personal-data") {
        assert!(mark.as_str().and_then(Class::parse).is_some(), "{at} has the mark {mark}");
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let at = format!("{at}/{name}");
        let referred = field["$ref"].as_str().and_then(|id| vocabulary.referred(id));
        let described = [Some(field), referred.map(|(_, schema)| schema)].into_iter().flatten();
        // Beside a reference, `properties` only asks more of what the definition has described.
        let narrows = schema.get("$ref").is_some();
        assert!(
            narrows || described.into_iter().any(|schema| schema["description"].is_string()),
            "{at} is not described"
        );
        assert!(
            narrows || is_marked(field, &at) || !looks_personal(name),
            "{at} looks personal and has no mark"
        );
        inspect(vocabulary, &at, field);
    }
    for (keyword, part) in [("items", "[]"), ("additionalProperties", "*")] {
        if let Some(below) = schema.get(keyword).filter(|below| below.is_object()) {
            inspect(vocabulary, &format!("{at}/{part}"), below);
        }
    }
}

/// Names under which personal data usually stand.
fn looks_personal(name: &str) -> bool {
    const LIKELY: [&str; 22] = [
        "email",
        "phone",
        "mobile",
        "address",
        "birth",
        "gender",
        "ip",
        "latitude",
        "longitude",
        "geohash",
        "postal_code",
        "given_name",
        "family_name",
        "middle_name",
        "nickname",
        "author",
        "last4",
        "holder",
        "token",
        "user_agent",
        "text",
        "note",
    ];
    LIKELY.iter().any(|likely| name == *likely || name.ends_with(&format!("_{likely}")))
}

/// Marked itself, made of what has marks of its own, or one of the few that only look personal.
fn is_marked(field: &Value, at: &str) -> bool {
    /// Of the company or of the world, not of a person.
    const IMPERSONAL: [&str; 6] =
        ["store/phone", "alert/text", "creative/text", "element/text", "verified_email", "verified_phone"];
    let structured = field.get("$ref").or(field["items"].get("$ref")).is_some();
    field.get("x-personal-data").is_some()
        || structured
        || field["type"] == "boolean"
        || field["type"] == "integer"
        || field["type"] == "object"
        || IMPERSONAL.iter().any(|impersonal| at.ends_with(impersonal))
}

#[test]
fn each_type_has_examples_and_each_example_does_what_it_says() {
    let vocabulary = Vocabulary::load();
    for known in vocabulary.types().chain([vocabulary.envelope()]) {
        let examples = vocabulary.examples(&known.kind);
        let valid = examples.iter().filter(|example| example.expectation == Expectation::Valid).count();
        assert!(
            valid > 0 && valid < examples.len(),
            "{}: {} examples, {valid} of them valid",
            known.kind,
            examples.len()
        );
        for Example { name, expectation, data } in examples {
            let at = format!("{} {name}", known.kind);
            match (expectation, vocabulary.check_against(known, &Body::from(&data))) {
                (Expectation::Valid, outcome) => assert_eq!(outcome, Ok(()), "{at}"),
                (Expectation::FailsAt(_), Ok(())) => panic!("{at} is valid"),
                (Expectation::FailsAt(pointer), Err(violations)) => {
                    let pointers: Vec<_> =
                        violations.iter().map(|violation| violation.pointer.as_str()).collect();
                    assert_eq!(pointers, [pointer], "{at}: {violations:?}");
                }
            }
        }
    }
}

#[test]
fn no_two_types_share_an_example() {
    let vocabulary = Vocabulary::load();
    let mut seen = std::collections::HashMap::new();
    for kind in vocabulary.kinds() {
        for example in vocabulary.examples(kind) {
            let before = seen.insert(example.data.to_string(), kind);
            assert!(
                before.is_none_or(|before| before == kind),
                "{kind} and {before:?} share {}",
                example.name
            );
        }
    }
}

#[test]
fn a_violation_tells_the_place_and_the_rule_and_keeps_the_data_to_itself() {
    let vocabulary = Vocabulary::load();
    let told = |kind: &str, data: Value| {
        let violations = vocabulary.check(kind, &Body::from(&data)).expect_err("the data break the schema");
        let all = serde_json::to_string(&violations).unwrap();
        assert!(!all.to_lowercase().contains("rossi"), "{all}");
        violations
            .into_iter()
            .map(|violation| (violation.pointer, violation.rule, violation.message))
            .collect::<Vec<_>>()
    };
    let shared = |rule: &str| format!("snodo:snodo/shared/{rule}");
    let check = |data: Value, pointer: &str, rule: String, message: &str| {
        assert_eq!(told("commerce.order.placed", data), [(pointer.into(), rule, message.into())]);
    };
    let order = |order: Value| serde_json::json!({ "order": order });
    check(
        order(serde_json::json!({ "id": "1", "total": { "amount": "Rossi", "currency": "EUR" } })),
        "/order/total/amount",
        shared("money/1-0-0#/properties/amount/pattern"),
        r#"the value does not match "^-?[0-9]+(\.[0-9]+)?$""#,
    );
    check(
        order(serde_json::json!({ "id": "1", "status": "rossi" })),
        "/order/status",
        shared("order/1-0-0#/properties/status/enum"),
        r#"the value is not one of "open", "closed" or "cancelled""#,
    );
    check(
        order(serde_json::json!({ "id": "1", "mood": "Rossi" })),
        "/order/mood",
        shared("order/1-0-0#/additionalProperties"),
        "the schema has no field \"mood\" here; what the model has no place for goes under vendor",
    );
    check(
        order(serde_json::json!({ "id": "1", "rossi@example.com": 1 })),
        "/order",
        shared("order/1-0-0#/additionalProperties"),
        "a field that the schema does not have, under a strange name",
    );
    check(
        order(serde_json::json!({ "number": "Rossi" })),
        "/order",
        "snodo:snodo/commerce.order.placed/1-0-0#/properties/order/required".into(),
        "the field \"id\" is missing",
    );
    check(
        serde_json::json!({ "order": { "id": "1" }, "consent": { "purposes": { "Rossi!": { "state": "granted" } } } }),
        "/consent/purposes",
        shared("consent/1-0-0#/properties/purposes/propertyNames"),
        "the name of a field does not fit the schema",
    );
    let receipt = told("pos.sale.completed", serde_json::json!({ "receipt": { "note": "Rossi" } }));
    assert_eq!(receipt[0].2, "at least one of these fields must be there: number, sequence, id");
    assert_eq!(told("rossi@home", Value::Null)[0].2, "the vocabulary has no type \"(not shown)\"");
}

#[test]
fn a_wholly_foreign_body_brings_a_bounded_number_of_violations() {
    let fields: serde_json::Map<_, _> = (0..1000).map(|n| (format!("f{n}"), Value::Null)).collect();
    let violations = Vocabulary::load()
        .check("web.page.viewed", &Body::from(&Value::from(fields)))
        .expect_err("nothing fits");
    assert_eq!(violations.len(), VIOLATIONS_MAX);
}

#[test]
fn the_vocabulary_is_shared_between_threads() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Vocabulary>();
}

#[test]
fn an_unknown_message_keeps_any_body() {
    let vocabulary = Vocabulary::load();
    for body in [serde_json::json!({ "a": [1, null, { "b": {} }] }), Value::Null, "text".into(), 4.5.into()] {
        assert_eq!(vocabulary.check(UNKNOWN, &Body::from(&serde_json::json!({ "body": body }))), Ok(()));
    }
}

#[test]
fn the_reference_page_is_made_from_the_schemas() {
    assert_eq!(reference::undescribed(), Vec::<String>::new());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/events.md");
    let page = reference::page();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let stands = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = stands.lines().zip(page.lines()).position(|(a, b)| a != b);
    assert!(
        stands == page,
        "docs/events.md is behind the schemas from line {differs:?}: UPDATE_GOLDEN=1 writes it anew"
    );
}
