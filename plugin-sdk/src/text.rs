//! Text as such: without its white edges, not empty, not too long; and the steps of a JSON Pointer.
//!
//! ```
//! use snodo_connector::text;
//!
//! assert_eq!(text::trim("\u{a0} Anna \n"), "Anna");
//! assert_eq!(text::filled("  "), None);
//! assert_eq!(text::truncate("Zoë", 3), "Zo");
//! assert_eq!(text::pointer(["lines", "0", "a/b"]), "/lines/0/a~1b");
//! ```

/// Without what Unicode calls `White_Space` at both ends.
pub fn trim(text: &str) -> &str {
    text.trim()
}

/// The trimmed text, or `None` if nothing is left: vendors write "" and " " for what is not known.
pub fn filled(text: &str) -> Option<&str> {
    let text = trim(text);
    (!text.is_empty()).then_some(text)
}

/// As much of the text as fits into so many bytes of UTF-8, without half a character at its end.
pub fn truncate(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

/// A JSON Pointer (RFC 6901) from its steps, which it escapes: for a fault's `at`.
pub fn pointer<T: AsRef<str>>(steps: impl IntoIterator<Item = T>) -> String {
    steps.into_iter().fold(String::new(), |pointer, step| pointer + "/" + &pointer_step(step.as_ref()))
}

/// One step of a JSON Pointer: `~` is `~0` there, and `/` is `~1`.
pub fn pointer_step(step: &str) -> String {
    step.replace('~', "~0").replace('/', "~1")
}
