"""Text read as a date or a time stamp of the data space (ISO 8601, XML Schema).

A time without an offset is a local time of the feed's zone: one that the clocks left out is a
mistake, one that they showed twice is taken as the first of both, with a warning. Rows of one
file share days and minutes, so both halves of a time stamp are remembered apart; only a day on
which the clocks change is worked out anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from connector.aspect.mapping.definition import Date, Number
from connector.aspect.mapping.formats import DAY_DIRECTIVES, DIRECTIVES, EPOCHS, DateFormat
from connector.aspect.mapping.numbers import Doubtful, decimal_reader
from connector.aspect.mapping.words import Convert, shortened, text_of
from connector.errors import DataError

KEPT_TEXTS_MAX = 4096

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_CHARACTERS = 10
_MONTHS: Mapping[str, int] = {
    name: number
    for names in (
        ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"],
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sept", "oct", "nov", "dec"],
    )
    for number, name in enumerate(names, 1)
}
# Two digits mean 1969 to 2068, as POSIX reads them.
_CENTURY_TURNS_AT = 69


class Moment(NamedTuple):
    """What a text says: a day, perhaps a time of day, perhaps an offset from UTC."""

    day: date
    clock: time | None = None
    zone: tzinfo | None = None


def date_reader(wanted: Date, zone: str) -> Convert:
    """Return the function that reads a cell as the mapping says, to ISO 8601 text.

    It raises `DataError` for what is not in the format, is no day of the calendar or no time
    of the zone, and returns `Doubtful` for a local time that came twice.
    """
    parse = _parser(wanted.format)
    local = ZoneInfo(zone) if zone else None

    @lru_cache(KEPT_TEXTS_MAX)
    def whole(text: str) -> object:
        moment = parse(text.strip())
        if not wanted.with_time:
            return moment.day.isoformat()
        if moment.clock is None and wanted.at:
            moment = moment._replace(clock=time.fromisoformat(wanted.at))
        return _stamp(moment, local, text)

    if wanted.format.text in EPOCHS:
        return lambda cell: whole(str(cell))
    split = _split(wanted.format) if wanted.with_time else None
    if split is None or local is None:
        return lambda cell: whole(text_of(cell))
    return _halves(split, local, whole)


class _Halves(NamedTuple):
    day: DateFormat
    between: str
    clock: DateFormat


def _halves(split: _Halves, local: tzinfo, whole: Callable[[str], object]) -> Convert:
    parse_day, parse_clock = _parser(split.day), _clock_parser(split.clock)
    between = split.between

    @lru_cache(KEPT_TEXTS_MAX)
    def day_text(text: str) -> tuple[str, str]:
        day = parse_day(text).day
        return day.isoformat(), _offset_all_day(day, local)

    @lru_cache(KEPT_TEXTS_MAX)
    def clock_text(text: str) -> str:
        return f"T{parse_clock(text).isoformat()}"

    def read(cell: object) -> object:
        text = text_of(cell)
        left, _, right = text.partition(between)
        try:
            day, offset = day_text(left)
            clock = clock_text(right)
        except DataError:
            return whole(text)
        return f"{day}{clock}{offset}" if offset else whole(text)

    return read


def _split(format_: DateFormat) -> _Halves | None:
    """Return both halves of a format that says the day, something between, then the time."""
    pieces = format_.pieces
    days = [i for i, piece in enumerate(pieces) if piece in DAY_DIRECTIVES]
    if not days or not format_.has_time or format_.has_zone:
        return None
    cut = max(days) + 1
    left, between, right = pieces[:cut], "".join(pieces[cut : cut + 1]), pieces[cut + 1 :]
    in_order = not {"%H", "%I"} & {*left}
    if not in_order or not right or between in DIRECTIVES or any(between in p for p in left):
        return None
    return _Halves(
        DateFormat("".join(left), left), between, DateFormat("".join(right), tuple(right))
    )


def _parser(format_: DateFormat) -> Callable[[str], Moment]:
    if format_.text in EPOCHS:
        return _epoch_parser(EPOCHS[format_.text])
    if format_.is_named:
        return _parse_iso
    matched = _matcher(format_)

    def parse(text: str) -> Moment:
        found = matched(text)
        try:
            day = date(_year(found), _month(found), int(found["day"]))
            clock = _clock(found) if format_.has_time else None
            return Moment(day, clock, _zone(found.get("offset")))
        except (ValueError, KeyError) as error:
            raise DataError("aspect:cell_date_impossible", value=shortened(text)) from error

    return parse


def _clock_parser(format_: DateFormat) -> Callable[[str], time]:
    matched = _matcher(format_)

    def parse(text: str) -> time:
        try:
            return _clock(matched(text))
        except ValueError as error:
            raise DataError("aspect:cell_date_impossible", value=shortened(text)) from error

    return parse


def _matcher(format_: DateFormat) -> Callable[[str], dict[str, str]]:
    pattern: re.Pattern[str] = format_.pattern

    def matched(text: str) -> dict[str, str]:
        found = pattern.fullmatch(text)
        if found is None:
            raise DataError("aspect:cell_not_date", value=shortened(text), format=format_.text)
        return found.groupdict()

    return matched


def _year(found: Mapping[str, str]) -> int:
    if "year" in found:
        return int(found["year"])
    short = int(found["short_year"])
    return short + (1900 if short >= _CENTURY_TURNS_AT else 2000)


def _month(found: Mapping[str, str]) -> int:
    if "month" in found:
        return int(found["month"])
    return _MONTHS[found["name"].lower().rstrip(".")]


def _clock(found: Mapping[str, str]) -> time:
    micro = int(found.get("fraction", "0")[:6].ljust(6, "0"))
    return time(_hour(found), int(found.get("minute", 0)), int(found.get("second", 0)), micro)


def _hour(found: Mapping[str, str]) -> int:
    if "hour" in found:
        return int(found["hour"])
    hour = int(found["half_hour"])
    if not 1 <= hour <= 12:  # noqa: PLR2004 - the face of a clock
        raise ValueError(hour)
    afternoon = found.get("half", "a").lower().startswith("p")
    return hour % 12 + (12 if afternoon else 0)


def _zone(offset: str | None) -> tzinfo | None:
    if offset is None or offset == "Z":
        return UTC if offset else None
    hours, minutes = int(offset[1:3]), int(offset[-2:])
    ahead = timedelta(hours=hours, minutes=minutes)
    return timezone(-ahead if offset.startswith("-") else ahead)


def _parse_iso(text: str) -> Moment:
    try:
        if len(text) <= _DAY_CHARACTERS:
            return Moment(date.fromisoformat(text))
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise DataError("aspect:cell_not_date", value=shortened(text), format="iso") from error
    return Moment(moment.date(), moment.time(), moment.tzinfo)


def _epoch_parser(per_second: int) -> Callable[[str], Moment]:
    as_decimal = decimal_reader(Number("."))

    def parse(text: str) -> Moment:
        microseconds = int(as_decimal(text) * 1_000_000 / per_second)
        try:
            moment = _EPOCH + timedelta(microseconds=microseconds)
        except OverflowError as error:
            raise DataError("aspect:cell_date_impossible", value=shortened(text)) from error
        return Moment(moment.date(), moment.time(), UTC)

    return parse


def _stamp(moment: Moment, local: tzinfo | None, text: str) -> object:
    if moment.clock is None:
        raise DataError("aspect:cell_time_absent", value=shortened(text))
    there = moment.zone or local
    if there is None:
        raise DataError("aspect:cell_zone_absent", value=shortened(text))
    first = datetime.combine(moment.day, moment.clock, there)
    if moment.zone is None and first.replace(fold=1).utcoffset() != first.utcoffset():
        return _doubtful(first, text)
    return _written(first)


def _doubtful(first: datetime, text: str) -> Doubtful:
    params: dict[str, object] = {"value": shortened(text), "zone": str(first.tzinfo)}
    back = first.astimezone(UTC).astimezone(first.tzinfo)
    if back.replace(tzinfo=None) != first.replace(tzinfo=None):
        raise DataError("aspect:cell_time_skipped", **params)
    return Doubtful(_written(first), "aspect:cell_time_twice", params)


def _written(moment: datetime) -> str:
    return f"{moment.date().isoformat()}T{moment.time().isoformat()}{_offset(moment)}"


def _offset(moment: datetime) -> str:
    minutes = round((moment.utcoffset() or timedelta()).total_seconds() / 60)
    if not minutes:
        return "Z"
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _offset_all_day(day: date, local: tzinfo) -> str:
    """Return the offset of a day, or nothing where the clocks change on it."""
    ends = (datetime.combine(day, clock, local) for clock in (time.min, time.max))
    offsets = {_offset(end.replace(fold=fold)) for end in ends for fold in (0, 1)}
    return offsets.pop() if len(offsets) == 1 else ""
