//! AWS Signature Version 4 (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html>), by Amazon's own library.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningParams, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;

use super::Signing;

#[derive(Clone)]
pub struct Aws {
    region: String,
    service: String,
    identity: Identity,
}

impl Aws {
    pub const HEADERS: [&'static str; 3] = ["authorization", "x-amz-content-sha256", "x-amz-date"];

    pub fn new(region: &str, service: &str, access_key: &str, secret_key: &str) -> Self {
        let credentials = Credentials::new(access_key, secret_key, None, None, "snodo");
        Self { region: region.to_owned(), service: service.to_owned(), identity: credentials.into() }
    }

    pub fn sign(&self, signing: &Signing<'_>) -> Option<Vec<(String, String)>> {
        let mut settings = SigningSettings::default();
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        // S3 takes paths as they are written; the others encode them once more.
        if self.service == "s3" {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        }
        let millis = u64::try_from(signing.now.as_millis()).ok()?;
        let params = v4::SigningParams::builder()
            .identity(&self.identity)
            .region(&self.region)
            .name(&self.service)
            .time(SystemTime::UNIX_EPOCH + Duration::from_millis(millis))
            .settings(settings)
            .build()
            .ok()?;
        let body = SignableBody::Bytes(signing.body);
        let request = SignableRequest::new(signing.method, signing.url, std::iter::empty(), body).ok()?;
        let (instructions, _) = sign(request, &SigningParams::V4(params)).ok()?.into_parts();
        let (headers, _) = instructions.into_parts();
        Some(headers.iter().map(|one| (one.name().to_owned(), one.value().to_owned())).collect())
    }
}

/// The identity holds the secret.
impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws")
            .field("region", &self.region)
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    #[test]
    fn a_signature_is_the_documented_one() {
        // "Example: PUT Object" of https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html signs headers
        // that the hub does not send; this is its "GET Bucket Lifecycle" with the same account and moment.
        let aws =
            Aws::new("us-east-1", "s3", "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
        let signing = Signing {
            id: "",
            method: "GET",
            url: "https://examplebucket.s3.amazonaws.com/?lifecycle",
            body: b"",
            now: Timestamp::from_millis(1_369_353_600_000),
        };
        let mut headers = aws.sign(&signing).unwrap();
        headers.sort();
        assert_eq!(headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), Aws::HEADERS);
        assert_eq!(headers[2].1, "20130524T000000Z");
        let signature = "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543";
        assert!(headers[0].1.ends_with(signature), "{}", headers[0].1);
        assert!(!format!("{aws:?}").contains("wJalr"));
    }
}
