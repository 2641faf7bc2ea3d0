//! How it was paid: <https://docs.stripe.com/api/charges/object#charge_object-payment_method_details>.

use serde_json::Value;
use snodo_connector::fields::{Fields, Take};

/// Takes what a charge, or a payment method, says of the means. `of` holds `type`, and an object of that name.
pub fn means(of: &mut Fields, payment: &mut Fields) {
    let Some(method) = of.text("type") else { return };
    payment.insert("kind".into(), kind(&method).into());
    if let Some(mut details) = of.object(&method) {
        match kind(&method) {
            "card" => {
                payment.leave("card", card(&mut details));
                let mut receipt = details.object("receipt").unwrap_or_default();
                let code = details.text("authorization_code").or_else(|| receipt.text("authorization_code"));
                payment.leave("authorization_code", code);
                details.leave("receipt", receipt);
                if let Some(mut wallet) = details.object("wallet") {
                    payment.extend(wallet.texts(&[("type", "provider")]));
                    details.leave("wallet", wallet);
                }
            }
            _ => payment.extend(details.texts(&[("bank_name", "provider"), ("last4", "account_reference")])),
        }
        of.leave(&method, details);
    }
    payment.insert("method".into(), method.into());
}

fn card(from: &mut Fields) -> Fields {
    let mut card = from.texts(&[
        ("brand", "brand"),
        ("last4", "last4"),
        ("fingerprint", "fingerprint"),
        ("iin", "bin"),
        ("cardholder_name", "holder"),
    ]);
    card.leave(
        "funding",
        from.take("funding", |value| value.as_str().filter(|word| *word != "unknown").map(str::to_owned)),
    );
    card.leave(
        "expiry_month",
        from.take("exp_month", |value| value.as_u64().filter(|month| (1..=12).contains(month))),
    );
    card.leave(
        "expiry_year",
        from.take("exp_year", |value| value.as_u64().filter(|year| (1000..=9999).contains(year))),
    );
    let entry = |value: &Value| match value.as_str()? {
        "contact_emv" => Some("chip"),
        "contactless_emv" | "contactless_magstripe_mode" => Some("contactless"),
        "magnetic_stripe_track2" | "magnetic_stripe_fallback" => Some("swiped"),
        _ => None,
    };
    card.leave("entry", from.take("read_method", entry));
    card
}

/// <https://docs.stripe.com/payments/payment-methods/overview>
fn kind(method: &str) -> &'static str {
    match method {
        "card" | "card_present" | "interac_present" => "card",
        "ach_credit_transfer"
        | "ach_debit"
        | "acss_debit"
        | "au_becs_debit"
        | "bacs_debit"
        | "bancontact"
        | "blik"
        | "customer_balance"
        | "eps"
        | "fpx"
        | "giropay"
        | "ideal"
        | "multibanco"
        | "nz_bank_account"
        | "p24"
        | "pay_by_bank"
        | "paynow"
        | "payto"
        | "pix"
        | "promptpay"
        | "sepa_credit_transfer"
        | "sepa_debit"
        | "sofort"
        | "twint"
        | "upi"
        | "us_bank_account" => "bank",
        "alipay" | "amazon_pay" | "cashapp" | "gopay" | "grabpay" | "kakao_pay" | "link" | "mb_way"
        | "mobilepay" | "naver_pay" | "payco" | "paypal" | "paypay" | "revolut_pay" | "samsung_pay"
        | "satispay" | "shopeepay" | "swish" | "vipps" | "wechat" | "wechat_pay" => "wallet",
        "affirm" | "afterpay_clearpay" | "alma" | "billie" | "klarna" | "scalapay" | "sunbit" | "zip" => {
            "financing"
        }
        "boleto" | "konbini" | "oxxo" => "voucher",
        _ => "other",
    }
}

/// Whether the card was held to a terminal.
pub fn in_person(details: Option<&Value>) -> bool {
    let method = details.and_then(|details| details.get("type")).and_then(Value::as_str);
    matches!(method, Some("card_present" | "interac_present"))
}
