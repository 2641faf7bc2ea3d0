//! What can go wrong with sums of money and with times, in the same sample from another country.

use serde_json::Value;
use snodo_host::Draft;

use super::events::{Known, data};
use super::input::Input;
use super::mutants::{self, Mutant};
use super::values::{Decimal, leaves, time_and_offset};
use super::{Check, Level, Trial};
use crate::golden;

/// Vendors write 12.99 or 1299 for the same sum; which is 1299 yen and 1.299 dinars.
pub fn money<I: Input>(trial: &Trial<'_>, samples: &[Known<I>]) -> Check {
    let mut check = Check::new("money", Level::Gold);
    for (known, place, body) in bodies(samples) {
        for (currency, digits) in [("JPY", 0_u32), ("KWD", 3)] {
            let Some(Mutant { how, body }) = mutants::in_currency(body, currency) else { continue };
            check.tried += 1;
            let Ok(given) = serde_json::from_slice::<Value>(&body) else { continue };
            let given: Vec<Decimal> =
                leaves(&given).into_iter().filter_map(|(_, leaf)| Decimal::of(leaf)).collect();
            for draft in made(trial, known, place, body) {
                let Some(data) = data(&draft) else { continue };
                for (at, amount) in amounts(&data, currency) {
                    // An amount that is not written so in the message was made of its minor units, or is a sum.
                    let from = |power: u32| given.contains(&amount.times_ten_to(power));
                    let as_it_came = amount.is_zero() || from(0);
                    if !as_it_came && from(2) && !from(digits) {
                        let what = format!("{at} has two digits for cents, {currency} has {digits}");
                        check.find("currency-scale", known.at(place, &how), what);
                    }
                }
            }
        }
    }
    if check.tried == 0 {
        check.needless("its samples tell of no money");
    }
    check
}

/// All `{amount, currency}` of that currency.
fn amounts(data: &Value, currency: &str) -> Vec<(String, Decimal)> {
    let is_code =
        |(at, leaf): &(String, &Value)| at.ends_with("/currency") && leaf.as_str() == Some(currency);
    let found = leaves(data).into_iter().filter(is_code);
    let amount = found.filter_map(|(at, _)| {
        let at = format!("{}/amount", at.strip_suffix("/currency")?);
        let amount = Decimal::of(data.pointer(&at)?)?;
        Some((at, amount))
    });
    amount.collect()
}

/// Neither UTC nor a whole number of hours from it.
const ZONE: &str = "+05:45";

pub fn zones<I: Input>(trial: &Trial<'_>, samples: &[Known<I>]) -> Check {
    let mut check = Check::new("time zones", Level::Gold);
    for (known, place, body) in bodies(samples) {
        let Some((Mutant { how, body }, local)) = mutants::in_zone(body, ZONE) else { continue };
        check.tried += 1;
        for draft in made(trial, known, place, body) {
            let data = data(&draft).unwrap_or_default();
            let mut times: Vec<(String, &str)> =
                leaves(&data).into_iter().filter_map(|(at, leaf)| Some((at, leaf.as_str()?))).collect();
            times.retain(|(at, _)| !at.starts_with("/vendor/"));
            times.extend(draft.time.as_deref().map(|time| ("time".to_owned(), time)));
            for (at, text) in times {
                let Some((time, offset)) = time_and_offset(text) else { continue };
                if local.iter().any(|known| *known == time.replace(' ', "T")) && offset != ZONE {
                    let what = format!("{at} has the clock's time, but not its zone");
                    check.find("loses-time-zone", known.at(place, &how), what);
                }
            }
        }
    }
    if check.tried == 0 {
        check.needless("its samples have no times with an offset");
    }
    check
}

/// Every body with the sample it is of, and its place there.
fn bodies<I: Input>(samples: &[Known<I>]) -> impl Iterator<Item = (&Known<I>, usize, &[u8])> {
    samples.iter().flat_map(|known| {
        known.input.bodies().into_iter().enumerate().map(move |(place, body)| (known, place, body))
    })
}

/// What comes out with another body in that place. A fault is nothing to look at.
fn made<I: Input>(trial: &Trial<'_>, known: &Known<I>, place: usize, body: Vec<u8>) -> Vec<Draft> {
    known.input.with_body(place, body).drafts(trial.connector, golden::CHANNEL).unwrap_or_default()
}
