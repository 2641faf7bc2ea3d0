//! Payments: what a customer paid with, how much of it, and what they got back.

use super::header::Header;
use super::line::{card_number, plain};
use super::value::{Money, Object, currency_code, decimal};
use crate::element::Element;

/// A payment, and what rounding it left.
pub struct Tender {
    pub object: Object,
    pub rounding: Option<Money>,
    /// Money moves: neither taken back by the till nor declined.
    pub counts: bool,
    /// Points of a loyalty programme were handed over.
    pub loyalty: bool,
}

/// Maps a `Tender` of a line item.
pub fn read(item: Element, tender: Element, taken_back: bool, header: &Header) -> Tender {
    let money =
        |names: &[&'static str]| tender.any(names).and_then(|amount| Money::of(amount, &header.currency));
    let action = tender.attribute("TypeCode").map(plain);
    let refund = action.as_deref().is_some_and(|action| action.starts_with("refund"));
    let change = change(tender, header);
    let handed_over = money(&["Amount"]);
    // Of what was handed over, the bill gets what is not given back as change.
    let applied = money(&["AmountAppliedToBill"]);
    let paid = applied
        .clone()
        .or_else(|| handed_over.as_ref()?.minus(change.as_ref()?))
        .or_else(|| handed_over.clone());
    let tendered = handed_over.filter(|_| applied.is_some() || change.is_some());
    let authorization = tender.child("Authorization");
    let approval = |names: &[&'static str]| authorization.and_then(|authorization| authorization.any(names));
    if let Some(requested) = approval(&["RequestedAmount"]) {
        let same = tender.child("Amount").is_some_and(|amount| amount.peek() == requested.peek());
        _ = requested.text_as(|text| same.then_some(text));
    }
    let kind = kind(tender);
    let declined = action.as_deref() == Some("declined");
    let mut payment = Object::new();
    payment
        .set("id", item.child("SequenceNumber").and_then(Element::text))
        .set("kind", Some(kind))
        .set("method", method(tender))
        .set("action", action)
        .set("amount", paid.map(|paid| if refund { paid.negative() } else { paid }))
        .set("tendered", tendered)
        .set("change", change)
        .set("tip", money(&["Tip", "TipAmount"]))
        .set("card", (kind == "card").then(|| card(item, tender)))
        .set("gift_card_number", instrument(tender, kind))
        .set("account_reference", account(tender, kind))
        .set(
            "reference",
            approval(&["ReferenceNumber", "SystemTraceNumber"])
                .or_else(|| check_number(tender))
                .and_then(Element::text),
        )
        .set("authorization_code", approval(&["AuthorizationCode", "ApprovalCode"]).and_then(Element::text))
        .set("provider", approval(&["ProviderID", "AuthorizingTermID"]).and_then(Element::text))
        .set("at", approval(&["AuthorizationDateTime"]).and_then(|time| header.moment(time)))
        .set("foreign", tender.child("ForeignCurrency").map(foreign))
        .raise("voided", taken_back)
        .raise("declined", declined);
    Tender {
        object: payment,
        rounding: money(&["Rounding"]),
        counts: !taken_back && !declined,
        loyalty: kind == "loyalty",
    }
}

/// All the change that a tender, or a line of its own, gives.
pub fn change(element: Element, header: &Header) -> Option<Money> {
    let amounts = element.all("TenderChange").filter_map(|change| {
        let amount = Money::of(change.child("Amount")?, &header.currency)?.positive();
        // Change comes out of the drawer; a till that says so says nothing new.
        _ = change
            .child("TenderID")
            .and_then(|id| id.text_as(|text| (text == tender_id(element)).then_some(text)));
        _ = change.attribute_as("TenderType", |text| {
            (text == element.peek_attribute("TenderType")).then_some(text)
        });
        Some(amount)
    });
    amounts.reduce(|sum, change| sum.plus(&change).unwrap_or(sum))
}

fn tender_id<'a>(tender: Element<'a>) -> &'a str {
    tender.child("TenderID").map_or("", Element::peek)
}

/// The kind that `TenderType` names; where it is missing, the one whose details are there.
fn kind(tender: Element) -> &'static str {
    let named = |word: &str| match plain(word).replace(['_', '-', ' '], "").as_str() {
        "cash" => Some("cash"),
        "creditdebit" | "credit" | "debit" | "creditcard" | "debitcard" | "card" | "ebt" => Some("card"),
        "check" | "cheque" | "travelerscheck" | "travellerscheque" => Some("cheque"),
        "giftcertificate" | "giftcard" | "storedvalue" | "storedvaluefund" => Some("gift_card"),
        "voucher" | "coupon" | "manufacturercoupon" | "storecoupon" | "creditvoucher" | "storecredit"
        | "foodstamps" => Some("voucher"),
        "loyalty" | "loyaltypoints" | "points" | "loyaltyreward" => Some("loyalty"),
        "accountreceivable" | "accountsreceivable" | "customeraccount" | "houseaccount" | "purchaseorder" => {
            Some("account")
        }
        "mobilepayment" | "wallet" | "digitalwallet" | "emoney" | "electronicmoney" => Some("wallet"),
        "bank" | "banktransfer" | "directdebit" | "giro" => Some("bank"),
        "installment" | "financing" | "invoicefinancing" => Some("financing"),
        _ => None,
    };
    let by_type = tender.attribute_as("TenderType", named);
    by_type.or_else(|| tender.children().find_map(|child| named(child.name()))).unwrap_or("other")
}

