//! Which headers of a message are kept: its content type, and those that the connector's manifest names, one by one or by their
//! beginning. For transports whose headers are a message's properties; a request's are for the door to judge.

use std::collections::HashSet;

/// Never kept, whatever a manifest lists: they say who may come in, not what happened.
const CREDENTIALS: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "set-cookie"];

#[derive(Clone, Debug, Default)]
pub struct Kept {
    names: HashSet<String>,
    prefixes: Vec<String>,
}

impl Kept {
    pub fn new<S: AsRef<str>>(manifest: &[S]) -> Self {
        let lower = manifest.iter().map(|name| name.as_ref().to_ascii_lowercase());
        let (mut names, mut prefixes) = (HashSet::from(["content-type".to_owned()]), Vec::new());
        for name in lower {
            match name.strip_suffix('*') {
                Some("") => {}
                Some(prefix) => prefixes.push(prefix.to_owned()),
                None => _ = names.insert(name),
            }
        }
        CREDENTIALS.iter().for_each(|name| _ = names.remove(*name));
        Self { names, prefixes }
    }

    /// The name in lower case, if it is kept.
    pub fn keeps(&self, name: &str) -> Option<String> {
        let name = name.to_ascii_lowercase();
        let begins = |prefix: &String| name.starts_with(prefix.as_str());
        let kept = self.names.contains(&name)
            || (self.prefixes.iter().any(begins) && !CREDENTIALS.contains(&name.as_str()));
        kept.then_some(name)
    }

    /// Adds a header to those of a message, if it is kept. What its sender calls by another case is one header.
    pub fn add(&self, headers: &mut Vec<(String, String)>, name: &str, value: impl Into<String>) {
        if let Some(name) = self.keeps(name) {
            headers.push((name, value.into()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_named_is_kept() {
        let kept = Kept::new(&["X-Topic", "ce-*", "authorization", "auth*", "*"]);
        for (name, expected) in [
            ("content-type", Some("content-type")),
            ("x-topic", Some("x-topic")),
            ("X-TOPIC", Some("x-topic")),
            ("Ce-Type", Some("ce-type")),
            ("authentic", Some("authentic")),
            ("authorization", None),
            ("x-other", None),
        ] {
            assert_eq!(kept.keeps(name).as_deref(), expected, "{name}");
        }
    }
}
