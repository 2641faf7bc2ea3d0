"""Parts of addresses, and bodies of HTML forms.

What comes from an event must be percent-encoded where it stands in a request's target.
"""

import re
from typing import Iterable

_PLAIN = frozenset(b"-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_PLAIN_IN_FORM = _PLAIN - frozenset(b"~") | frozenset(b"*")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")


def segment(text: str | int) -> str | None:
    """One segment of a path, percent-encoded (RFC 3986). None for "", "." and "..": a path has no way to say those."""
    if isinstance(text, bool) or not isinstance(text, (str, int)) or text in ("", ".", ".."):
        return None
    return _encoded(str(text), _PLAIN, "%20")


def form(pairs: Iterable[tuple[str, str]]) -> str:
    """A body of `application/x-www-form-urlencoded`, or a query (URL Standard, 5.2), from pairs."""
    return "&".join(
        f"{_encoded(name, _PLAIN_IN_FORM, '+')}={_encoded(value, _PLAIN_IN_FORM, '+')}" for name, value in pairs
    )


def form_pairs(body: bytes | str) -> list[tuple[str, str]]:
    """The names and values of such a body or query, in their order (URL Standard, 5.1)."""
    told = body.encode("utf-8") if isinstance(body, str) else body
    split = (part.partition(b"=") for part in told.split(b"&") if part)
    return [(_decoded(name), _decoded(value)) for name, _, value in split]


def _encoded(text: str, plain: frozenset[int], blank: str) -> str:
    return "".join(
        chr(byte) if byte in plain else blank if byte == 0x20 else f"%{byte:02X}" for byte in str(text).encode("utf-8")
    )


def _decoded(part: bytes) -> str:
    whole = _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), part.replace(b"+", b" "))
    return whole.decode("utf-8", "replace")
