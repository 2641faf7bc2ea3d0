//! A `RetailTransaction`: its lines, payments, taxes, reductions, totals and customer, gathered into one receipt; and what
//! kind of transaction that makes it.

use std::collections::BTreeSet;

use super::customer::Customer;
use super::header::{Header, Place};
use super::line::{self, Kind};
use super::tender;
use super::value::{Moment, Money, Object, decimal};
use crate::element::{Element, boolean};

/// What a transaction was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Sale,
    Return,
    Exchange,
    Voided,
    Suspended,
    /// Money for nothing sold here: a payment on account, a deposit for an order.
    TenderOnly,
    /// A customer was looked up or enrolled, and nothing else happened.
    CustomerOnly,
    Nothing,
}

pub struct Retail {
    pub outcome: Outcome,
    pub receipt: Object,
    pub payments: Vec<Object>,
    /// What the loyalty programme gave, other than money off.
    pub rewards: Vec<Object>,
    pub customer: Customer,
    /// The transaction that this one takes back.
    pub voids: Option<Place>,
    /// Points or rewards were handed over in exchange for goods.
    pub paid_with_loyalty: bool,
}

/// What the lines add up to while they are read.
#[derive(Default)]
struct Lines {
    goods: Vec<Object>,
    payments: Vec<Object>,
    taxes: Vec<Object>,
    discounts: Vec<Object>,
    rewards: Vec<Object>,
    rounding: Option<Money>,
    sold: usize,
    returned: usize,
    taken_back: usize,
    on_account: usize,
    paid: usize,
    paid_with_loyalty: bool,
}

/// Maps a retail transaction. `transaction` is the element around it, which in version 6 holds some of its parts.
pub fn read(transaction: Element, retail: Element, header: &Header) -> Retail {
    let mut customer = Customer::default();
    for place in [transaction, retail] {
        place.all("Customer").chain(place.all("CustomerID")).for_each(|found| customer.read(found, header));
        place.all("LoyaltyAccount").for_each(|found| customer.account(found, header));
    }
    let mut lines = Lines::default();
    let taken_back = taken_back_by_link(retail);
    for item in retail.all("LineItem") {
        lines.read(item, &taken_back, header, &mut customer);
    }
    lines.discounts.extend(line::reductions(retail, header));
    let status = Status::of(retail, header);
    let links: Vec<_> = retail.all("TransactionLink").chain(transaction.all("TransactionLink")).collect();
    let says_void = |link: &&Element| is_void_word(link.peek_attribute("ReasonCode"));
    let void_link = links.iter().find(says_void).or(links.first().filter(|_| status.voided)).copied();
    let original = void_link
        .or_else(|| retail.any(&["OriginalTransaction", "VoidedTransaction"]).filter(|_| status.voided));
    let voids = original.map(|original| Place::of(original).beside(&header.place));
    let outcome = lines.outcome(&status, voids.is_some(), customer.is_known());
    let mut receipt = receipt(transaction, retail, header, &lines, outcome);
    if let Some(original) = &voids {
        receipt.set("voided", Some(voided(original, void_link)));
    }
    receipt.raise("cancelled", status.cancelled);
    Retail {
        outcome,
        receipt,
        payments: lines.payments,
        rewards: lines.rewards,
        customer,
        voids,
        paid_with_loyalty: lines.paid_with_loyalty,
    }
}

impl Lines {
    fn read(&mut self, item: Element, taken_back: &BTreeSet<&str>, header: &Header, customer: &mut Customer) {
        let number = item.child("SequenceNumber").map_or("", Element::peek);
        let flagged = item.flag("VoidFlag") | item.flag("CancelFlag");
        let taken_back = flagged || taken_back.contains(number);
        if let Some(goods) = line::goods(item) {
            let line = line::read(item, goods, taken_back, header);
            let on_account = line.object.text("kind") == Some("payment_on_account");
            match line.kind {
                Kind::Void => self.taken_back += 1,
                Kind::Return => self.returned += 1,
                Kind::Sale if on_account => self.on_account += 1,
                Kind::Sale => self.sold += 1,
            }
            self.goods.push(line.object);
            return;
        }
        for part in item.children() {
            match part.name() {
                "Tender" => self.tender(item, part, taken_back, header),
                "Tax" => self.taxes.push(line::tax(part, header, false)),
                "Discount" | "RetailPriceModifier" if !taken_back => {
                    self.discounts.push(line::reduction(part, header));
                }
                "LoyaltyReward" if !taken_back => self.reward(part, header, customer),
                "LoyaltyAccount" | "LoyaltyMembership" => customer.account(part, header),
                "CRMCustomVariable" => customer.variable(part),
                "Customer" | "CustomerID" => customer.read(part, header),
                "Rounding" => self.round(Money::of(part, &header.currency)),
                "TenderChange" => self.late_change(item, header),
                _ => continue,
            }
            _ = item.attribute_as("EntryMethod", |word| (line::plain(word) == "auto").then_some(word));
            _ = item.child("SequenceNumber").and_then(Element::text);
        }
    }

