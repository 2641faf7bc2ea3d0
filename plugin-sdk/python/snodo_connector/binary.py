"""Bytes as text: hexadecimal and Base64."""

import binascii
import re

_BASE64 = re.compile("([A-Za-z0-9+/]*)(={0,2})")
_HEX = re.compile("([0-9A-Fa-f]{2})*")


def from_hex(text: str) -> bytes | None:
    """Two digits of either case for each byte."""
    return bytes.fromhex(text) if isinstance(text, str) and _HEX.fullmatch(text) else None


def to_hex(data: bytes) -> str:
    """In lower case."""
    return bytes(data).hex()


def from_base64(text: str) -> bytes | None:
    """Base64 or Base64url (RFC 4648), with its padding or without any. None for anything else, left-over bits included."""
    found = _BASE64.fullmatch(text.replace("-", "+").replace("_", "/")) if isinstance(text, str) else None
    if not found or len(found[1]) % 4 == 1 or (found[2] and len(text) % 4 != 0):
        return None
    data = binascii.a2b_base64(found[1] + "=" * (-len(found[1]) % 4))
    # Bits that are left over are lost on the way back.
    return data if to_base64(data).rstrip("=") == found[1] else None


def to_base64(data: bytes) -> str:
    """Base64 with its padding."""
    return binascii.b2a_base64(bytes(data), newline=False).decode("ascii")
