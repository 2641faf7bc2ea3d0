//! Secrets: where a declaration says that one is, and what it is once the server has fetched it. Never fetches, and never
//! shows, one.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a secret is kept. A declaration never holds the secret itself: it is written `{ env = "NAME" }` or `{ file = "path" }`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum SecretRef {
    /// The name of an environment variable of the hub's process.
    Env(String),
    /// The path of a file that holds the secret and nothing else, from the configuration's folder. One line end at its end is left out.
    File(PathBuf),
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "environment variable {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
        }
    }
}

/// A secret's bytes. Printed, it says nothing.
#[derive(Clone)]
pub struct Secret(Arc<[u8]>);

impl Secret {
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// The bytes themselves. What is made of them must not be kept, logged or handed to a connector.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// As text that fits on one line, which is what headers and query parameters can carry.
    pub fn expose_line(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok().filter(|text| !text.chars().any(char::is_control))
    }

    /// The same for a scheme that needs it to be such a line; `at` is where the secret was found.
    pub fn line(&self, at: &SecretRef) -> Result<&str, SecretError> {
        self.expose_line().ok_or_else(|| SecretError::Unfit { at: at.clone(), wanted: "single line of text" })
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// The secrets of a channel by the names that its connector's placeholders use.
#[derive(Clone, Debug, Default)]
pub struct Secrets(pub BTreeMap<String, Secret>);

/// Why there is no secret where one was declared. Names the place, never the content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error("{0} is not set: set it before the hub starts")]
    Missing(SecretRef),
    #[error("failed to read {at}: {reason}")]
    Unreadable { at: SecretRef, reason: String },
    #[error("{0} is empty: put the secret in it")]
    Empty(SecretRef),
    #[error("{at} holds something that is no {wanted}")]
    Unfit { at: SecretRef, wanted: &'static str },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_one_of_two_and_nothing_else() {
        #[derive(Deserialize)]
        struct Declared {
            secret: SecretRef,
        }
        for (text, expected) in [
            (r#"secret = { env = "SHOP_KEY" }"#, Some(SecretRef::Env("SHOP_KEY".into()))),
            (r#"secret = { file = "shop.key" }"#, Some(SecretRef::File("shop.key".into()))),
            (r#"secret = { env = "SHOP_KEY", file = "shop.key" }"#, None),
            (r#"secret = { vault = "shop" }"#, None),
            (r#"secret = {}"#, None),
            (r#"secret = "hunter2""#, None),
        ] {
            assert_eq!(
                toml::from_str::<Declared>(text).ok().map(|declared| declared.secret),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn a_secret_prints_nothing_of_itself() {
        let secret = Secret::new(b"hunter2");
        let secrets = Secrets(BTreeMap::from([("key".to_owned(), secret.clone())]));
        assert!(!format!("{secret:?} {secret:#?} {secrets:?}").contains("hunter2"));
        assert_eq!(secret.expose_line(), Some("hunter2"));
        assert_eq!(Secret::new(b"a\r\nb: c").expose_line(), None);
    }
}
