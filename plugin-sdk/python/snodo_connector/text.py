"""Text as such: without its white edges, not empty, not too long; and the steps of a JSON Pointer."""

import re
from typing import Iterable

# The characters of Unicode's White_Space: `str.strip` and `\s` take others besides.
WHITE = "\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_EDGES = re.compile(f"\\A[{WHITE}]+|[{WHITE}]+\\Z")
_BETWEEN = re.compile(f"[{WHITE}]+")


def trim(text: str) -> str:
    """Without what Unicode calls White_Space at both ends. What is no text is empty: vendors send what they will."""
    return _EDGES.sub("", text) if isinstance(text, str) else ""


def filled(text: str) -> str | None:
    """The trimmed text, or None if nothing is left."""
    return trim(text) or None


def truncate(text: str, bytes_max: int) -> str:
    """As much of the text as fits into so many bytes of UTF-8, without half a character at its end."""
    return text.encode("utf-8")[:bytes_max].decode("utf-8", "ignore")


def pointer(steps: Iterable[str | int]) -> str:
    """A JSON Pointer (RFC 6901) from its steps, which it escapes: for a fault's `at`."""
    return "".join(f"/{pointer_step(step)}" for step in steps)


def pointer_step(step: str | int) -> str:
    """One step of a JSON Pointer: `~` is `~0` there, and `/` is `~1`."""
    return str(step).replace("~", "~0").replace("/", "~1")


def words(text: str) -> list[str]:
    """The words of a text, by White_Space."""
    trimmed = trim(text)
    return _BETWEEN.split(trimmed) if trimmed else []
