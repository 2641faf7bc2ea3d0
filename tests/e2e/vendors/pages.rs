//! What the vendors' pages say of the requests that no library of a registry holds, and of how much one request may hold. Each entry
//! names its page.

use serde_json::Value;

use super::difference::Difference;
use super::golden::{Request, manifest};
use super::place::{found, matches};

/// One call of a vendor's API. Places are JSON pointers; `*` stands for every item, `**` for anything below, which is the customer's own.
pub struct Page {
    pub connector: &'static str,
    pub page: &'static str,
    method: &'static str,
    /// `{}` stands for any one segment.
    path: &'static str,
    query: &'static [&'static str],
    /// The scheme under `[destination.auth]`.
    credential: &'static str,
    /// What has to be there; with `|` one of them.
    required: &'static [&'static str],
    /// What else may be there.
    known: &'static [&'static str],
    /// Where only certain words are taken.
    words: &'static [(&'static str, &'static [&'static str])],
}

const MEMBER: &str = "/3.0/lists/{}/members/{}";
const MEMBER_FIELDS: &[&str] = &[
    "/email_address",
    "/email_type",
    "/interests/**",
    "/ip_opt",
    "/ip_signup",
    "/language",
    "/location/latitude",
    "/location/longitude",
    "/marketing_permissions/*/enabled",
    "/marketing_permissions/*/marketing_permission_id",
    "/merge_fields/**",
    "/status",
    "/timestamp_opt",
    "/timestamp_signup",
    "/vip",
];
const MEMBER_WORDS: &[(&str, &[&str])] = &[
    ("/status", &["subscribed", "unsubscribed", "cleaned", "pending", "transactional"]),
    ("/status_if_new", &["subscribed", "unsubscribed", "cleaned", "pending", "transactional"]),
];

const TICKET_WORDS: &[(&str, &[&str])] = &[
    ("/ticket/priority", &["urgent", "high", "normal", "low"]),
    ("/ticket/type", &["problem", "incident", "question", "task"]),
    ("/ticket/status", &["new", "open", "pending", "hold", "solved", "closed"]),
];

