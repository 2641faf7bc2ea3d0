//! MQTT's names of topics, and the filters that stand for many of them (MQTT 5.0, section 4.7). Never asks a broker.

/// A name is written with its length in two bytes (MQTT 5.0, 1.5.4).
pub const TOPIC_BYTES_MAX: usize = 65_535;

/// A name that a message can be published under. Names that begin with `$` are the broker's own.
pub fn is_topic(text: &str) -> bool {
    is_text(text) && !text.contains(['+', '#']) && !text.starts_with('$')
}

/// `+` stands for one level, `#` at the end for any number of them. A `$share/…` is no filter but a way to subscribe.
pub fn is_filter(text: &str) -> bool {
    let mut levels = text.split('/').rev();
    let last = levels.next().unwrap_or_default();
    let plain = |level: &str| !level.contains(['+', '#']);
    is_text(text)
        && !text.starts_with("$share/")
        && (last == "#" || last == "+" || plain(last))
        && levels.all(|level| level == "+" || plain(level))
}

/// Whether a filter stands for a topic. Wildcards do not reach into what is the broker's own (4.7.2).
pub fn matches(filter: &str, topic: &str) -> bool {
    if topic.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let mut levels = topic.split('/');
    for wanted in filter.split('/') {
        match (wanted, levels.next()) {
            // `a/#` stands for `a`, too.
            ("#", _) => return true,
            (_, None) => return false,
            ("+", Some(_)) => {}
            (wanted, Some(level)) if wanted == level => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}

fn is_text(text: &str) -> bool {
    !text.is_empty() && text.len() <= TOPIC_BYTES_MAX && !text.contains('\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_stands_for_the_topics_that_the_standard_says() {
        for (filter, topic, expected) in [
            ("shop/orders", "shop/orders", true),
            ("shop/orders", "shop/orders/1", false),
            ("shop/orders", "shop", false),
            ("shop/+/placed", "shop/7/placed", true),
            ("shop/+/placed", "shop/7/8/placed", false),
            ("shop/+", "shop/", true),
            ("shop/+", "shop", false),
            ("shop/#", "shop", true),
            ("shop/#", "shop/7/placed", true),
            ("#", "shop/7", true),
            ("+/+", "/finance", true),
            ("+", "/finance", false),
            ("#", "$SYS/uptime", false),
            ("+/uptime", "$SYS/uptime", false),
            ("$SYS/#", "$SYS/uptime", true),
            ("é/+", "é/ü", true),
        ] {
            assert_eq!(matches(filter, topic), expected, "{filter} and {topic}");
        }
    }

    #[test]
    fn names_and_filters_are_told_from_what_is_neither() {
        for filter in ["#", "+", "a/#", "+/b/#", "a//b", "/", "$SYS/#"] {
            assert!(is_filter(filter), "{filter}");
        }
        for text in ["", "a#", "a/#/b", "a+/b", "++", "a\0b", "$share/g/a"] {
            assert!(!is_filter(text), "{text:?}");
        }
        for (text, expected) in [
            ("shop/orders", true),
            ("shop//", true),
            ("", false),
            ("shop/+", false),
            ("shop/#", false),
            ("$SYS/x", false),
            ("a\0", false),
        ] {
            assert_eq!(is_topic(text), expected, "{text:?}");
        }
        assert!(is_topic(&"a".repeat(TOPIC_BYTES_MAX)) && !is_topic(&"a".repeat(TOPIC_BYTES_MAX + 1)));
    }
}
