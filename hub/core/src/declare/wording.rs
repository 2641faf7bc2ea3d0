//! The words of remedies: what was probably meant, what there is to choose from, and values as one would write them in TOML.

use serde_json::Value;

/// A list longer than this is not read; the command that lists is named instead, or the nearest are.
const LISTED_MAX: usize = 24;

/// The choice that `word` probably was meant to be.
pub fn nearest<'c>(word: &str, choices: &[&'c str]) -> Option<&'c str> {
    let plain = |text: &str| text.to_lowercase().replace(['_', ' '], "-");
    let word = plain(word);
    let distance = |choice: &str| strsim::osa_distance(&word, &plain(choice));
    let best = choices.iter().min_by_key(|choice| distance(choice))?;
    // One slip in a short word, two in a longer one; more makes another word of it.
    let slips_max = if word.chars().count() < 5 { 1 } else { 2 + word.chars().count() / 12 };
    (distance(best) <= slips_max).then_some(best)
}

/// `did you mean "x"?`, and what there is.
pub fn choose(word: &str, choices: &[&str]) -> String {
    match (nearest(word, choices), choices.len()) {
        (Some(meant), _) => format!("did you mean \"{meant}\"? {}", there_is(choices)),
        (None, 0) => "there is nothing to choose from yet".to_owned(),
        (None, _) => there_is(choices),
    }
}

fn there_is(choices: &[&str]) -> String {
    match choices.len() {
        1 => format!("there is only {}", list(choices)),
        count if count > LISTED_MAX => format!("there are {count} to choose from"),
        _ => format!("choose one of: {}", list(choices)),
    }
}

/// `"a", "b", "c"`.
pub fn list(choices: &[&str]) -> String {
    choices.iter().map(|choice| format!("\"{choice}\"")).collect::<Vec<_>>().join(", ")
}

/// `` `a`, `b`, `c` ``: keys.
pub fn keys(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// A JSON Pointer as the section that stands in the file: `/receive/verify` is `[receive.verify]`, nothing is the top.
pub fn section(pointer: &str) -> String {
    if pointer.is_empty() {
        return "the file".to_owned();
    }
    format!("[{}]", path(pointer))
}

/// A JSON Pointer as a dotted key.
pub fn path(pointer: &str) -> String {
    let parts = pointer.split('/').skip(1).map(|part| key(&part.replace("~1", "/").replace("~0", "~")));
    parts.collect::<Vec<_>>().join(".")
}

/// A key as TOML wants it: in quotes unless it is plain.
pub fn key(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    match !name.is_empty() && name.chars().all(plain) {
        true => name.to_owned(),
        false => format!("{name:?}"),
    }
}

/// A value as one would write it on one line of TOML.
pub fn value(value: &Value) -> String {
    match value {
        Value::Null => "…".to_owned(),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(self::value).collect::<Vec<_>>().join(", "))
        }
        Value::Object(entries) if entries.is_empty() => "{}".to_owned(),
        Value::Object(entries) => {
            let entries = entries.iter().map(|(name, item)| format!("{} = {}", key(name), self::value(item)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        plain => plain.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let choices = ["connector", "owner", "purpose", "to", "from"];
        for (word, meant) in [
            ("conector", Some("connector")),
            ("Owner", Some("owner")),
            ("pupose", Some("purpose")),
            ("form", Some("from")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, &choices), meant, "{word}");
        }
    }

    #[test]
    fn values_are_shown_as_toml() {
        let shown = value(&serde_json::json!({"scheme": "none", "previous": [1, true], "a.b": {}}));
        assert_eq!(shown, r#"{ scheme = "none", previous = [1, true], "a.b" = {} }"#);
    }
}
