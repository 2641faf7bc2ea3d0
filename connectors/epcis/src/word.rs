//! Words of the standard's vocabularies, which may be written bare, with a prefix, as a URN or as an address.

use serde_json::Value;

/// `ObjectEvent`, also as `epcis:ObjectEvent`; drafts of the standard called the field `isA`.
pub fn kind(body: &Value) -> Option<String> {
    let kind = body.get("type").or_else(|| body.get("isA"))?.as_str()?;
    Some(bare(kind).to_owned())
}

/// `shipping`, from `cbv:BizStep-shipping`, `https://ref.gs1.org/cbv/BizStep-shipping` or `urn:epcglobal:cbv:bizstep:shipping`. What
/// has another prefix is somebody's own word, and stays whole.
pub fn standard(text: &str) -> &str {
    let bare = bare(text);
    ["BizStep-", "Disp-", "BTT-", "SDT-", "MT-"]
        .iter()
        .find_map(|prefix| bare.strip_prefix(prefix))
        .unwrap_or(bare)
}

fn bare(text: &str) -> &str {
    const OURS: [&str; 12] = [
        "epcis:",
        "cbv:",
        "gs1:",
        "https://ns.gs1.org/epcis/",
        "https://ref.gs1.org/epcis/",
        "https://ref.gs1.org/cbv/",
        "https://gs1.org/voc/",
        "https://www.gs1.org/voc/",
        "urn:epcglobal:cbv:bizstep:",
        "urn:epcglobal:cbv:disp:",
        "urn:epcglobal:cbv:btt:",
        "urn:epcglobal:cbv:sdt:",
    ];
    OURS.iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text)
}

/// `AbsoluteHumidity` as `absolute_humidity`; somebody's own word as it is.
pub fn measure(text: &str) -> String {
    let word = standard(text);
    if word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return word.to_owned();
    }
    let mut out = String::with_capacity(word.len() + 4);
    for (place, letter) in word.char_indices() {
        if letter.is_ascii_uppercase() && place > 0 {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}
