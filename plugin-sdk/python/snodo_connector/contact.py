"""Addresses and numbers that a customer can be reached by, in the form in which two systems' spellings of one are equal."""

import re

from .text import WHITE, trim

# White_Space, and the characters of category Cc.
_NOT_IN_ADDRESS = re.compile(f"[{WHITE}\0-\x1f\x7f-\x9f,;<>()]")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")

_KEEPS_ZERO = ("39", "378", "225", "229", "242")
"""Italy with the Vatican, San Marino, Ivory Coast, Benin, Congo: national numbers keep their leading zero abroad."""


def email(text: str) -> str | None:
    """An address in lower case: a local part, one `@`, and a domain with a dot (RFC 5321), no more is checked."""
    address = trim(text).lower()
    local, at, domain = address.partition("@")
    sound = at and local and "@" not in domain and "." in domain and all(domain.split("."))
    return address if sound and not _NOT_IN_ADDRESS.search(address) else None


def phone(text: str) -> str | None:
    """A number in E.164. It must have its country code: without one nobody can tell whose it is."""
    return _e164(_plain(text))


def phone_in(text: str, calling_code: str) -> str | None:
    """The same for numbers that may be written as their own country dials them: `calling_code` is that country's, such as "39"."""
    number, code = _plain(text), trim(calling_code).lstrip("+")
    if number.startswith("+"):
        return _e164(number)
    if number.startswith("00"):
        dials_00 = code.startswith(("3", "4")) and code != "375"
        return _e164(f"+{number[2:]}") if dials_00 else None
    national = number if code in _KEEPS_ZERO else number.removeprefix("0")
    return _e164(f"+{code}{national}") if code and national else None


def _plain(text: str) -> str:
    """Without what makes a number readable. "(0)" is dialled at home only."""
    number = trim(trim(text).removeprefix("tel:")).replace("(0)", "", 1)
    return re.sub(r"[ \-.()/]", "", number)


def _e164(number: str) -> str | None:
    return number if _E164.fullmatch(number) else None
