//! The parts of events, with the vocabulary's own names, and which word of the format has which.

use snippet::{Form, Shape};

pub struct Known {
    pub word: &'static str,
    pub event: &'static str,
    /// Where the part stands, in the format and in the event.
    pub part: &'static str,
    pub shape: Shape,
    /// One of these must be there.
    pub needs: &'static [&'static str],
}

const fn known(
    word: &'static str,
    event: &'static str,
    part: &'static str,
    shape: Shape,
    needs: &'static [&'static str],
) -> Known {
    Known { word, event, part, shape, needs }
}

pub const KNOWN: &[Known] = &[
    known("page.viewed", "web.page.viewed", "page", PAGE, &["url", "path", "name"]),
    known("content.viewed", "web.content.viewed", "content", CONTENT, &["id", "title", "url"]),
    known("content.downloaded", "web.content.downloaded", "content", CONTENT, &["file_name", "url", "title"]),
    known("element.clicked", "web.element.clicked", "element", ELEMENT, &["id", "name", "text"]),
    known("link.clicked_out", "web.link.clicked_out", "element", ELEMENT, &["url"]),
    known("error.seen", "web.error.seen", "error", ERROR, &["code", "message", "kind"]),
    known(
        "experiment.exposed",
        "web.experiment.exposed",
        "experiment",
        EXPERIMENT,
        &["variant", "variant_id"],
    ),
    known("form.started", "web.form.started", "form", FORM, &["id", "name"]),
    known("form.submitted", "web.form.submitted", "form", FORM, &["id", "name"]),
    known("form.abandoned", "web.form.abandoned", "form", FORM, &["id", "name"]),
    known("scroll.milestone", "web.scroll.milestone", "scroll", SCROLL, &["depth_percent", "depth_px"]),
    known("search.performed", "web.search.performed", "search", SEARCH, &["query"]),
    known("session.started", "web.session.started", "session", SESSION, &["id"]),
    known("session.ended", "web.session.ended", "session", SESSION, &["id"]),
    known("product.viewed", "commerce.product.viewed", "product", PRODUCT, &["id", "sku", "name"]),
    known("cart.item_added", "commerce.cart.item_added", "cart", CART, &[]),
    known("cart.item_removed", "commerce.cart.item_removed", "cart", CART, &[]),
    known(
        "checkout.started",
        "commerce.checkout.started",
        "checkout",
        CHECKOUT,
        &["id", "order_id", "cart_id"],
    ),
    known("order.placed", "commerce.order.placed", "order", ORDER, &["id"]),
];

pub const PAGE: Shape = &[
    ("url", Form::Text),
    ("path", Form::Text),
    ("title", Form::Text),
    ("referrer", Form::Text),
    ("name", Form::Text),
    ("category", Form::Text),
    ("search", Form::Text),
    ("language", Form::Text),
];

const CONTENT: Shape = &[
    ("id", Form::Text),
    ("title", Form::Text),
    ("kind", Form::Text),
    ("url", Form::Text),
    ("category", Form::Text),
    ("language", Form::Text),
    ("file_name", Form::Text),
    ("media_type", Form::Text),
    ("bytes", Form::Whole),
    ("progress_percent", Form::Percent),
    ("engaged_ms", Form::Whole),
];

const ELEMENT: Shape = &[
    ("id", Form::Text),
    ("name", Form::Text),
    ("text", Form::Text),
    ("kind", Form::Text),
    ("url", Form::Text),
    ("position", Form::Text),
    ("domain", Form::Text),
    ("classes", Form::Texts),
];

const ERROR: Shape = &[
    ("code", Form::Text),
    ("message", Form::Text),
    ("kind", Form::Text),
    ("status", Form::Whole),
    ("fatal", Form::Flag),
    ("stack", Form::Text),
    ("url", Form::Text),
];

const EXPERIMENT: Shape = &[
    ("id", Form::Text),
    ("name", Form::Text),
    ("variant_id", Form::Text),
    ("variant", Form::Text),
    ("control", Form::Flag),
    ("feature", Form::Text),
    ("assigned_by", Form::Text),
];

const FIELD: Shape =
    &[("name", Form::Text), ("label", Form::Text), ("value", Form::Scalar), ("kind", Form::Text)];

const FORM: Shape = &[
    ("id", Form::Text),
    ("name", Form::Text),
    ("purpose", Form::Text),
    ("fields", Form::Parts(FIELD)),
    ("step", Form::Text),
    ("last_field", Form::Text),
    ("filled", Form::Whole),
    ("duration_ms", Form::Whole),
    ("url", Form::Text),
    ("submission_id", Form::Text),
];

const SCROLL: Shape = &[
    ("depth_percent", Form::Percent),
    ("depth_px", Form::Whole),
    ("direction", Form::One(&["vertical", "horizontal"])),
];

const SEARCH: Shape =
    &[("query", Form::Text), ("result_count", Form::Whole), ("sort", Form::Text), ("kind", Form::Text)];

pub const SESSION: Shape = &[
    ("id", Form::Text),
    ("index", Form::Whole),
    ("started_at", Form::Moment),
    ("ended_at", Form::Moment),
    ("duration_ms", Form::Whole),
    ("first", Form::Flag),
    ("page_views", Form::Whole),
    ("engaged_ms", Form::Whole),
    ("end_reason", Form::Text),
];

pub const PRODUCT: Shape = &[
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
    ("quantity", Form::Decimal),
    ("position", Form::Whole),
];

const LINE: Shape = &[
    ("product", Form::Part(PRODUCT)),
    ("quantity", Form::Decimal),
    ("unit_price", Form::Money),
    ("total", Form::Money),
];

const CART: Shape =
    &[("id", Form::Text), ("token", Form::Text), ("lines", Form::Parts(LINE)), ("total", Form::Money)];

const CHECKOUT: Shape = &[
    ("id", Form::Text),
    ("order_id", Form::Text),
    ("cart_id", Form::Text),
    ("lines", Form::Parts(LINE)),
    ("total", Form::Money),
];

const ORDER: Shape = &[
    ("id", Form::Text),
    ("number", Form::Text),
    ("cart_id", Form::Text),
    ("lines", Form::Parts(LINE)),
    ("subtotal", Form::Money),
    ("shipping", Form::Money),
    ("tax", Form::Money),
    ("total", Form::Money),
];
