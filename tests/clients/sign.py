"""Signs and verifies with the vendors' own libraries, and prints JSON. Arguments: what is to be done, and then
sign: the vendor, the secret, the address, the time in seconds, the body. Prints the query and the headers of the request.
verify: the vendor, the secret, the address, the headers as JSON, the body. Prints whether the library believes it."""

import base64
import hashlib
import hmac
import json
import sys
from datetime import datetime, timezone
from urllib.parse import parse_qsl

from slack_sdk.signature import SignatureVerifier
from square.utils.webhooks_helper import verify_signature
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from twilio.request_validator import SIGNATURE_HEADER, RequestValidator


def sign(vendor, secret, url, seconds, body):
    query, headers = "", {"content-type": "application/json"}
    if vendor == "standard-webhooks":
        time = datetime.fromtimestamp(int(seconds), tz=timezone.utc)
        signature = Webhook(secret).sign(msg_id="msg_1", timestamp=time, data=body)
        headers |= {"webhook-id": "msg_1", "webhook-timestamp": seconds, "webhook-signature": signature}
    elif vendor == "slack":
        signature = SignatureVerifier(secret).generate_signature(timestamp=seconds, body=body)
        headers |= {"x-slack-request-timestamp": seconds, "x-slack-signature": signature}
    elif vendor == "twilio-form":
        headers["content-type"] = "application/x-www-form-urlencoded; charset=utf-8"
        headers[SIGNATURE_HEADER] = RequestValidator(secret).compute_signature(url, dict(parse_qsl(body)))
    elif vendor == "twilio-json":
        validator = RequestValidator(secret)
        query = "?foo=a%20b&bodySHA256=" + validator.compute_hash(body)
        headers[SIGNATURE_HEADER] = validator.compute_signature(url + query, {})
    elif vendor == "square":
        # Square's library only verifies. So this is after https://developer.squareup.com/docs/webhooks/step3validate, and the
        # test asks the library what it says to each request.
        mac = hmac.new(secret.encode(), (url + body).encode(), hashlib.sha256)
        headers["x-square-hmacsha256-signature"] = base64.b64encode(mac.digest()).decode()
    else:
        raise ValueError(vendor)
    return {"query": query, "headers": headers}


def verify(vendor, secret, url, headers, body):
    headers = json.loads(headers)
    if vendor == "standard-webhooks":
        try:
            Webhook(secret).verify(body, headers)
            return True
        except WebhookVerificationError:
            return False
    if vendor == "slack":
        return SignatureVerifier(secret).is_valid_request(body, headers)
    if vendor == "square":
        return verify_signature(
            request_body=body,
            signature_header=headers.get("x-square-hmacsha256-signature", ""),
            signature_key=secret,
            notification_url=url,
        )
    raise ValueError(vendor)


print(json.dumps({"sign": sign, "verify": verify}[sys.argv[1]](*sys.argv[2:])))
