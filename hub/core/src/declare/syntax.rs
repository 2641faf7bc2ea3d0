//! What is wrong with a line that is not TOML, in words for people who have never heard of TOML. Looks at the line itself, since
//! the parser only knows where it stopped.

use toml::de::DeTable;

use super::document::line_and_column;
use super::{Mistake, SourceFile, wording};

/// After that many the rest is mostly what follows from the first ones.
const SHOWN_MAX: usize = 20;

/// Quotation marks that text processors put in place of `"`.
const CURLY: [char; 7] = ['“', '”', '„', '‘', '’', '«', '»'];

/// One mistake for each line that has errors; none if the text is TOML.
pub fn check(file: &SourceFile) -> Vec<Mistake> {
    let original: Vec<&str> = file.text.lines().collect();
    let mut lines: Vec<String> = original.iter().map(|&line| line.to_owned()).collect();
    let mut mistakes: Vec<Mistake> = Vec::new();
    // The parser may pass over what follows an error. Each round looks again, without the lines that were spoken of.
    for _ in 0..SHOWN_MAX {
        let text = lines.join("\n");
        let (_, errors) = DeTable::parse_recoverable(&text);
        let mut found: Vec<Mistake> = Vec::new();
        for error in &errors {
            let mistake = explain(file, &original, &text, error);
            if !mistakes.iter().chain(&found).any(|other| other.line == mistake.line) {
                found.push(mistake);
            }
        }
        if found.is_empty() {
            break;
        }
        let mut goes_on = false;
        for mistake in &found {
            let line = &mut lines[mistake.line - 1];
            goes_on |= spans_lines(line);
            // What follows a header stays in a section of its own.
            let header = line.trim_start().starts_with('[');
            *line = if header { format!("[unread-{}]", mistake.line) } else { String::new() };
        }
        mistakes.append(&mut found);
        if goes_on {
            break;
        }
    }
    mistakes.sort_by_key(|mistake| mistake.line);
    mistakes.truncate(SHOWN_MAX);
    mistakes
}

/// Whether a value begins on the line that ends on another.
fn spans_lines(line: &str) -> bool {
    let value = line.split_once('=').map_or("", |(_, value)| value.trim());
    let open = |begin: char, end: char| value.starts_with(begin) && !value.contains(end);
    open('[', ']') || open('{', '}') || value.starts_with("\"\"\"") || value.starts_with("'''")
}

/// The line before `place` whose list or braces were never closed, so that what follows was read as part of them.
fn unclosed(lines: &[&str], place: usize) -> Option<usize> {
    let begins =
        |line: &str| line.split_once('=').is_some_and(|(key, _)| !key.contains(['"', '\'', '[', '{']));
    let before = &lines[..place.min(lines.len())];
    let opened = before.iter().rposition(|line| begins(line) && spans_lines(line))?;
    let mut inside = lines[opened + 1..].iter().take(place - opened);
    let first = inside.find(|line| begins(line) || line.contains([']', '}']))?;
    begins(first).then_some(opened)
}

fn explain(file: &SourceFile, lines: &[&str], text: &str, error: &toml::de::Error) -> Mistake {
    let offset = error.span().map_or(0, |span| span.start.min(text.len()));
    let (mut line, mut column) = line_and_column(text, offset);
    if let Some(opened) = unclosed(lines, line - 1) {
        (line, column) = (opened + 1, 1);
    } else if lines.get(line - 1).is_none_or(|text| text.trim().is_empty()) {
        // The parser noticed at the end what an earlier line began.
        let earlier = lines.iter().take(line - 1).rposition(|text| !text.trim().is_empty());
        (line, column) = (earlier.map_or(1, |place| place + 1), 1);
    }
    let (message, remedy) = diagnose(lines, line - 1).unwrap_or_else(|| {
        (error.message().trim().to_owned(), "write each line as key = value, text in \"quotes\"".to_owned())
    });
    Mistake { line, column, ..Mistake::of_file(&file.path, message, remedy) }
}

