//! Addresses and numbers that a customer can be reached by, in the form in which two systems' spellings of one are equal.
//!
//! ```
//! use snodo_connector::contact;
//!
//! assert_eq!(contact::email(" Anna@Example.com ").as_deref(), Some("anna@example.com"));
//! assert_eq!(contact::phone("+49 (0)30 123456").as_deref(), Some("+4930123456"));
//! assert_eq!(contact::phone("030 123456"), None, "of which country?");
//! assert_eq!(contact::phone_in("030 123456", "49").as_deref(), Some("+4930123456"));
//! ```

/// Countries whose national numbers keep their leading zero abroad: Italy with the Vatican, San Marino, Ivory Coast, Benin, Congo
/// (ITU's national numbering plans).
const KEEPS_ZERO: [&str; 5] = ["39", "378", "225", "229", "242"];

/// An address in lower case: a local part, one `@`, and a domain with a dot (RFC 5321), no more is checked.
pub fn email(text: &str) -> Option<String> {
    let address = text.trim().to_lowercase();
    let (local, domain) = address.split_once('@')?;
    let foreign = |c: char| c.is_whitespace() || c.is_control() || ",;<>()".contains(c);
    let sound = !local.is_empty()
        && !domain.contains('@')
        && domain.contains('.')
        && domain.split('.').all(|label| !label.is_empty())
        && !address.contains(foreign);
    sound.then_some(address)
}

/// A number in E.164. It must have its country code: without one nobody can tell whose it is.
pub fn phone(text: &str) -> Option<String> {
    e164(&plain(text))
}

/// The same for numbers that may be written as their own country dials them: `calling_code` is that country's, such as "39".
///
/// A leading zero is dropped, but where it belongs to the number (Italy). `00` is read as `+` where all of the region dials it so:
/// for calling codes with 3 and 4, but Belarus. An 8 or a 1 that other countries dial first is not guessed at.
pub fn phone_in(text: &str, calling_code: &str) -> Option<String> {
    let number = plain(text);
    let code = calling_code.trim().trim_start_matches('+');
    if number.starts_with('+') {
        return e164(&number);
    }
    if let Some(abroad) = number.strip_prefix("00") {
        let dials_00 = code.starts_with(['3', '4']) && code != "375";
        return e164(&format!("+{abroad}")).filter(|_| dials_00);
    }
    let national = match number.strip_prefix('0') {
        Some(rest) if !KEEPS_ZERO.contains(&code) => rest,
        _ => &number,
    };
    (!code.is_empty() && !national.is_empty()).then(|| e164(&format!("+{code}{national}")))?
}

/// Without what makes a number readable. "(0)" is dialled at home only.
fn plain(text: &str) -> String {
    let text = text.trim();
    let number = text.strip_prefix("tel:").unwrap_or(text).trim();
    let (before, after) = number.split_once("(0)").unwrap_or((number, ""));
    let digits = |part: &str, out: &mut String| out.extend(part.chars().filter(|c| !" -.()/".contains(*c)));
    let mut out = String::with_capacity(number.len());
    digits(before, &mut out);
    digits(after, &mut out);
    out
}

fn e164(number: &str) -> Option<String> {
    let digits = number.strip_prefix('+')?;
    let sound = (7..=15).contains(&digits.len())
        && !digits.starts_with('0')
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    sound.then(|| number.to_owned())
}
