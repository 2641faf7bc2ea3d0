//! Transactions that sell nothing: the drawer that opens, the day that ends. Other controls have no word in the vocabulary.

use super::header::Header;
use super::line::plain;
use super::value::{Money, Object};
use crate::element::Element;

/// What a control transaction was.
pub struct Event {
    pub kind: &'static str,
    /// The noun of the canonical body that it is about.
    pub noun: &'static str,
    pub object: Object,
}

/// The event, or the topic under which the transaction is kept as unknown.
pub fn read(control: Element, header: &Header) -> Result<Event, String> {
    // What it is stands as an element (`NoSale`) or as a code (`TypeCode="POSNoSale"`).
    let element = control.children().find(|child| meaning(child.name()).is_some());
    let code = || control.attribute_as("TypeCode", |word| meaning(word).map(|_| word));
    let Some(word) = element.map(Element::name).or_else(code) else {
        let first = control
            .children()
            .map(Element::name)
            .find(|name| !["ReasonCode", "Reason", "SequenceNumber"].contains(name));
        return Err([Some(control.name()), first].into_iter().flatten().collect::<Vec<_>>().join("/"));
    };
    Ok(match meaning(word).expect("the word was chosen for its meaning") {
        Meaning::DayEnds => day_closed(element.unwrap_or(control), control, header),
        Meaning::DrawerOpens(reason) => drawer_opened(reason, element.unwrap_or(control), control, header),
    })
}

enum Meaning {
    DrawerOpens(&'static str),
    DayEnds,
}

fn meaning(word: &str) -> Option<Meaning> {
    match plain(word).as_str() {
        "nosale" | "posnosale" => Some(Meaning::DrawerOpens("no_sale")),
        "paidin" | "tenderpaidin" => Some(Meaning::DrawerOpens("pay_in")),
        "paidout" | "tenderpaidout" => Some(Meaning::DrawerOpens("pay_out")),
        "tenderloan" => Some(Meaning::DrawerOpens("loan")),
        "tenderpickup" => Some(Meaning::DrawerOpens("pickup")),
        "tillsettle" | "tillaudit" | "tillcount" => Some(Meaning::DrawerOpens("count")),
        "businesseod" | "businessdayend" | "storeeod" | "poseod" | "posendofday" | "endofday"
        | "periodclose" => Some(Meaning::DayEnds),
        _ => None,
    }
}

fn drawer_opened(reason: &'static str, what: Element, control: Element, header: &Header) -> Event {
    let words =
        [what, control].into_iter().find_map(|place| place.any(&["ReasonCode", "Reason", "Description"]));
    let mut drawer = Object::new();
    drawer
        .set("id", what.child("TillID").and_then(Element::text))
        .set("reason", Some(reason))
        .set("opened_at", header.time().cloned())
        .set(
            "note",
            words
                .and_then(Element::text)
                .or_else(|| if what.id() == control.id() { None } else { what.text() }),
        );
    Event { kind: "pos.drawer.opened", noun: "drawer", object: drawer }
}

fn day_closed(what: Element, control: Element, header: &Header) -> Event {
    let money = |names: &[&'static str]| {
        let amount = [what, control].into_iter().find_map(|place| place.any(names))?;
        Money::of(amount, &header.currency)
    };
    let count = |names: &[&'static str]| {
        let count = [what, control].into_iter().find_map(|place| place.any(names))?;
        count.text_as(|text| text.parse::<u64>().ok())
    };
    let mut day = Object::new();
    day.set("business_day", header.place.day.clone())
        .set("closed_at", header.time().cloned())
        .set("sales", money(&["GrossPositiveTotalAmount", "GrossPositiveAmount", "TotalGrossSalesAmount"]))
        .set("returns", money(&["TotalReturnAmount", "ReturnsTotalAmount", "TotalMiscellaneousReturnAmount"]))
        .set("tax", money(&["TotalTaxAmount", "TaxTotalAmount"]))
        .set("discounts", money(&["TotalDiscountAmount", "TotalItemDiscountAmount", "DiscountTotalAmount"]))
        .set("total", money(&["NetSalesTotalAmount", "TotalNetSalesAmount", "NetSalesAmount"]))
        .set("receipt_count", count(&["TotalTransactionCount", "TransactionCount"]))
        .set("customer_count", count(&["TotalCustomerCount", "CustomerCount"]));
    Event { kind: "pos.day.closed", noun: "day_close", object: day }
}
