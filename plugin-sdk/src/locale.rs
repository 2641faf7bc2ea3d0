//! Languages and countries by their codes.
//!
//! ```
//! use snodo_connector::locale;
//!
//! assert_eq!(locale::tag("zh-hant_tw").as_deref(), Some("zh-Hant-TW"));
//! assert_eq!(locale::accept_language("en;q=0.8, it-it, *;q=0.1").as_deref(), Some("it-IT"));
//! assert_eq!(locale::country("it").as_deref(), Some("IT"));
//! assert_eq!(locale::country("UK"), None, "it is GB");
//! ```

/// ISO 3166-1 alpha-2, as assigned. XK is not: it is what the European Union and most vendors write for Kosovo.
const COUNTRIES: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC \
    CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD \
    GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH \
    KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW \
    MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC \
    SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY \
    UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";

/// A language tag in the case that RFC 5646 (2.1.1) recommends: `en_us` is `en-US`. An encoding behind it, as POSIX has it
/// (`it_IT.UTF-8`), is dropped. The form is checked, not whether the parts are registered.
pub fn tag(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.split_once(['.', '@']).map_or(text, |(tag, _)| tag);
    let parts: Vec<&str> = text.split(['-', '_']).collect();
    let sound =
        |part: &&str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let language = parts[0];
    // Longer ones may be registered, and none ever was: "English" is a name.
    let is_language =
        matches!(language.len(), 2 | 3) && language.bytes().all(|byte| byte.is_ascii_alphabetic());
    if !is_language || !parts.iter().all(sound) {
        return None;
    }
    // What one letter or digit begins is an extension: `-u-ca-buddhist`, `-x-own`.
    let extension = parts.iter().position(|part| part.len() == 1).unwrap_or(parts.len());
    let mut known = &parts[1..extension];
    let take = |known: &mut &[&str], fits: fn(&str) -> bool| match known.split_first() {
        Some((first, rest)) if fits(first) => {
            *known = rest;
            true
        }
        _ => false,
    };
    while take(&mut known, |part| part.len() == 3 && is_letters(part)) {}
    take(&mut known, |part| part.len() == 4 && is_letters(part));
    take(&mut known, |part| part.len() == 2 && is_letters(part) || part.len() == 3 && is_digits(part));
    while take(&mut known, |part| {
        part.len() > 4 || part.len() == 4 && part.starts_with(|first: char| first.is_ascii_digit())
    }) {}
    // A lone letter at the end begins nothing.
    let complete = parts.last().is_some_and(|last| last.len() > 1);
    if !known.is_empty() || !complete {
        return None;
    }
    let cased = |(place, part): (usize, &&str)| {
        let part = part.to_ascii_lowercase();
        match part.len() {
            2 if 0 < place && place < extension => part.to_ascii_uppercase(),
            4 if 0 < place && place < extension => part[..1].to_ascii_uppercase() + &part[1..],
            _ => part,
        }
    };
    Some(parts.iter().enumerate().map(cased).collect::<Vec<_>>().join("-"))
}

/// The first choice of an `Accept-Language` (RFC 9110, 12.5.4): the highest weight, of equal ones the first. `*` is no language.
pub fn accept_language(text: &str) -> Option<String> {
    let mut first: Option<(String, u32)> = None;
    for range in text.split(',') {
        let (language, rest) = range.split_once(';').unwrap_or((range, ""));
        let weight = match rest.trim() {
            "" => Some(1_000),
            rest => weight(rest),
        };
        let (Some(tag), Some(weight)) = (tag(language), weight) else { continue };
        if weight > first.as_ref().map_or(0, |(_, most)| *most) {
            first = Some((tag, weight));
        }
    }
    first.map(|(tag, _)| tag)
}

/// An ISO 3166-1 alpha-2 code that is assigned, in capitals; also `XK`.
pub fn country(text: &str) -> Option<String> {
    let code = text.trim().to_ascii_uppercase();
    COUNTRIES.split(' ').any(|one| one == code).then_some(code)
}

/// `q=0.8`, in thousandths.
fn weight(text: &str) -> Option<u32> {
    let (name, value) = text.split_once('=')?;
    let (whole, fraction) = value.trim().split_once('.').unwrap_or((value.trim(), ""));
    let sound = matches!(whole, "0" | "1")
        && fraction.len() <= 3
        && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let named = name.trim().eq_ignore_ascii_case("q");
    (sound && named).then(|| format!("{whole}{fraction:0<3}").parse().ok())?.filter(|&weight| weight <= 1_000)
}

fn is_letters(part: &str) -> bool {
    part.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn is_digits(part: &str) -> bool {
    part.bytes().all(|byte| byte.is_ascii_digit())
}
