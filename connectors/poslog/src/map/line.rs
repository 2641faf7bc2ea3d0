//! Lines of goods: what was sold or came back, at which price, with which reductions and taxes.

use super::header::{Header, Place};
use super::value::{Money, Object, decimal, negative, share};
use crate::element::{Element, boolean};

/// What a line does to the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sale,
    Return,
    Void,
}

/// A line item that deals in goods.
pub struct Line {
    pub kind: Kind,
    pub object: Object,
}

/// The part of a line item that deals in goods, if it has one.
pub fn goods(item: Element) -> Option<Element> {
    item.children().find(|child| canonical_kind(*child).is_some())
}

/// Maps a line of goods. `taken_back` says that the till voided it, here or by a later line.
pub fn read(item: Element, goods: Element, taken_back: bool, header: &Header) -> Line {
    let kind = canonical_kind(goods).expect("goods are found by their kind");
    let comes_back = kind == "return";
    let direction = match (goods.name(), comes_back) {
        ("Void", _) => Kind::Void,
        _ if taken_back => Kind::Void,
        (_, true) => Kind::Return,
        (_, false) => Kind::Sale,
    };
    let money =
        |names: &[&'static str]| goods.any(names).and_then(|amount| Money::of(amount, &header.currency));
    // Goods that come back are below zero whatever sign the till wrote; goods that are sold have the till's sign.
    let signed = |money: Money| if comes_back { money.negative() } else { money };
    let quantity = goods.child("Quantity").and_then(|quantity| quantity.text_as(decimal));
    let unit = goods.child("Quantity").and_then(|quantity| quantity.attribute("UnitOfMeasureCode"));
    let taxes: Vec<_> = goods
        .all("Tax")
        .map(|element| tax(element, header, comes_back))
        .filter(|tax| !tax.is_empty())
        .collect();
    let sum = match taxes.as_slice() {
        [one] => one.get("amount").cloned(),
        _ => None,
    };
    let serials: Vec<_> = goods.all("SerialNumber").filter_map(Element::text).collect();
    let mut line = Object::new();
    line.set("id", item.child("SequenceNumber").and_then(Element::text))
        .set("kind", Some(if direction == Kind::Void { "void" } else { kind }))
        .raise("voided", direction == Kind::Void)
        .set("product", Some(product(goods)))
        .set("quantity", quantity.map(|quantity| if comes_back { negative(&quantity) } else { quantity }))
        .set("unit", unit)
        .set("unit_price", money(&["ActualSalesUnitPrice"]))
        .set("regular_price", money(&["RegularSalesUnitPrice", "UnitListPrice"]))
        .set("discount", discount_of(goods, header).map(signed))
        .set("tax", sum)
        .set("taxes", Some(taxes))
        .set("discounts", Some(reductions(goods, header)))
        .set("total", money(&["ExtendedAmount", "Amount"]).map(signed))
        .raise("gift_card", kind == "gift_card")
        .set("gift_card_number", if kind == "gift_card" { card_number(goods) } else { None })
        .set("serial_numbers", Some(serials))
        .set(
            "return_reason",
            if comes_back { goods.any(&["ReasonCode", "Reason"]).and_then(Element::text) } else { None },
        )
        .set("related", goods.child("TransactionLink").map(related))
        .set("parent_id", goods.child("ItemLink").or_else(|| item.child("ItemLink")).and_then(Element::text))
        .set("taxable", goods.attribute_as("TaxableFlag", boolean))
        .set("returnable", goods.attribute_as("ReturnableFlag", boolean))
        .set("entry", item.attribute("EntryMethod").map(plain))
        .set("salesperson", Some(salesperson(goods)));
    // The kinds of items that a kind of line stands for.
    let told = ["Stock", "Service", "Fee", "Deposit", "GiftCertificate", "GiftCard", "StoredValue"];
    _ = goods.attribute_as("ItemType", |word| told.contains(&word).then_some(word));
    Line { kind: direction, object: line }
}

/// Reductions of an element's price, other than those that were taken back.
pub fn reductions(element: Element, header: &Header) -> Vec<Object> {
    element
        .children()
        .filter(|child| ["RetailPriceModifier", "PriceModifier", "Discount"].contains(&child.name()))
        .filter(|modifier| !boolean(modifier.peek_attribute("VoidFlag")).unwrap_or(false))
        .map(|modifier| reduction(modifier, header))
        .filter(|reduction| !reduction.is_empty())
        .collect()
}

/// One reduction; its amount is what it took off, so it is above zero.
pub fn reduction(element: Element, header: &Header) -> Object {
    let text = |names: &[&'static str]| element.any(names).and_then(Element::text);
    let rule = element.child("PriceDerivationRule");
    let rule_text = |names: &[&'static str]| rule.and_then(|rule| rule.any(names)).and_then(Element::text);
    let percent = element.child("Percent").and_then(|percent| percent.text_as(decimal));
    let kind = percent.as_ref().map(|_| "percentage").or_else(|| element.attribute("MethodCode"));
    let coupon = element.child("Coupon");
    let approver = element
        .child("OperatorBypassApproval")
        .and_then(|approval| approval.any(&["ApproverID", "OperatorID"]));
    let approved_by = approver.map(|approver| {
        let mut operator = Object::new();
        operator.set("id", approver.text()).set("name", approver.attribute("OperatorName"));
        operator
    });
    let mut discount = Object::new();
    discount
        .set("id", text(&["SequenceNumber"]))
        .set(
            "code",
            coupon
                .and_then(|coupon| coupon.any(&["ScanCode", "CouponID", "PrimaryLabel"]))
                .and_then(Element::text),
        )
        .set("title", rule_text(&["Name", "Description"]).or_else(|| text(&["Description", "Name"])))
        .set("kind", kind)
        .set("value", percent)
        .set(
            "amount",
            element
                .child("Amount")
                .and_then(|amount| Money::of(amount, &header.currency))
                .map(Money::positive),
        )
        .set("reason", element.any(&["ReasonCode", "Reason"]).and_then(|reason| reason.text_as(word)))
        .set(
            "promotion_id",
            text(&["PromotionID"]).or_else(|| rule_text(&["PriceDerivationRuleID", "PromotionID"])),
        )
        .set("approved_by", approved_by);
    _ = element.attribute_as("VoidFlag", boolean);
    discount
}

/// A tax on a line or on the whole; below zero where it is given back.
pub fn tax(element: Element, header: &Header, given_back: bool) -> Object {
    let money = |name: &'static str| {
        let money = element.child(name).and_then(|amount| Money::of(amount, &header.currency));
        money.map(|money| if given_back { money.negative() } else { money })
    };
    let text = |names: &[&'static str]| element.any(names).and_then(Element::text);
    let base = element.child("TaxableAmount");
    let inclusive = base.and_then(|base| base.attribute_as("TaxIncludedInTaxableAmountFlag", boolean));
    let mut tax = Object::new();
    tax.set(
        "name",
        element
            .attribute("TaxDescription")
            .or_else(|| text(&["TaxDescription", "Description", "TaxGroupID"])),
    )
    .set("code", element.attribute("TaxID").or_else(|| text(&["TaxRuleID", "TaxID", "TaxLocationID"])))
    .set("kind", element.attribute("TaxType"))
    .set("rate", element.child("Percent").and_then(|percent| percent.text_as(share)))
    .set("amount", money("Amount"))
    .set("taxable", money("TaxableAmount"))
    .set("inclusive", inclusive.or_else(|| element.attribute_as("TaxIncludedInPriceFlag", boolean)))
    .set("authority", text(&["TaxAuthority", "TaxAuthorityID"]))
    .raise("exempt", element.child("TaxExemption").is_some());
    tax
}

/// How the standard's line items are called here: `SaleForPickup` is a sale, `ReturnForDelivery` a return.
fn canonical_kind(goods: Element) -> Option<&'static str> {
    let name = goods.name();
    let kind = match name {
        "Void" => "sale",
        "GiftCertificate" | "GiftCard" | "StoredValue" | "StoredValueInstrument" | "CardActivation" => {
            "gift_card"
        }
        "Fee" => "fee",
        "Deposit" => "deposit",
        "DepositRefund" => "deposit_refund",
        "PaymentOnAccount" => "payment_on_account",
        "Donation" => "donation",
        _ if name.starts_with("Return") => "return",
        _ if name.starts_with("Sale") || name.starts_with("CustomerOrderFor") => {
            match goods.peek_attribute("ItemType") {
                "Service" => "service",
                "Fee" => "fee",
                "Deposit" => "deposit",
                "GiftCertificate" | "GiftCard" | "StoredValue" => "gift_card",
                _ => "sale",
            }
        }
        _ => return None,
    };
    Some(kind)
}

fn product(goods: Element) -> Object {
    let is_gtin =
        |text: &&str| (6..=14).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let item = goods.child("ItemID");
    let identities: Vec<_> = goods.all("POSIdentity").collect();
    let gtin_kinds = ["GTIN", "EAN", "EAN8", "EAN13", "UPC", "UPC-A", "UPCA", "UPC-E", "UPCE"];
    let own_gtin = item.filter(|item| gtin_kinds.contains(&item.peek_attribute("Type")));
    let pos_gtin =
        identities.iter().find(|identity| gtin_kinds.contains(&identity.peek_attribute("POSIDType")));
    let gtin = own_gtin
        .or_else(|| pos_gtin.and_then(pos_item))
        .and_then(|gtin| gtin.text_as(|text| Some(text).filter(is_gtin)));
    if gtin.is_some() {
        _ = own_gtin.and_then(|item| item.attribute("Type"));
        _ = pos_gtin.and_then(|identity| identity.attribute("POSIDType"));
    }
    let other = identities.iter().filter_map(pos_item).find(|id| Some(id.peek()) != gtin);
    let hierarchy: Vec<_> = goods.all("MerchandiseHierarchy").collect();
    let (mut names, mut codes) = (Vec::new(), Vec::new());
    for level in hierarchy {
        let code = level.text();
        let name = ["DepartmentDescription", "Description", "Name"]
            .iter()
            .find_map(|attribute| level.attribute(attribute));
        names.extend(name.or(code));
        codes.extend(name.and(code));
        _ = level.attribute_as("Level", |word| (word == "Department").then_some(word));
    }
    let categories: Vec<_> = names.iter().chain(&codes).copied().collect();
    let text = |names: &[&'static str]| goods.any(names).and_then(Element::text);
    let mut product = Object::new();
    product
        .set("sku", item.and_then(Element::text))
        .set("gtin", gtin)
        .set("item_id", other.and_then(Element::text))
        .set("name", text(&["Description", "ItemDescription", "Name"]))
        .set("brand", text(&["Brand", "BrandName"]))
        .set("category", names.first().copied())
        .set("categories", (categories.len() > 1).then_some(categories))
        .set("size", text(&["Size"]))
        .set("colour", text(&["Color", "Colour"]))
        .set("supplier", text(&["SupplierID", "ManufacturerID"]));
    product
}

fn pos_item<'a>(identity: &Element<'a>) -> Option<Element<'a>> {
    identity.child("POSItemID")
}

/// What was taken off the whole line. A till that writes it for one piece and for all of them writes both.
fn discount_of(goods: Element, header: &Header) -> Option<Money> {
    let whole = goods.child("ExtendedDiscountAmount").and_then(|amount| Money::of(amount, &header.currency));
    let each = goods.child("DiscountAmount");
    if let (Some(whole), Some(each)) = (&whole, each)
        && each.peek() == whole.amount
    {
        _ = each.text();
    }
    whole.or_else(|| Money::of(each?, &header.currency)).map(Money::positive)
}

/// The earlier sale that goods come back from.
fn related(link: Element) -> Object {
    let place = Place::of(link);
    let line = link.any(&["LineItemSequenceNumber", "LineItemID", "ItemLink"]).and_then(Element::text);
    let number = link.any(&["ReceiptNumber", "InvoiceNumber"]).and_then(Element::text);
    _ = link.attribute_as("ReasonCode", |word| (word == "Return").then_some(word));
    let mut related = Object::new();
    related
        .set("order_id", place.key())
        .set("line_id", line)
        .set("store_id", place.store.as_deref())
        .set("till_id", place.till.as_deref())
        .set("date", place.day.as_deref())
        .set("receipt_number", number.map(str::to_owned).or(place.sequence));
    related
}

pub fn salesperson(goods: Element) -> Object {
    let associate = goods.any(&["Associate", "SalesAssociate"]).and_then(|found| found.child("AssociateID"));
    let found = associate.or_else(|| goods.any(&["AssociateID", "SalesPersonID", "SalesAssociateID"]));
    let mut operator = Object::new();
    if let Some(found) = found {
        operator.set("id", found.text()).set("name", found.attribute("OperatorName"));
    }
    operator
}

/// The number of a gift card, wherever the line keeps it.
pub fn card_number(element: Element) -> Option<String> {
    const NUMBERS: [&str; 5] =
        ["SerialNumber", "CardNumber", "GiftCertificateID", "GiftCardID", "AccountNumber"];
    let holder = element
        .any(&["GiftCertificate", "GiftCard", "StoredValueInstrument", "StoredValue"])
        .unwrap_or(element);
    let number =
        NUMBERS.iter().find_map(|name| holder.child(name).filter(|number| !number.peek().is_empty()))?;
    let shown = number.shown().into_owned();
    _ = number.text();
    Some(shown)
}

/// A code that says something: tills write zeros where they have none.
pub fn word(text: &str) -> Option<&str> {
    text.bytes().any(|byte| byte != b'0').then_some(text)
}

/// A word of an extension without its prefix: `acs:Auto` is `auto`.
pub fn plain(word: &str) -> String {
    word.rsplit(':').next().unwrap_or(word).to_ascii_lowercase()
}