    fn tender(&mut self, item: Element, part: Element, taken_back: bool, header: &Header) {
        let tender = tender::read(item, part, taken_back, header);
        if tender.counts {
            self.paid += 1;
            self.paid_with_loyalty |= tender.loyalty;
            self.round(tender.rounding);
        }
        self.payments.push(tender.object);
    }

    /// Change on a line of its own belongs to the payment before it.
    fn late_change(&mut self, item: Element, header: &Header) {
        if let Some(payment) = self.payments.last_mut() {
            payment.set("change", tender::change(item, header));
        }
    }

    /// A reward is money off, points, or something else that a programme gives.
    fn reward(&mut self, part: Element, header: &Header, customer: &mut Customer) {
        // Some tills write a reward once for each item and once for the receipt; only the latter counts.
        let flag = |name: &str| boolean(part.peek_attribute(name)).unwrap_or(false);
        if flag("detailedData") && !flag("summarizedActivity") {
            return;
        }
        let points = customer.points_of(part);
        let value = part.any(&["ExtendedRewardAmount", "Amount", "RewardAmount"]);
        let category = part.child("RewardCategory").map_or("", Element::peek);
        let monetary = category == "Monetary" || (category.is_empty() && value.is_some());
        if points.is_empty() && monetary {
            let mut discount = line::reduction(part, header);
            discount
                .set("title", part.child("RewardType").and_then(Element::text))
                .set("kind", Some("loyalty"))
                .set(
                    "amount",
                    value.and_then(|value| Money::of(value, &header.currency)).map(Money::positive),
                );
            _ = part.child("RewardCategory").and_then(Element::text);
            return self.discounts.push(discount);
        }
        // A message on a display or a receipt is called a reward too, and is none.
        if points.is_empty() && ["Other", ""].contains(&category) {
            return;
        }
        let is_set = |element: &Element| line::word(element.peek()).is_some();
        let id = part.child("CustomOfferID").filter(is_set).or_else(|| part.child("PromotionID"));
        let mut reward = points;
        reward
            .set("reward_id", id.and_then(Element::text))
            .set("reward", part.any(&["RewardType", "Description", "RewardCategory"]).and_then(Element::text))
            .set("reason", part.any(&["ReasonCode", "Reason"]).filter(is_set).and_then(Element::text));
        if !reward.is_empty() {
            self.rewards.push(reward);
        }
    }

    fn round(&mut self, rounding: Option<Money>) {
        let Some(rounding) = rounding.filter(|rounding| !rounding.is_zero()) else { return };
        self.rounding = Some(match self.rounding.take() {
            Some(before) => before.plus(&rounding).unwrap_or(before),
            None => rounding,
        });
    }

    /// First what the transaction says of itself, then what its lines say.
    fn outcome(&self, status: &Status, voids_another: bool, customer: bool) -> Outcome {
        if status.voided || status.cancelled || voids_another {
            return Outcome::Voided;
        }
        if status.suspended {
            return Outcome::Suspended;
        }
        match (self.sold > 0, self.returned > 0) {
            (true, true) => Outcome::Exchange,
            (true, false) => Outcome::Sale,
            (false, true) => Outcome::Return,
            (false, false) if self.paid > 0 => Outcome::TenderOnly,
            // Rung up and taken back to the last line: the sale did not take place.
            (false, false) if self.taken_back > 0 => Outcome::Voided,
            (false, false) if customer => Outcome::CustomerOnly,
            (false, false) => Outcome::Nothing,
        }
    }
}

/// What a transaction says became of it.
struct Status {
    voided: bool,
    cancelled: bool,
    suspended: bool,
}

impl Status {
    fn of(retail: Element, header: &Header) -> Self {
        const POST_VOIDED: [&str; 2] = ["postvoided", "postvoid"];
        const CANCELLED: [&str; 6] =
            ["cancelled", "canceled", "voided", "failed", "suspendeddeleted", "aborted"];
        // Any other status is a shade of done; the word stays with what is not mapped.
        let known = |word: &str| {
            let word = line::plain(word);
            let known = [&POST_VOIDED[..], &CANCELLED, &["suspended"]].concat().contains(&word.as_str());
            known.then_some(word)
        };
        let status = retail
            .attribute_as("TransactionStatus", known)
            .or_else(|| retail.child("TransactionStatus")?.text_as(known))
            .unwrap_or_default();
        let kind = retail.attribute_as("TypeCode", |word| is_void_word(word).then_some(word));
        let post_void =
            kind.is_some() || retail.name().contains("Void") || POST_VOIDED.contains(&status.as_str());
        Self {
            voided: post_void || header.voided || retail.flag("VoidFlag"),
            cancelled: header.cancelled || retail.flag("CancelFlag") || CANCELLED.contains(&status.as_str()),
            suspended: header.suspended || retail.flag("SuspendedFlag") || status == "suspended",
        }
    }
}

fn is_void_word(word: &str) -> bool {
    ["postvoid", "postvoided", "void", "voided"].contains(&line::plain(word).as_str())
}

