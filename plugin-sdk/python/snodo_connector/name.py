"""Parts of a person's name, by a convention that the caller knows to hold.

Which word of a name is what cannot be told from the name: where the vendor says nothing, keep the whole as `name`.
"""

from typing import Iterable, NotRequired, TypedDict

from .text import words

_SALUTATIONS = frozenset(
    "dhr dipl-ing dott dott.ssa dr dra frau herr madame mevr miss mlle mme monsieur mr mrs ms mx prof prof.ssa señor señora sig "
    "sig.na sig.ra signor signora sir sr sra srta".split()
)
"""Words before a name that are none of it, without their full stop. "M" and "Don" are not among them: some are called so."""


class Name(TypedDict):
    """As the schemas name the parts of a person."""

    salutation: NotRequired[str]
    given_name: str
    family_name: str


def family_comma_given(text: str) -> Name | None:
    """\"Rossi, Anna": what stands before the comma is the family's. None without exactly one comma and something on both sides."""
    if not isinstance(text, str) or text.count(",") != 1:
        return None
    family, given = text.split(",")
    before, own = _parted(family)
    after, first = _parted(given)
    return _named(before + after, first, own)


def last_word_is_family(text: str) -> Name | None:
    """\"Anna Maria Rossi": the last word is the family's, all before it is given. None for a single word, and with a comma."""
    salutation, own = _parted(text)
    return None if "," in "".join(own) else _named(salutation, own[:-1], own[-1:])


def join(parts: Iterable[str]) -> str | None:
    """The parts that say something, with a blank between them."""
    return " ".join(word for part in parts for word in words(part)) or None


def _parted(text: str) -> tuple[list[str], list[str]]:
    """The salutation's words, and the rest."""
    found = words(text)
    at = next((at for at, word in enumerate(found) if not _is_salutation(word)), len(found))
    return found[:at], found[at:]


def _is_salutation(word: str) -> bool:
    return word.lower().removesuffix(".") in _SALUTATIONS


def _named(salutation: list[str], given: list[str], family: list[str]) -> Name | None:
    if not given or not family:
        return None
    name: Name = {"given_name": " ".join(given), "family_name": " ".join(family)}
    return {"salutation": " ".join(salutation), **name} if salutation else name