fn diagnose(lines: &[&str], place: usize) -> Option<(String, String)> {
    let line = lines.get(place)?.trim();
    let say = |message: String, remedy: String| Some((message, remedy));
    if line.contains(CURLY) {
        return say("curly quotation marks are not TOML's".into(), "use the straight ones: \"…\"".into());
    }
    if line.starts_with('[') {
        return header(lines, place);
    }
    let Some((key, value)) = line.split_once('=') else {
        return match line.split_once(':') {
            Some((key, _)) => say(
                format!("{} is followed by a colon", wording::keys(&[key.trim()])),
                format!("write an equals sign: {} = …", wording::key(key.trim())),
            ),
            None => say(
                "this line has no equals sign".into(),
                "write it as key = value, or begin it with # if it is a remark".into(),
            ),
        };
    };
    let (key, value) = (key.trim(), value.trim());
    if key.contains(' ') && !key.contains(['"', '\'']) {
        let joined = key.replace(' ', "_");
        return say(
            format!("the key {key:?} has a space in it"),
            format!("write a key in one word, such as {joined}"),
        );
    }
    if let Some((message, remedy)) = wrong_value(key, value) {
        return say(message, remedy);
    }
    let same = |text: &&str| text.split_once('=').is_some_and(|(other, _)| other.trim() == key);
    let section = lines[..place].iter().rposition(|text| text.trim_start().starts_with('['));
    let start = section.map_or(0, |header| header + 1);
    let first = lines[start..place].iter().position(same)?;
    say(
        format!(
            "{} stands twice in the same section; first on line {}",
            wording::keys(&[key]),
            start + first + 1
        ),
        "keep one of the two lines".into(),
    )
}

fn header(lines: &[&str], place: usize) -> Option<(String, String)> {
    let line = lines[place].split('#').next()?.trim();
    let name = line.trim_matches(['[', ']']).trim();
    if !line.ends_with(']') {
        return Some((
            format!("the header of the section {name:?} is not closed"),
            format!("write [{name}]"),
        ));
    }
    if name.contains(' ') && !name.contains(['"', '\'']) {
        return Some((
            format!("the name of the section {name:?} has a space in it"),
            format!("write [{}]", name.replace(' ', "-")),
        ));
    }
    let first = lines[..place].iter().position(|text| text.trim() == line)?;
    Some((
        format!("the section [{name}] stands twice; first on line {}", first + 1),
        "put the keys of both under one header".into(),
    ))
}

/// What is wrong with what stands after the equals sign. A secret is not repeated.
fn wrong_value(key: &str, value: &str) -> Option<(String, String)> {
    let secret = ["secret", "token", "password", "key"].iter().any(|word| key.to_lowercase().contains(word));
    let shown = |value: &str| if secret { "…".to_owned() } else { value.to_owned() };
    let name = wording::keys(&[key]);
    let say = |message: String, remedy: String| Some((message, remedy));
    let bare = value.split('#').next().unwrap_or("").trim();
    if bare.is_empty() {
        return say(
            format!("{name} has no value"),
            format!("write one after the equals sign: {key} = \"…\""),
        );
    }
    for quote in ['"', '\''] {
        let Some(inner) = value.strip_prefix(quote) else { continue };
        if inner.starts_with(&quote.to_string().repeat(2)) {
            return None;
        }
        if quote == '"' && inner.contains('\\') {
            return say(
                format!("{name} has a backslash in double quotes, where it begins a special sign"),
                format!("write the text in single quotes ({key} = '…'), or a path with / instead of \\"),
            );
        }
        return match inner.split_once(quote) {
            None => say(
                format!("the text of {name} is not closed"),
                format!("put the quotation mark at its end: {key} = {quote}{}{quote}", shown(inner.trim())),
            ),
            Some((_, after)) if after.contains('=') => say(
                "two keys stand on one line".into(),
                "write each key on a line of its own (only { … } may hold several on one)".into(),
            ),
            Some((_, after)) if !after.split('#').next().unwrap_or("").trim().is_empty() => say(
                format!("something follows the text of {name}"),
                format!(
                    "end the line at the quotation mark; begin a remark with #; several values are a list: {key} = [\"…\", \"…\"]"
                ),
            ),
            Some(_) => None,
        };
    }
    match bare {
        "True" | "TRUE" | "yes" | "Yes" | "on" | "On" => {
            say(format!("{name} is neither true nor false"), format!("write {key} = true"))
        }
        "False" | "FALSE" | "no" | "No" | "off" | "Off" => {
            say(format!("{name} is neither true nor false"), format!("write {key} = false"))
        }
        _ if bare.starts_with('{') && bare.contains(':') && !bare.contains('=') => say(
            format!("{name} has a colon between key and value"),
            format!("write equals signs: {key} = {{ … = \"…\" }}"),
        ),
        _ if bare.starts_with('{') && !bare.ends_with('}') => {
            say(format!("the braces of {name} are not closed"), format!("write {key} = {{ … }}"))
        }
        _ if bare.starts_with('[') && !bare.contains(']') => say(
            format!("the list of {name} is not closed"),
            format!("put ] at its end: {key} = [\"…\", \"…\"]"),
        ),
        _ if bare.starts_with(['{', '[']) => say(
            format!("something in the value of {name} is not TOML"),
            "write text in \"quotes\", with a comma between one and the next".into(),
        ),
        "true" | "false" => None,
        _ if bare.parse::<f64>().is_ok() => None,
        _ => say(
            format!("the text of {name} has no quotation marks"),
            format!("write {key} = \"{}\"", shown(bare.trim_matches(['"', '\'']))),
        ),
    }
}
