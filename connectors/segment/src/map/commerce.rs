//! Events that have a name in Segment's specifications of e-commerce
//! (<https://segment.com/docs/connections/spec/ecommerce/v2/>) and of apps
//! (<https://segment.com/docs/connections/spec/mobile/>).

use serde_json::{Value, json};

use super::Mapped;
use snodo_connector::fields::{Fields, Take};

/// `None` leaves the message to be kept whole.
pub fn track(message: &mut Fields, touchpoint: &Value, currency: &str) -> Option<Mapped> {
    let event = message.get("event")?.as_str()?.to_owned();
    let mut properties = message.object("properties").unwrap_or_default();
    let code = |value: &Value| {
        let code = value.as_str()?.to_uppercase();
        (code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())).then_some(code)
    };
    let said = properties.take("currency", code);
    let mut told =
        Properties { all: properties, currency: said.clone().unwrap_or_else(|| currency.to_owned()) };
    let mapped = told.event(&event, touchpoint)?;
    // Where nothing has a price it is not said again.
    if !mapped.data.values().any(has_currency) {
        told.all.leave("currency", said);
    }
    message.leave("properties", told.all);
    Some(mapped)
}

fn has_currency(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.contains_key("currency") || fields.values().any(has_currency),
        Value::Array(items) => items.iter().any(has_currency),
        _ => false,
    }
}

struct Properties {
    all: Fields,
    currency: String,
}

impl Properties {
    fn event(&mut self, event: &str, touchpoint: &Value) -> Option<Mapped> {
        match event {
            "Products Searched" => {
                let query = self.all.text("query")?;
                Mapped::new("web.search.performed", json!({"search": {"query": query}}))
            }
            "Product List Viewed" => self.list("commerce.product.list_viewed"),
            "Product List Filtered" => self.list("commerce.product.list_filtered"),
            "Promotion Viewed" => self.promotion("commerce.promotion.viewed"),
            "Promotion Clicked" => self.promotion("commerce.promotion.clicked"),
            "Product Clicked" => self.product_seen("commerce.product.clicked", None),
            "Product Viewed" => self.product_seen("commerce.product.viewed", None),
            "Product Shared" => {
                let share = self.share();
                self.product_seen("commerce.product.shared", Some(("share", share)))
            }
            "Product Reviewed" => {
                let mut review = self.all.texts(&[("review_id", "id"), ("review_body", "text")]);
                let rating = |value: &Value| value.as_f64().or_else(|| value.as_str()?.parse().ok());
                review.leave("rating", self.all.take("rating", rating));
                let says = review.contains_key("text") || review.contains_key("rating");
                says.then(|| self.product_seen("commerce.product.reviewed", Some(("review", review))))?
            }
            "Product Added" | "Wishlist Product Added to Cart" => {
                self.items("commerce.cart.item_added", &[("cart_id", "id")])
            }
            "Product Removed" => self.items("commerce.cart.item_removed", &[("cart_id", "id")]),
            "Product Added to Wishlist" => self.items("commerce.wishlist.item_added", &WISHLIST),
            "Product Removed from Wishlist" => self.items("commerce.wishlist.item_removed", &WISHLIST),
            "Cart Viewed" => self.cart("commerce.cart.viewed", None),
            "Cart Shared" => {
                let share = self.share();
                self.cart("commerce.cart.shared", Some(share))
            }
            "Checkout Started" => self.checkout("commerce.checkout.started"),
            "Checkout Step Completed" => self.checkout("commerce.checkout.step_completed"),
            "Payment Info Entered" => self.checkout("commerce.checkout.payment_entered"),
            "Order Completed" => self.order("commerce.order.placed"),
            "Order Updated" => self.order("commerce.order.edited"),
            "Order Cancelled" => self.order("commerce.order.cancelled"),
            "Order Refunded" => self.refund(),
            "Coupon Applied" => self.coupon("commerce.coupon.applied"),
            "Coupon Denied" => self.coupon("commerce.coupon.denied"),
            "Application Installed" => self.app("mobile.app.installed", touchpoint),
            "Application Opened" => self.app("mobile.app.opened", touchpoint),
            "Application Updated" => self.app("mobile.app.updated", touchpoint),
            "Application Backgrounded" => self.app("mobile.app.backgrounded", touchpoint),
            "Application Uninstalled" => self.app("mobile.app.uninstalled", touchpoint),
            _ => None,
        }
    }

    fn money(&mut self, name: &str) -> Option<Value> {
        let amount = self.all.decimal(name)?;
        Some(json!({"amount": amount, "currency": self.currency}))
    }