pub const PAGES: [Page; 11] = [
    Page {
        connector: "mailchimp",
        page: "https://mailchimp.com/developer/marketing/api/list-members/add-or-update-list-member/",
        method: "PUT",
        path: MEMBER,
        query: &["skip_merge_validation"],
        credential: "basic",
        required: &["/email_address", "/status_if_new"],
        known: MEMBER_FIELDS,
        words: MEMBER_WORDS,
    },
    Page {
        connector: "mailchimp",
        page: "https://mailchimp.com/developer/marketing/api/list-members/update-list-member/",
        method: "PATCH",
        path: MEMBER,
        query: &["skip_merge_validation"],
        credential: "basic",
        required: &[],
        known: MEMBER_FIELDS,
        words: MEMBER_WORDS,
    },
    Page {
        connector: "mailchimp",
        page: "https://mailchimp.com/developer/marketing/api/list-member-tags/add-or-remove-member-tags/",
        method: "POST",
        path: "/3.0/lists/{}/members/{}/tags",
        query: &[],
        credential: "basic",
        required: &["/tags/*/name", "/tags/*/status"],
        known: &["/is_syncing"],
        words: &[("/tags/*/status", &["active", "inactive"])],
    },
    Page {
        connector: "mailchimp",
        page: "https://mailchimp.com/developer/marketing/api/list-members/archive-list-member/",
        method: "DELETE",
        path: MEMBER,
        query: &[],
        credential: "basic",
        required: &[],
        known: &[],
        words: &[],
    },
    Page {
        connector: "mailchimp",
        page: "https://mailchimp.com/developer/marketing/api/list-members/delete-list-member/",
        method: "POST",
        path: "/3.0/lists/{}/members/{}/actions/delete-permanent",
        query: &[],
        credential: "basic",
        required: &[],
        known: &[],
        words: &[],
    },
    Page {
        connector: "mailchimp",
        page: "https://mailchimp.com/developer/marketing/api/lists/get-list-info/",
        method: "GET",
        path: "/3.0/lists/{}",
        query: &["fields", "exclude_fields", "include_total_contacts"],
        credential: "basic",
        required: &[],
        known: &[],
        words: &[],
    },
    // Rasa publishes an OpenAPI document at this address, and as docs/static/spec/rasa.yml in its repository, but no client,
    // and its server needs a whole machine-learning stack.
    Page {
        connector: "rasa",
        page: "https://rasa.com/docs/reference/api/pro/http-api/tracker/inject-an-intent-into-a-conversation/",
        method: "POST",
        path: "/conversations/{}/trigger_intent",
        query: &["include_events", "output_channel"],
        credential: "api-key-query",
        required: &["/name"],
        // An object, or null.
        known: &["/entities", "/entities/**"],
        words: &[],
    },
    Page {
        connector: "rasa",
        page: "https://rasa.com/docs/reference/channels/your-own-website/",
        method: "POST",
        path: "/webhooks/{}/webhook",
        query: &[],
        credential: "api-key-query",
        required: &["/sender", "/message"],
        known: &["/metadata/**"],
        words: &[],
    },
    // Meta's library for it is withdrawn. Its OpenAPI document is at https://github.com/facebook/openapi, and in no registry.
    Page {
        connector: "whatsapp",
        page: "https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/template-messages",
        method: "POST",
        path: "/v26.0/{}/messages",
        query: &[],
        credential: "bearer",
        // `recipient` is a customer's user id: .../whatsapp/business-scoped-user-ids/
        required: &[
            "/messaging_product",
            "/recipient_type",
            "/to|/recipient",
            "/type",
            "/template/name",
            "/template/language/code",
        ],
        known: &[
            "/biz_opaque_callback_data",
            "/template/language/policy",
            "/template/components/*/type",
            "/template/components/*/sub_type",
            "/template/components/*/index",
            "/template/components/*/parameters/*/type",
            "/template/components/*/parameters/*/parameter_name",
            "/template/components/*/parameters/*/text",
            "/template/components/*/parameters/*/payload",
            "/template/components/*/parameters/*/image/link",
            "/template/components/*/parameters/*/video/link",
            "/template/components/*/parameters/*/document/link",
            "/template/components/*/parameters/*/document/filename",
        ],
        words: &[
            ("/messaging_product", &["whatsapp"]),
            ("/recipient_type", &["individual"]),
            ("/type", &["template"]),
            ("/template/components/*/type", &["header", "body", "button"]),
            ("/template/components/*/sub_type", &["quick_reply", "url", "catalog"]),
            ("/template/components/*/index", &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]),
            ("/template/components/*/parameters/*/type", &["text", "payload", "image", "video", "document"]),
        ],
    },
    // Zendesk's own client is for Ruby, and its OpenAPI document is in no registry.
    Page {
        connector: "zendesk",
        page: "https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#create-ticket",
        method: "POST",
        path: "/api/v2/tickets",
        query: &[],
        credential: "basic",
        required: &["/ticket/comment/body"],
        known: &[
            "/ticket/comment/public",
            "/ticket/external_id",
            "/ticket/group_id",
            "/ticket/priority",
            "/ticket/requester/email",
            "/ticket/requester/name",
            "/ticket/requester_id",
            "/ticket/subject",
            "/ticket/tags/*",
            "/ticket/type",
            "/ticket/via_followup_source_id",
        ],
        words: TICKET_WORDS,
    },
    Page {
        connector: "zendesk",
        page: "https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#update-ticket",
        method: "PUT",
        path: "/api/v2/tickets/{}",
        query: &[],
        credential: "basic",
        required: &["/ticket"],
        known: &["/ticket/comment/body", "/ticket/comment/public", "/ticket/priority", "/ticket/status"],
        words: TICKET_WORDS,
    },
];

/// How much a vendor takes in one request.
pub struct Limit {
    pub connector: &'static str,
    pub page: &'static str,
    /// Deliveries; 1 where a request is about one thing.
    pub deliveries_max: usize,
    /// Items of the lists, or characters of the texts, at these places.
    pub items_max: &'static [(&'static str, usize)],
}

