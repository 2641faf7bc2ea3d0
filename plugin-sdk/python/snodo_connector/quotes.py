"""Keeps the payload out of an exception's words: `KeyError: 'anna@example.com'` quotes what was being read."""

import json
import re
from typing import Any, Iterable, Iterator

TOLD_MAX = 300
"""A sentence, not a payload."""

_QUOTED = re.compile(r"(?<![A-Za-z0-9\x80-\U0010ffff])[\"'`].*[\"'`]", re.DOTALL)

# Shorter words without a digit are left: they are "is", "of" and "the".
_WORD = re.compile(r"[A-Za-z0-9_@.+\x80-\U0010ffff-]{4,}|[A-Za-z_\x80-\U0010ffff]*[0-9][A-Za-z0-9_\x80-\U0010ffff]*")


def without_payload(told: str, payload: Iterable[bytes | str | None]) -> str:
    """What stands in quotes goes, and every word that also stands in a value of the payload."""
    words = {word for part in payload if part for word in _words(part)}
    told = _QUOTED.sub("…", told)
    return _WORD.sub(lambda found: "…" if found[0].lower() in words else found[0], told)[:TOLD_MAX]


def _words(part: bytes | str) -> Iterator[str]:
    text = part if isinstance(part, str) else part.decode("utf-8", "replace")
    try:
        values = " ".join(_values(json.loads(text)))
    except (ValueError, RecursionError):
        # Not JSON: every word of it is a value.
        values = text
    for word in _WORD.findall(values):
        yield word.lower()
        # Also the parts of "anna@example.com", in case only one of them is quoted.
        yield from re.split(r"[@.+-]", word.lower())


def _values(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _values(item)
    else:
        yield str(value)
