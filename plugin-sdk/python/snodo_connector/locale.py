"""Languages and countries by their codes."""

import re

from .text import trim

_COUNTRIES = frozenset(
    """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC
    CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD
    GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH
    KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW
    MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC
    SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY
    UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW
    """.split()
)
"""ISO 3166-1 alpha-2, as assigned. XK is not: it is what the European Union and most vendors write for Kosovo."""

_WEIGHT = re.compile(r"q\s*=\s*([01])(?:\.([0-9]{0,3}))?", re.IGNORECASE | re.ASCII)


def tag(text: str) -> str | None:
    """A language tag in the case that RFC 5646 (2.1.1) recommends: `en_us` is `en-US`. The form is checked, not the registry."""
    parts = re.split("[-_]", re.split("[.@]", trim(text))[0])
    if not re.fullmatch("[A-Za-z]{2,3}", parts[0]):
        return None
    if not all(re.fullmatch("[A-Za-z0-9]{1,8}", part) for part in parts[1:]) or len(parts[-1]) == 1:
        return None
    # What one letter or digit begins is an extension: `-u-ca-buddhist`, `-x-own`.
    end = next((at for at, part in enumerate(parts) if len(part) == 1), len(parts))
    known, extension = parts[1:end], parts[end:]
    if not _is_known(known):
        return None
    return "-".join([parts[0].lower(), *map(_cased, known), *(part.lower() for part in extension)])


def _cased(part: str) -> str:
    if len(part) == 2:
        return part.upper()
    return part.capitalize() if len(part) == 4 else part.lower()


def _is_known(parts: list[str]) -> bool:
    """Extended languages, a script, a region, variants: each of them may be missing, and they come in this order."""
    left = list(parts)

    def take(pattern: str) -> bool:
        return bool(left and re.fullmatch(pattern, left[0]) and left.pop(0))

    while take("[A-Za-z]{3}"):
        pass
    take("[A-Za-z]{4}")
    take("[A-Za-z]{2}|[0-9]{3}")
    while take("[A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}"):
        pass
    return not left


def accept_language(text: str) -> str | None:
    """The first choice of an `Accept-Language` (RFC 9110, 12.5.4): the highest weight, of equal ones the first. `*` is no language."""
    first, most = None, 0
    for part in trim(text).split(","):
        language, _, rest = part.partition(";")
        found, weight = tag(language), _weight(trim(rest))
        if found and weight > most:
            first, most = found, weight
    return first


def _weight(text: str) -> int:
    """`q=0.8`, in thousandths."""
    if text == "":
        return 1000
    found = _WEIGHT.fullmatch(text)
    weight = int(found[1] + (found[2] or "").ljust(3, "0")) if found else 0
    return weight if weight <= 1000 else 0


def country(text: str) -> str | None:
    """An ISO 3166-1 alpha-2 code that is assigned, in capitals; also `XK`."""
    code = trim(text).upper()
    return code if code in _COUNTRIES else None