    fn list(&mut self, kind: &'static str) -> Option<Mapped> {
        let mut list = self.all.texts(&[("list_id", "id"), ("category", "category")]);
        let filters = self.all.take("filters", |value| {
            let filter = |one: &Value| {
                let fields = one.as_object()?;
                let known = fields.keys().all(|name| name == "type" || name == "value");
                let (field, value) = (fields.get("type")?.as_str()?, fields.get("value")?);
                (known && !value.is_object() && !value.is_array() && !value.is_null())
                    .then(|| json!({"field": field, "value": value}))
            };
            value.as_array()?.iter().map(filter).collect::<Option<Vec<Value>>>()
        });
        list.leave("filters", filters);
        let products = self.products();
        if list.is_empty() && products.is_empty() {
            return None;
        }
        let id = list.get("id").cloned();
        let mut data = Fields::from_iter([("list".to_owned(), list.into())]);
        data.leave("products", products);
        Some(Mapped::new(kind, data.into())?.about("list", id.as_ref()))
    }

    fn promotion(&mut self, kind: &'static str) -> Option<Mapped> {
        let offer = self.all.texts(&[
            ("promotion_id", "id"),
            ("name", "name"),
            ("creative", "creative"),
            ("position", "position"),
        ]);
        let named = offer.contains_key("id") || offer.contains_key("name");
        named.then(|| Mapped::new(kind, json!({"offer": offer})))?
    }

    fn product_seen(&mut self, kind: &'static str, with: Option<(&str, Fields)>) -> Option<Mapped> {
        let product = product(&mut self.all, &self.currency);
        named(&product)?;
        let id = product.get("id").cloned();
        let mut data = Fields::from_iter([("product".to_owned(), product.into())]);
        if let Some((name, value)) = with {
            data.leave(name, value);
        }
        Some(Mapped::new(kind, data.into())?.about("product", id.as_ref()))
    }

    /// Something put into a cart or taken out of it.
    fn items(&mut self, kind: &'static str, cart: &[(&str, &str)]) -> Option<Mapped> {
        let cart = self.all.texts(cart);
        let product = product(&mut self.all, &self.currency);
        named(&product)?;
        let id = cart.get("id").cloned();
        let mut data = Fields::new();
        data.leave("cart", cart);
        data.leave("products", vec![Value::Object(product)]);
        Some(Mapped::new(kind, data.into())?.about("cart", id.as_ref()))
    }

    fn cart(&mut self, kind: &'static str, share: Option<Fields>) -> Option<Mapped> {
        let mut cart = self.all.texts(&[("cart_id", "id")]);
        let id = cart.get("id").cloned();
        cart.leave("lines", self.lines());
        if cart.is_empty() {
            return None;
        }
        if cart.values().any(has_currency) {
            cart.leave("currency", self.currency.as_str());
        }
        let mut data = Fields::from_iter([("cart".to_owned(), cart.into())]);
        data.leave("share", share.unwrap_or_default());
        Some(Mapped::new(kind, data.into())?.about("cart", id.as_ref()))
    }

    fn checkout(&mut self, kind: &'static str) -> Option<Mapped> {
        let mut checkout =
            self.all.texts(&[("checkout_id", "id"), ("order_id", "order_id"), ("cart_id", "cart_id")]);
        let id = checkout.get("id").or_else(|| checkout.get("order_id")).cloned();
        id.as_ref().or_else(|| checkout.get("cart_id"))?;
        checkout.leave("step_index", self.all.take("step", Value::as_u64));
        checkout.extend(self.all.texts(&[("step", "step")]));
        if let Some(title) = self.all.text("shipping_method") {
            checkout.leave("shipping_methods", json!([{"title": title}]));
        }
        if let Some(method) = self.all.text("payment_method") {
            checkout.leave("payments", json!([{"method": method}]));
        }
        let total = self.money("value");
        checkout.leave("total", total);
        self.sums(&mut checkout);
        Some(Mapped::new(kind, json!({"checkout": checkout}))?.about("checkout", id.as_ref()))
    }

    fn order(&mut self, kind: &'static str) -> Option<Mapped> {
        let mut order =
            self.all.texts(&[("order_id", "id"), ("checkout_id", "checkout_id"), ("cart_id", "cart_id")]);
        let id = order.get("id").cloned()?;
        self.sums(&mut order);
        Some(Mapped::new(kind, json!({"order": order}))?.about("order", Some(&id)))
    }