pub const LIMITS: [Limit; 14] = [
    Limit {
        connector: "google-ads",
        page: "https://developers.google.com/google-ads/api/docs/best-practices/quotas",
        deliveries_max: 2000,
        items_max: &[("/conversions", 2000)],
    },
    Limit {
        connector: "hubspot",
        page: "https://developers.hubspot.com/docs/api-reference/legacy/crm/objects/contacts/guide",
        deliveries_max: 100,
        items_max: &[("/inputs", 100)],
    },
    // A subscription takes 1000 profiles, an unsubscription 100.
    Limit {
        connector: "klaviyo",
        page: "https://developers.klaviyo.com/en/reference/bulk_unsubscribe_profiles",
        deliveries_max: 1,
        items_max: &[("/data/attributes/profiles/data", 100)],
    },
    Limit {
        connector: "mailchimp",
        page: "https://mailchimp.com/developer/marketing/api/list-members/",
        deliveries_max: 1,
        items_max: &[],
    },
    Limit {
        connector: "meta",
        page: "https://developers.facebook.com/documentation/ads-commerce/conversions-api/using-the-api",
        deliveries_max: 1000,
        items_max: &[("/data", 1000)],
    },
    // A file of 5 GB, which no batch becomes.
    Limit {
        connector: "parquet",
        page: "https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html",
        deliveries_max: usize::MAX,
        items_max: &[],
    },
    Limit {
        connector: "rasa",
        page: "https://rasa.com/docs/reference/api/pro/http-api/",
        deliveries_max: 1,
        items_max: &[],
    },
    Limit {
        connector: "salesforce",
        page: "https://developer.salesforce.com/docs/platform/api-rest/guide/resources-composite-sobjects-collections-upsert.html",
        deliveries_max: 200,
        items_max: &[("/records", 200)],
    },
    Limit {
        connector: "shopify",
        page: "https://shopify.dev/docs/api/usage/limits",
        deliveries_max: 1,
        items_max: &[
            ("/variables/add", 250),
            ("/variables/remove", 250),
            ("/variables/input/lineItems", 250),
            ("/variables/input/tags", 250),
        ],
    },
    Limit {
        connector: "slack",
        page: "https://docs.slack.dev/reference/methods/chat.postMessage/",
        deliveries_max: 1,
        items_max: &[("/text", 4000)],
    },
    Limit {
        connector: "square",
        page: "https://developer.squareup.com/reference/square/customers-api/create-customer",
        deliveries_max: 1,
        items_max: &[],
    },
    Limit {
        connector: "twilio",
        page: "https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource",
        deliveries_max: 1,
        items_max: &[("/Body", 1600)],
    },
    Limit {
        connector: "whatsapp",
        page: "https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/template-messages",
        deliveries_max: 1,
        items_max: &[("/biz_opaque_callback_data", 512)],
    },
    Limit {
        connector: "zendesk",
        page: "https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#create-ticket",
        deliveries_max: 1,
        items_max: &[],
    },
];

fn page(connector: &str, request: &Request) -> Option<&'static Page> {
    let pattern = |page: &Page| page.path.replace("{}", "*");
    let mut pages = PAGES.iter().filter(|page| page.connector == connector && page.method == request.method);
    pages.find(|page| matches(&pattern(page), request.path()))
}

/// Below which places of a request the names are the customer's own.
pub fn free(connector: &str, request: &Request) -> Vec<&'static str> {
    let known = page(connector, request).map_or(&[][..], |page| page.known);
    known.iter().copied().filter(|place| place.ends_with("/**")).collect()
}

/// What a request has that the vendor's page does not, and the other way round.
pub fn mistakes(connector: &str, request: &Request) -> Vec<Difference> {
    let Some(page) = page(connector, request) else {
        return vec![format!("there is no {} {}", request.method, request.path())];
    };
    let mut all = Vec::new();
    let names = form_urlencoded::parse(request.parts().1.as_bytes()).map(|(name, _)| name.into_owned());
    all.extend(names.filter(|name| !page.query.contains(&name.as_str())).map(|name| format!("query {name}")));
    let scheme = manifest(connector)["destination"]["auth"]["scheme"].as_str().map(str::to_owned);
    if scheme.as_deref() != Some(page.credential) {
        all.push(format!("the credential is {}, not {scheme:?}", page.credential));
    }
    let kind = request.headers.get("content-type").and_then(Value::as_str);
    if request.body.is_object() && kind != Some("application/json") {
        all.push(format!("the body is JSON, not {kind:?}"));
    }
    for places in page.required {
        let mut there = places.split('|').map(|place| found(&request.body, place).count());
        if !there.any(|count| count > 0) {
            all.push(format!("{places} is missing"));
        }
    }
    let required = || page.required.iter().flat_map(|places| places.split('|'));
    for place in leaves(&request.body, "") {
        if !required().chain(page.known.iter().copied()).any(|known| matches(known, &place)) {
            all.push(format!("there is no {place}"));
        }
    }
    for (place, words) in page.words {
        let strange =
            found(&request.body, place).filter(|one| !one.as_str().is_some_and(|one| words.contains(&one)));
        all.extend(strange.map(|one| format!("{place} is none of {words:?}: {one}")));
    }
    all.iter().map(|one| format!("{one}: {}", page.page)).collect()
}

/// The places at which values stand; what is empty is one, too.
fn leaves(value: &Value, at: &str) -> Vec<String> {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            fields.iter().flat_map(|(name, inner)| leaves(inner, &format!("{at}/{name}"))).collect()
        }
        Value::Array(items) if !items.is_empty() => items
            .iter()
            .enumerate()
            .flat_map(|(place, inner)| leaves(inner, &format!("{at}/{place}")))
            .collect(),
        Value::String(text) if at.is_empty() && text.is_empty() => vec![],
        _ => vec![at.to_owned()],
    }
}
