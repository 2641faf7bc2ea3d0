//! Signatures of packed connectors, in the form of minisign (<https://jedisct1.github.io/minisign/>): keys and signatures of the
//! one are read by the other. Nothing here asks a person for anything.

use std::io::Cursor;

use minisign::{KeyPair, PError, PublicKey, PublicKeyBox, SecretKey, SecretKeyBox, SignatureBox};

/// What a file's signature is called: the file's name and this.
pub const SIGNATURE: &str = "minisig";

/// The first line of a secret key's file.
const COMMENT: &str = "minisign secret key of a connector's maker: keep it to yourself";

#[derive(Debug, thiserror::Error)]
pub enum SignError {
    #[error("failed to make a key: {0}")]
    Key(PError),
    #[error("failed to read the secret key: {0}")]
    SecretKey(PError),
    #[error("the secret key is encrypted: give its password in SNODO_KEY_PASSWORD or with --password-file")]
    PasswordMissing,
    #[error("failed to read the public key: {0}")]
    PublicKey(PError),
    #[error("failed to sign: {0}")]
    Sign(PError),
    #[error("failed to read the signature: {0}")]
    Signature(PError),
}

/// A new pair of keys: the texts of their files.
pub struct NewKey {
    pub secret: String,
    pub public: String,
    /// As hub.toml has it: `RW…`.
    pub key: String,
}

/// With a password the secret key is encrypted with it, as minisign's own are.
pub fn new_key(password: Option<String>) -> Result<NewKey, SignError> {
    let pair = match password {
        Some(_) => KeyPair::generate_encrypted_keypair(password),
        None => KeyPair::generate_unencrypted_keypair(),
    };
    let KeyPair { pk, sk } = pair.map_err(SignError::Key)?;
    let secret = sk.to_box(Some(COMMENT)).map_err(SignError::Key)?.into_string();
    let public = pk.to_box().map_err(SignError::Key)?.into_string();
    Ok(NewKey { secret, public, key: pk.to_base64() })
}

/// The text of the signature's file, and the signer's public key.
pub fn sign(
    packed: &[u8],
    secret: &str,
    password: Option<String>,
    name: &str,
) -> Result<(String, String), SignError> {
    let secret = secret_key(secret, password)?;
    let public = PublicKey::from_secret_key(&secret).map_err(SignError::PublicKey)?;
    // The comment is signed too, and says the same for the same file: no time, no name of a machine.
    let digest = blake3::hash(packed).to_hex();
    let comment = format!("connector:{name} blake3:{digest}");
    let signature = minisign::sign(Some(&public), &secret, Cursor::new(packed), Some(&comment), None);
    Ok((signature.map_err(SignError::Sign)?.into_string(), public.to_base64()))
}

/// Minisign would ask for the password of an encrypted key; here it is given, or it is a mistake.
fn secret_key(text: &str, password: Option<String>) -> Result<SecretKey, SignError> {
    let plain = SecretKeyBox::from_string(text).map_err(SignError::SecretKey)?;
    match (plain.clone().into_unencrypted_secret_key(), password) {
        (Ok(key), _) => Ok(key),
        (Err(_), Some(password)) => plain.into_secret_key(Some(password)).map_err(SignError::SecretKey),
        // The message is for people only; whether it is encrypted is asked of the key itself.
        (Err(error), None) => match is_encrypted(text) {
            true => Err(SignError::PasswordMissing),
            false => Err(SignError::SecretKey(error)),
        },
    }
}

/// The second pair of bytes of a key is "Sc" where scrypt has encrypted it; with "Ed" before and "B2" behind it this is how it
/// begins in Base64.
fn is_encrypted(text: &str) -> bool {
    text.lines().nth(1).is_some_and(|line| line.starts_with("RWRTY"))
}

/// A public key as hub.toml has it, or as the file of one: the line that begins with RW.
pub fn public_key(text: &str) -> Result<String, SignError> {
    let text = text.trim();
    let key = match text.contains('\n') {
        true => PublicKeyBox::from_string(text).and_then(PublicKeyBox::into_public_key),
        false => PublicKey::from_base64(text),
    };
    Ok(key.map_err(SignError::PublicKey)?.to_base64())
}

/// Which of the keys has signed it; `None` if none has, or it is not what was signed.
pub fn signer<'k>(packed: &[u8], signature: &str, keys: &'k [String]) -> Result<Option<&'k str>, SignError> {
    let signature = SignatureBox::from_string(signature).map_err(SignError::Signature)?;
    for text in keys {
        let key = PublicKey::from_base64(text).map_err(SignError::PublicKey)?;
        // Only what minisign makes today: the older form signs the file itself, which it no longer does by default.
        if minisign::verify(&key, &signature, Cursor::new(packed), true, false, false).is_ok() {
            return Ok(Some(text));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_key_has_signed_is_known_by_it_and_by_no_other() {
        let (ours, theirs) = (new_key(None).unwrap(), new_key(None).unwrap());
        let (signature, key) = sign(b"packed", &ours.secret, None, "bells").unwrap();
        assert_eq!(key, ours.key);
        let both = [theirs.key.clone(), ours.key.clone()];
        assert_eq!(signer(b"packed", &signature, &both).unwrap(), Some(ours.key.as_str()));
        for (packed, keys) in [(&b"packed"[..], &both[..1]), (b"pacKed", &both), (b"packed", &[])] {
            assert_eq!(signer(packed, &signature, keys).unwrap(), None);
        }
        let forged = signature.replace("connector:bells", "connector:hells");
        assert_ne!(forged, signature, "the signature says what it is of");
        assert_eq!(signer(b"packed", &forged, &both).unwrap(), None);
        assert!(matches!(signer(b"packed", "signed, honestly", &both), Err(SignError::Signature(_))));
    }

    #[test]
    fn a_public_key_is_read_from_its_file_and_from_its_line() {
        let key = new_key(None).unwrap();
        assert_eq!(public_key(&key.public).unwrap(), key.key);
        assert_eq!(public_key(&format!("{}\n", key.key)).unwrap(), key.key);
        assert!(snodo_core::declare::trust::is_public_key(&key.key));
        assert!(matches!(public_key("RW, honestly"), Err(SignError::PublicKey(_))));
    }

    #[test]
    fn an_encrypted_key_signs_with_its_password_only() {
        let key = new_key(Some("open sesame".into())).unwrap();
        let with =
            |password: Option<&str>| sign(b"packed", &key.secret, password.map(str::to_owned), "bells");
        assert!(matches!(with(None), Err(SignError::PasswordMissing)));
        assert!(matches!(with(Some("open barley")), Err(SignError::SecretKey(_))));
        let (signature, _) = with(Some("open sesame")).unwrap();
        assert!(signer(b"packed", &signature, std::slice::from_ref(&key.key)).unwrap().is_some());
        assert!(matches!(sign(b"", "comment\nRWxx\n", None, ""), Err(SignError::SecretKey(_))));
    }
}
