"""Amounts without loss: decimal text in its own scale, and the currency it is in. Never a floating-point number."""

import re
from typing import TypedDict

from .text import trim

DIGITS_MAX = 30
"""More digits than any currency has; what is longer is no amount."""

_DECIMAL = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(-?)")
_COMMA = re.compile("([+-]?)([0-9]*|[0-9]{1,3}(?:[. \xa0\u202f'’][0-9]{3})+)(?:,([0-9]*))?(-?)")

# ISO 4217, list one: digits that are not two, and what has no minor unit.
_DIGITS = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
}
_WITHOUT = frozenset("XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX".split())


class Money(TypedDict):
    """Money as the schemas want it. Made by `money()` and `money_from_minor()`."""

    amount: str
    currency: str


def money(amount: str | int | float, currency_code: str) -> Money | None:
    """None if the amount or the currency cannot be read as such."""
    return _money(decimal(amount), currency(currency_code))


def money_from_minor(units: str | int, currency_code: str) -> Money | None:
    """From cents, pence, fils: with as many digits as ISO 4217 gives the currency."""
    digits = minor_digits(currency_code)
    return None if digits is None else _money(from_minor(units, digits), currency(currency_code))


def decimal(number: str | int | float) -> str | None:
    """A decimal number as the schemas want it, `-?digits(.digits)?`, with its own scale: "+3" is "3", ".5" "0.5", "4.20-" "-4.20"."""
    found = _DECIMAL.fullmatch(_text(number))
    return _read(found[1], found[2], found[3], found[4]) if found else None


def decimal_comma(number: str) -> str | None:
    """The same where the channel knows that a comma stands before the fraction: "1.234,56" is "1234.56"."""
    found = _COMMA.fullmatch(_text(number))
    return _read(found[1], re.sub("[^0-9]", "", found[2]), found[3], found[4]) if found else None


def from_minor(units: str | int, digits: int) -> str | None:
    """Whole units of the last of so many digits, as a decimal number: `from_minor(1050, 2)` is "10.50"."""
    read = decimal(units)
    if read is None or "." in read or digits > DIGITS_MAX:
        return None
    padded = read.removeprefix("-").rjust(digits + 1, "0")
    point = len(padded) - digits
    return _read("-" if read[0] == "-" else "", padded[:point], padded[point:], "")


def currency(text: str) -> str | None:
    """An ISO 4217 code by its form: three letters, in capitals."""
    code = trim(text)
    return code.upper() if re.fullmatch("[A-Za-z]{3}", code) else None


def minor_digits(text: str) -> int | None:
    """How many digits of a currency stand behind the point, by ISO 4217. None for metals and the like."""
    code = currency(text)
    return None if code is None or code in _WITHOUT else _DIGITS.get(code, 2)


def add(left: str, right: str) -> str | None:
    """The exact sum, in the finer scale of the two."""
    one, other = _units(left), _units(right)
    if one is None or other is None:
        return None
    scale = max(one[1], other[1])
    total = sum(int(units * 10 ** (scale - own)) for units, own in (one, other))
    return from_minor(total, scale)


def subtract(left: str, right: str) -> str | None:
    """The exact difference, in the finer scale of the two."""
    less = negative(right)
    return None if less is None else add(left, less)


def negative(number: str) -> str | None:
    """The same number on the other side of zero."""
    read = decimal(number)
    if read is None:
        return None
    return read[1:] if read[0] == "-" else decimal(f"-{read}")


def compare(left: str, right: str) -> int | None:
    """-1, 0 or 1: less, equal or more. "1.0" and "1" are equal."""
    difference = subtract(left, right)
    if difference is None:
        return None
    return -1 if difference[0] == "-" else int(difference.strip("0.") != "")


def _money(amount: str | None, code: str | None) -> Money | None:
    return None if amount is None or code is None else {"amount": amount, "currency": code}


def _text(number: str | int | float) -> str:
    is_number = isinstance(number, (int, float)) and not isinstance(number, bool)
    return str(number) if is_number else trim(number)  # type: ignore[arg-type]


def _read(before: str, whole: str, fraction: str | None, after: str) -> str | None:
    digits = whole + (fraction or "")
    if (before and after) or not 0 < len(digits) <= DIGITS_MAX:
        return None
    minus = "-" if "-" in (before, after) and digits.strip("0") else ""
    return f"{minus}{whole or '0'}{'.' if fraction else ''}{fraction or ''}"


def _units(number: str) -> tuple[int, int] | None:
    """As a whole number of units of the last digit, and how many digits stand behind the point."""
    read = decimal(number)
    return None if read is None else (int(read.replace(".", "")), len(read.partition(".")[2]))