    fn refund(&mut self) -> Option<Mapped> {
        let id = self.all.text("order_id")?;
        let mut refund = Fields::from_iter([("order_id".to_owned(), id.as_str().into())]);
        let amount = self.money("total");
        refund.leave("amount", amount);
        let mut order = Fields::from_iter([("id".to_owned(), id.as_str().into())]);
        order.leave("lines", self.lines());
        let data = json!({"refund": refund, "order": order});
        Some(Mapped::new("commerce.refund.issued", data)?.about("order", Some(&id.into())))
    }

    /// What orders and checkouts come to. The specification's revenue is the subtotal by another name.
    fn sums(&mut self, to: &mut Fields) {
        for name in ["subtotal", "total", "shipping", "tax", "discount"] {
            if let Some(found) = self.money(name) {
                to.insert(name.to_owned(), found);
            }
        }
        if !to.contains_key("subtotal") {
            let revenue = self.money("revenue");
            to.leave("subtotal", revenue);
        }
        if let Some(code) = self.all.text("coupon") {
            to.leave("discounts", json!([{"code": code}]));
        }
        if let Some(name) = self.all.text("affiliation") {
            to.leave("store", json!({"name": name}));
        }
        to.leave("lines", self.lines());
        if to.values().any(has_currency) {
            to.leave("currency", self.currency.as_str());
        }
    }

    fn coupon(&mut self, kind: &'static str) -> Option<Mapped> {
        let mut coupon = self.all.texts(&[
            ("coupon_id", "id"),
            ("coupon", "code"),
            ("coupon_name", "name"),
            ("reason", "reason"),
            ("cart_id", "cart_id"),
            ("order_id", "order_id"),
        ]);
        let discount = self.money("discount");
        coupon.leave("discount", discount);
        let known = coupon.contains_key("id") || coupon.contains_key("code");
        known.then(|| Mapped::new(kind, json!({"coupon": coupon})))?
    }

    /// The call's own properties are newer than the context, which is as the app was started.
    fn app(&mut self, kind: &'static str, touchpoint: &Value) -> Option<Mapped> {
        let mut app = touchpoint["app"].as_object().cloned().unwrap_or_default();
        app.extend(self.all.texts(&[
            ("version", "version"),
            ("build", "build"),
            ("previous_version", "previous_version"),
        ]));
        let needs: &[&str] = match kind {
            "mobile.app.updated" => &["version"],
            "mobile.app.installed" | "mobile.app.uninstalled" => &["id", "name"],
            _ => &["id", "name", "version"],
        };
        needs.iter().any(|name| app.contains_key(*name)).then(|| Mapped::new(kind, json!({"app": app})))?
    }

    fn share(&mut self) -> Fields {
        self.all.texts(&[("share_via", "via"), ("share_message", "message"), ("recipient", "recipient")])
    }

    fn products(&mut self) -> Vec<Value> {
        self.each(|product, _| product)
    }

    fn lines(&mut self) -> Vec<Value> {
        self.each(|mut product, rest| {
            let mut line = Fields::new();
            line.leave("quantity", product.shift_remove("quantity"));
            line.leave("unit_price", product.shift_remove("price"));
            if let Some(code) = rest.text("coupon") {
                line.leave("discounts", json!([{"code": code}]));
            }
            line.leave("product", product);
            line
        })
    }

    /// What is left of the third product stays the third.
    fn each(&mut self, shape: impl Fn(Fields, &mut Fields) -> Fields) -> Vec<Value> {
        let Some(mut products) = self.all.list("products") else { return Vec::new() };
        if !products.iter().all(Value::is_object) {
            self.all.insert("products".into(), products.into());
            return Vec::new();
        }
        let mut found = Vec::with_capacity(products.len());
        for fields in products.iter_mut().filter_map(Value::as_object_mut) {
            let product = product(fields, &self.currency);
            found.push(Value::Object(shape(product, fields)));
        }
        self.all.leave("products", products);
        found
    }
}

const WISHLIST: [(&str, &str); 2] = [("wishlist_id", "id"), ("wishlist_name", "name")];

fn product(fields: &mut Fields, currency: &str) -> Fields {
    let mut product = fields.texts(&[
        ("product_id", "id"),
        ("sku", "sku"),
        ("name", "name"),
        ("brand", "brand"),
        ("category", "category"),
        ("variant", "variant"),
        ("url", "url"),
        ("image_url", "image_url"),
    ]);
    let price = fields.decimal("price").map(|amount| json!({"amount": amount, "currency": currency}));
    product.leave("price", price);
    product.leave("quantity", fields.decimal("quantity"));
    product.leave("position", fields.take("position", Value::as_u64));
    product
}

fn named(product: &Fields) -> Option<()> {
    ["id", "sku", "name"].iter().any(|name| product.contains_key(*name)).then_some(())
}
