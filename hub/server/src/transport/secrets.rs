//! Fetches secrets from where a declaration says they are. Never keeps one in a place that is printed or stored.

use std::path::Path;

use snodo_core::secret::{Secret, SecretError, SecretRef};

/// A file that holds more is not a secret but a mistake: the largest in use is a key of 4 KiB.
const SECRET_BYTES_MAX: usize = 64 << 10;

/// `folder` is what relative paths start from: the configuration's.
pub fn resolve(at: &SecretRef, folder: &Path) -> Result<Secret, SecretError> {
    let bytes = match at {
        SecretRef::Env(name) => match std::env::var_os(name) {
            Some(value) => value.into_encoded_bytes(),
            None => return Err(SecretError::Missing(at.clone())),
        },
        SecretRef::File(path) => {
            let failed =
                |error: std::io::Error| SecretError::Unreadable { at: at.clone(), reason: error.to_string() };
            let path = folder.join(path);
            let size = std::fs::metadata(&path).map_err(failed)?.len();
            if size > SECRET_BYTES_MAX as u64 {
                let reason = format!("it has {size} bytes, and a secret at most {SECRET_BYTES_MAX}");
                return Err(SecretError::Unreadable { at: at.clone(), reason });
            }
            std::fs::read(path).map_err(failed)?
        }
    };
    let secret = bytes.strip_suffix(b"\r\n").or_else(|| bytes.strip_suffix(b"\n")).unwrap_or(&bytes);
    match secret.is_empty() {
        true => Err(SecretError::Empty(at.clone())),
        false => Ok(Secret::new(secret)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_the_file_without_its_line_end() {
        let folder = tempfile::tempdir().unwrap();
        for (content, expected) in [
            ("s3cret", Some("s3cret")),
            ("s3cret\n", Some("s3cret")),
            ("s3cret\r\n", Some("s3cret")),
            ("s3 cret\n\n", Some("s3 cret\n")),
            ("", None),
            ("\n", None),
        ] {
            std::fs::write(folder.path().join("key"), content).unwrap();
            let secret = resolve(&SecretRef::File("key".into()), folder.path()).ok();
            assert_eq!(secret.as_ref().map(Secret::expose), expected.map(str::as_bytes), "{content:?}");
        }
        std::fs::write(folder.path().join("key"), vec![b'a'; SECRET_BYTES_MAX + 1]).unwrap();
        for at in [
            SecretRef::File("key".into()),
            SecretRef::File("none".into()),
            SecretRef::Env("SNODO_TEST_NOT_SET".into()),
        ] {
            assert!(resolve(&at, folder.path()).is_err(), "{at}");
        }
    }
}
