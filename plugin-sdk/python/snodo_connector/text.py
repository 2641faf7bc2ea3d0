"""Texts that many vendors need. None for what cannot be read as such. Pure text in, canonical text out."""

import re

DIGITS_MAX = 30
"""More digits than any currency has; what is longer is no amount."""

# The characters of Unicode's White_Space and of its category Cc: `str.strip` and `\s` take others besides.
_WHITE = "\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_EDGES = re.compile(f"\\A[{_WHITE}]+|[{_WHITE}]+\\Z")
_NOT_IN_ADDRESS = re.compile(f"[{_WHITE}\0-\x1f\x7f-\x9f,;<>()]")
_DECIMAL = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(-?)")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")


def trim(text: str) -> str:
    return _EDGES.sub("", text)


def decimal(text: str | int | float) -> str | None:
    """A decimal number as the schemas want it, `-?digits(.digits)?`, with its own scale: "+3" is "3", ".5" "0.5", "4.20-" "-4.20"."""
    found = _DECIMAL.fullmatch(trim(str(text)))
    if found is None or (found[1] and found[4]):
        return None
    whole, fraction = found[2], found[3] or ""
    if not 0 < len(whole) + len(fraction) <= DIGITS_MAX:
        return None
    below = "-" in (found[1], found[4]) and (whole + fraction).strip("0") != ""
    return f"{'-' if below else ''}{whole or '0'}{'.' if fraction else ''}{fraction}"


def email(text: str) -> str | None:
    """An address in lower case: a local part, one `@`, and a domain with a dot (RFC 5321), no more is checked."""
    address = trim(text).lower()
    local, at, domain = address.partition("@")
    sound = at and local and "@" not in domain and "." in domain and all(domain.split("."))
    return address if sound and not _NOT_IN_ADDRESS.search(address) else None


def phone(text: str) -> str | None:
    """A number in E.164. It must have its country code: without one nobody can tell whose it is."""
    number = trim(trim(text).removeprefix("tel:")).replace("(0)", "", 1)
    digits = re.sub(r"[ \-.()/]", "", number)
    return digits if _PHONE.fullmatch(digits) else None
