//! How deeply JSON is nested, by one look at its bytes. Never parses: text that is not JSON has a depth too.

/// The byte at which more than `depth_max` levels are open.
pub fn too_deep_at(body: &[u8], depth_max: usize) -> Option<usize> {
    // Most bodies have fewer brackets than levels are allowed, and counting is ten times quicker than looking at each.
    if body.iter().filter(|byte| matches!(byte, b'{' | b'[')).count() <= depth_max {
        return None;
    }
    let mut depth = 0_usize;
    let mut in_text = false;
    let mut escaped = false;
    for (at, byte) in body.iter().enumerate() {
        if in_text {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_text = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_text = true,
            b'{' | b'[' if depth == depth_max => return Some(at),
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::too_deep_at;

    #[test]
    fn only_brackets_outside_of_text_count() {
        for (body, at) in [
            (r#"{"a":[{"b":1}]}"#, None),
            (r#"{"a":[{"b":[]}]}"#, Some(11)),
            (r#"[[[],[],[]],[[]]]"#, None),
            (r#"{"a":"[[[[[["}"#, None),
            (r#"{"a":"\"[[[[[["}"#, None),
            (r#"{"a":"\\"}[[[["#, Some(13)),
            ("]]]][[[[", Some(7)),
            ("", None),
        ] {
            assert_eq!(too_deep_at(body.as_bytes(), 3), at, "{body}");
        }
    }
}
