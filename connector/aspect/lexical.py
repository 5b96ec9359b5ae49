"""Tell whether a text is a value of its type, where a pattern alone cannot.

The strict profile asks here for days that exist, for bounds of dates, and for digits. Formats
bear the names of JSON Schema (validation, section 7.3) where it has them, else that of their
XSD type.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from fractions import Fraction

_ZONE = r"(?P<zone>Z|[+-](?:0\d|1[0-3]):[0-5]\d|[+-]14:00)"
_CLOCK = r"(?P<hour>[01]\d|2[0-4]):(?P<minute>[0-5]\d):(?P<second>[0-5]\d|60)(?P<part>\.\d+)?"
_MOMENT = re.compile(
    rf"(?P<year>-?\d{{4,9}})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)(?:T{_CLOCK})?)?)?{_ZONE}?"
)
_TIME = re.compile(rf"{_CLOCK}{_ZONE}")
_DURATION = re.compile(
    r"-?P(?:\d+W|(?=[\dT])(?:\d+Y)?(?:\d+M)?(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?)"
)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:(?:[^\s\x00-\x20\x7f<>\"{}|\\^`%]|%[0-9A-Fa-f]{2})+")
_MONTH_DAY = re.compile(rf"--(?P<month>\d\d)-(?P<day>\d\d){_ZONE}?")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_BLANKS = re.compile(r"[ \t\r\n]+")
_LEAP_YEAR = 2000
_MONTHS = 12
_DAY_MINUTES = 24 * 60


def _is_date(text: str) -> bool:
    return _rfc(text) and "T" not in text and instant(text) is not None


def _is_datetime(text: str) -> bool:
    zoned = "T" in text and (text.endswith("Z") or text[-6:-5] in {"+", "-"})
    return zoned and _rfc(text) and "T24:" not in text and instant(text) is not None


def _rfc(text: str) -> bool:
    """Tell whether year, month and day stand there as RFC 3339 wants them: all, four digits."""
    return bool(re.match(r"\d{4}-\d\d-\d\d(T|$)", text)) and text.isascii()


def _is_time(text: str) -> bool:
    found = _TIME.fullmatch(text)
    if found is None or not text.isascii():
        return False
    return found["hour"] != "24" and _clock(found) is not None


def _is_duration(text: str) -> bool:
    return text.isascii() and bool(_DURATION.fullmatch(text))


def _is_uri(text: str) -> bool:
    return bool(_URI.fullmatch(text))


def _is_moment(text: str) -> bool:
    return text.isascii() and instant(text) is not None


def _is_month_day(text: str) -> bool:
    found = _MONTH_DAY.fullmatch(text)
    if found is None or not text.isascii():
        return False
    return _day_exists(_LEAP_YEAR, found["month"], found["day"])


def _is_base64(text: str) -> bool:
    return bool(_BASE64.fullmatch(_BLANKS.sub("", text)))


FORMATS: Mapping[str, Callable[[str], bool]] = {
    "date": _is_date,
    "time": _is_time,
    "date-time": _is_datetime,
    "duration": _is_duration,
    "uri": _is_uri,
    "xsd:dateTime": _is_moment,
    "xsd:gMonthDay": _is_month_day,
    "xsd:base64Binary": _is_base64,
}


def instant(text: str) -> Fraction | None:
    """Return a year, month, day or moment of XSD as seconds on one scale, None if it is none.

    What has no zone is taken as UTC; a day or month stands for its beginning. XSD 1.1 part 2,
    section D.2.1 (the timeline), without its 14 hours of doubt.
    """
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    year, month, day = int(found["year"]), found["month"] or "01", found["day"] or "01"
    if not _day_exists(year, month, day):
        return None
    seconds = _clock(found)
    if seconds is None:
        return None
    return Fraction(_days(year, int(month), int(day)) * 86_400) + seconds - _offset(found["zone"])


def _clock(found: re.Match[str]) -> Fraction | None:
    if found["hour"] is None:
        return Fraction(0)
    minutes = int(found["hour"]) * 60 + int(found["minute"])
    seconds = minutes * 60 + int(found["second"]) + Fraction(f"0{found['part'] or ''}")
    if minutes >= _DAY_MINUTES and seconds > _DAY_MINUTES * 60:
        return None
    # A leap second ends a day of UTC (RFC 3339, section 5.7).
    at_utc = (minutes - _offset(found["zone"]) // 60) % _DAY_MINUTES
    return None if found["second"] == "60" and at_utc != _DAY_MINUTES - 1 else seconds


def _offset(zone: str | None) -> int:
    if zone is None or zone == "Z":
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[4:6])
    return minutes * 60 * (-1 if zone[0] == "-" else 1)


def _day_exists(year: int, month: str, day: str) -> bool:
    # The calendar repeats every 400 years, and Python's begins with the year 1.
    numbered = int(month)
    if not 1 <= numbered <= _MONTHS:
        return False
    return 1 <= int(day) <= monthrange(_LEAP_YEAR + year % 400, numbered)[1]


def _days(year: int, month: int, day: int) -> int:
    """Return the days since 1 March of the year 0, in the Gregorian calendar."""
    shifted = year - (month <= 2)  # noqa: PLR2004 - the leap day ends a year that begins in March
    of_month = (153 * ((month + 9) % 12) + 2) // 5
    return shifted * 365 + shifted // 4 - shifted // 100 + shifted // 400 + of_month + day - 1