/// The numbers of the lines that later `Void` lines take back.
fn taken_back_by_link<'a>(retail: Element<'a>) -> BTreeSet<&'a str> {
    let voids = retail.all("LineItem").filter_map(|item| item.child("Void").map(|void| (item, void)));
    let links = voids.filter_map(|(item, void)| void.child("ItemLink").or_else(|| item.child("ItemLink")));
    links.map(Element::peek).filter(|number| !number.is_empty()).collect()
}

fn receipt(
    transaction: Element,
    retail: Element,
    header: &Header,
    lines: &Lines,
    outcome: Outcome,
) -> Object {
    let number =
        retail.any(&["ReceiptNumber", "InvoiceNumber"]).or_else(|| transaction.child("ReceiptNumber"));
    let tax_sum = one(&lines.taxes);
    let totals = Totals::of(retail, header, outcome == Outcome::Return);
    let count = retail.any(&["ItemCount", "TotalItemCount"]).and_then(|count| count.text_as(decimal));
    let printed = retail.child("ReceiptDateTime").and_then(|time| {
        let moment = Moment::read(time.peek(), header.assumed_offset)?;
        // A second time that says the same says nothing.
        let used = header.closed.as_ref().is_none_or(|closed| *closed == moment);
        used.then(|| header.moment(time)).flatten()
    });
    let full =
        |objects: &[Object]| objects.iter().filter(|object| !object.is_empty()).cloned().collect::<Vec<_>>();
    let mut receipt = Object::new();
    receipt
        .set("number", number.and_then(Element::text))
        .set("sequence", header.place.sequence.clone())
        .set("id", header.place.id.clone())
        .set("business_day", header.place.day.clone())
        .set("opened_at", header.opened.clone())
        .set("closed_at", header.closed.clone().or(printed))
        .set("kind", kind(outcome))
        .raise("suspended", outcome == Outcome::Suspended)
        .raise("offline", header.offline == Some(true))
        .set("currency", Some(header.currency.clone()))
        .set("subtotal", totals.subtotal)
        .set("tax", totals.tax.map(Into::into).or(tax_sum))
        .set("discount", totals.discount)
        .set("rounding", lines.rounding.clone())
        .set("total", totals.total)
        .set("lines", Some(full(&lines.goods)))
        .set("payments", Some(full(&lines.payments)))
        .set("taxes", Some(full(&lines.taxes)))
        .set("discounts", Some(full(&lines.discounts)))
        .set("item_count", count)
        .set("salesperson", Some(line::salesperson(retail)))
        .set("reason", retail.any(&["ReasonCode", "Reason"]).and_then(Element::text));
    receipt
}

/// The amount of the only tax there is; a sum of several would be reckoned, not read.
fn one(taxes: &[Object]) -> Option<serde_json::Value> {
    match taxes {
        [tax] => tax.get("amount").cloned(),
        _ => None,
    }
}

fn kind(outcome: Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Sale => Some("sale"),
        Outcome::Return => Some("return"),
        Outcome::Exchange => Some("exchange"),
        Outcome::Voided => Some("void"),
        Outcome::Suspended | Outcome::TenderOnly | Outcome::CustomerOnly | Outcome::Nothing => None,
    }
}

/// `Total` elements by their `TotalType`. The grand amount is what the customer pays; the gross amount is where it is missing.
#[derive(Default)]
struct Totals {
    subtotal: Option<Money>,
    tax: Option<Money>,
    discount: Option<Money>,
    total: Option<Money>,
}

impl Totals {
    fn of(retail: Element, header: &Header, money_goes_back: bool) -> Self {
        let find = |types: &[&str]| {
            types.iter().find_map(|wanted| {
                let total = retail
                    .all("Total")
                    .find(|total| line::plain(total.peek_attribute("TotalType")) == *wanted)?;
                let money = Money::of(total, &header.currency)?;
                _ = total.attribute("TotalType");
                Some(if money_goes_back { money.negative() } else { money })
            })
        };
        Self {
            subtotal: find(&["transactionnetamount", "transactionsubtotal", "subtotal"]),
            tax: find(&["transactiontaxamount", "transactiontotaltaxamount"]),
            discount: find(&[
                "transactiondiscountamount",
                "transactiontotaldiscountamount",
                "transactiontotalsavings",
                "discounttotal",
            ])
            .map(Money::positive),
            total: find(&["transactiongrandamount", "transactiongrossamount", ""]),
        }
    }
}

/// Where the receipt that is taken back can be found.
fn voided(original: &Place, link: Option<Element>) -> Object {
    let mut voided = Object::new();
    voided
        .set("number", link.and_then(|link| link.child("ReceiptNumber")).and_then(Element::text))
        .set("sequence", original.sequence.clone().or_else(|| original.id.clone()))
        .set("till_id", original.till.clone())
        .set("store_id", original.store.clone())
        .set("business_day", original.day.clone());
    _ = link.and_then(|link| link.attribute("ReasonCode"));
    voided
}