/// The till's own word for the means.
fn method(tender: Element) -> Option<String> {
    let word = tender
        .attribute("TenderDescription")
        .or_else(|| tender.any(&["TenderDescription", "Description"])?.text());
    let word =
        word.or_else(|| tender.attribute("TenderType")).or_else(|| tender.child("TenderID")?.text())?;
    Some(word.rsplit(':').next().unwrap_or(word).to_owned())
}

fn card(item: Element, tender: Element) -> Object {
    let details = tender.any(&["CreditDebit", "Credit", "Debit", "Card"]).unwrap_or(tender);
    let funding = details.attribute_as("CardType", |word| {
        let word = plain(word);
        ["credit", "debit", "prepaid"].contains(&word.as_str()).then_some(word)
    });
    let brand = details
        .any(&["IssuerName", "CardBrand", "CreditCardCompanyCode"])
        .and_then(Element::text)
        .or_else(|| details.attribute("CreditDescription"))
        .or_else(|| if funding.is_none() { details.attribute("CardType") } else { None });
    let bin = details.child("IssuerIdentificationNumber").and_then(|number| {
        number.text_as(|text| {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            (digits && (4..=8).contains(&text.len())).then_some(text)
        })
    });
    let number =
        details.any(&["PrimaryAccountNumber", "MaskedPrimaryAccountNumber", "CardNumber", "AccountNumber"]);
    let shown = number.map(|number| number.shown().into_owned()).unwrap_or_default();
    let last4 = shown
        .get(shown.len().saturating_sub(4)..)
        .filter(|end| end.len() == 4 && end.bytes().all(|byte| byte.is_ascii_digit()));
    if last4.is_some() {
        _ = number.and_then(Element::text);
    }
    let mut card = Object::new();
    card.set("brand", brand)
        .set("funding", funding)
        .set("bin", bin)
        .set("last4", last4)
        .set("masked_number", last4.and(masked(&shown)))
        .set(
            "holder",
            details.any(&["AccountHolderName", "CardHolderName", "CardholderName"]).and_then(Element::text),
        );
    if let Some((year, month)) = details.child("ExpirationDate").and_then(|date| date.text_as(expiry)) {
        card.set("expiry_year", Some(year)).set("expiry_month", Some(month));
    }
    let entry = tender.attribute("EntryMethod").or_else(|| item.attribute("EntryMethod")).map(plain);
    card.set(
        "entry",
        entry.map(|word| match word.as_str() {
            "msr" | "magneticstripe" | "swipe" => "swiped".to_owned(),
            "icc" | "smartcard" | "emv" => "chip".to_owned(),
            "rfid" | "nfc" | "contactlessicc" => "contactless".to_owned(),
            _ => word,
        }),
    );
    card
}

/// A number that its source masked: at most six digits before the mask and four behind it.
fn masked(number: &str) -> Option<&str> {
    let digit = |letter: char| letter.is_ascii_digit();
    let behind = number.len() - number.trim_end_matches(digit).len();
    let head = number[..number.len() - behind].trim_end_matches(|letter| !digit(letter));
    let before = head.len() - head.trim_end_matches(digit).len();
    let masks = head.len() < number.len() - behind;
    (masks && behind <= 4 && before <= 6 && before == head.chars().filter(|letter| digit(*letter)).count())
        .then_some(number)
}

/// `YYYY-MM`, `YYYY-MM-DD` or `MMYY`.
fn expiry(text: &str) -> Option<(i32, i32)> {
    let (year, month) = if text.len() == 4 {
        (2000 + text.get(2..)?.parse::<i32>().ok()?, text.get(..2)?.parse().ok()?)
    } else {
        let (year, rest) = text.split_once('-')?;
        (year.parse().ok()?, rest.get(..2)?.parse().ok()?)
    };
    ((2000..=2200).contains(&year) && (1..=12).contains(&month)).then_some((year, month))
}

/// The number of the gift card or voucher that was handed in.
fn instrument(tender: Element, kind: &str) -> Option<String> {
    match kind {
        "gift_card" => card_number(tender),
        "voucher" => {
            let voucher =
                tender.any(&["Voucher", "Coupon", "CreditVoucher", "StoreCredit"]).unwrap_or(tender);
            let number = voucher.any(&["ScanCode", "SerialNumber", "VoucherID", "CouponID", "Identifier"])?;
            number.text().map(str::to_owned)
        }
        _ => None,
    }
}

fn account<'a>(tender: Element<'a>, kind: &str) -> Option<&'a str> {
    let holder = match kind {
        "account" => {
            tender.any(&["CustomerAccount", "AccountReceivable", "AccountsReceivable"]).unwrap_or(tender)
        }
        "loyalty" => tender.any(&["LoyaltyAccount", "Loyalty"]).unwrap_or(tender),
        _ => return None,
    };
    holder
        .any(&["CustomerAccountID", "LoyaltyAccountID", "AccountNumber", "AccountID"])
        .and_then(Element::text)
}

fn check_number<'a>(tender: Element<'a>) -> Option<Element<'a>> {
    tender.any(&["Check", "Cheque"])?.any(&["CheckNumber", "ChequeNumber"])
}

/// Money of another country that was handed over.
fn foreign(element: Element) -> Object {
    let currency = element.child("CurrencyCode").and_then(|code| code.text_as(currency_code));
    let amount = element.any(&["OriginalFaceAmount", "ForeignAmount", "Amount"]);
    let mut foreign = Object::new();
    if let (Some(currency), Some(amount)) = (currency, amount) {
        foreign.set("amount", Money::of(amount, &currency));
    }
    foreign.set("rate", element.child("ExchangeRate").and_then(|rate| rate.text_as(decimal)));
    foreign
}
