//! What a till may write and no event may carry: the data on a payment card's stripe, its codes, and its whole number.
//! The card schemes forbid to keep the first two after the payment, and to show the third (PCI DSS 4.0, 3.3 and 3.4).

use std::borrow::Cow;

/// Digits of a card's number (ISO/IEC 7812-1).
const CARD_DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

/// The text of an element of that name as an event may carry it.
pub fn shown<'a>(name: &str, text: &'a str) -> Cow<'a, str> {
    let name = name.to_ascii_lowercase();
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let only_digits = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b' ' || byte == b'-');
    if is_stripe_or_code(&name) && !text.trim().is_empty() {
        return Cow::Owned("***".to_owned());
    }
    if names_a_card(&name) && only_digits && CARD_DIGITS.contains(&digits) {
        let end: String = text.chars().filter(char::is_ascii_digit).skip(digits - 4).collect();
        return Cow::Owned(format!("{}{end}", "*".repeat(digits - 4)));
    }
    Cow::Borrowed(text)
}

fn is_stripe_or_code(name: &str) -> bool {
    let stripe = name.strip_prefix("track").is_some_and(|rest| {
        rest.trim_start_matches(|letter: char| letter.is_ascii_digit()).is_empty() || rest.ends_with("data")
    });
    stripe
        || [
            "cvv",
            "cvv2",
            "cvc",
            "cvc2",
            "cid",
            "cardverificationvalue",
            "cardsecuritycode",
            "pin",
            "pinblock",
            "pindata",
        ]
        .contains(&name)
}

fn names_a_card(name: &str) -> bool {
    [
        "primaryaccountnumber",
        "pan",
        "cardnumber",
        "accountnumber",
        "creditcardnumber",
        "maskedprimaryaccountnumber",
    ]
    .contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hides_stripes_codes_and_whole_numbers_and_nothing_else() {
        for (name, text, expected) in [
            ("Track2", ";4000000000000002=2712?", "***"),
            ("Track", "%B4000", "***"),
            ("Track1Data", "%B4000", "***"),
            ("CVV", "123", "***"),
            ("PrimaryAccountNumber", "4000000000000002", "************0002"),
            ("AccountNumber", "4000 0000 0000 0002", "************0002"),
            ("AccountNumber", "400000******0002", "400000******0002"),
            ("AccountNumber", "12345", "12345"),
            ("TrackingNumber", "1Z999", "1Z999"),
            ("POSItemID", "4000000000000002", "4000000000000002"),
        ] {
            assert_eq!(shown(name, text), expected, "{name} {text}");
        }
    }
}
