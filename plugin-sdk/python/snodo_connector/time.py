"""Moments as RFC 3339, read from what vendors write. The zone that was sent is kept. Nothing here knows zones by name."""

import re
from dataclasses import dataclass

from .text import trim, words

_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]+))?)?([^0-9.,:].*)?", re.DOTALL
)
_OFFSET = re.compile(r"([+-])([0-9]{2})(?::?([0-9]{2}))?")
_NUMBER = re.compile(r"(-?)([0-9]{1,15})(?:\.([0-9]+))?")
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")

_FRACTION_MAX = 9
"""RFC 3339 has no more than nanoseconds that anybody reads."""

_SECOND = 1_000_000_000
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

_ZONES = {
    "UT": "Z",
    "EST": "-05:00",
    "EDT": "-04:00",
    "CST": "-06:00",
    "CDT": "-05:00",
    "MST": "-07:00",
    "MDT": "-06:00",
    "PST": "-08:00",
    "PDT": "-07:00",
    "-0000": "Z",
}
"""Zones that have had letters since RFC 822."""


def rfc3339(text: str) -> str | None:
    """A moment with its offset, also with a blank for the `T`, without seconds, and with `+0100`, `+01`, `UTC` or `GMT`."""
    moment = _read(text)
    return moment.text() if moment else None


def local(text: str, offset_else: str) -> str | None:
    """The same for times that may lack their offset: those have the one given, `Z` or `+01:00`."""
    moment = _read(text, offset_else)
    return moment.text() if moment else None


def day(text: str) -> str | None:
    """A day, `2026-03-01`, from a day or a moment: as it was called where it was."""
    trimmed = trim(text)
    date, rest = trimmed[:10], trimmed[10:]
    plain = rest == "" or rest[0] in "Tt " or offset(rest) is not None
    return date if _is_date(date) and plain else None


def offset(text: str) -> str | None:
    """`Z` or `+01:00`, from those, `z`, `UTC`, `GMT`, `+0100` and `+01`."""
    if not isinstance(text, str):
        return None
    if text.upper() in ("Z", "UTC", "GMT"):
        return "Z"
    found = _OFFSET.fullmatch(text)
    if not found:
        return None
    sign, hours, minutes = found[1], found[2], found[3] or "00"
    return f"{sign}{hours}:{minutes}" if hours <= "23" and minutes <= "59" else None


def rfc2822(text: str) -> str | None:
    """A date of mail or HTTP, `Sun, 1 Mar 2026 09:30:00 +0100`, as RFC 3339 (RFC 5322 with its section 4.3)."""
    trimmed = trim(text)
    _, comma, date = trimmed.partition(",")
    parts = words((date if comma else trimmed).partition("(")[0])
    if len(parts) != 5:
        return None
    day, name, year, clock, zone = parts
    if name.lower() not in _MONTHS or not re.fullmatch(r"[0-9]{2}|[0-9]{4}", year):
        return None
    whole = year if len(year) == 4 else f"{'20' if year < '50' else '19'}{year}"
    month = _MONTHS.index(name.lower()) + 1
    return rfc3339(f"{whole}-{month:02}-{day:0>2}T{clock}{_ZONES.get(zone.upper(), zone)}")


def from_epoch_seconds(seconds: int | float | str) -> str | None:
    """A moment in UTC, from seconds since 1970, a number or text; with their fraction, if they have one."""
    return _utc(_nanos(seconds, _SECOND))


def from_epoch_millis(millis: int | float | str) -> str | None:
    """The same from milliseconds."""
    return _utc(_nanos(millis, 1_000_000))


def from_now(now: int, plus_ms: int) -> str | None:
    """A moment in UTC, so many milliseconds after `ctx.now`, or before it if they are negative."""
    return _utc((now + int(plus_ms)) * 1_000_000)


def epoch_millis(text: str) -> int | None:
    """Milliseconds since 1970, from what `rfc3339` reads. What is finer is cut off."""
    moment = _read(text)
    return moment.epoch(3) if moment else None


def epoch_micros(text: str) -> int | None:
    """Microseconds since 1970."""
    moment = _read(text)
    return moment.epoch(6) if moment else None


@dataclass
class _Moment:
    date: str
    clock: str
    seconds: str
    fraction: str
    offset: str

    def text(self) -> str:
        fraction = f".{self.fraction}" if self.fraction else ""
        return f"{self.date}T{self.clock}:{self.seconds}{fraction}{self.offset}"

    def epoch(self, places: int) -> int:
        ahead = 0 if self.offset == "Z" else int(f"{self.offset[0]}1") * _minutes(self.offset[1:])
        year, month, day = (int(part) for part in self.date.split("-"))
        seconds = _days(year, month, day) * 86_400 + (_minutes(self.clock) - ahead) * 60 + int(self.seconds)
        return int(seconds * 10**places + int(self.fraction[:places].ljust(places, "0")))


def _read(text: str, offset_else: str | None = None) -> _Moment | None:
    found = _MOMENT.fullmatch(trim(text))
    if not found or not _is_date(found[1]):
        return None
    clock, seconds = found[2], found[3] or "00"
    if clock[:2] > "23" or clock[3:] > "59" or seconds > "59":
        return None
    zone = offset(trim(found[5] or "") or offset_else or "")
    return _Moment(found[1], clock, seconds, (found[4] or "")[:_FRACTION_MAX], zone) if zone else None


def _minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def _nanos(number: int | float | str, unit: int) -> int | None:
    """A decimal number of units, in nanoseconds. More than 15 digits before the point are no time that anybody means."""
    found = _NUMBER.fullmatch(trim(number) if isinstance(number, str) else str(number))
    if not found:
        return None
    fraction = (found[3] or "0")[:_FRACTION_MAX]
    nanos = int(found[2]) * unit + int(fraction) * unit // int(10 ** len(fraction))
    return -nanos if found[1] else nanos


def _utc(nanos: int | None) -> str | None:
    """With as few digits of a second as hold it: none, three, six or nine. None outside of the years 1 to 9999."""
    if nanos is None:
        return None
    seconds, rest = divmod(nanos, _SECOND)
    since, of_day = divmod(seconds, 86_400)
    year, month, day = _civil(since)
    if not 1 <= year <= 9999:
        return None
    digits = re.sub(r"(000)+\Z", "", f"{rest:09}")
    clock = f"{of_day // 3600:02}:{of_day // 60 % 60:02}:{of_day % 60:02}"
    return f"{year:04}-{month:02}-{day:02}T{clock}{f'.{digits}' if digits else ''}Z"


# The Gregorian calendar. Years begin in March here, so that a leap day comes last.


def _is_date(text: str) -> bool:
    found = _DATE.fullmatch(text)
    if not found:
        return False
    year, month, day = (int(part) for part in found.groups())
    length = _days(year + month // 12, month % 12 + 1, 1) - _days(year, month, 1)
    return year > 0 and 1 <= month <= 12 and 1 <= day <= length


def _days(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 to that day."""
    year, month = (year, month - 3) if month > 2 else (year - 1, month + 9)
    return year * 365 + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day - 1 - 719_468


def _civil(since: int) -> tuple[int, int, int]:
    """The year, month and day that comes so many days after 1970-01-01."""
    era, of_era = divmod(since + 719_468, 146_097)
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153
    day = of_year - (153 * month + 2) // 5 + 1
    late = month >= 10
    return year + era * 400 + late, month - 9 if late else month + 3, day
