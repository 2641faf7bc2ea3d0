//! Patterns of a message's name: an MQTT topic, the name of a file, the rest of an address. `+` is any one segment, `{name}` is one
//! that fields may read, with or without text around it (`orders-{day}.csv`); `#` at the end is whatever follows.

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Pattern(Vec<Segment>);

#[derive(Debug)]
enum Segment {
    Exactly(String),
    Any,
    Rest,
    Named { before: String, name: String, after: String },
}

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let segments: Vec<&str> = text.split('/').collect();
        let last = segments.len() - 1;
        let read = |(place, segment): (usize, &&str)| match *segment {
            "+" => Ok(Segment::Any),
            "#" if place == last => Ok(Segment::Rest),
            "#" => Err(format!("# stands at the end of a topic only, not in {text:?}")),
            segment => match segment.split_once('{') {
                None => Ok(Segment::Exactly(segment.to_owned())),
                Some((before, rest)) => match rest.split_once('}') {
                    Some((name, after)) if !name.is_empty() && !after.contains('{') => Ok(Segment::Named {
                        before: before.to_owned(),
                        name: name.to_owned(),
                        after: after.to_owned(),
                    }),
                    _ => Err(format!("a segment of a topic may have one {{name}}: {segment:?}")),
                },
            },
        };
        segments.iter().enumerate().map(read).collect::<Result<_, _>>().map(Self)
    }
}

impl Pattern {
    /// What the named segments are, if the topic fits.
    pub fn read<'a>(&'a self, topic: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
        let mut found = Vec::new();
        let mut parts = topic.split('/');
        for segment in &self.0 {
            match segment {
                // Also nothing: `a/#` fits `a`, as MQTT has it (5.0, 4.7.1.2).
                Segment::Rest => return Some(found),
                Segment::Any => _ = parts.next()?,
                Segment::Exactly(text) => _ = parts.next().filter(|part| part == text)?,
                Segment::Named { before, name, after } => {
                    let value = parts.next()?.strip_prefix(before.as_str())?.strip_suffix(after.as_str())?;
                    found.push((name.as_str(), Some(value).filter(|value| !value.is_empty())?));
                }
            }
        }
        parts.next().is_none().then_some(found)
    }
}
